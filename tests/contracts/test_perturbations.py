"""Laws of every perturbation sequence."""

from functools import cache
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from tests.contracts.pictures import random_images
from tests.contracts.waiting import Watched
from trainables import alexnet
from trainables.corruptions import TABLES
from trainables.geometry import centre
from trainables.normalisation import MAIN_PERTURBATIONS
from trainables.perturbations import perturbations
from trainables.randomness import Key

NAMES = perturbations.names()
NOISES = ("gaussian_noise", "shot_noise", "speckle_noise")
RANDOM = (*NOISES, "snow", "spatter")
TEMPORAL = tuple(name for name in NAMES if name not in NOISES)
LENGTHS = {"motion_blur": {32: 21}, "translate": {32: 16, 224: 41, 299: 41}}
"""Where a sequence has not 31 frames."""
UNTOUCHED = {
    **dict.fromkeys((*NOISES, "zoom_blur"), dict.fromkeys(TABLES, 0)),
    **dict.fromkeys(("brightness", "rotate", "shear"), dict.fromkeys(TABLES, 15)),
    "translate": {32: 7, 64: 15, 224: 20, 299: 20},
    "scale": {32: 15, 64: 24, 224: 24, 299: 24},
}
"""Which frame is the image itself."""
SAME_AS_NEXT = {("motion_blur", 224): [7], ("motion_blur", 299): [7], ("snow", 32): [14, 15]}
"""Lines so short and so near an axis that they round to the same pixels: the published snow has these frames too."""
SETTINGS = [(name, table) for name in NAMES for table in TABLES]
SHAPES = ((2, 3, 32, 32), (2, 1, 28, 28), (2, 3, 32, 45), (1, 3, 40, 33))


@cache
def pictures(*shape: int) -> Tensor:
    return random_images(*shape).mul(255).to(torch.uint8)


def sequence(
    name: str, pixels: Tensor, side: int | None = None, draw: int = 0, table: int | None = None, difficulty: int = 1
) -> Tensor:
    """Of the largest centre, where no side is given."""
    generator = Key(("law", draw)).generator()
    side = min(pixels.shape[2:]) if side is None else side
    return perturbations.get(name)().sequence(pixels, side, generator, table, difficulty)


def test_every_perturbation_of_the_benchmark_is_here() -> None:
    assert len(NAMES) == 14
    assert set(NAMES) == alexnet.FLIP_PROBABILITIES.keys()
    for name, found in perturbations.all().items():
        assert found.extra == (name not in MAIN_PERTURBATIONS)
        assert found.from_first == (name in NOISES)


@pytest.mark.parametrize(("name", "table"), SETTINGS)
def test_each_table_has_its_frames(name: str, table: int) -> None:
    """As many as published; each differs from the next; the one that is said to be clean is the image itself."""
    pixels = torch.randint(0, 256, (1, 3, 72, 72), generator=Key(("rough",)).generator(), dtype=torch.uint8)
    perturbation = perturbations.get(name)
    assert tuple(sorted(perturbation.settings)) == TABLES
    frames = sequence(name, pixels, table=table)[0]
    assert len(frames) == perturbation().length(perturbation.setting(table)) == LENGTHS.get(name, {}).get(table, 31)
    same = [number for number, (one, other) in enumerate(pairwise(frames)) if torch.equal(one, other)]
    assert same == SAME_AS_NEXT.get((name, table), [])
    untouched = perturbation().untouched(perturbation.setting(table))
    assert untouched == UNTOUCHED.get(name, {}).get(table)
    clean = [number for number, frame in enumerate(frames) if torch.equal(frame, pixels[0])]
    assert clean == ([] if untouched is None else [untouched])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", SHAPES)
def test_frames_are_bytes_of_the_images_centres(name: str, shape: tuple[int, int, int, int]) -> None:
    pixels = pictures(*shape)
    before = pixels.clone()
    side = min(shape[2:])
    frames = sequence(name, pixels)
    perturbation = perturbations.get(name)
    setting = perturbation.setting(32)
    assert frames.shape == (shape[0], perturbation().length(setting), shape[1], side, side)
    assert (frames.dtype, frames.device) == (torch.uint8, pixels.device)
    assert torch.equal(pixels, before)
    if (number := perturbation().untouched(setting)) is not None:
        assert torch.equal(frames[:, number], centre(pixels, side))


@pytest.mark.parametrize("name", NAMES)
def test_only_motions_see_what_lies_beyond_the_centre(name: str) -> None:
    wide = pictures(2, 3, 48, 52)
    same = torch.equal(sequence(name, wide, 32), sequence(name, centre(wide, 32), 32))
    assert same == (name not in ("translate", "rotate", "tilt", "scale", "shear", "zoom_blur"))


