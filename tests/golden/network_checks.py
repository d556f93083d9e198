"""The networks of BANG (golden_bang.json)."""

import torch
from torch import nn

from tests.contracts.pictures import network
from tests.golden.ledger import Check, Golden

IMAGES = {"lenet": (1, 28, 28), "cifar10_quick": (3, 32, 32)}


def nets(golden: Golden) -> None:
    assert set(golden["nets"]) == set(IMAGES)
    for name, net in golden["nets"].items():
        model = network(name, IMAGES[name])
        assert sum(weights.numel() for weights in model.parameters()) == net["params"]
        seen = shapes(model, IMAGES[name])
        assert {own: seen[own] for own in net["shapes"]} == dict(net["shapes"])


def shapes(model: nn.Module, images: tuple[int, ...]) -> dict[str, list[int]]:
    """Layer → the shape of what it gives for one image."""
    seen: dict[str, list[int]] = {}
    for name, layer in model.named_children():
        layer.register_forward_hook(lambda _layer, _in, out, name=name: seen.update({name: list(out.shape[1:])}))
    model(torch.zeros(1, *images))
    return seen


CHECKS: tuple[Check, ...] = (nets,)
