"""The page of adversarial quality: both rules and PGD side by side, and what masked gradients are worth."""

from dataclasses import replace

import pytest

from dashboards.pages import pages
from dashboards.pages.adversarial_quality import page
from dashboards.parts import Page
from dashboards.reading import read_results
from study.plan import Plan
from study.store import Store
from tests.dashboards.made import in_memory
from tests.study.store import small
from trainables.records import Cell


@pytest.fixture
def store() -> Store:
    return in_memory()


def shown(store: Store, plan: Plan = small.ATTACKED, **trials: list[Cell]) -> Page | None:
    for trial_id, cells in trials.items():
        store.commit_cells(trial_id.replace("_", "-"), plan.conditions, cells)
    store.record_launch(plan, "study: small", {})
    return page(read_results(store, plan.study))


def rows(made: Page, slot: int = 0) -> list[dict[str, object]]:
    """A table's rows by the names of its columns."""
    table = made.slots[slot].variants[0].table
    assert table is not None
    return [dict(zip((one.name for one in table.columns), row, strict=True)) for row in table.rows]


def test_a_trial_has_both_rules_and_pgd_beside_them(store: Store) -> None:
    made = shown(store, base=small.attacked(800, (600, 800, 700)), st_0=small.attacked(900, (90, 900, 630)))
    assert made is not None
    assert [slot.title for slot in made.slots] == ["FGS"]
    baseline, stable = rows(made)
    assert (baseline["label"], stable["label"], stable["hyperparameters"]) == ("Baseline", "ST", "α 0.01, σ 0.1")
    assert [stable[f"fgs_{rule}_success"] for rule in ("paper", "unmasked")] == [0.1, 1]
    assert (stable["fgs_paper_blank"], stable["pgd_0.1_accuracy"]) == (0.9, 0.27)
    assert (stable["fgs_paper_linf"], stable["fgs_paper_pass"]) == ("30.0 ± 10.0", "0.700 ± 0.100")
    assert "Baseline, 1 trial: FGS succeeds on 75.0 % of the images by the rule paper and on 100.0 % wit" in made.body
    assert "ST, 1 trial: FGS succeeds on 10.0 %" in made.body
    assert "the other 90.0 points are masked gradients" in made.body
    assert "Of 1,000 test images" in made.body
    assert "PGD with ε 0.1: restarts 1, step size 0.007843, steps 20." in made.body


def test_without_masking_the_rules_agree(store: Store) -> None:
    made = shown(store, base=small.attacked(800, (800, 800, 700)))
    assert made is not None
    assert "Baseline, 1 trial: FGS succeeds on 100.0 % of the images, by either rule." in made.body


def test_pass_without_alignment_is_called_so(store: Store) -> None:
    cells = [
        replace(one, attacks=tuple(replace(two, pass_sum=None, pass_square_sum=None) for two in one.attacks))
        for one in small.attacked(800, (600, 800, 700))
    ]
    made = shown(store, base=cells)
    assert made is not None
    titles = [one.title for one in made.slots[0].variants[0].table.columns]  # type: ignore[union-attr]
    assert "paper: PASS unaligned" in titles
    assert "paper: PASS" not in titles
    assert rows(made)[0]["fgs_paper_pass_unaligned"] == "0.500 ± 0.000"


def test_what_has_not_been_attacked_is_empty(store: Store) -> None:
    made = shown(store, base=small.attacked(800, (600, 800, 700))[:-1], st_0=small.attacked(0, (0, 0, 0)))
    assert made is not None
    baseline, stable = rows(made)
    assert "pgd_0.1_accuracy" in baseline
    assert baseline["pgd_0.1_accuracy"] is None
    assert (stable["fgs_paper_success"], stable["fgs_paper_linf"], stable["pgd_0.1_accuracy"]) == (None, None, 0)


def test_pgd_alone_has_a_table_of_its_own(store: Store) -> None:
    only = replace(small.ATTACKED, conditions=(*small.plan().conditions, small.ATTACKS[2]))
    cells = [one for one in small.attacked(800, (600, 800, 700)) if "fgs" not in one.condition_id]
    made = shown(store, only, base=cells)
    assert made is not None
    assert [slot.title for slot in made.slots] == ["PGD"]
    assert rows(made)[0]["pgd_0.1_success"] == 0.875


def test_a_study_without_attacks_has_no_such_page(store: Store) -> None:
    small.run(store, small.plan(), {"base": 900})
    store.record_launch(small.plan(), "study: small", {})
    results = read_results(store, "small")
    assert page(results) is None
    assert "adversarial-quality" not in [one.name for one in pages(results)]
