"""The front, its table at the end of a launch, and the view `pareto`: they agree, and with sums made by hand."""

import io
import math
import re
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from rich.console import Console

from study.cli.front_screen import print_fronts
from study.cli.plan_screen import plan_facts
from study.cli.terminal import Terminal
from study.plan import Plan
from study.query import open_tables
from study.report import Naming, changes, end_table, plan_table, registered_symbol
from study.standing import Mean, fronts, look, practical_cells
from study.store import Store
from study.summary import summarise
from tests.study.search import peaked
from tests.study.search.finished import bits, made, search_to_the_end

POINTS = 8


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Plan]:
    return made(tmp_path_factory.mktemp("searched"), POINTS)


def drawn_text(plan: Plan, store: Store, width: int | None) -> str:
    stream = io.StringIO()
    terminal = Terminal(console=Console(file=stream, width=width or 200), width=width, unicode=True)
    print_fronts(plan, fronts(store, plan), Naming(plan, registered_symbol), terminal)
    return stream.getvalue()


def test_the_view_has_every_point_and_marks_the_front(study: tuple[Store, Plan]) -> None:
    store, _ = study
    rows = open_tables(store, "search_mnist").sql("pareto").to_pylist()
    assert [(row["label"], row["number"]) for row in rows] == [
        (label, number) for label in ("ST", "DA") for number in range(POINTS)
    ]
    for label in ("ST", "DA"):
        own = [row for row in rows if row["label"] == label]
        for row in own:
            rival = [one["validation"] for one in own if one["validation"] != row["validation"]]
            beaten = any(all(one[name] >= value for name, value in row["validation"].items()) for one in rival)
            assert row["front"] == (not beaten)
    assert any(row["front"] for row in rows)
    assert not all(row["front"] for row in rows)


def test_an_objective_is_the_mean_of_its_cells(study: tuple[Store, Plan]) -> None:
    store, _ = study
    tables = open_tables(store, "search_mnist")
    row = tables.sql("FROM pareto LIMIT 1").to_pylist()[0]
    sql = f"SELECT accuracy FROM evaluations WHERE trial_id = '{row['trial_id']}' AND split = '%s' AND %s"
    for split in ("validation", "test"):
        robust = tables.sql(sql % (split, "(practical OR (split = 'validation' AND family = 'sweep'))"))
        assert len(robust) == 3
        assert row[split]["robust"] == pytest.approx(fmean(robust["accuracy"].to_pylist()))
        (clean,) = tables.sql(sql % (split, "family = 'clean'"))["accuracy"].to_pylist()
        assert row[split]["clean"] == clean


def test_the_error_of_an_objective_is_over_images_each_with_its_own_mean(study: tuple[Store, Plan]) -> None:
    store, plan = study
    conditions = {one.condition_id: one for one in plan.conditions}
    trials = {trial.trial_id: trial for trial in plan.trials}
    for front in fronts(store, plan):
        for point, means in front.points:
            trial = trials[point.drawn.trial_ids[0]]
            for objective, mean in zip(front.search.objectives, means, strict=True):
                each = np.mean([bits(trial, conditions[one]) for one in objective.test], axis=0)
                assert mean == Mean(value=pytest.approx(each.mean()), error=pytest.approx(each.std() / math.sqrt(500)))


def test_the_table_says_what_it_was_picked_on_and_what_is_told(study: tuple[Store, Plan]) -> None:
    store, plan = study
    text = drawn_text(plan, store, None)
    assert "beats in clean and robust on 500 validation images; their accuracy in % on 500 test images" in text
    assert re.search(r"^  Baseline +\d+\.\d ± \d\.\d +\d+\.\d ± \d\.\d$", text, re.MULTILINE)
    front = open_tables(store, "search_mnist").sql("FROM pareto WHERE front").to_pylist()
    body = text.split("\n\n", 1)[1].splitlines()
    assert len(body) == 1 + len(plan.baseline) + len(front)
    for row in front:
        hyperparameters = row["hyperparameters"].replace(",", "")
        (line,) = [line for line in body if line.endswith(hyperparameters)]
        for split in ("test", "validation"):
            for value in row[split].values():
                assert f"{100 * value:.1f}" in line


