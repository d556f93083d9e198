"""Laws of every corruption."""

from functools import cache

import pytest
import torch
from torch import Tensor

from tests.contracts.pictures import random_images
from tests.contracts.waiting import Watched
from trainables.corruptions import SEVERITIES, TABLES, Corruption, corruptions, table_of
from trainables.randomness import Key

MAIN = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
}
EXTRA = {"noise": "speckle_noise", "blur": "gaussian_blur", "weather": "spatter", "digital": "saturate"}
"""As the paper groups them: 15 that count, and one of each group for validation."""
NAMES = corruptions.names()
RANDOM = tuple(name for name in NAMES if corruptions.get(name).draw is not Corruption.draw)
SETTINGS = [(name, table, severity) for name in NAMES for table in TABLES for severity in range(1, SEVERITIES + 1)]
SHAPES = ((3, 3, 32, 32), (3, 1, 28, 28), (2, 3, 24, 40))


@cache
def pictures(*shape: int) -> Tensor:
    return random_images(*shape).mul(255).to(torch.uint8)


def apply(name: str, pixels: Tensor, severity: int = 3, draw: int = 0, table: int | None = None) -> Tensor:
    return corruptions.get(name)().apply(pixels, severity, Key(("law", draw)).generator(), table)


def acts(name: str, pixels: Tensor, severity: int = 3) -> bool:
    """Whether the corruption is meant for such images."""
    corruption = corruptions.get(name)()
    setting = corruption.settings[table_of(max(pixels.shape[2:]))][severity - 1]
    return corruption.reason(pixels.shape[1:], setting) is None


def test_every_corruption_of_the_benchmark_is_here() -> None:
    groups = {name: group for group, names in MAIN.items() for name in names}
    extras = {name: group for group, name in EXTRA.items()}
    assert set(NAMES) == {*groups, *extras}
    for name, found in corruptions.all().items():
        assert found.extra == (name in extras)
        assert found.group == {**groups, **extras}[name]


@pytest.mark.parametrize("name", NAMES)
def test_five_severities_are_published_for_each_size(name: str) -> None:
    settings = corruptions.get(name).settings
    assert tuple(sorted(settings)) == TABLES
    assert [len(settings[table]) for table in TABLES] == [SEVERITIES] * len(TABLES)
    for severities in settings.values():
        assert len({type(setting) for setting in severities}) == 1
        assert len(set(severities)) == SEVERITIES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", SHAPES)
def test_bytes_stay_bytes_of_the_same_shape(name: str, shape: tuple[int, int, int, int]) -> None:
    pixels = pictures(*shape)
    before = pixels.clone()
    if acts(name, pixels):
        corrupted = apply(name, pixels)
        assert corrupted.shape == pixels.shape
        assert corrupted.dtype == torch.uint8
        assert corrupted.device == pixels.device
        assert not torch.equal(corrupted, pixels)
    else:
        with pytest.raises(ValueError, match=rf"{name} cannot act on images of \({shape[1]}, "):
            apply(name, pixels)
    assert torch.equal(pixels, before)


@pytest.mark.parametrize("name", NAMES)
def test_severity_0_is_the_image_itself(name: str) -> None:
    pixels = pictures(3, 3, 32, 32)
    generator = Key(("law",)).generator()
    state = generator.get_state()
    untouched = corruptions.get(name)().apply(pixels, 0, generator)
    assert torch.equal(untouched, pixels)
    assert untouched.data_ptr() != pixels.data_ptr()
    assert torch.equal(generator.get_state(), state)


@pytest.mark.parametrize(("name", "table", "severity"), SETTINGS)
def test_every_setting_changes_an_image_of_its_size(name: str, table: int, severity: int) -> None:
    pixels = pictures(1, 3, table, table)
    assert table_of(table) == table
    changed = apply(name, pixels, severity) != pixels
    assert changed.float().mean() > 0.004  # a hundredth replaced, half of it by what was there
    assert torch.equal(apply(name, pixels, severity, table=table), apply(name, pixels, severity))


@pytest.mark.parametrize("name", NAMES)
def test_the_generator_alone_decides(name: str) -> None:
    pixels = pictures(3, 3, 32, 32)
    torch.manual_seed(1)
    first = apply(name, pixels)
    state = torch.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(apply(name, pixels), first)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(apply(name, pixels, draw=1), first) == (name not in RANDOM)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_does_not_depend_on_its_neighbours(name: str) -> None:
    pixels, others = pictures(6, 3, 32, 32), pictures(6, 3, 32, 32).flip(0)
    mixed = torch.cat((pixels[:3], others[3:]))
    assert torch.equal(apply(name, mixed)[:3], apply(name, pixels)[:3])


