"""Reference values of BANG, its adversarial-quality measures, ST, AT, DA, FGSM and LeNet (golden_bang.json).

They were computed in float64 from the papers' equations, apart from this project. Each check is a plain function of a
view that records what is read of the file.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.golden.ledger import Check, Golden
from trainables.adversarial_quality import (
    FGS_STEPS,
    blank_in_float32,
    hot_cold_direction,
    hot_cold_weights,
    line_search,
    loss_direction,
    moved,
)
from trainables.attacks.fgsm import FGSM, input_gradient
from trainables.distortions import distortions
from trainables.losses import DIVERGENCES
from trainables.methods import Batch, Method, methods
from trainables.methods.bang import Bang, eta, sample_norms
from trainables.methods.data_augmentation import DataAugmentation
from trainables.parameters import parameters
from trainables.randomness import Key
from trainables.recipe import Component
from trainables.sequence import build, find
from trainables.similarity import ssim

FILE = "golden_bang.json"
CHECKS: list[Check] = []
DIVERGENCE = {"orig": "kl", "sym": "symmetric_kl", "zheng_xent": "soft_cross_entropy"}
KEY = Key(("golden",))


def check(function: Check) -> Check:
    """Marks what compares values of the file with ours."""
    CHECKS.append(function)
    return function


def double(values: list[Any], gradient: bool = False) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=gradient)


def close(actual: Tensor, expected: object) -> None:
    torch.testing.assert_close(actual.detach(), double(expected), rtol=1e-9, atol=1e-11)


NOISE = build([Component.of("gaussian_noise", {"sigma": 0.1})])
CLEAN = 0.5
"""The pixel of every clean image; the noise changes it."""


class Given(nn.Module):
    """A network of known answers: `clean` to an image of the clean pixel, `distorted` to any other."""

    def __init__(self, clean: Tensor, distorted: Tensor) -> None:
        super().__init__()
        self.clean, self.distorted = clean, distorted

    def forward(self, images: Tensor) -> Tensor:
        return torch.where((images == CLEAN).view(-1, 1), self.clean, self.distorted)


def batch(labels: list[int]) -> Batch:
    images = torch.full((len(labels), 1, 1, 1), CLEAN, dtype=torch.float64)
    return Batch(images=images, labels=torch.tensor(labels), source=images)


def loss_of(method: Method, golden: Golden, clean: Tensor, distorted: Tensor, key: Key = KEY) -> Tensor:
    return method.loss(Given(clean, distorted), batch(golden["y"]), key).total


@check
def stability_training(golden: Golden) -> None:
    case = golden["stability"]
    clean, distorted = double(case["logits_clean"], True), double(case["logits_pert"], True)
    assert set(case["grad_both_flow"]) == set(DIVERGENCE)
    for name, gradients in case["grad_both_flow"].items():
        method = methods.get("stability_training")(alpha=case["alpha"], divergence=DIVERGENCE[name], distortion=NOISE)
        total = loss_of(method, case, clean, distorted)
        close(total, case[f"total_{name}"])
        d_clean, d_distorted = torch.autograd.grad(total, (clean, distorted))
        close(d_clean, gradients["d_clean"])
        close(d_distorted, gradients["d_pert"])


@check
def stability_training_with_a_detached_clean_branch(golden: Golden) -> None:
    case = golden["stability"]
    clean, distorted = double(case["logits_clean"], True), double(case["logits_pert"], True)
    assert sorted(case["grad_clean_detached"]) == ["orig", "sym"]
    for name, gradients in case["grad_clean_detached"].items():
        method = methods.get("stability_training")(
            alpha=case["alpha"], divergence=DIVERGENCE[name], detach_clean=True, distortion=NOISE
        )
        total = loss_of(method, case, clean, distorted)
        close(total, case[f"total_{name}"])
        d_clean, d_distorted = torch.autograd.grad(total, (clean, distorted))
        close(d_clean, gradients["d_clean"])
        close(d_distorted, gradients["d_pert"])


@check
def divergences(golden: Golden) -> None:
    case = golden["stability"]
    clean, distorted = double(case["logits_clean"]), double(case["logits_pert"])
    close(DIVERGENCES["kl"](clean, distorted), case["kl_orig"])
    close(DIVERGENCES["kl"](distorted, clean), case["kl_reverse"])
    close(DIVERGENCES["symmetric_kl"](clean, distorted), case["kl_sym"])
    close(DIVERGENCES["soft_cross_entropy"](clean, distorted), case["xent_soft_zheng"])
    for row in range(3):
        one = slice(row, row + 1)
        close(DIVERGENCES["kl"](clean[one], distorted[one]), case["kl_orig_per_sample"][row])
        close(DIVERGENCES["symmetric_kl"](clean[one], distorted[one]), case["kl_sym_per_sample"][row])


@check
def the_papers_misprints_are_not_ours(golden: Golden) -> None:
    case = golden["stability"]
    clean, distorted = double(case["logits_clean"]), double(case["logits_pert"])
    close(-DIVERGENCES["kl"](clean, distorted), case["eq5_as_printed_wrong_sign"])
    right = F.softmax(clean, dim=1)[range(len(clean)), case["y"]]
    close(-right.mean(), case["L0_as_printed_no_log"])
    close(loss_of(methods.get("standard")(), case, clean, clean), -right.log().mean().item())


@check
def standard_training(golden: Golden) -> None:
    case = golden["stability"]
    clean = double(case["logits_clean"])
    close(loss_of(methods.get("standard")(), case, clean, clean), case["ce_clean"])


@check
def adversarial_training(golden: Golden) -> None:
    case = golden["adversarial_training"]
    clean, attacked = double(case["logits_clean"]), double(case["logits_adv"])
    assert len(case["cases"]) == 4
    for weighed in case["cases"]:
        method = methods.get("adversarial_training")(mu=weighed["mu"], distortion=NOISE)
        close(loss_of(method, case, clean, attacked), weighed["loss"])


@check
def data_augmentation(golden: Golden) -> None:
    case, logits = golden["data_augmentation"], golden["adversarial_training"]
    clean, distorted = double(logits["logits_clean"]), double(logits["logits_adv"])
    method = DataAugmentation(p=0.5, distortion=NOISE)
    keys = (KEY.child(number) for number in range(1_000))
    fallen = next(
        key for key in keys if method.replaced(batch(logits["y"]), key).tolist() == case["mask_use_perturbed"]
    )
    close(loss_of(method, logits, clean, distorted, fallen), case["loss"])
    for p, expected in ((0, "ce_clean"), (1, "ce_adv")):
        close(loss_of(DataAugmentation(p=p, distortion=NOISE), logits, clean, distorted), logits[expected])


class Linear(nn.Module):
    """Logits W (x − mean) / std + b of flat images: normalisation inside, as every model does it."""

    def __init__(self, case: Golden) -> None:
        super().__init__()
        self.mean, self.std, self.weight, self.bias = (double(case[name]) for name in ("mean", "std", "W", "b"))

    def forward(self, images: Tensor) -> Tensor:
        return F.linear((images.flatten(1) - self.mean) / self.std, self.weight, self.bias)


@check
def fgsm(golden: Golden) -> None:
    case = golden["fgsm_linear"]
    model, labels = Linear(case), torch.tensor(case["y"])
    images = double(case["pixels"])[:, None, None, :]
    close(model(images), case["logits"])
    close(F.cross_entropy(model(images), labels), case["loss_mean"])
    gradient = input_gradient(images, labels, model).flatten(1)
    close(gradient, case["grad_pixels_sum_reduction"])
    moving = torch.arange(6) != 4  # column 4 has no gradient but for rounding
    assert torch.equal(gradient.sign()[:, moving], double(case["sign"])[:, moving])
    assert len(case["cases"]) == 4
    for step in case["cases"]:
        attacked = FGSM(clamp=step["clamp"]).apply(images, labels, model, step["eps"], KEY.generator())
        close(attacked.flatten(1)[:, moving], double(step["x_adv"])[:, moving].tolist())


@check
def table_2(golden: Golden) -> None:
    case = golden["laermann_table2"]
    levels = {
        "gaussian_noise": "gaussian_sigma", "jpeg": "jpeg_q", "thumbnail": "thumbnail_A", "fgsm": "fgsm_eps",
        "rotation": "rotation_rho", "random_crop": "crop_C_used",
    }  # fmt: skip
    for name, key in levels.items():
        level = find(name).level
        assert [level.convert(value) for value in case[key]] == case[key]
    for name, key in (("stability_training", "alpha"), ("data_augmentation", "p")):
        described = {one.name: one for one in parameters(methods.get(name))}[key]
        assert [described.convert(value) for value in case[key]] == case[key]
    with pytest.raises(ValueError, match=r"offset is a whole number; got 7\.5"):
        distortions.get("random_crop").level.convert(case["crop_C_raw"][1])


@check
def balancing(golden: Golden) -> None:
    cases = {case["name"]: case for case in golden["eta"]}
    assert len(cases) == 11
    for case in cases.values():
        norms, correct, ratio = double(case["norms"]), case["correct"], case["ratio"]
        degrees = [case["eps"] * (1 if right else ratio) for right in correct or [True] * len(norms)]
        close(eta(norms, double(degrees)), case["eta"])


class TwoLayers(nn.Module):
    """Logits W₂ h + b₂ of flat images, h = W₁ x + b₁, through a ReLU or not."""

    def __init__(self, case: Golden, relu: bool) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 5).double(), nn.Linear(5, 3).double()
        self.relu = nn.ReLU(inplace=True) if relu else nn.Identity()
        values = {"first.weight": "W1", "first.bias": "b1", "second.weight": "W2", "second.bias": "b2"}
        self.load_state_dict({name: double(case[key]) for name, key in values.items()})

    def forward(self, images: Tensor) -> Tensor:
        self.outputs = [self.first(images.flatten(1))]
        self.outputs.append(self.second(self.relu(self.outputs[0].clone())))
        for output in self.outputs:
            output.retain_grad()
        return self.outputs[1]


@check
def bang_on_two_layers(golden: Golden) -> None:
    given = golden["two_layer"]
    assert len({case["name"] for case in given["cases"]}) == 5
    assert {case["relu"] for case in given["cases"]} == {True, False}
    for case in given["cases"]:
        model = TwoLayers(given, case["relu"])
        images = double(given["x"], True)
        shown = Batch(images=images[:, None, None, :], labels=torch.tensor(given["y"]), source=images)
        method = Bang(beta=case["beta"], epsilon=case["eps"], ratio=case["ratio"])
        method.prepare(model)
        total = method.loss(model, shown, KEY).total
        total.backward()
        close(total, case["loss"])
        close(model.outputs[1], case["logits"])
        assert (model.outputs[1].argmax(dim=1) == shown.labels).tolist() == case["correct"]
        degrees = method.degrees(model.outputs[1], shown.labels)
        for number, (output, layer) in enumerate(zip(model.outputs, (model.first, model.second), strict=True), 1):
            close(output.grad, case[f"kappa{number}"])
            close(sample_norms(output.grad), case[f"norm{number}"])
            close(eta(sample_norms(output.grad), degrees), case[f"eta{number}"])
            close(layer.weight.grad, case[f"dW{number}"])
            close(layer.bias.grad, case[f"db{number}"])
        close(images.grad, case["dx"])


class OneConvolution(nn.Module):
    """The convolution's outputs are the logits, so that any gradient of theirs can be had from a given loss."""

    def __init__(self, case: Golden) -> None:
        super().__init__()
        weight = double(case["W"])
        self.layer = nn.Conv2d(
            weight.shape[1], weight.shape[0], case["kernel"], padding=case["pad"], stride=case["stride"]
        ).double()
        self.layer.load_state_dict({"weight": weight, "bias": torch.zeros(len(weight)).double()})

    def forward(self, images: Tensor) -> Tensor:
        outputs: Tensor = self.layer(images)
        self.outputs = outputs
        return outputs.flatten(1)


