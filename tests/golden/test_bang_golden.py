"""Reference values of BANG, its adversarial-quality measures, ST, AT, DA, FGSM and LeNet (golden_bang.json).

They were computed in float64 from the papers' equations, apart from this project. The checks beside this file
are plain functions of a view that records what is read: each is run by itself, and all once more over one view that is
asked what was left unread.
"""

import json
from pathlib import Path

import pytest

from tests.golden import bang_checks, quality_checks, training_checks
from tests.golden.recorded import Check, Recorded

CHECKS = (*training_checks.CHECKS, *bang_checks.CHECKS, *quality_checks.CHECKS)
PROSE = {"meta.about", "meta.eta_rule", "meta.loss", "two_layer.forward", "stability.note", "data_augmentation.note",
         "fgsm_linear.note", "line_search_linear.rule", "line_search_linear.logits", "fgs_blank_rule_float32.rule",
         "ssim.images", "ssim.params"}  # fmt: skip
"""Sentences about the values."""
ELSEWHERE = ("sgd.", "schedules.", "nets.cifar10_quick.")
"""Checked in test_optimizers_golden.py and test_models_golden.py."""


def view(shared: Path) -> Recorded:
    return Recorded(json.loads((shared / "golden" / "golden_bang.json").read_text()))


@pytest.mark.parametrize("compare", CHECKS, ids=lambda compare: compare.__name__)
def test_ours_equals_the_reference(compare: Check, shared: Path) -> None:
    compare(view(shared))


def test_no_value_of_the_file_is_left_out(shared: Path) -> None:
    golden = view(shared)
    for compare in CHECKS:
        compare(golden)
    unread = {".".join(map(str, path)) for path in golden.unread()}
    assert unread >= PROSE
    assert {name for name in unread - PROSE if not name.startswith(ELSEWHERE)} == set()
    assert all(any(name.startswith(part) for name in unread) for part in ELSEWHERE)