@pytest.mark.parametrize("name", RANDOM)
def test_images_of_a_batch_have_draws_of_their_own(name: str) -> None:
    pixels = pictures(1, 3, 32, 32).expand(4, -1, -1, -1)
    corrupted = apply(name, pixels)
    assert len({bytes(one.flatten().tolist()) for one in corrupted}) == 4


@pytest.mark.parametrize("name", sorted({*NAMES} - {*RANDOM}))
@pytest.mark.parametrize("side", [32, 224])
def test_without_draws_a_batch_is_its_images(name: str, side: int) -> None:
    pixels = pictures(3, 3, side, side)
    alone = torch.cat([apply(name, one[None], draw=number) for number, one in enumerate(pixels)])
    assert torch.equal(apply(name, pixels), alone)


@pytest.mark.parametrize("name", NAMES)
def test_how_the_bytes_lie_in_memory_makes_no_difference(name: str) -> None:
    pixels = pictures(3, 3, 32, 32)
    expected = apply(name, pixels)
    assert torch.equal(apply(name, pixels.contiguous(memory_format=torch.channels_last)), expected)
    wide = torch.zeros(3, 3, 32, 64, dtype=torch.uint8)
    wide[..., ::2] = pixels
    assert torch.equal(apply(name, wide[..., ::2]), expected)


@pytest.mark.parametrize("name", sorted({*NAMES} - {*RANDOM} - {"saturate"}))
def test_a_grey_image_is_treated_as_a_colour_image_of_that_grey(name: str) -> None:
    grey = pictures(3, 1, 32, 32)
    in_colour = apply(name, grey.expand(-1, 3, -1, -1))
    assert (apply(name, grey).int() - in_colour.int()).abs().max() <= 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", [1, 2, 7, 12])
def test_a_tiny_image_is_corrupted_or_refused_with_a_reason(name: str, side: int) -> None:
    pixels = pictures(2, 3, side, side)
    for severity in (1, SEVERITIES):
        if acts(name, pixels, severity):
            assert apply(name, pixels, severity).shape == pixels.shape
        else:
            with pytest.raises(ValueError, match=rf"{name} cannot act on images of .*: \w"):
                apply(name, pixels, severity)


@pytest.mark.parametrize("name", NAMES)
def test_a_corruption_never_waits_for_the_device(name: str) -> None:
    pixels = pictures(3, 3, 32, 32)
    apply(name, pixels)
    with Watched() as watched:
        apply(name, pixels)
    assert watched.seen == []


@pytest.mark.parametrize("severity", [-1, 6])
def test_a_severity_outside_the_five_is_refused(severity: int) -> None:
    with pytest.raises(ValueError, match=f"contrast: a severity is 0 to 5, 0 the image as it is; got {severity}"):
        apply("contrast", pictures(1, 3, 32, 32), severity)


def test_a_table_that_nobody_published_is_refused() -> None:
    with pytest.raises(ValueError, match="contrast: settings are published for sides of 32, 64, 224, 299; got 128"):
        apply("contrast", pictures(1, 3, 32, 32), table=128)


def test_a_table_is_chosen_by_the_longer_side() -> None:
    assert [table_of(side) for side in (8, 48, 49, 96, 97, 260, 261, 1000)] == [32, 32, 64, 64, 224, 224, 299, 299]
    wide = pictures(1, 3, 20, 64)
    assert torch.equal(apply("contrast", wide), apply("contrast", wide, table=64))
    assert not torch.equal(apply("contrast", wide), apply("contrast", wide, table=32))


@pytest.mark.parametrize(
    "pixels",
    [
        torch.zeros(2, 3, 32, 32),
        torch.zeros(2, 4, 32, 32, dtype=torch.uint8),
        torch.zeros(0, 3, 32, 32, dtype=torch.uint8),
    ],
    ids=["floats", "four channels", "none"],
)
def test_what_are_no_images_is_refused(pixels: Tensor) -> None:
    for kind in corruptions.all().values():
        with pytest.raises(ValueError, match=r"images are uint8 \[N, 1 or 3, H, W\], one at least; got"):
            kind().apply(pixels, 1, Key(("test",)).generator())


@pytest.mark.parametrize("severity", [1, SEVERITIES])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "spatter"])  # whose drops are few
@pytest.mark.parametrize("side", [1, 2, 3, 5, 8])
def test_tiny_images_are_changed_or_refused_with_the_reason(name: str, side: int, severity: int) -> None:
    tiny = pictures(100, 3, side, side)
    if acts(name, tiny, severity):
        assert not torch.equal(apply(name, tiny, severity), tiny)
    else:
        with pytest.raises(ValueError, match=f"{name} cannot act on images of"):
            apply(name, tiny, severity)
