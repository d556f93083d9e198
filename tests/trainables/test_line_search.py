"""Line search: the smallest step is the smallest, whatever a pass holds, and no pass shows the same image twice."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from tests.contracts.pictures import digits, learnt, predicted
from trainables.line_search import FGS_STEPS, HOT_COLD_STEPS, forward_size, is_right, line_search, moved
from trainables.quality.fgs import loss_direction

IMAGES = digits("test", 40)
PIXELS, LABELS = IMAGES.pixels, IMAGES.labels


@pytest.mark.parametrize("forward", [1, 7, 250])
def test_the_smallest_step_is_the_first_of_all_that_changes_the_label(forward: int) -> None:
    model, few, labels = learnt(IMAGES), PIXELS[:8], LABELS[:8]
    direction = loss_direction(model, few, labels)
    found = line_search(model, few, labels, direction, FGS_STEPS, forward)
    changed = torch.stack([predicted(model, moved(few, direction, torch.full((8,), k))) != labels for k in FGS_STEPS])
    first = torch.where(changed.any(dim=0), changed.int().argmax(dim=0) + 1, 0)
    assert found.tolist() == first.tolist()
    assert first.unique().numel() > 2


class Stubborn(nn.Module):
    """Always the first class."""

    def __init__(self) -> None:
        super().__init__()
        self.passes: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        self.passes.append(len(images))
        return torch.tensor([[1.0, 0.0]]).expand(len(images), 2)


CORNERED = torch.tensor([[250, 3], [255, 0], [9, 9]], dtype=torch.uint8).view(3, 1, 1, 2)
AWAY = torch.tensor([[1.0, -1.0], [1.0, -1.0], [0.0, 0.0]]).view(3, 1, 1, 2)


def test_steps_beyond_saturation_are_not_tried() -> None:
    stubborn = Stubborn()
    found = line_search(stubborn, CORNERED, torch.zeros(3, dtype=torch.long), AWAY, FGS_STEPS, forward=1)
    assert found.tolist() == [0, 0, 0]
    assert stubborn.passes == [1] * 5  # the first image's steps until both pixels are at the end of their range


def test_images_that_are_left_are_shown_several_steps_ahead() -> None:
    stubborn = Stubborn()
    images, direction = torch.zeros(2, 1, 1, 2, dtype=torch.uint8), torch.ones(2, 1, 1, 2)
    line_search(stubborn, images, torch.zeros(2, dtype=torch.long), direction, FGS_STEPS, forward=20)
    assert stubborn.passes == [20] * 26  # 255 steps, ten at a time, of both


def test_a_pass_is_filled_with_images_that_wait() -> None:
    stubborn = Stubborn()
    images = torch.full((30, 1, 1, 2), 252, dtype=torch.uint8)
    line_search(stubborn, images, torch.zeros(30, dtype=torch.long), torch.ones(30, 1, 1, 2), FGS_STEPS, forward=10)
    assert stubborn.passes == [10] * 9


def test_without_images_nothing_is_searched() -> None:
    none = line_search(Stubborn(), CORNERED[:0], torch.zeros(0, dtype=torch.long), AWAY[:0], FGS_STEPS)
    assert none.tolist() == []


def test_logits_that_are_not_finite_are_not_right() -> None:
    logits = torch.tensor([[2.0, 1.0], [torch.inf, 1.0], [2.0, torch.nan], [1.0, 2.0]])
    assert is_right(logits, torch.tensor([0, 0, 0, 0])).tolist() == [True, False, False, False]


def test_the_ladder_of_hot_cold_goes_on_in_steps_of_5_percent() -> None:
    assert HOT_COLD_STEPS[:255] == FGS_STEPS
    assert all(b / a == pytest.approx(1.05) for a, b in pairwise(HOT_COLD_STEPS[254:]))
    assert HOT_COLD_STEPS[-1] == pytest.approx(255 * 1.05**100)


def test_pixels_are_whole_and_stay_in_their_range() -> None:
    direction = torch.linspace(-1, 1, 28 * 28, dtype=torch.float64).view(1, 1, 28, 28).expand(40, -1, -1, -1)
    shown = moved(PIXELS, direction, torch.linspace(0, 400, 40))
    assert torch.equal(shown, shown.round())
    assert 0 <= shown.min() <= shown.max() <= 255
    assert torch.equal(shown[0], PIXELS[0].double())


def test_an_accelerator_is_given_more_at_once() -> None:
    assert forward_size(PIXELS) == 250
    small, large = (torch.empty(1, 3, side, side, device="meta") for side in (32, 224))
    assert forward_size(small) == 1365
    assert forward_size(large) == 250
