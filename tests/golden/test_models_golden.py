"""The networks of BANG (golden_bang.json)."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.contracts.pictures import network

IMAGES = {"lenet": (1, 28, 28), "cifar10_quick": (3, 32, 32)}


@pytest.fixture(scope="module")
def nets(shared: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared / "golden" / "golden_bang.json").read_text())["nets"]
    return found


def test_every_net_is_looked_at(nets: dict[str, Any]) -> None:
    assert set(nets) == set(IMAGES)


@pytest.mark.parametrize("name", IMAGES)
def test_shapes_and_sizes(name: str, nets: dict[str, Any]) -> None:
    model, seen = network(name, IMAGES[name]), {}
    for layer_name, layer in model.named_children():
        layer.register_forward_hook(lambda _layer, _in, out, name=layer_name: seen.update({name: list(out.shape[1:])}))
    model(torch.zeros(1, *IMAGES[name]))
    assert sum(weights.numel() for weights in model.parameters()) == nets[name]["params"]
    assert {name: seen[name] for name in nets[name]["shapes"]} == nets[name]["shapes"]
