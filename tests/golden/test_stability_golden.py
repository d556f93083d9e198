"""Reference values of stability training's losses (golden_noisymix.json, `stability`), made apart from this project."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.golden.test_bang_golden import NOISE, close, double, loss_of
from trainables.losses import DIVERGENCES
from trainables.methods import methods

Golden = dict[str, Any]
DIVERGENCE_KEYS = {
    "kl_clean_to_perturbed": ("kl", False),
    "kl_perturbed_to_clean": ("kl", True),
    "kl_symmetric": ("symmetric_kl", False),
    "cross_entropy_clean_probs_vs_perturbed": ("soft_cross_entropy", False),
}
"""Key → the divergence, and whether its arguments are swapped."""
TOTAL_KEYS = {"total_alpha_0p1_kl": "kl", "total_alpha_0p1_sym": "symmetric_kl"}
OTHER_KEYS = {"logits_clean", "logits_perturbed", "y", "ce_clean"}


@pytest.fixture(scope="module")
def golden(shared: Path) -> Golden:
    found: Golden = json.loads((shared / "golden" / "golden_noisymix.json").read_text())["stability"]
    return found


def test_every_key_is_used(golden: Golden) -> None:
    assert set(golden) == {*DIVERGENCE_KEYS, *TOTAL_KEYS, *OTHER_KEYS}


@pytest.mark.parametrize("key", DIVERGENCE_KEYS)
def test_divergence(key: str, golden: Golden) -> None:
    name, swapped = DIVERGENCE_KEYS[key]
    logits = double(golden["logits_clean"]), double(golden["logits_perturbed"])
    close(DIVERGENCES[name](*(reversed(logits) if swapped else logits)), golden[key])


@pytest.mark.parametrize("key", TOTAL_KEYS)
def test_the_loss_of_a_step(key: str, golden: Golden) -> None:
    clean, distorted = double(golden["logits_clean"]), double(golden["logits_perturbed"])
    method = methods.get("stability_training")(alpha=0.1, divergence=TOTAL_KEYS[key], distortion=NOISE)
    close(loss_of(method, golden, clean, distorted), golden[key])


def test_the_clean_loss(golden: Golden) -> None:
    clean = double(golden["logits_clean"])
    close(loss_of(methods.get("standard")(), golden, clean, torch.zeros_like(clean)), golden["ce_clean"])