@check
def bang_on_a_convolution(golden: Golden) -> None:
    case = golden["conv"]
    gradient = double(case["grad_output"])
    close(sample_norms(gradient), case["norms"])
    close(eta(sample_norms(gradient), double([case["eps"]] * 3)), case["eta"])
    for suffix, beta, epsilon in (("plain", 1, 0), ("bang", case["beta"], case["eps"])):
        model, images = OneConvolution(case), double(case["x"], True)
        method = Bang(beta=beta, epsilon=epsilon)
        method.prepare(model)
        shown = Batch(images=images, labels=torch.zeros(3, dtype=torch.long), source=images)
        total = method.loss(model, shown, KEY).total
        model.outputs.register_hook(lambda _kappa: gradient)
        total.backward()
        close(model.layer.weight.grad, case[f"dW_{suffix}"])
        close(model.layer.bias.grad, case[f"db_{suffix}"])
        close(images.grad, case["dx"])


@check
def the_papers_grids_lie_in_bangs_ranges(golden: Golden) -> None:
    described = {one.name: one for one in parameters(Bang)}
    for grid in golden["bang_grids"].values():
        assert len(grid["beta"]) * len(grid["eps"]) == grid["models"]
        for name, key in (("beta", "beta"), ("epsilon", "eps")):
            assert [described[name].convert(value) for value in grid[key]] == grid[key]


