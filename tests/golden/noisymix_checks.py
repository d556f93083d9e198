"""Reference values of NoisyMix and its components (golden_noisymix.json).

They were computed in float64 from the released functions, apart from this project.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.golden.ledger import Check, Golden
from trainables.augmix import mixture
from trainables.augmix_operations import NUMBERS, turn
from trainables.feature_noise import FeatureNoise
from trainables.losses import DIVERGENCES, jensen_shannon, mixed_cross_entropy
from trainables.manifold import ManifoldChange
from trainables.methods import Batch
from trainables.methods.augmix import AugMix
from trainables.methods.cutmix import box_around
from trainables.methods.noisymix import NoisyMix
from trainables.methods.stability_training import StabilityTraining
from trainables.mixing import Mixing
from trainables.normalisation import mean_over, ratios
from trainables.randomness import Key
from trainables.recipe import Component
from trainables.sequence import build

KEY = Key(("golden",))


class Answers(nn.Module):
    """A network of known answers, whatever it is shown."""

    def __init__(self, *logits: Tensor) -> None:
        super().__init__()
        self.logits = torch.cat(logits)

    def forward(self, images: Tensor) -> Tensor:
        assert len(images) == len(self.logits)
        return self.logits


def batch(labels: list[int]) -> Batch:
    images = torch.zeros(len(labels), 1, 4, 4)
    return Batch(images=images, labels=torch.tensor(labels), source=images)


def mixing(case: Golden) -> Mixing:
    return Mixing(share=case["lam"], order=torch.tensor(case["perm"]))


def jsd(golden: Golden) -> None:
    cases = golden["jsd"]["cases"]
    assert tuple(cases) == ("regular", "identical_views_clamp_active", "confident_disagreement")
    for case in cases.values():
        views = [case.tensor(f"logits_{view}", gradient=True) for view in ("clean", "aug1", "aug2")]
        probabilities = [view.softmax(1) for view in views]
        mean = torch.stack(probabilities).mean(0)
        case.equals("mixture", mean)
        apart = [(p * (p.log() - mean.clamp(1e-7, 1).log())).sum(1).mean().detach() for p in probabilities]
        case.equals("kl_clean_aug1_aug2", torch.stack(apart))
        divergence = jensen_shannon(*views)
        case.equals("jsd_mean", divergence)
        case.equals("jsd_times_12", 12 * divergence)
        for view, gradient in zip(("clean", "aug1", "aug2"), torch.autograd.grad(12 * divergence, views), strict=True):
            case.equals(f"grad_jsd12_wrt_logits_{view}", gradient)
        labels = torch.tensor(case["y"])
        augmix = AugMix().loss(Answers(*views), batch(case["y"]), KEY)
        case.equals("ce_clean", augmix.terms["clean"])
        case.equals("augmix_total", augmix.total)
        stacked = torch.cat(views).detach().requires_grad_()
        noisymix = NoisyMix().compared(stacked, labels, mixing(case))
        case.equals("ce_mixed", noisymix.terms["mixed"])
        case.equals("noisymix_total", noisymix.total)
        case.equals("grad_noisymix_total_wrt_logits_stacked", torch.autograd.grad(noisymix.total, stacked)[0])


def mixup_ce(golden: Golden) -> None:
    case = golden["mixup_ce"]
    logits, first, second = case.tensor("logits", gradient=True), torch.tensor(case["y_a"]), torch.tensor(case["y_b"])
    loss = mixed_cross_entropy(logits, first, second, case["lam"])
    case.equals("loss", loss)
    case.equals("grad_logits", torch.autograd.grad(loss, logits)[0])
    for row, expected in enumerate(case["per_sample"]):
        one = slice(row, row + 1)
        ours = mixed_cross_entropy(logits[one], first[one], second[one], case["lam"])
        assert float(ours.detach()) == pytest.approx(expected, rel=1e-9)
    torch.testing.assert_close(F.cross_entropy(logits, case.tensor("soft_labels")), loss)


def mix(golden: Golden) -> None:
    case = golden["mix"]
    drawn, labels = mixing(case), torch.tensor(case["y"])
    case.equals("x_mixed", drawn.mixed(case.tensor("x")))
    assert (labels.tolist(), labels[drawn.order].tolist()) == (case["y_a"], case["y_b"])


def mix_three_views(golden: Golden) -> None:
    case = golden["mix_three_views"]
    case.equals("x_mixed", mixing(case).mixed(case.tensor("x_stacked")))


@dataclass(frozen=True, kw_only=True)
class GivenNoise(FeatureNoise):
    """Noise whose draws are the numbers of `case`."""

    case: Golden

    def drawn(self, part: str, _features: Tensor, _distribution: Callable[..., Tensor]) -> tuple[Tensor, Tensor]:
        value, chance = {"additive": ("g", "mask_u_add"), "multiplicative": ("u", "mask_u_mult")}[part]
        return self.case.tensor(value), self.case.tensor(chance)


def noise(golden: Golden) -> None:
    case = golden["noise"]
    x = case.tensor("x")
    settings = case["expected"]
    assert len(settings) == 6
    for setting in settings.values():
        a, m = setting["add"] * case["beta_add"], setting["mult"] * case["beta_mult"]
        setting.equals("out", noisy(x, case, a, m, setting["sparse"]))


def noisy(x: Tensor, case: Golden, additive: float, multiplicative: float, sparsity: float) -> Tensor:
    """M x + A with the numbers of `case`."""
    given = GivenNoise(additive=additive, multiplicative=multiplicative, sparsity=sparsity, key=KEY, case=case)
    return given(x)


def noisy_mix_three_views(golden: Golden) -> None:
    case = golden["noisy_mix_three_views"]
    method = NoisyMix(additive=case["add"], multiplicative=case["mult"], sparsity=case["sparse"])
    assert len(case["views"]) == 3
    for number, view in enumerate(case["views"]):
        assert view["add_level_effective"] == (1 + number) * method.additive
    drawn = [
        lambda x, view=view: noisy(
            x,
            view,
            view["add_level_effective"] * view["beta_add"],
            method.multiplicative * view["beta_mult"],
            method.sparsity,
        )
        for view in case["views"]
    ]
    change = ManifoldChange(place=0, mixing=mixing(case), noises=tuple(drawn))
    case.equals("out", change(case.tensor("x_stacked")))


def augmix_mixture(golden: Golden) -> None:
    case = golden["augmix_mixture"]
    image, chains = case.tensor("x_preprocessed"), case.tensor("chain_outputs_preprocessed")
    mixed = mixture(image[None], chains[None], case.tensor("dirichlet_w")[None], case.tensor("beta_m")[None])
    case.equals("mixed", mixed[0])


def augmix_op_magnitudes(golden: Golden) -> None:
    assert len(golden["augmix_op_magnitudes"]) == 18
    for case in golden["augmix_op_magnitudes"]:
        side, level = case["image_size"], np.array([case["level"]])
        for sign in (-1.0, 1.0):
            numbers = {name: given(level, np.array([sign]), side, side)[0] for name, given in NUMBERS.items()}
            assert numbers["posterize"][0] == case["posterize_bits"]
            assert numbers["solarize"][0] == case["solarize_threshold"]
            assert tuple(numbers["rotate"]) == turn(int(sign) * case["rotate_deg"], side / 2, side / 2)
            assert numbers["shear_x"] == pytest.approx([1, sign * case["shear"], 0, 0, 1, 0], rel=1e-15)
            assert numbers["shear_y"] == pytest.approx([1, 0, 0, sign * case["shear"], 1, 0], rel=1e-15)
            assert list(numbers["translate_x"]) == [1, 0, sign * case["translate_px"], 0, 1, 0]
            assert list(numbers["translate_y"]) == [1, 0, 0, 0, 1, sign * case["translate_px"]]
            for name in ("color", "contrast", "brightness", "sharpness"):
                assert list(numbers[name]) == pytest.approx([case["enhance_factor"], 0, 0, 0, 0, 0], rel=1e-15)


def cutmix_box(golden: Golden) -> None:
    assert len(golden["cutmix_box"]) == 6
    for case in golden["cutmix_box"]:
        height, width = case["dim2"], case["dim3"]
        box = box_around(case["c2"], case["c3"], case["lam"], height, width)
        assert [box.top, box.left, box.bottom, box.right] == case["box_d2lo_d3lo_d2hi_d3hi"]
        case.equals("lam_adjusted", box.outside(height, width))


def stability(golden: Golden) -> None:
    case = golden["stability"]
    clean, perturbed = case.tensor("logits_clean"), case.tensor("logits_perturbed")
    case.equals("ce_clean", F.cross_entropy(clean, torch.tensor(case["y"])))
    case.equals("kl_clean_to_perturbed", DIVERGENCES["kl"](clean, perturbed))
    case.equals("kl_perturbed_to_clean", DIVERGENCES["kl"](perturbed, clean))
    case.equals("kl_symmetric", DIVERGENCES["symmetric_kl"](clean, perturbed))
    case.equals("cross_entropy_clean_probs_vs_perturbed", DIVERGENCES["soft_cross_entropy"](clean, perturbed))
    for name, divergence in (("kl", "kl"), ("sym", "symmetric_kl")):
        method = StabilityTraining(alpha=0.1, divergence=divergence, distortion=NOISE)
        given = Clean(clean, perturbed)
        case.equals(f"total_alpha_0p1_{name}", method.loss(given, batch(case["y"]), KEY).total)


NOISE = build([Component.of("gaussian_noise", {"sigma": 0.1})])


class Clean(nn.Module):
    """Known answers to black images and to others."""

    def __init__(self, clean: Tensor, distorted: Tensor) -> None:
        super().__init__()
        self.clean, self.distorted = clean, distorted

    def forward(self, images: Tensor) -> Tensor:
        return self.clean if images.sum() == 0 else self.distorted


def mce(golden: Golden) -> None:
    case = golden["mce"]
    errors = {name: 1 - accuracy for name, accuracy in zip(case["corruptions"], case["accuracy"], strict=True)}
    baseline = dict(zip(case["corruptions"], case["alexnet_error"], strict=True))
    case.equals("mce", 100 * mean_over(baseline, ratios(errors, baseline)))


def tolerance(golden: Golden) -> None:
    assert (golden["_meta"]["suggested_rtol"], golden["_meta"]["suggested_atol"]) == (1e-9, 1e-11)


CHECKS: tuple[Check, ...] = (
    jsd, mixup_ce, mix, mix_three_views, noise, noisy_mix_three_views, augmix_mixture, augmix_op_magnitudes,
    cutmix_box, stability, mce, tolerance,
)  # fmt: skip
