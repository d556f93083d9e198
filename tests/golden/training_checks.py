"""golden_bang.json: stability training, AT, DA, FGSM, Laermann et al.'s Table 2."""

import math
import tempfile
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from study.spec import Spec, load
from tests.golden.ledger import Check, Golden, close, double
from tests.study.plan.tifs import GRID_TIFS
from trainables.attacks.fgsm import FGSM, input_gradient
from trainables.distortions import distortions
from trainables.losses import DIVERGENCES
from trainables.methods import Batch, Method, methods
from trainables.methods.data_augmentation import DataAugmentation
from trainables.randomness import Key
from trainables.recipe import Component
from trainables.sequence import build, find

DIVERGENCE = {"orig": "kl", "sym": "symmetric_kl", "zheng_xent": "soft_cross_entropy"}
KEY = Key(("golden",))


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


def the_papers_misprints_are_not_ours(golden: Golden) -> None:
    case = golden["stability"]
    clean, distorted = double(case["logits_clean"]), double(case["logits_pert"])
    close(-DIVERGENCES["kl"](clean, distorted), case["eq5_as_printed_wrong_sign"])
    right = F.softmax(clean, dim=1)[range(len(clean)), case["y"]]
    close(-right.mean(), case["L0_as_printed_no_log"])
    close(loss_of(methods.get("standard")(), case, clean, clean), -right.log().mean().item())


def standard_training(golden: Golden) -> None:
    case = golden["stability"]
    clean = double(case["logits_clean"])
    close(loss_of(methods.get("standard")(), case, clean, clean), case["ce_clean"])


def adversarial_training(golden: Golden) -> None:
    case = golden["adversarial_training"]
    clean, attacked = double(case["logits_clean"]), double(case["logits_adv"])
    assert len(case["cases"]) == 4
    for weighed in case["cases"]:
        method = methods.get("adversarial_training")(mu=weighed["mu"], distortion=NOISE)
        close(loss_of(method, case, clean, attacked), weighed["loss"])


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


def table_2(golden: Golden) -> None:
    case = golden["laermann_table2"]
    levels = {
        "gaussian_noise": "gaussian_sigma", "jpeg": "jpeg_q", "thumbnail": "thumbnail_A", "fgsm": "fgsm_eps",
        "rotation": "rotation_rho", "random_crop": "crop_C_used",
    }  # fmt: skip
    spec = in_yaml(GRID_TIFS)
    for name, key in levels.items():
        axes = {axis.name: axis.values for axis in spec.distortions[name].steps[0].axes}
        assert axes[find(name).level.name] == rounded(case[key])
    for label, key in (("ST", "alpha"), ("DA", "p")):
        axes = {axis.name: axis.values for axis in spec.method(label).axes}
        assert axes[key] == rounded(case[key])
    assert [math.floor(offset) for offset in case["crop_C_raw"]] == case["crop_C_used"]
    with pytest.raises(ValueError, match=r"offset is a whole number; got 7\.5"):
        distortions.get("random_crop").level.convert(case["crop_C_raw"][1])


def in_yaml(text: str) -> Spec:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "grid_tifs.yaml"
        file.write_text(text)
        return load(file)


def rounded(values: list[float]) -> tuple[float, ...]:
    """To 12 digits, as a plan has them."""
    return tuple(float(f"{value:.12g}") for value in values)


CHECKS: tuple[Check, ...] = (
    stability_training,
    stability_training_with_a_detached_clean_branch,
    divergences,
    the_papers_misprints_are_not_ours,
    standard_training,
    adversarial_training,
    data_augmentation,
    fgsm,
    table_2,
)