@pytest.mark.parametrize("width", [108, 80, 60])
def test_a_narrow_table_loses_whole_columns(study: tuple[Store, Plan], width: int) -> None:
    store, plan = study
    assert all(len(line) <= width for line in drawn_text(plan, store, width).splitlines())


def test_a_study_that_has_drawn_nothing_has_no_front_and_every_view(tmp_path: Path) -> None:
    store, plan = Store.open(tmp_path), peaked.plan(tmp_path)
    store.record_launch(plan, peaked.SEARCH, {})
    assert drawn_text(plan, store, None) == ""
    assert len(open_tables(store, "search_mnist").sql("pareto")) == 0


def test_a_plan_says_what_is_searched_and_for_what(tmp_path: Path) -> None:
    plan = peaked.plan(tmp_path)
    table = plan_table(plan, Naming(plan, registered_symbol))
    (noise,) = [row for row in table.rows if row.trained_on == "gaussian_noise"]
    assert (noise.counts, noise.levels) == ({"ST": 16, "DA": 16}, (("σ", ("0.05 to 0.5",)),))
    assert table.stages == (1, 32)
    summary = summarise(plan, look(Store.open(tmp_path / "none"), plan))
    assert (summary.trials.total, summary.trials.left, summary.evaluations) == (33, 33, 660)
    from study.cost import cost

    expected = cost(plan, look(Store.open(tmp_path / "none"), plan), (), "")
    told = [text for what, text in plan_facts(plan, table, summary, expected, "s") if what == "search"]
    assert told[0] == (
        "tpe draws 16 points of ST on gaussian_noise: α 0.01 to 10 (log), σ 0.05 to 0.5; "
        "for the most clean and robust accuracy on validation images"
    )


def test_more_points_are_told_as_new_and_an_interruption_changes_nothing(
    study: tuple[Store, Plan], tmp_path: Path
) -> None:
    store, plan = study
    same, more, fresh = (
        peaked.plan(tmp_path, ("trials:     16", f"trials:     {points}"), ("tpe  ", "random  "))
        for points in (POINTS, POINTS + 2, POINTS)
    )
    assert changes(plan, store.with_points(same)).groups == ()
    assert changes(fresh, plan).kept == 1
    assert [(group.label, group.trials, group.values) for group in changes(plan, store.with_points(more)).groups] == [
        ("ST", 2, ()), ("DA", 2, ()),
    ]  # fmt: skip


def test_a_point_drawn_again_is_the_same_trial_and_counts_once(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    few = (
        ("trials:     16", "trials:     6"), ("tpe  ", "random  "), ("p: {uniform: [0, 1]}", "p: {choice: [0.5, 1]}"),
        ("sigma: {uniform: [0.05, 0.5]}", "sigma: 0.3"),
    )  # fmt: skip
    plan = search_to_the_end(store, peaked.plan(tmp_path, *few))
    assert len(plan.drawn) == 12
    labels = [trial.label for trial in plan.trials]
    assert (labels.count("DA"), len(plan.trials)) == (2, len(plan.unique_trials()))
    assert summarise(plan, look(store, plan)).complete
    (row,) = [row for row in end_table(plan, practical_cells(store, plan)).rows if row.label == "DA"]
    (band,) = (
        open_tables(store, "search_mnist")
        .sql("FROM bands WHERE label = 'DA' AND test_distortion = 'gaussian_noise' AND practical")
        .to_pylist()
    )
    assert row.trials == band["trials"] == 2
    text = drawn_text(plan, store, None)
    assert "6, 2 distinct" in text
    rows = [line for line in text.splitlines() if re.search(r"p (0.5|1) ", line)]
    assert len(rows) == len(set(rows)) <= 2


def test_a_whole_search_is_complete(study: tuple[Store, Plan]) -> None:
    store, plan = study
    assert summarise(plan, look(store, plan)).complete