class Affine(nn.Module):
    """z = (pixels / 256) Wᵀ + b + shift, of images in [0, 1] and in either precision."""

    def __init__(self, case: Golden, shift: float) -> None:
        super().__init__()
        self.weight, self.bias = double(case["W"]), double(case["b"]) + shift

    def forward(self, images: Tensor) -> Tensor:
        return F.linear(images.flatten(1).double() * (255 / 256), self.weight, self.bias)


@check
def line_searches(golden: Golden) -> None:
    case = golden["line_search_linear"]
    assert len(case["results"]) == 5
    for result in case["results"]:
        model = Affine(case, result["bias_shift"])
        images = torch.tensor([case["images"][result["image"]]], dtype=torch.uint8)[:, None, None, :]
        labels = torch.tensor([result["label"]])
        logits = model(images / 255.0)
        torch.testing.assert_close(logits, double([result["logits"]]), rtol=1e-5, atol=1e-5)
        fgs = loss_direction(model, images, labels)
        assert fgs.flatten().tolist() == result["loss_grad_sign"]
        found = line_search(model, images, labels, fgs, FGS_STEPS)
        assert found.tolist() == [result["fgs_k"]]
        assert (moved(images, fgs, found) - images).abs().max() == result["fgs_linf"]
        for variant, key in (("literal", "literal"), ("abs", "shift_safe")):
            weights = hot_cold_weights(double([result["logits"]]), labels, variant)
            close(weights[0], result[f"w_hc_{key}"])
            assert weights.masked_fill(F.one_hot(labels, 3).bool(), 0).nonzero()[0, 1] == result["hot"]
            hot_cold_goes_as_far(model, images, labels, variant, result[f"hc1_{key}"])


