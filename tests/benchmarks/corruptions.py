"""The corruptions of ImageNet-C beside the package imagecorruptions, severity 3, one thread each, the same images.

Two of its fifteen main ones fail with today's libraries, and one of the extras. For these its unreleased version,
as timed once elsewhere (img/s of one core), scaled by what this machine does of the others.
"""

import importlib
import math
import sys
import time
import types
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from statistics import geometric_mean

import torch
from torch import Tensor

from tests.benchmarks.figures import Figure
from tests.contracts.pictures import random_images
from trainables.corruptions import corruptions
from trainables.randomness import Key

SEVERITY = 3
BATCH = {224: 16, 32: 100}
"""Side → images of a batch of ours; the peer takes them one by one."""
PEER_IMAGES = 4
ROUNDS = 5
WORTH = 5
"""How many times as fast as the peer the fifteen are to be, in the geometric mean."""
LEAST = 0.9
"""How fast, beside the peer, each is to be at least."""
UNRELEASED: Mapping[int, Mapping[str, float]] = {
    224: {
        "gaussian_noise": 242, "shot_noise": 101, "impulse_noise": 332, "defocus_blur": 317, "glass_blur": 68,
        "motion_blur": 181, "zoom_blur": 20, "snow": 163, "frost": 140, "fog": 642, "brightness": 60,
        "contrast": 774, "elastic_transform": 95, "pixelate": 4295, "jpeg_compression": 2541,
        "speckle_noise": 411, "gaussian_blur": 417, "spatter": 232, "saturate": 53,
    },
    32: {
        "gaussian_noise": 10415, "shot_noise": 4398, "impulse_noise": 8542, "defocus_blur": 5615, "glass_blur": 3078,
        "motion_blur": 1367, "zoom_blur": 668, "snow": 1137, "frost": 185, "fog": 3246, "brightness": 2835,
        "contrast": 14937, "elastic_transform": 2622, "pixelate": 31834, "jpeg_compression": 12471,
        "speckle_noise": 13613, "gaussian_blur": 9788, "spatter": 2815, "saturate": 2093,
    },
}  # fmt: skip
"""Images a second of imagecorruptions at c959e65, side by side with hendrycks/robustness on one core of an AMD EPYC."""

Corrupt = Callable[[Tensor], object]


def measure() -> Iterator[Figure]:
    torch.set_num_threads(1)
    for side in BATCH:
        yield from _of_side(side)


def _of_side(side: int) -> Iterator[Figure]:
    batch = random_images(BATCH[side], 3, side, side).mul(255).to(torch.uint8)
    seconds = {name: _pair(name, batch) for name in UNRELEASED[side]}
    speed = _speed({name: peer for name, (_, peer) in seconds.items()}, UNRELEASED[side])
    filled = {
        name: (ours, peer or 1 / (speed * UNRELEASED[side][name]), _peer_name(peer))
        for name, (ours, peer) in seconds.items()
    }
    for name, (ours, peer, called) in filled.items():
        yield _figure(f"{name}, {side} px", ours, peer, called, LEAST)
    main = [found for name, found in filled.items() if not corruptions.get(name).extra]
    assert len(main) == 15
    ours, peer = (geometric_mean(one[place] for one in main) for place in (0, 1))
    yield _figure(f"geometric mean of the 15, {side} px", ours, peer, "imagecorruptions", WORTH)


def _figure(what: str, ours: float, peer: float, peer_name: str, worth: float) -> Figure:
    return Figure(
        what=what, ours=1e6 * ours, unit="µs/image", peer=1e6 * peer, peer_name=peer_name, bound=1e6 * peer / worth
    )


def _peer_name(measured: float | None) -> str:
    return "imagecorruptions" if measured else "its git version, elsewhere, scaled"


def _pair(name: str, batch: Tensor) -> tuple[float, float | None]:
    """Processor seconds an image, ours and the peer's, in turn; the fastest of each. None where the peer fails."""
    generator, corruption = Key(("benchmark", name)).generator(), corruptions.get(name)()
    ours = _timed(lambda: corruption.apply(batch, SEVERITY, generator), len(batch))
    peer = _peer(name, batch[:PEER_IMAGES])
    ours()
    if peer is None:
        return min(ours() for _ in range(ROUNDS)), None
    times = [(ours(), peer()) for _ in range(ROUNDS)]
    return min(one for one, _ in times), min(other for _, other in times)


def _timed(work: Callable[[], object], images: int) -> Callable[[], float]:
    def timed() -> float:
        began = time.process_time()
        work()
        return (time.process_time() - began) / images

    return timed


def _peer(name: str, batch: Tensor) -> Callable[[], float] | None:
    """What times the peer; None where it is not installed, or fails with today's libraries."""
    corrupt = _imagecorruptions()
    if corrupt is None:
        return None
    images = list(batch.movedim(1, 3).contiguous().numpy())

    def work() -> None:
        for image in images:
            corrupt(image, severity=SEVERITY, corruption_name=name)

    try:
        work()
    except (TypeError, AttributeError):  # an argument and a type that its libraries no longer have
        return None
    return _timed(work, len(images))


def _imagecorruptions() -> Callable[..., object] | None:
    """`corrupt` of the package, on one thread. It asks the setuptools of old where its pictures of frost lie."""
    old = types.ModuleType("pkg_resources")
    old.resource_filename = lambda package, name: str(files(package.partition(".")[0]) / name)  # type: ignore[attr-defined]
    sys.modules.setdefault("pkg_resources", old)
    try:
        importlib.import_module("cv2").setNumThreads(1)
        corrupt: Callable[..., object] = importlib.import_module("imagecorruptions").corrupt
    except ModuleNotFoundError:
        return None
    return corrupt


def _speed(measured: Mapping[str, float | None], rates: Mapping[str, float]) -> float:
    """How fast this machine is beside the one of the table: the geometric mean over what was timed on both; else 1."""
    ratios = [1 / (seconds * rates[name]) for name, seconds in measured.items() if seconds]
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else 1.0
