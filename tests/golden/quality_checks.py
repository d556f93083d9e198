"""golden_bang.json: adversarial quality."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.golden.ledger import Check, Golden, close, double
from trainables.line_search import FGS_STEPS, line_search, moved
from trainables.quality.fgs import blank_in_float32, loss_direction
from trainables.quality.hot_cold import hot_cold_direction, hot_cold_weights
from trainables.similarity import ssim


class Affine(nn.Module):
    """z = (pixels / 256) Wᵀ + b + shift, of images in [0, 1] and in either precision."""

    def __init__(self, case: Golden, shift: float) -> None:
        super().__init__()
        self.weight, self.bias = double(case["W"]), double(case["b"]) + shift

    def forward(self, images: Tensor) -> Tensor:
        return F.linear(images.flatten(1).double() * (255 / 256), self.weight, self.bias)


def line_searches(golden: Golden) -> None:
    case = golden["line_search_linear"]
    assert len(case["results"]) == 5
    for result in case["results"]:
        model = Affine(case, result["bias_shift"])
        images = torch.tensor([case["images"][result["image"]]], dtype=torch.uint8)[:, None, None, :]
        labels = torch.tensor([result["label"]])
        logits = model(images / 255.0)
        torch.testing.assert_close(logits, double([result["logits"]]), rtol=1e-5, atol=1e-5)
        fgs = loss_direction(model, images, labels)
        assert fgs.flatten().tolist() == result["loss_grad_sign"]
        found = line_search(model, images, labels, fgs, FGS_STEPS)
        assert found.tolist() == [result["fgs_k"]]
        assert (moved(images, fgs, found) - images).abs().max() == result["fgs_linf"]
        for variant, key in (("literal", "literal"), ("abs", "shift_safe")):
            weights = hot_cold_weights(double([result["logits"]]), labels, variant)
            close(weights[0], result[f"w_hc_{key}"])
            assert weights.masked_fill(F.one_hot(labels, 3).bool(), 0).nonzero()[0, 1] == result["hot"]
            hot_cold_goes_as_far(model, images, labels, variant, result[f"hc1_{key}"])


def hot_cold_goes_as_far(model: nn.Module, images: Tensor, labels: Tensor, variant: Any, expected: Golden) -> None:
    direction = hot_cold_direction(model, images, labels, variant)
    close(direction.flatten(), expected["direction_max_normalised"])
    found = line_search(model, images, labels, direction, tuple(float(k) for k in range(1, 20_001)))
    adversarial = moved(images, direction, found)
    assert [found.item() or None] == [expected["k"]]
    if expected["x_adv"] is None:
        assert expected["linf"] is None
    else:
        assert adversarial.flatten().tolist() == expected["x_adv"]
        assert (adversarial - images).abs().max() == expected["linf"]


def blank_gradients(golden: Golden) -> None:
    cases = golden["fgs_blank_rule_float32"]["cases"]
    assert {case["blank"] for case in cases} == {True, False}
    for case in cases:
        assert blank_in_float32(torch.tensor([case["logits"]]), torch.tensor([case["y"]])).item() == case["blank"]


def similarity(golden: Golden) -> None:
    row, column = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    first = ((7 * row + 13 * column) % 256).double()
    pictures = {
        "A": first, "B": (first + 20 * (2 * ((row + column) % 2) - 1)).clamp(0, 255), "C": 255 - first,
    }  # fmt: skip
    assert len(golden["ssim"]["cases"]) == 9
    for case in golden["ssim"]["cases"]:
        one, other = (pictures[name][None, None] for name in case["pair"])
        close(ssim(one, other, case["mode"])[0], case["ssim"])


CHECKS: tuple[Check, ...] = (
    line_searches,
    blank_gradients,
    similarity,
)
