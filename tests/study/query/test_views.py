"""What the views say about a small study of which every number is known."""

import subprocess
import sys
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest

from study.plan import Plan
from study.query import VIEWS, QueryError, Tables, describe, open_tables
from study.query.tables import _empty
from study.store import CorruptObjectError, Store
from tests.study.store import small
from trainables.recipe import Component, Scratch

CORRECT = {"base": 900, "st-0": 700, "st-1": 750, "st-2": 800, "st-3": 950, "da-0": 600, "da-1": 600, "at": 850}
"""Images of 1,000 right on clean ones; one fewer at each condition after it."""


@pytest.fixture
def store() -> Store:
    return Store.open(f"memory://{uuid4().hex}")


def launched(store: Store, plan: Plan) -> Tables:
    store.record_launch(plan, "study: small", {})
    return open_tables(store, plan.study)


@pytest.fixture
def tables(store: Store) -> Tables:
    small.run(store, small.plan(), CORRECT)
    return launched(store, small.plan())


def rows(tables: Tables, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tables.sql(sql).to_pylist()
    return found


def test_hyperparameters_are_named_without_quotes(tables: Tables) -> None:
    found = rows(
        tables,
        "SELECT label, method.alpha, method.p, distortion.sigma, accuracy "
        "FROM evaluations JOIN trials USING (trial_id) WHERE train_distortion = 'gaussian_noise' "
        "AND test_distortion = 'gaussian_noise' AND practical "
        "ORDER BY accuracy LIMIT 2",
    )
    assert found == [
        {"label": "ST", "alpha": 0.01, "p": None, "sigma": 0.1, "accuracy": 0.698},
        {"label": "ST", "alpha": 0.01, "p": None, "sigma": 0.3, "accuracy": 0.748},
    ]


def test_trials_say_what_they_are(tables: Tables) -> None:
    by_id = {row["trial_id"]: row for row in rows(tables, "trials")}
    assert list(by_id) == list(CORRECT)
    assert [by_id[one]["hyperparameters"] for one in ("base", "st-1", "da-0", "at")] == [
        "",
        "α 0.01, σ 0.3",
        "p 0.5, ρ 30, σ 0.1",
        "ε 0.0314",
    ]
    assert by_id["st-1"]["method"]["divergence"] == "kl"
    assert by_id["da-0"]["distortion"] == {"name": "rotation then gaussian_noise", "degrees": 30.0, "sigma": 0.1}
    assert by_id["at"]["attack"] == {"name": "fgsm", "epsilon": 8 / 255}
    assert (by_id["base"]["clean_accuracy"], by_id["base"]["validation_accuracy"]) == (0.9, 0.9)
    assert by_id["base"]["train_distortion"] is None


def test_a_switch_is_boolean(store: Store) -> None:
    def attack(clamp: bool) -> Component:
        return Component.of("fgsm", {"epsilon": 0.1, "clamp": clamp})

    trials = [small.trial(f"at{clamp}", "AT", Component.of("adversarial_training"), [attack(clamp)])
              for clamp in (True, False)]  # fmt: skip
    plan = small.plan([*trials, small.BASELINE])
    small.run(store, plan, {trial.trial_id: 1 for trial in plan.trials})
    tables = launched(store, plan)
    assert rows(tables, "SELECT typeof(attack.clamp) AS kind FROM trials LIMIT 1") == [{"kind": "BOOLEAN"}]
    assert [row["trial_id"] for row in rows(tables, "SELECT trial_id FROM trials WHERE NOT attack.clamp")] == [
        "atFalse"
    ]


def test_a_text_that_varies_under_a_label_is_told(store: Store) -> None:
    trials = [
        small.trial(f"s{name}", "ST", small.stability(1.0, name), [small.noise(0.1)]) for name in ("kl", "l2")
    ]  # fmt: skip
    plan = small.plan(trials)
    small.run(store, plan, {"skl": 1, "sl2": 2})
    found = rows(launched(store, plan), "SELECT hyperparameters FROM trials")
    assert [row["hyperparameters"] for row in found] == ["divergence kl, σ 0.1", "divergence l2, σ 0.1"]


def test_cells_have_rates_with_their_errors(tables: Tables) -> None:
    (row,) = rows(tables, "FROM evaluations WHERE trial_id = 'base' AND test_distortion = 'jpeg' AND practical")
    assert (row["level"], row["step"], row["n"], row["correct"]) == (30.0, 2, 1000, 896)
    assert row["accuracy"] == 0.896
    assert row["standard_error"] == pytest.approx((0.896 * 0.104 / 1000) ** 0.5)
    assert (row["top5_accuracy"], row["loss"], row["confidence"]) == (0.946, 2.0, 0.5)


def test_bands_run_from_clean_to_hard_over_all_trials_of_a_label(tables: Tables) -> None:
    found = rows(tables, "FROM bands WHERE label = 'ST' AND test_distortion = 'jpeg'")
    assert [(row["step"], row["level"], row["practical"]) for row in found] == [
        (0, None, False),
        (1, 90.0, False),
        (2, 30.0, True),
        (3, 5.0, False),
    ]
    clean = found[0]
    assert list(clean) == [column.name for column in describe("bands")]
    assert (clean["train_distortion"], clean["parameter"], clean["n"]) == ("gaussian_noise", "quality", 1000)
    assert (clean["trials"], clean["diverged"], clean["baseline"]) == (4, 0, 0.9)
    shown = [clean[name] for name in ("min", "q25", "median", "q75", "max")]
    assert shown == pytest.approx([0.700, 0.7375, 0.775, 0.8375, 0.950])


def test_bands_hold_every_label_on_a_distortion_under_every_test_in_the_order_of_the_plan(tables: Tables) -> None:
    groups = list(dict.fromkeys((row["label"], row["test_distortion"]) for row in rows(tables, "bands")))
    assert groups == [(label, test) for label in ("ST", "DA", "AT") for test in ("gaussian_noise", "jpeg")]


def test_practical_names_the_worst_and_the_best(tables: Tables) -> None:
    found = {row["label"]: row for row in rows(tables, "FROM practical WHERE test_distortion = 'gaussian_noise'")}
    assert list(found) == ["Baseline", "ST", "DA", "AT"]
    band = found["ST"]
    assert (band["worst_trial"], band["worst_hyperparameters"], band["worst"]) == ("st-0", "α 0.01, σ 0.1", 0.698)
    assert (band["best_trial"], band["best_hyperparameters"], band["best"]) == ("st-3", "α 10, σ 0.3", 0.948)
    assert band["worst_error"] == pytest.approx((0.698 * 0.302 / 1000) ** 0.5)
    assert (band["level"], band["trials"], band["n"], band["baseline"]) == (0.3, 4, 1000, 0.898)
    assert band["width"] == pytest.approx(0.25)


def test_of_equals_the_first_in_the_plan_is_named(tables: Tables) -> None:
    (band,) = rows(tables, "FROM practical WHERE label = 'DA' AND test_distortion = 'jpeg'")
    assert band["worst_trial"] == band["best_trial"] == "da-0"


def test_several_baselines_count_by_their_mean(store: Store) -> None:
    again = small.trial("again", "Baseline", Component.of("standard"), start=Scratch(), replicate=1)
    plan = small.plan([small.BASELINE, again, *small.ST])
    small.run(store, plan, {"base": 900, "again": 800, "st-0": 700})
    found = rows(launched(store, plan), "SELECT DISTINCT round(baseline, 9) AS baseline FROM bands WHERE step = 0")
    assert found == [{"baseline": 0.85}]


def test_diverged_trials_stay_in_the_band(store: Store) -> None:
    plan = small.plan()
    small.run(store, plan, {"base": 900, "st-0": 700})
    store.commit_training(small.ST[1], small.DIVERGED)
    cells = [small.cell(condition.condition_id, 100, at_chance=True) for condition in plan.conditions]
    store.commit_cells("st-1", plan.conditions, cells)
    tables = launched(store, plan)
    (band,) = rows(tables, "FROM bands WHERE label = 'ST' AND test_distortion = 'jpeg' AND practical")
    assert (band["trials"], band["diverged"], band["min"]) == (2, 1, 0.1)
    (end,) = rows(tables, "FROM practical WHERE label = 'ST' AND test_distortion = 'jpeg'")
    assert (end["worst_trial"], end["diverged"]) == ("st-1", 1)
    assert rows(tables, "SELECT count(*) AS cells FROM evaluations WHERE at_chance") == [{"cells": 6}]


def test_a_study_that_has_not_begun_has_every_view(store: Store) -> None:
    tables = launched(store, small.plan())
    for view in VIEWS:
        assert rows(tables, view) == []
        assert tables.sql(view).column_names == [column.name for column in describe(view)]


def test_a_study_of_a_baseline_alone_has_every_view(store: Store) -> None:
    plan = small.plan([small.BASELINE])
    small.run(store, plan, {"base": 900})
    tables = launched(store, plan)
    assert [len(tables.sql(view)) for view in ("trials", "evaluations", "epochs", "bands", "practical")] == [
        1,
        6,
        3,
        0,
        2,
    ]
    assert rows(tables, "SELECT method.name, distortion.name AS d, attack.name AS a FROM trials") == [
        {"name": "standard", "d": None, "a": None}
    ]


def test_missing_cells_are_absent_and_the_rest_stands(store: Store) -> None:
    plan = small.plan()
    small.run(store, plan, {"st-0": 700})
    store.commit_training(small.ST[1], small.OUTCOME)
    store.commit_cells("st-1", plan.conditions, [small.cell("c-jpeg-30", 500)])
    tables = launched(store, plan)
    found = rows(tables, "SELECT step, trials, baseline FROM bands WHERE label = 'ST' AND test_distortion = 'jpeg'")
    assert [row["trials"] for row in found] == [1, 1, 2, 1]
    assert {row["baseline"] for row in found} == {None}
    assert rows(tables, "SELECT clean_accuracy FROM trials WHERE trial_id = 'st-1'") == [{"clean_accuracy": None}]


def test_a_narrower_plan_leaves_rows_out_of_the_views_and_none_out_of_the_store(store: Store, tables: Tables) -> None:
    assert len(tables.sql("trials")) == 8
    narrow = launched(store, small.plan(trials=[small.BASELINE, *small.ST[:2]], sweeps=small.SWEEPS[:1]))
    assert [row["trial_id"] for row in rows(narrow, "trials")] == ["base", "st-0", "st-1"]
    assert len(narrow.sql("evaluations")) == len(narrow.sql("predictions")) == 3 * 3
    assert len(narrow.sql("all_trials")) == 8
    assert len(store.read("evaluations")) == 8 * 6


def test_a_trial_under_two_labels_counts_under_both_and_is_one_trial(store: Store) -> None:
    twice = replace(small.ST[0], label="ST too")
    plan = small.plan([small.BASELINE, small.ST[0], twice, small.ST[0]])
    small.run(store, plan, {"base": 900, "st-0": 700})
    tables = launched(store, plan)
    assert [row["label"] for row in rows(tables, "trials")] == ["Baseline", "ST", "ST too"]
    assert len(tables.sql("evaluations")) == 12
    assert {row["trials"] for row in rows(tables, "bands")} == {1}
    assert len(tables.sql("bands")) == 2 * (3 + 4)


def test_two_studies_of_one_store_see_their_own_trials(store: Store, tables: Tables) -> None:
    other = launched(store, small.plan([small.BASELINE], study="other"))
    assert [row["trial_id"] for row in rows(other, "trials")] == ["base"]
    assert len(open_tables(store, None).sql("all_trials")) == 8


def test_epochs_have_a_column_a_term(tables: Tables) -> None:
    found = rows(tables, "SELECT epoch, loss, terms.stability, validation_accuracy FROM epochs WHERE trial_id = 'st-0'")
    assert found[1] == {"epoch": 2, "loss": 0.5, "stability": 0.25, "validation_accuracy": 0.9}


def test_attempts_are_those_of_the_study(store: Store, tables: Tables) -> None:
    store.record_attempt(small.attempt("base"))
    store.record_attempt(small.attempt("stranger"))
    assert [row["trial_id"] for row in rows(tables, "attempts")] == ["base"]


@pytest.mark.parametrize("view", list(VIEWS))
def test_a_view_says_the_same_with_every_table_there(tables: Tables, view: str) -> None:
    assert tables.sql(view).equals(tables.sql(f"WITH a AS (FROM trials, epochs, attempts, predictions) FROM {view}"))


@pytest.mark.parametrize("view", list(VIEWS))
def test_every_column_of_a_view_is_described(view: str) -> None:
    for column in describe(view):
        assert column.meaning
        assert column.type


def test_empty_and_filled_tables_have_the_same_columns(tables: Tables) -> None:
    for name, empty in _empty().items():
        assert tables._stored(name).column_names == empty.column_names, name
    assert isinstance(tables.sql("bands"), pa.Table)


def test_an_unknown_study_is_told_from_those_in_the_store(store: Store, tables: Tables) -> None:
    with pytest.raises(QueryError, match=r"no study is called 'tiny' in the store memory://.*; there: small"):
        open_tables(store, "tiny")
    with pytest.raises(QueryError, match="no view is called 'band'; there are trials"):
        describe("band")


def test_a_file_that_cannot_be_read_ends_the_query_with_its_name(store: Store, tables: Tables) -> None:
    store.objects.put("results/evaluations/" + store.objects.children("results/evaluations")[0], b"PAR1")
    assert len(tables.sql("epochs")) == 24
    with pytest.raises(CorruptObjectError, match="results/evaluations/"):
        tables.sql("bands")


def test_a_query_does_not_wait_for_torch(store: Store, tmp_path: Any) -> None:
    there = Store.open(tmp_path)
    small.run(there, small.plan(), CORRECT)
    launched(there, small.plan())
    code = (
        "import sys; from study.store import Store; from study.query import open_tables, describe;"
        f"store = Store.open({str(tmp_path)!r}, create=False); store.studies(); store.committed(); store.leases();"
        "assert len(store.newest_launch('small').plan.trials) == 8;"
        "assert len(open_tables(store, 'small').sql('bands')) == 21; describe('bands');"
        "assert not {'torch', 'ray', 'mlflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_with_may_bear_the_name_of_the_table_that_it_reads(tables: Tables) -> None:
    expected = rows(tables, "SELECT count(*) AS n FROM trials WHERE label = 'ST'")
    assert expected[0]["n"] > 0
    within = "WITH trials AS (SELECT * FROM trials WHERE label = 'ST') SELECT count(*) AS n FROM trials"
    assert rows(tables, within) == expected
    beside = "SELECT count(*) AS n FROM trials WHERE label IN (WITH trials AS (SELECT 'ST' AS label) FROM trials)"
    assert rows(tables, beside) == expected


def test_near_duplicates_have_a_precision_and_a_recall(store: Store) -> None:
    trained = small.RANKING.trials[0]
    store.commit_training(trained, small.OUTCOME)
    store.commit_cells(trained.trial_id, small.RANKING.conditions, small.ranked(900))
    tables = launched(store, small.RANKING)
    found = rows(
        tables,
        "SELECT label, method.alpha, level, threshold, precision, recall FROM near_duplicates "
        "JOIN trials USING (trial_id, label) WHERE practical AND test_distortion = 'gaussian_noise'",
    )
    assert found == [
        {"label": "FS", "alpha": 0.3, "level": 0.3, "threshold": 0.5, "precision": None, "recall": 0.0},
        {"label": "FS", "alpha": 0.3, "level": 0.3, "threshold": 1.0, "precision": 0.8, "recall": 0.8},
    ]
    tested = [one for one in small.RANKING.conditions if one.family != "clean"]  # a clean copy is the image itself
    assert len(tables.sql("near_duplicates")) == 2 * len(tested)


def attacked(store: Store) -> Tables:
    """BASELINE robust by neither rule, st-0 by masking; st-1 with nothing right, st-2 at chance."""
    plan = small.ATTACKED
    for trial, correct, successes in (
        ("base", 800, (600, 800, 700)),
        ("st-0", 900, (90, 900, 630)),
        ("st-1", 0, (0,) * 3),
    ):
        store.commit_cells(trial, plan.conditions, small.attacked(correct, successes))
    lost = [
        replace(one, at_chance=True, correct=100, correct_bits=None, attacks=(replace(
            small.counted(condition, 0, 0), blank=None, linf_sum=None, linf_square_sum=None, pass_sum=None,
            pass_square_sum=None, pass_unaligned_sum=None, pass_unaligned_square_sum=None),))
        for one, condition in zip(small.attacked(0, (0,) * 3)[-3:], small.ATTACKS, strict=True)
    ]  # fmt: skip
    store.commit_cells("st-2", plan.conditions, lost)
    return launched(store, plan)


def test_adversarial_quality_is_over_what_is_right_and_over_what_succeeds(store: Store) -> None:
    found = rows(attacked(store), "FROM attacks WHERE trial_id IN ('base', 'st-0')")
    assert [(row["label"], row["test_attack"], row["variant"], row["epsilon"]) for row in found] == [
        (label, *attack)
        for label in ("Baseline", "ST")
        for attack in (("fgs", "paper", None), ("fgs", "unmasked", None), ("pgd", None, 0.1))
    ]
    assert [row["settings"] for row in found] == [None, None, "restarts 1, step_size 0.007843, steps 20"] * 2
    assert [row["success_rate"] for row in found] == [0.75, 1, 0.875, 0.1, 1, 0.7]
    assert [row["blank_share"] for row in found] == [0.25, None, None, 0.9, None, None]
    assert [row["accuracy"] for row in found] == pytest.approx([0.2, 0, 0.1, 0.81, 0, 0.27])
    for row in found:
        assert (row["linf_mean"], row["linf_std"]) == (30, 10)
        assert (row["pass_mean"], row["pass_std"]) == pytest.approx((0.7, 0.1))
        assert (row["pass_unaligned_mean"], row["pass_unaligned_std"]) == pytest.approx((0.5, 0), abs=1e-6)


def test_nothing_attacked_has_no_rate_and_no_moments(store: Store) -> None:
    found = rows(attacked(store), "FROM attacks WHERE trial_id IN ('st-1', 'st-2')")
    assert len(found) == 2 * len(small.ATTACKS)
    derived = ("success_rate", "blank_share", "linf_mean", "linf_std", "pass_mean", "pass_std", "pass_unaligned_mean")
    assert all(row[name] is None for row in found for name in derived)
    assert [(row["attempts"], row["at_chance"], row["accuracy"]) for row in found[2:4]] == [
        (0, False, 0),
        (0, True, 0.1),
    ]


def test_a_study_of_classes_has_no_near_duplicates(tables: Tables) -> None:
    assert rows(tables, "near_duplicates") == []


def test_what_ranks_alone_is_the_baseline_of_what_ranks_stably(store: Store) -> None:
    alone = small.trial("alone", "Baseline", Component.of("triplet_ranking"), start=Scratch())
    plan = replace(small.RANKING, trials=(alone, *small.RANKING.trials))
    for trial, correct in zip(plan.trials, (700, 900), strict=True):
        store.commit_training(trial, small.OUTCOME)
        store.commit_cells(trial.trial_id, plan.conditions, small.ranked(correct))
    assert {row["baseline"] for row in rows(launched(store, plan), "FROM bands WHERE step = 0")} == {0.7}
