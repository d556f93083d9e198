"""The corruptions: the benchmark's own images, and the statistics of those that are random.

golden_c.npz has what is not random, golden_c_draws.npz what is, with its draws; golden_c.json statistics over draws.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tests.golden.ledger import Check, Golden
from trainables.corruptions import SEVERITIES, Corruption, corruptions
from trainables.corruptions.elastic_transform import Draws
from trainables.corruptions.jpeg_compression import JpegCompression

SIDES = (32, 224)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Of our bytes from the benchmark's, over all images of a severity."""

    levels: NDArray[np.int64]

    @property
    def largest(self) -> int:
        return int(np.abs(self.levels).max())

    @property
    def rmse(self) -> float:
        """In levels."""
        return float(np.sqrt(np.mean(self.levels.astype(np.float64) ** 2)))

    def within(self, levels: int) -> float:
        """The share of values that are off by so much at most."""
        return float(np.mean(np.abs(self.levels) <= levels))


def deterministic(golden: Golden, name: str, corruption: Corruption | None = None) -> Iterator[Difference]:
    """Of a corruption that draws nothing: one a side and severity (golden_c.npz)."""
    corruption = corruption or corruptions.get(name)()
    for side in SIDES:
        clean = torch.from_numpy(golden[f"clean{side}"])
        for severity, expected in enumerate(golden[f"h{side}"][name], 1):
            ours = corruption.apply(clean, severity, torch.Generator())
            yield Difference(levels=ours.numpy().astype(np.int64) - expected)


Given = Callable[[Any, Golden], Any]
"""A setting and the recorded draws of one image → what our corruption draws."""


def given_draws(golden: Golden, name: str, given: Given) -> Iterator[Difference]:
    """Of a corruption given the recorded draws: one a side, severity and image (golden_c_draws.npz)."""
    corruption = corruptions.get(name)()
    for side in SIDES:
        for severity, images in golden[str(side)].get(name, {}).items():
            setting = corruption.settings[side][int(severity.removeprefix("s")) - 1]
            for image, case in images.items():
                pixels = torch.from_numpy(golden[f"clean{side}"][int(image.removeprefix("img")), None])
                ours = corruption.corrupt(pixels, setting, given(setting, case))
                yield Difference(levels=ours[0].numpy().astype(np.int64) - case["out"])


def channels_first(draw: NDArray[Any]) -> Tensor:
    """[H, W, C] → [1, C, H, W] in double precision."""
    return torch.from_numpy(draw.astype(np.float64)).movedim(2, 0)[None]


def gaussian_noise(golden: Golden) -> None:
    for found in given_draws(golden, "gaussian_noise", lambda _, case: channels_first(case["draw00"])):
        assert found.largest <= 1
        assert found.within(0) > 0.999


def speckle_noise(golden: Golden) -> None:
    for found in given_draws(golden, "speckle_noise", lambda _, case: channels_first(case["draw00"])):
        assert found.largest <= 1
        assert found.within(0) > 0.999


def impulse_noise(golden: Golden) -> None:
    def words(setting: Any, case: Golden) -> Tensor:
        """The benchmark draws twice: u1 for whether, u2 for which. Ours is one word for both."""
        whether, which = (channels_first(case[draw]) for draw in ("draw00", "draw01"))
        share = torch.where(which <= 0.5, 0.25, 0.75).double() * setting.p
        return (torch.where(whether <= setting.p, share, 1) * (2**16 - 1) - 2**15).to(torch.int16)

    assert [found.largest for found in given_draws(golden, "impulse_noise", words)] == [0] * 2 * SEVERITIES


def brightness(golden: Golden) -> None:
    for found in deterministic(golden, "brightness"):
        assert found.largest <= 1
        assert found.within(0) > 0.96  # the benchmark's way to HSV and back loses a level more


def contrast(golden: Golden) -> None:
    assert {found.largest for found in deterministic(golden, "contrast")} == {0}


def saturate(golden: Golden) -> None:
    for found in deterministic(golden, "saturate"):
        assert found.largest <= 1
        assert found.within(0) > 0.89  # as for brightness; at a factor of 2 most often


def shot_noise(golden: Golden) -> None:
    found = given_draws(golden, "shot_noise", lambda _, case: channels_first(case["draw00"]).int())
    assert [one.largest for one in found] == [0] * 2 * SEVERITIES


def pixelate(golden: Golden) -> None:
    assert {found.largest for found in deterministic(golden, "pixelate")} == {0}


def jpeg_compression(golden: Golden) -> None:
    """libjpeg's are the benchmark's own bytes; those of the codec of other devices too, but for rounding."""
    assert {found.largest for found in deterministic(golden, "jpeg_compression")} == {0}
    for found in deterministic(golden, "jpeg_compression", JpegCompression(codec="torch")):
        assert found.rmse < 0.1
        assert found.within(0) > 0.9995


def elastic_transform(golden: Golden) -> None:
    def draws(_: Any, case: Golden) -> Draws:
        jitter, *field = (torch.from_numpy(case[draw].astype(np.float32)) for draw in ("draw00", "draw01", "draw02"))
        return Draws(jitter=jitter[None], field=torch.stack(field)[None])

    for found in given_draws(golden, "elastic_transform", draws):
        assert found.within(0) >= 0.97


EXACT: tuple[Check, ...] = (brightness, contrast, saturate, pixelate, jpeg_compression)
"""Of golden_c.npz."""
DRAWN: tuple[Check, ...] = (gaussian_noise, shot_noise, speckle_noise, impulse_noise, elastic_transform)
"""Of golden_c_draws.npz."""
