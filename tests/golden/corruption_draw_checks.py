"""Blur and weather: the benchmark's own images, those that are random given its draws.

What is computed in single precision here and in double there falls on the other side of a whole level now and then:
one level then, on few values. Frost is not here: its photographs are not ours to keep.
"""

from typing import Any

import torch
from torch import Tensor

from tests.golden.corruption_checks import deterministic, given_draws
from tests.golden.ledger import Check, Golden
from trainables.corruptions.snow import Fall
from trainables.filters import zoom_window


def gaussian_blur(golden: Golden) -> None:
    for found in deterministic(golden, "gaussian_blur"):
        assert found.largest <= 1
        assert found.within(0) > 0.996  # at 32, sigma 0.4: on flat ground rounding decides


def zoom_blur(golden: Golden) -> None:
    for found in deterministic(golden, "zoom_blur"):
        assert found.largest <= 1
        assert found.within(0) > 0.998


def defocus_blur(golden: Golden) -> None:
    for found in deterministic(golden, "defocus_blur"):
        assert found.largest <= 1
        assert found.within(0) > 0.965  # at 224, severity 1: one mean of 29 bytes in 29 is whole


def glass_blur(golden: Golden) -> None:
    def offsets(setting: Any, case: Golden) -> Tensor:
        """Columns, rows in the order of the passes, the last pixel first."""
        columns, rows = torch.from_numpy(case["dxdy"]).long().T + setting.reach
        side = int((len(rows) / setting.passes) ** 0.5)
        kinds = (rows * 2 * setting.reach + columns).view(1, setting.passes, side, side)
        return kinds.flip(2, 3).to(torch.uint8)

    for found in given_draws(golden, "glass_blur", offsets):
        assert found.largest <= 1
        assert found.within(0) > 0.985  # as gaussian_blur, twice


def motion_blur(golden: Golden) -> None:
    for found in given_draws(golden, "motion_blur", lambda _, case: torch.from_numpy(case["draw00"])):
        assert found.largest <= 1
        assert found.within(0) > 0.999


def snow(golden: Golden) -> None:
    def fall(setting: Any, case: Golden) -> Fall:
        layer = torch.from_numpy(case["draw00"]).float()
        shown = zoom_window(len(layer), setting.zoom)
        return Fall(layer=layer[None, None, shown, shown], degrees=torch.from_numpy(case["draw01"]))

    assert {found.largest for found in given_draws(golden, "snow", fall)} == {0}


def fog(golden: Golden) -> None:
    def displacements(setting: Any, case: Golden) -> Tensor:
        """Of level l the benchmark has three arrays of numbers up to 100 / decayˡ."""
        draws = [case[name] for name in sorted(set(case) - {"out"})]
        parts = [torch.from_numpy(draw).double() / 100 * setting.decay ** (at // 3) for at, draw in enumerate(draws)]
        return torch.cat([part.flatten() for part in parts])[None].float()

    for found in given_draws(golden, "fog", displacements):
        assert found.largest <= 1
        assert found.within(0) > 0.999


def spatter(golden: Golden) -> None:
    for found in given_draws(golden, "spatter", lambda _, case: torch.from_numpy(case["draw00"]).float()[None, None]):
        assert found.largest <= 1
        assert found.within(0) > 0.999


EXACT: tuple[Check, ...] = (gaussian_blur, zoom_blur, defocus_blur)
"""Of golden_c.npz."""
DRAWN: tuple[Check, ...] = (glass_blur, motion_blur, snow, fog, spatter)
"""Of golden_c_draws.npz."""
