"""No value of a golden file is left out: all checks over one view, and what they read of it."""

from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

from tests.golden import test_bang_golden, test_models_golden, test_noisymix_golden, test_optimizers_golden
from tests.golden.ledger import Check, Golden

BANG_PROSE = {
    "meta.about", "meta.eta_rule", "meta.loss", "two_layer.forward", "stability.note", "data_augmentation.note",
    "fgsm_linear.note", "line_search_linear.rule", "line_search_linear.logits", "fgs_blank_rule_float32.rule",
    "ssim.images", "ssim.params", "sgd.note",
}  # fmt: skip
NOISYMIX_PROSE = {
    "_meta.what", "_meta.repos.NoisyMix", "_meta.repos.NFM", "_meta.repos.AugMix", "_meta.max_abs_difference",
    "_meta.number_of_checks", "jsd.note", "cosine_lr.comment", "mce.comment",
}  # fmt: skip
"""Sentences about the values and where they come from."""


@pytest.mark.parametrize(
    ("file", "checks", "prose"),
    [
        (
            "golden_bang.json",
            (*test_bang_golden.CHECKS, *test_models_golden.BANG, *test_optimizers_golden.BANG),
            BANG_PROSE,
        ),
        (
            "golden_noisymix.json",
            (*test_noisymix_golden.CHECKS, *test_optimizers_golden.NOISYMIX),
            NOISYMIX_PROSE,
        ),
    ],
)
def test_no_value_is_left_out(shared: Path, file: str, checks: Sequence[Check], prose: Collection[str]) -> None:
    golden = Golden.load(shared, file)
    assert len(golden.unread()) > 150
    for check in checks:
        check(golden)
    assert golden.unread() == set(prose)
