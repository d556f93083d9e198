"""Adversarial quality: the smallest step is the smallest, the countings differ by the blank images, the sums add up."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from tests.contracts.pictures import digits, network
from trainables.adversarial_quality import (
    FGS_STEPS,
    HOT_COLD_STEPS,
    fgs,
    hot_cold,
    hot_cold_direction,
    hot_cold_weights,
    line_search,
    loss_direction,
    moved,
)
from trainables.similarity import ssim

IMAGES = digits("test", 40)
PIXELS, LABELS = IMAGES.pixels, IMAGES.labels


@pytest.fixture(scope="module")
def model() -> nn.Module:
    """LeNet, 20 steps into these images: nearly all right, none surely so."""
    trained = network("lenet")
    optimizer = torch.optim.SGD(trained.parameters(), lr=0.02, momentum=0.9)
    for _ in range(20):
        optimizer.zero_grad()
        nn.functional.cross_entropy(trained(PIXELS / 255), LABELS).backward()
        optimizer.step()
    return trained


def predicted(model: nn.Module, pixels: Tensor) -> Tensor:
    with torch.no_grad():
        return model(pixels.float() / 255).argmax(dim=1)


@pytest.mark.parametrize("batch", [1, 7, 250])
def test_the_smallest_step_is_the_first_of_all_that_changes_the_label(model: nn.Module, batch: int) -> None:
    few, labels = PIXELS[:8], LABELS[:8]
    direction = loss_direction(model, few, labels)
    found = line_search(model, few, labels, direction, FGS_STEPS, batch)
    changed = torch.stack([predicted(model, moved(few, direction, torch.full((8,), k))) != labels for k in FGS_STEPS])
    first = torch.where(changed.any(dim=0), changed.int().argmax(dim=0) + 1, 0)
    assert found.tolist() == first.tolist()
    assert first.unique().numel() > 2


def test_steps_beyond_saturation_are_not_tried() -> None:
    class Stubborn(nn.Module):
        seen = 0

        def forward(self, images: Tensor) -> Tensor:
            self.seen += len(images)
            return torch.tensor([[1.0, 0.0]]).expand(len(images), 2)

    stubborn, labels = Stubborn(), torch.tensor([0, 0, 0])
    images = torch.tensor([[250, 3], [255, 0], [9, 9]], dtype=torch.uint8).view(3, 1, 1, 2)
    direction = torch.tensor([[1.0, -1.0], [1.0, -1.0], [0.0, 0.0]]).view(3, 1, 1, 2)
    found = line_search(stubborn, images, labels, direction, FGS_STEPS)
    assert found.tolist() == [0, 0, 0]
    assert stubborn.seen == 5  # the first image's steps until both pixels are at the end of their range


def test_the_countings_differ_by_the_blank_images_alone(model: nn.Module) -> None:
    sure = network("lenet")
    sure.load_state_dict(model.state_dict())
    with torch.no_grad():
        first, second = model(PIXELS / 255).topk(2, dim=1).values.unbind(dim=1)
        for weight in sure.ip2.parameters():
            weight *= 17 / (first - second).median()  # at a margin of 17 the float32 loss becomes 0
    quality = fgs(sure, PIXELS, LABELS)
    paper, unmasked = quality.paper, quality.unmasked
    right = predicted(sure, PIXELS) == LABELS
    assert paper.attempts == unmasked.attempts == int(right.sum())
    assert 0 < paper.blank < paper.attempts
    assert unmasked.blank == 0
    assert unmasked.successes - paper.blank <= paper.successes <= paper.attempts - paper.blank
    assert unmasked.rate > paper.rate


def test_sums_give_the_moments_of_the_successes(model: nn.Module) -> None:
    quality = fgs(model, PIXELS, LABELS, batch=9).unmasked
    right = predicted(model, PIXELS) == LABELS
    images, labels = PIXELS[right], LABELS[right]
    direction = loss_direction(model, images, labels)
    steps = line_search(model, images, labels, direction, FGS_STEPS)
    flipped = steps > 0
    adversarial = moved(images, direction, steps)[flipped]
    assert (predicted(model, adversarial) != labels[flipped]).all()
    distances = (adversarial - images[flipped]).abs().amax(dim=(1, 2, 3)).double()
    similarities = ssim(adversarial, images[flipped])
    assert quality.rate == pytest.approx(len(adversarial) / int(right.sum()))
    assert quality.linf == pytest.approx((float(distances.mean()), float(distances.std(correction=0))))
    assert quality.similarity == pytest.approx((float(similarities.mean()), float(similarities.std(correction=0))))


@pytest.mark.parametrize("variant", ["literal", "abs", "margin"])
def test_hot_cold_moves_towards_the_closest_other_class(model: nn.Module, variant: str) -> None:
    weights = hot_cold_weights(torch.tensor([[2.0, -1.0, 3.0], [-5.0, -2.0, -1.0]]), torch.tensor([2, 0]), variant)
    assert (
        weights.tolist()
        == {
            "literal": [[2, 0, -3], [5, 0, 1]],
            "abs": [[2, 0, -3], [-5, 0, 1]],
            "margin": [[1, 0, -1], [-1, 0, 1]],
        }[variant]
    )
    direction = hot_cold_direction(model, PIXELS, LABELS, variant)
    assert direction.dtype == torch.float64
    torch.testing.assert_close(direction.abs().amax(dim=(1, 2, 3)), torch.ones(len(PIXELS)).double())
    quality = hot_cold(model, PIXELS[:10], LABELS[:10], variant)
    assert quality.successes == quality.attempts > 5


def test_the_ladder_of_hot_cold_goes_on_in_steps_of_5_percent() -> None:
    assert HOT_COLD_STEPS[:255] == FGS_STEPS
    assert all(b / a == pytest.approx(1.05) for a, b in pairwise(HOT_COLD_STEPS[254:]))
    assert HOT_COLD_STEPS[-1] == pytest.approx(255 * 1.05**100)


def test_an_image_without_a_direction_is_an_attempt_that_fails() -> None:
    flat = network("lenet")
    nn.init.zeros_(flat.ip2.weight)
    with torch.no_grad():
        flat.ip2.bias.copy_(torch.eye(10)[3])
    for quality in (fgs(flat, PIXELS, LABELS).unmasked, hot_cold(flat, PIXELS, LABELS, "margin")):
        assert quality.attempts == quality.blank == int((LABELS == 3).sum()) > 0
        assert (quality.successes, quality.rate) == (0, 0.0)
        assert math.isnan(quality.linf[0])


def test_a_model_that_gets_nothing_right_has_no_attempts() -> None:
    wrong = network("lenet")
    with torch.no_grad():
        wrong.ip2.bias.copy_(torch.eye(10)[3] * 1e6)
    other = LABELS != 3
    quality = fgs(wrong, PIXELS[other], LABELS[other])
    assert quality.paper == quality.unmasked
    assert quality.paper.attempts == 0
    assert math.isnan(quality.paper.rate)
    assert hot_cold(wrong, PIXELS[other], LABELS[other], "abs").attempts == 0


def test_the_model_is_tested_in_eval_mode_and_left_as_it_was(model: nn.Module) -> None:
    noisy = network("lenet", dropout=0.5).train()
    noisy.load_state_dict(model.state_dict())
    assert fgs(noisy, PIXELS, LABELS) == fgs(model, PIXELS, LABELS)
    assert noisy.training
    assert all(weight.grad is None and weight.dtype == torch.float32 for weight in noisy.parameters())


def test_mixed_precision_is_refused() -> None:
    mixed = network("lenet")
    mixed.register_forward_hook(lambda _model, _inputs, logits: logits.float())
    with pytest.raises(ValueError, match=r"gives torch.float32 for float64 images; build it with precision float32"):
        loss_direction(mixed, PIXELS[:2], LABELS[:2])


@pytest.mark.parametrize("border", ["reflect", "zero", "valid"])
def test_equal_images_are_alike_and_the_measure_is_symmetric(border: str) -> None:
    one, other = PIXELS[:4], PIXELS[4:8]
    torch.testing.assert_close(ssim(one, one, border), torch.ones(4).double())
    torch.testing.assert_close(ssim(one, other, border), ssim(other, one, border))
    assert (ssim(one, other, border) < 0.8).all()


def test_colours_are_averaged() -> None:
    colours = torch.cat([PIXELS[:1], PIXELS[1:2], PIXELS[2:3]], dim=1)
    changed = torch.cat([PIXELS[:1], PIXELS[3:4], PIXELS[4:5]], dim=1)
    each = ssim(colours.transpose(0, 1), changed.transpose(0, 1))
    torch.testing.assert_close(ssim(colours, changed), each.mean()[None])


def test_a_window_that_fits_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 11 px a side; got 8 × 28"):
        ssim(PIXELS[:1, :, :8], PIXELS[:1, :, :8], "valid")
