"""Reference values, computed in float64 apart from this project: ours equal them, and none is left out.

golden_bang.json has those of BANG, its adversarial quality, its networks and solver, ST, AT, DA, FGSM and Laermann et
al.'s grids; golden_noisymix.json those of NoisyMix and its components; golden_c* the corruption benchmark's images,
golden_p.npz its perturbation sequences, golden_metrics.json its measures.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

from tests.golden import (
    bang_checks,
    corruption_checks,
    corruption_draw_checks,
    metric_checks,
    network_checks,
    noisymix_checks,
    perturbation_checks,
    quality_checks,
    solver_checks,
    training_checks,
    view_checks,
)
from tests.golden.ledger import Check, Golden

FILES: dict[str, Sequence[Check]] = {
    "golden_bang.json": (
        *training_checks.CHECKS,
        *bang_checks.CHECKS,
        *quality_checks.CHECKS,
        *network_checks.CHECKS,
        *solver_checks.BANG,
    ),
    "golden_noisymix.json": (*noisymix_checks.CHECKS, *solver_checks.NOISYMIX),
    "golden_metrics.json": (*metric_checks.CHECKS, *view_checks.CHECKS),
    "golden_p.npz": perturbation_checks.CHECKS,
    "golden_c.npz": (*corruption_checks.EXACT, *corruption_draw_checks.EXACT),
    "golden_c_draws.npz": (*corruption_checks.DRAWN, *corruption_draw_checks.DRAWN),
}
PROSE: dict[str, Collection[str]] = {
    "golden_bang.json": {
        "meta.about", "meta.eta_rule", "meta.loss", "two_layer.forward", "stability.note", "data_augmentation.note",
        "fgsm_linear.note", "line_search_linear.rule", "line_search_linear.logits", "fgs_blank_rule_float32.rule",
        "ssim.images", "ssim.params", "sgd.note",
    },
    "golden_noisymix.json": {
        "_meta.what", "_meta.repos.NoisyMix", "_meta.repos.NFM", "_meta.repos.AugMix", "_meta.max_abs_difference",
        "_meta.number_of_checks", "jsd.note", "cosine_lr.comment", "mce.comment",
    },
    "golden_p.npz": {"image_name"},
    "golden_metrics.json": {
        "sequence_cases.4.note", "sequence_cases.5.note", "rank_case_1000.note", "ce_case_alexnet.note",
    },
    "golden_c.npz": {"image_names"},
    "golden_c_draws.npz": set(),
}  # fmt: skip
"""Sentences about the values and where they come from."""
EACH = [(file, check) for file, checks in FILES.items() for check in checks]


@pytest.mark.parametrize(("file", "check"), EACH, ids=[check.__name__ for _, check in EACH])
def test_ours_equals_the_reference(file: str, check: Check, shared: Path) -> None:
    check(Golden.load(shared, file))


@pytest.mark.parametrize("file", FILES)
def test_no_value_is_left_out(file: str, shared: Path) -> None:
    golden = Golden.load(shared, file)
    assert len(golden.unread()) > (15 if file in ("golden_c.npz", "golden_p.npz") else 150)
    for check in FILES[file]:
        check(golden)
    assert golden.unread() == set(PROSE[file])
