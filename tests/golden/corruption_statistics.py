"""golden_c.json: what random corruptions do on average to four photographs, theirs beside ours.

Differences are counted in standard errors of theirs and ours together.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tests.golden.ledger import Golden
from trainables.corruptions import corruptions
from trainables.randomness import Key

DRAWS = {32: 24, 224: 1}
"""Of every photograph and severity."""
LUMA = torch.tensor((0.299, 0.587, 0.114), dtype=torch.float64)[:, None, None]
SPREAD = {
    "rmse_mean": "rmse_draw_sd", "mean_shift_rgb": "mean_shift_draw_sd", "hf_ratio_mean": "hf_ratio_draw_sd",
}  # fmt: skip
"""Statistic → its standard deviation between draws, of every photograph."""
Statistics = dict[str, Tensor]
"""What → a number for every draw, [..., draws, images]."""


def statistics(clean: Tensor, corrupted: Tensor) -> Statistics:
    """Of bytes [images, 3, S, S] and [draws, images, 3, S, S], as golden_c.json defines them."""
    change = (corrupted.double() - clean.double()) / 255
    return {
        "rmse_mean": change.square().mean((2, 3, 4)).sqrt(),
        "mean_shift_rgb": change.mean((3, 4)).movedim(2, 0),
        "hf_ratio_mean": detail(corrupted) / detail(clean),
    }


def detail(pixels: Tensor) -> Tensor:
    """Mean squared differences of neighbouring pixels' luma in [0, 1], down and across together."""
    luma = (pixels.double() / 255 * LUMA).sum(-3)
    return luma.diff(dim=-2).square().mean((-2, -1)) + luma.diff(dim=-1).square().mean((-2, -1))


def errors(clean: Tensor, name: str, side: int, golden: Golden) -> Iterator[NDArray[np.float64]]:
    """Differences in standard errors, all numbers of one severity at a time."""
    for severity, expected in golden.items():
        repeated = clean.repeat(DRAWS[side], 1, 1, 1)
        generator = Key(("statistics", name, side, severity)).generator()
        corrupted = corruptions.get(name)().apply(repeated, int(severity), generator, side)
        for what, drawn in statistics(clean, corrupted.unflatten(0, (DRAWS[side], len(clean)))).items():
            stem = what.removesuffix("_mean")
            spread = np.array(expected["per_image"][SPREAD[what]])
            own = np.sqrt((spread**2).sum(0) / DRAWS[side]) / len(spread)
            theirs, error = np.array(expected[what]), np.array(expected[f"{stem}_se"])
            yield np.atleast_1d((drawn.mean((-2, -1)).numpy() - theirs) / np.hypot(error, own))


def _read_all(golden: Golden) -> None:
    """What the means over the photographs sum up, number by number: they need no comparison of their own."""
    for severity in golden.values():
        for value in (severity["n_draws"], *severity["per_image"].values()):
            assert value is not None


def differences(golden: Golden, clean: dict[int, Tensor]) -> dict[str, NDArray[np.float64]]:
    """Corruption and side → how far our statistics are from theirs, in standard errors, [5 severities × 5 numbers]."""
    found: dict[str, NDArray[np.float64]] = {}
    for side in DRAWS:
        for name, expected in golden["stats"][f"h{side}"].items():
            _read_all(expected)
            found[f"{name} {side}"] = np.concatenate(list(errors(clean[side], name, side, expected)))
    return found
