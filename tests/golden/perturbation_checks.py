"""golden_p.npz: perturbation sequences, all frames at 32 pixels, two of each motion at 224.

What is off by a level at most comes from HSV and back (brightness), from float32 and truncation (Gaussian blur), and
from one tie in ImageMagick's rounding (motion blur).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tests.golden.ledger import Check, Golden
from trainables.filters import zoom_window
from trainables.perturbations import perturbations
from trainables.perturbations.snow import Snow
from trainables.perturbations.spatter import Spatter

FRAMES_224 = (0, 20)


def exactly(name: str) -> Check:
    """The published frames, bit for bit."""
    return _named(name, lambda ours, golden: np.array_equal(ours, golden))


def nearly(name: str, share: float) -> Check:
    """Off by one level at most, in at most this share of the values of any frame."""

    def near(ours: NDArray[Any], golden: NDArray[Any]) -> bool:
        off = np.abs(ours.astype(np.int64) - golden)
        return off.max() <= 1 and bool((off != 0).reshape(len(off), -1).mean(1).max() <= share)

    return _named(name, near)


def _named(name: str, agree: Callable[[NDArray[Any], NDArray[Any]], bool]) -> Check:
    def check(golden: Golden) -> None:
        assert agree(sequence(name, golden["clean32"], 32), golden["p32"][name])

    check.__name__ = name
    return check


def at_224(name: str) -> Check:
    """Two frames of a rectangular image's centre, bit for bit."""

    def check(golden: Golden) -> None:
        ours = sequence(name, golden["clean256_short"], 224)
        for frame in FRAMES_224:
            np.testing.assert_array_equal(ours[frame], golden["p224"][name][f"frame{frame:02}"])

    check.__name__ = f"{name}_at_224"
    return check


def snow(golden: Golden) -> None:
    """Given the sequence's noise, of which ours is only what its zoom shows."""
    setting, window = Snow.setting(32), zoom_window(32, Snow.setting(32).setting.zoom)
    noise = torch.from_numpy(golden["p32"]["snow/layer"]).float()[None, None, window, window]
    ours = Snow().under(image(golden["clean32"]), setting, noise)
    np.testing.assert_array_equal(ours[0].numpy(), golden["p32"]["snow"])


def spatter(golden: Golden) -> None:
    """Given the sequence's noise."""
    noise = torch.from_numpy(golden["p32"]["spatter/layer"]).float()[None, None]
    ours = Spatter().under(image(golden["clean32"]), Spatter.setting(32), noise)
    np.testing.assert_array_equal(ours[0].numpy(), golden["p32"]["spatter"])


def sequence(name: str, clean: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Our frames [T, C, side, side] of one image."""
    frames = perturbations.get(name)().sequence(image(clean), side, torch.Generator())
    found: NDArray[np.uint8] = frames[0].numpy()
    return found


def image(clean: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(clean)[None]


MOTIONS = ("translate", "rotate", "tilt", "scale", "shear")
CHECKS: tuple[Check, ...] = (
    *map(exactly, (*MOTIONS, "zoom_blur")),
    *map(at_224, MOTIONS),
    nearly("motion_blur", 0.001),
    nearly("brightness", 0.05),
    nearly("gaussian_blur", 0.03),
    snow,
    spatter,
)