def hot_cold_goes_as_far(model: nn.Module, images: Tensor, labels: Tensor, variant: Any, expected: Golden) -> None:
    direction = hot_cold_direction(model, images, labels, variant)
    close(direction.flatten(), expected["direction_max_normalised"])
    found = line_search(model, images, labels, direction, tuple(float(k) for k in range(1, 20_001)))
    adversarial = moved(images, direction, found)
    assert [found.item() or None] == [expected["k"]]
    if expected["x_adv"] is None:
        assert expected["linf"] is None
    else:
        assert adversarial.flatten().tolist() == expected["x_adv"]
        assert (adversarial - images).abs().max() == expected["linf"]


@check
def blank_gradients(golden: Golden) -> None:
    cases = golden["fgs_blank_rule_float32"]["cases"]
    assert {case["blank"] for case in cases} == {True, False}
    for case in cases:
        assert blank_in_float32(torch.tensor([case["logits"]]), torch.tensor([case["y"]])).item() == case["blank"]


@check
def similarity(golden: Golden) -> None:
    row, column = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    first = ((7 * row + 13 * column) % 256).double()
    pictures = {
        "A": first, "B": (first + 20 * (2 * ((row + column) % 2) - 1)).clamp(0, 255), "C": 255 - first,
    }  # fmt: skip
    assert len(golden["ssim"]["cases"]) == 9
    for case in golden["ssim"]["cases"]:
        one, other = (pictures[name][None, None] for name in case["pair"])
        close(ssim(one, other, case["mode"])[0], case["ssim"])


@pytest.mark.parametrize("compare", CHECKS, ids=lambda compare: compare.__name__)
def test_ours_equals_the_reference(compare: Check, shared: Path) -> None:
    compare(Golden.load(shared, FILE))
