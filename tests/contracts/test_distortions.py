"""Laws of every distortion."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.contracts.pictures import digits, random_images
from trainables.distortions import Distortion, distortions
from trainables.randomness import Key

SHAPES = ((6, 1, 28, 28), (6, 3, 32, 32), (3, 3, 24, 40))
NAMES = distortions.names()
SIDE = 24


def levels(distortion: Distortion) -> list[float]:
    """The practical level and the ends of the range."""
    level = distortion.level
    practical = max(level.practical_at(SIDE), 1) if level.in_pixels else level.practical
    ends = [bound for bound in (level.ge, level.le, level.identity_level) if bound is not None]
    return sorted({practical, *ends})


CASES = [(name, level) for name in NAMES for level in levels(distortions.get(name)())]


def apply(distortion: Distortion, images: Tensor, level: float, draw: int = 0) -> Tensor:
    """`images` under the distortion, with the margin it needs."""
    source = F.pad(images, (distortion.margin(level),) * 4, value=0.5)
    return distortion.apply(source, level, Key(("law", draw)).generator())


@pytest.mark.parametrize(("name", "level"), CASES)
@pytest.mark.parametrize("shape", SHAPES)
def test_images_stay_images(name: str, level: float, shape: tuple[int, int, int, int]) -> None:
    images = random_images(*shape)
    distorted = apply(distortions.get(name)(), images, level)
    assert distorted.shape == images.shape
    assert distorted.dtype == images.dtype
    assert distorted.min() >= 0
    assert distorted.max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_the_identity_level_changes_nothing(name: str) -> None:
    distortion = distortions.get(name)()
    images = random_images(6, 3, 32, 32)
    identities = [level for level in (*levels(distortion), 32, 33) if distortion.level.is_identity(level, 32)]
    assert bool(identities) == (name != "jpeg")
    for level in identities:
        assert torch.equal(apply(distortion, images, level), images)


@pytest.mark.parametrize(("name", "level"), CASES)
def test_the_generator_alone_decides(name: str, level: float) -> None:
    distortion = distortions.get(name)()
    images = random_images(6, 3, 32, 32)
    before = images.clone()
    torch.manual_seed(1)
    first = apply(distortion, images, level)
    state = torch.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(apply(distortion, images, level), first)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(images, before)


@pytest.mark.parametrize(("name", "level"), CASES)
def test_an_image_does_not_depend_on_its_neighbours(name: str, level: float) -> None:
    distortion = distortions.get(name)()
    images, others = random_images(6, 3, 32, 32), random_images(6, 3, 32, 32, seed=9)
    mixed = torch.cat((images[:3], others[3:]))
    assert torch.equal(apply(distortion, mixed, level)[:3], apply(distortion, images, level)[:3])


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"jpeg", "thumbnail"}))
def test_other_draws_give_other_images(name: str) -> None:
    distortion = distortions.get(name)()
    images, level = random_images(6, 3, 32, 32), max(distortion.level.practical, 3)
    assert not torch.equal(apply(distortion, images, level, draw=0), apply(distortion, images, level, draw=1))


@pytest.mark.parametrize("name", NAMES)
def test_harder_levels_change_more(name: str) -> None:
    distortion = distortions.get(name)()
    images = digits().pixels / 255
    ladder = {"jpeg": (90, 50, 10), "thumbnail": (22, 14, 7), "rotation": (5, 15, 30), "random_crop": (1, 2, 4)}
    easy_to_hard = ladder.get(name, (0.05, 0.2, 0.6))
    changes = [(apply(distortion, images, level) - images).abs().mean() for level in easy_to_hard]
    assert changes == sorted(changes)
    assert (distortion.level.harder == "up") == (easy_to_hard[0] < easy_to_hard[-1])


@pytest.mark.parametrize("name", NAMES)
def test_the_practical_level_is_a_level_that_does_something(name: str) -> None:
    level = distortions.get(name).level
    assert level.convert(level.practical) == level.practical
    assert not level.is_identity(level.practical, 224)
    assert level.convert(level.practical_at(28)) == level.practical_at(28)
    assert level.is_identity(level.practical_at(28), 28) == (
        name == "random_crop"
    )  # 3 of 224 px is less than one of 28
    assert distortions.get(name)().margin(level.practical) in (0, level.practical)
