"""Adversarial quality: the countings differ by the blank images, the sums add up, every attack keeps to its range."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from tests.contracts.pictures import digits, learnt, network, predicted
from trainables.adversarial_quality import QualityTally, quality
from trainables.input_gradients import input_gradients
from trainables.line_search import FGS_STEPS, line_search, moved
from trainables.quality import Tried, quality_attacks
from trainables.quality.fgs import FGS, loss_direction
from trainables.quality.hot_cold import HotCold, hot_cold_direction, hot_cold_weights
from trainables.quality.pgd import ProjectedGradient
from trainables.randomness import Key
from trainables.similarity import ssim

IMAGES = digits("test", 40)
PIXELS, LABELS = IMAGES.pixels, IMAGES.labels


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return learnt(IMAGES)


def test_there_are_three_attacks() -> None:
    assert quality_attacks.names() == ("fgs", "hot_cold", "pgd")


@pytest.mark.parametrize("name", quality_attacks.names())
def test_a_success_changes_the_label_of_an_image_that_was_right(name: str, model: nn.Module) -> None:
    attack, right = quality_attacks.get(name)(), predicted(model, PIXELS) == LABELS
    variants = (0.3,) if name == "pgd" else attack.usual
    found = list(attack.tried(model.eval(), PIXELS, LABELS, right, variants, [Key(("test",))]))
    assert len(found) == len(variants)
    for tried in found:
        assert len(tried.success) == int(right.sum())
        assert tried.success.any()
        assert 0 <= tried.adversarial.min() <= tried.adversarial.max() <= 255
        changed = predicted(model, tried.adversarial) != LABELS[right]
        assert changed[tried.success].all()


def surer(model: nn.Module, lead: float) -> nn.Module:
    """The same answers, the median lead of the first over the second logit being `lead`."""
    sure = network("lenet")
    sure.load_state_dict(model.state_dict())
    with torch.no_grad():
        first, second = model(PIXELS / 255).topk(2, dim=1).values.unbind(dim=1)
        for weight in sure.ip2.parameters():
            weight *= lead / (first - second).median()
    return sure.eval()


def test_how_sure_an_answer_is_masks_neither_the_log_odds_nor_pgd(model: nn.Module) -> None:
    sure = surer(model, 2000)  # past 745, exp(−lead) is 0 in float64
    unmasked, exact = quality(FGS(), sure, PIXELS, LABELS, ("unmasked", "exact"))
    assert unmasked.blank is not None
    assert unmasked.blank > unmasked.attempts / 2
    assert (exact.blank, exact.rate) == (0, 1)
    (usual,) = quality(FGS(), model, PIXELS, LABELS, ("exact",))
    assert exact.linf[0] < 1.2 * usual.linf[0]
    bounded, unbounded = (quality(ProjectedGradient(), one, PIXELS, LABELS, (0.3,))[0] for one in (sure, model))
    assert bounded.successes >= 0.9 * unbounded.successes > 0


def test_where_nothing_is_rounded_the_log_odds_are_the_loss(model: nn.Module) -> None:
    unmasked, exact = quality(FGS(), model, PIXELS, LABELS, ("unmasked", "exact"))
    assert (unmasked.attempts, unmasked.successes) == (exact.attempts, exact.successes)
    assert unmasked.linf == pytest.approx(exact.linf, rel=1e-3)


def test_the_countings_differ_by_the_blank_images_alone(model: nn.Module) -> None:
    sure = surer(model, 17)  # where the float32 loss becomes 0
    paper, unmasked = quality(FGS(), sure, PIXELS, LABELS, ("paper", "unmasked"))
    right = predicted(sure, PIXELS) == LABELS
    assert paper.attempts == unmasked.attempts == int(right.sum())
    assert 0 < paper.blank < paper.attempts
    assert unmasked.blank == 0
    assert unmasked.successes - paper.blank <= paper.successes <= paper.attempts - paper.blank
    assert unmasked.rate > paper.rate


def test_sums_give_the_moments_of_the_successes(model: nn.Module) -> None:
    (found,) = quality(FGS(), model, PIXELS, LABELS, ("unmasked",))
    right = predicted(model, PIXELS) == LABELS
    images, labels = PIXELS[right], LABELS[right]
    direction = loss_direction(model, images, labels)
    steps = line_search(model, images, labels, direction, FGS_STEPS)
    flipped = steps > 0
    adversarial = moved(images, direction, steps)[flipped]
    assert (predicted(model, adversarial) != labels[flipped]).all()
    distances = (adversarial - images[flipped]).abs().amax(dim=(1, 2, 3)).double()
    similarities = ssim(adversarial, images[flipped])
    assert found.rate == pytest.approx(len(adversarial) / int(right.sum()))
    assert found.linf == pytest.approx((float(distances.mean()), float(distances.std(correction=0))))
    assert found.unaligned_similarity == pytest.approx(
        (float(similarities.mean()), float(similarities.std(correction=0)))
    )
    assert found.pass_sum is found.pass_square_sum is None
    assert math.isnan(found.similarity[0])


def test_what_withstands_is_right_and_not_attacked_with_success() -> None:
    tally = QualityTally("fgs", "paper", "none")
    images = PIXELS[:4]
    for success in ([True, False], [False, True]):
        right = torch.tensor([True, False, True, False])
        tried = Tried(adversarial=images[right].float(), success=torch.tensor(success), blank=None)
        tally.add(images, right, tried)
    assert tally.withstood.tolist() == [False, False, True, False, True, False, False, False]
    counts = tally.counts()
    assert (counts.attempts, counts.successes, counts.blank) == (4, 2, None)
    assert (counts.linf, counts.unaligned_similarity[0]) == ((0, 0), 1)


@pytest.mark.parametrize("mode", ["literal", "abs", "margin"])
def test_hot_cold_moves_towards_the_closest_other_class(model: nn.Module, mode: str) -> None:
    weights = hot_cold_weights(torch.tensor([[2.0, -1.0, 3.0], [-5.0, -2.0, -1.0]]), torch.tensor([2, 0]), mode)
    assert (
        weights.tolist()
        == {
            "literal": [[2, 0, -3], [5, 0, 1]],
            "abs": [[2, 0, -3], [-5, 0, 1]],
            "margin": [[1, 0, -1], [-1, 0, 1]],
        }[mode]
    )
    direction = hot_cold_direction(model, PIXELS, LABELS, mode)
    assert direction.dtype == torch.float64
    torch.testing.assert_close(direction.abs().amax(dim=(1, 2, 3)), torch.ones(len(PIXELS)).double())
    (found,) = quality(HotCold(), model, PIXELS[:10], LABELS[:10], (mode,))
    assert found.successes == found.attempts > 5


def test_pgd_stays_in_its_ball_and_more_starts_succeed_no_less(model: nn.Module) -> None:
    once, thrice = (
        quality(ProjectedGradient(steps=3, step_size=0.05, restarts=restarts), model, PIXELS, LABELS, (0.12,))[0]
        for restarts in (1, 3)
    )
    assert 0 < once.successes <= thrice.successes < thrice.attempts
    assert thrice.linf[0] <= 0.12 * 255 + 1e-3
    assert (once.blank, thrice.blank) == (None, None)


def test_every_start_of_pgd_is_another(model: nn.Module) -> None:
    """Hardly a step: what succeeds is the noise of the start."""
    once, often = (
        quality(ProjectedGradient(steps=1, step_size=1e-6, restarts=restarts), model, PIXELS, LABELS, (0.5,))[0]
        for restarts in (1, 8)
    )
    assert once.successes < often.successes < often.attempts


def test_draws_of_pgd_depend_on_an_image_s_chunk_alone(model: nn.Module) -> None:
    attack, keys = ProjectedGradient(steps=1), [Key((chunk,)) for chunk in range(2)]
    pixels, labels = PIXELS.repeat(4, 1, 1, 1)[:150], LABELS.repeat(4)[:150]
    right = torch.ones(150, dtype=torch.bool)
    (whole,) = attack.tried(model, pixels, labels, right, (0.1,), keys)
    (second,) = attack.tried(model, pixels[100:], labels[100:], right[100:], (0.1,), keys[1:])
    (some,) = attack.tried(model, pixels, labels, right.index_fill(0, torch.tensor([0, 120]), False), (0.1,), keys)
    torch.testing.assert_close(whole.adversarial[100:], second.adversarial)
    torch.testing.assert_close(whole.adversarial[1:120], some.adversarial[:119])


def test_an_image_without_a_direction_is_an_attempt_that_fails() -> None:
    flat = network("lenet")
    nn.init.zeros_(flat.ip2.weight)
    with torch.no_grad():
        flat.ip2.bias.copy_(torch.eye(10)[3])
    for found in (*quality(FGS(), flat, PIXELS, LABELS, ("unmasked",)), *quality(HotCold(), flat, PIXELS, LABELS)):
        assert found.attempts == found.blank == int((LABELS == 3).sum()) > 0
        assert (found.successes, found.rate) == (0, 0.0)
        assert math.isnan(found.linf[0])


def test_a_gradient_that_is_not_finite_is_no_direction() -> None:
    class Endless(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            total = images.flatten(1).sum(1, keepdim=True)
            return torch.cat([total, (total - total.detach()).sqrt()], dim=1)

    (gradient,) = input_gradients(Endless(), PIXELS[:2], LABELS[:2], lambda logits, _labels: logits[:, 1].sum())
    assert (gradient == 0).all()


@pytest.mark.parametrize("name", quality_attacks.names())
def test_a_model_that_gets_nothing_right_has_no_attempts(name: str) -> None:
    wrong = network("lenet")
    with torch.no_grad():
        wrong.ip2.bias.copy_(torch.eye(10)[3] * 1e6)
    other = LABELS != 3
    for found in quality(quality_attacks.get(name)(), wrong, PIXELS[other], LABELS[other]):
        assert (found.attempts, found.successes, found.linf_sum) == (0, 0, 0.0)
        assert math.isnan(found.rate)


def test_the_model_is_tested_in_eval_mode_and_left_as_it_was(model: nn.Module) -> None:
    noisy = network("lenet", dropout=0.5).train()
    noisy.load_state_dict(model.state_dict())
    assert quality(FGS(), noisy, PIXELS[:10], LABELS[:10]) == quality(FGS(), model, PIXELS[:10], LABELS[:10])
    assert noisy.training
    assert all(weight.grad is None and weight.dtype == torch.float32 for weight in noisy.parameters())


def test_mixed_precision_is_refused() -> None:
    mixed = network("lenet")
    mixed.register_forward_hook(lambda _model, _inputs, logits: logits.float())
    with pytest.raises(ValueError, match=r"gives torch.float32 for float64 images; build it with precision float32"):
        loss_direction(mixed, PIXELS[:2], LABELS[:2])


def test_a_network_without_gradients_is_refused() -> None:
    rounded = network("lenet")
    rounded.register_forward_pre_hook(lambda _model, inputs: (inputs[0].detach(),))
    with pytest.raises(ValueError, match=r"gives no gradient with respect to its images: .* leave attacks out for it"):
        loss_direction(rounded, PIXELS[:2], LABELS[:2])


def test_blocks_change_nothing(model: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, labels = PIXELS.repeat(3, 1, 1, 1), LABELS.repeat(3)
    attack = ProjectedGradient(steps=1, step_size=0.1)
    whole = quality(attack, model, pixels, labels, (0.1,))
    monkeypatch.setattr("trainables.adversarial_quality.BLOCK_BYTES", 1)
    (found,), (expected,) = quality(attack, model, pixels, labels, (0.1,)), whole
    assert replace(found, linf_sum=0.0, linf_square_sum=0.0) == replace(
        expected, linf_sum=0.0, linf_square_sum=0.0,
        pass_unaligned_sum=pytest.approx(expected.pass_unaligned_sum),
        pass_unaligned_square_sum=pytest.approx(expected.pass_unaligned_square_sum),
    )  # fmt: skip


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