@pytest.mark.parametrize("name", ["translate", "rotate", "shear"])
def test_what_lies_beyond_the_centre_fills_small_motions(name: str) -> None:
    bright = torch.full((1, 1, 256, 300), 200, dtype=torch.uint8)
    assert (sequence(name, centre(bright, 224)) == 0).any()
    middle = 20 if name == "translate" else 15
    assert (sequence(name, bright, 224)[:, middle - 6 : middle + 7] == 200).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_generator_alone_decides(name: str) -> None:
    pixels = pictures(2, 3, 32, 32)
    torch.manual_seed(1)
    first = sequence(name, pixels)
    state = torch.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(sequence(name, pixels), first)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(sequence(name, pixels, draw=1), first) == (name not in RANDOM)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_does_not_depend_on_its_neighbours(name: str) -> None:
    pixels = pictures(6, 3, 32, 32)
    mixed = torch.cat((pixels[:3], pixels.flip(0)[3:]))
    assert torch.equal(sequence(name, mixed)[:3], sequence(name, pixels)[:3])


@pytest.mark.parametrize("name", RANDOM)
def test_images_of_a_batch_have_draws_of_their_own(name: str) -> None:
    pixels = pictures(1, 3, 32, 32).expand(3, -1, -1, -1)
    assert len({bytes(one[1].flatten().tolist()) for one in sequence(name, pixels)}) == 3


@pytest.mark.parametrize("name", sorted({*NAMES} - {*RANDOM}))
def test_without_draws_a_batch_is_its_images(name: str) -> None:
    pixels = pictures(40, 3, 32, 32)  # more than go into one block
    whole = sequence(name, pixels)
    for number in (0, 31, 32, 39):
        assert torch.equal(sequence(name, pixels[number : number + 1])[0], whole[number])


@pytest.mark.parametrize("name", NOISES)
def test_difficult_noise_is_stronger(name: str) -> None:
    pixels = pictures(2, 3, 32, 32)
    for table in TABLES:
        changes = [
            (sequence(name, pixels, table=table, difficulty=difficulty)[:, 1:].int() - pixels[:, None].int())
            .abs()
            .float()
            .mean()
            for difficulty in (1, 2, 3)
        ]
        assert changes[0] < changes[1] < changes[2]


@pytest.mark.parametrize("name", TEMPORAL)
def test_difficulty_leaves_the_frames_of_a_motion(name: str) -> None:
    pixels = pictures(2, 3, 32, 32)
    assert torch.equal(sequence(name, pixels, difficulty=3), sequence(name, pixels))


@pytest.mark.parametrize("name", NAMES)
def test_how_the_bytes_lie_in_memory_makes_no_difference(name: str) -> None:
    pixels = pictures(3, 3, 32, 32)
    expected = sequence(name, pixels)
    assert torch.equal(sequence(name, pixels.contiguous(memory_format=torch.channels_last)), expected)
    wide = torch.zeros(3, 3, 32, 64, dtype=torch.uint8)
    wide[..., ::2] = pixels
    assert torch.equal(sequence(name, wide[..., ::2]), expected)


@pytest.mark.parametrize("name", sorted({*NAMES} - {*NOISES, "spatter"}))
def test_a_grey_image_moves_as_a_colour_image_of_that_grey(name: str) -> None:
    """But for water, which has a colour."""
    grey = pictures(2, 1, 32, 32)
    in_colour = sequence(name, grey.expand(-1, 3, -1, -1))
    assert (sequence(name, grey).int() - in_colour.int()).abs().max() <= 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", [1, 2, 7])
def test_a_tiny_image_has_its_sequence_or_is_refused_with_a_reason(name: str, side: int) -> None:
    pixels = pictures(2, 3, side, side)
    perturbation = perturbations.get(name)()
    if perturbation.reason(pixels.shape[1:], perturbation.setting(32)) is None:
        assert sequence(name, pixels).shape[-1] == side
    else:
        with pytest.raises(ValueError, match=rf"{name} cannot act on images of .*: \w"):
            sequence(name, pixels)


@pytest.mark.parametrize("name", NAMES)
def test_a_sequence_never_waits_for_the_device(name: str) -> None:
    pixels = pictures(2, 3, 32, 32)
    sequence(name, pixels)
    with Watched() as watched:
        sequence(name, pixels)
    assert watched.seen == []


def test_what_is_not_published_is_refused() -> None:
    pixels = pictures(1, 3, 32, 32)
    with pytest.raises(ValueError, match="rotate: settings are published for sides of 32, 64, 224, 299; got 128"):
        sequence("rotate", pixels, table=128)
    with pytest.raises(ValueError, match="rotate: a difficulty is 1, 2 or 3; got 4"):
        sequence("rotate", pixels, difficulty=4)
    with pytest.raises(ValueError, match=r"rotate: images of \(32, 32\) have no centre of 33 pixels"):
        sequence("rotate", pixels, 33)


def test_the_table_is_that_of_the_centre() -> None:
    assert sequence("translate", pictures(1, 3, 256, 300), 224).shape[1] == 41
    assert sequence("translate", pictures(1, 3, 256, 300), 64).shape[1] == 31
