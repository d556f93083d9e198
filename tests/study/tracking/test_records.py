"""From tables to records, without MLflow: names, limits, times and states."""

import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from mlflow.utils.validation import _validate_metric_name, _validate_param

from dashboards.still import still
from study.plan import PlannedTrial
from study.query import Tables as Views
from study.store import AttemptRow, Store
from study.tracking.children import child, run_name
from study.tracking.curves import Curves, SweepCurve, curves_of
from study.tracking.metrics import epoch_points, headlines
from study.tracking.parent import study_run
from study.tracking.records import KEY_LENGTH, PARAM_LENGTH, RunRecord, cut, key, params, points, tags
from study.tracking.tables import Tables
from tests.study.hand_made import NOON, TEXT, attempt, evaluate, finished, launched, outcome, small_plan, train
from tests.study.query.test_stability import tables as stability
from tests.study.store import small
from tests.study.tracking.mirror import RENDERERS
from trainables.records import Epoch

__all__ = ["stability"]


def tables_of(store: Store) -> Tables:
    launch = store.newest_launch("small")
    assert launch is not None
    tables = Tables(store, launch)
    tables.read()
    return tables


def record(tables: Tables, trial: PlannedTrial, running: bool = False, live: bool = False) -> RunRecord:
    made = child(tables, trial.trial_id, RENDERERS, {trial.trial_id: 7} if running else {}, live)
    assert made is not None
    return made


@pytest.mark.parametrize(
    "name", ["a@b[0]", "<b>", "σ", "a/../b", "/x", "x" * 400, "rotation then gaussian_noise", "%s"]
)
def test_any_name_becomes_one_that_mlflow_takes(name: str) -> None:
    _validate_metric_name(key(f"test.{name}.mean"))
    _validate_param(key(f"methods.{name}"), "1")
    assert len(key(name)) <= KEY_LENGTH


def test_names_that_are_cut_stay_different() -> None:
    assert key("x" * 400 + "a") != key("x" * 400 + "b")
    assert cut("short", 10) == "short"


def test_a_param_of_any_length_fits() -> None:
    (value,) = params({"long": "y" * 9_000}).values()
    assert len(value) == PARAM_LENGTH
    assert params({"absent": None}) == {}
    assert tags({"absent": None, "empty": "", "zero": 0}) == {"zero": "0"}


def test_what_is_not_finite_is_no_metric() -> None:
    found = points({"a": math.nan, "b": math.inf, "c": -math.inf, "d": 0.5}, 3, 4)
    assert [(point.key, point.value, point.step, point.at) for point in found] == [("d", 0.5, 3, 4)]


def test_a_finished_trial(store: Store) -> None:
    tables = tables_of(store)
    trial = next(trial for trial in tables.plan.trials if trial.label == "ST")
    made = record(tables, trial)
    assert made.name == "ST · gaussian_noise · α 0.1 · σ 0.1"
    assert made.status == "FINISHED"
    assert {"label": "ST", "method": "stability_training", "train_distortion": "gaussian_noise", "replicate": "0",
            "diverged": "false", "host": "engine"}.items() <= made.tags.items()  # fmt: skip
    assert made.tags["parent"] == tables.plan.trials[0].trial_id
    assert made.tags["git_commit"] == "abcdef0123456789 with changes"
    assert {"method": "stability_training", "method.alpha": "0.1", "method.divergence": "kl", "distortion.sigma": "0.1",
            "optimizer.lr": "0.01", "batch_size": "50", "start": "trial"}.items() <= made.params.items()  # fmt: skip
    assert made.latest == {
        "hp.alpha": 0.1, "hp.sigma": 0.1, "train.loss": 1.0, "val.loss": 1.0, "val.accuracy": 0.9,
        "learning_rate": 0.01, "test.clean": 0.81, "test.gaussian_noise.practical": 0.81,
        "test.gaussian_noise.mean": 0.81, "test.jpeg.practical": 0.81, "test.jpeg.mean": 0.81,
    }  # fmt: skip
    assert [file.path for file in made.artifacts] == ["evaluations.csv", "curves.svg"]
    assert [(one.name, one.context) for one in made.inputs] == [
        ("mnist_5k", "train"), ("mnist_5k", "validation"), ("mnist_5k", "test"),
    ]  # fmt: skip
    assert all(len(one.digest) <= 36 for one in made.inputs)


def test_the_evaluation_table_has_the_baseline_beside_each_result(store: Store) -> None:
    tables = tables_of(store)
    table = record(tables, tables.plan.trials[1]).artifacts[0].content().decode().splitlines()
    assert table[0].startswith("test_distortion,parameter,level,practical,n,correct,accuracy,standard_error,baseline")
    assert table[1].startswith("clean,,,no,100,81,0.81,0.0392301,0.8,")
    assert sum(",yes,100," in line for line in table) == 2
    alone = record(tables, tables.plan.trials[0]).artifacts[0].content().decode()
    assert "clean,,,no,100,80,0.8,0.04,,0.5" in alone


def test_a_parameter_of_two_owners_says_whose_it_is(tmp_path: Path) -> None:
    text = TEXT.replace("rotation: {degrees: [30]}", "fgsm: {epsilon: [0.1]}").replace(
        "[gaussian_noise, rotation]", "[gaussian_noise, fgsm]"
    )
    store = Store.open(tmp_path / "store")
    finished(store, small_plan(tmp_path, text), text)
    tables = tables_of(store)
    attacked = next(trial for trial in tables.plan.trials if trial.train_distortion == "fgsm")
    assert "hp.epsilon" in record(tables, attacked).latest
    tables.__dict__["ambiguous"] = frozenset({"epsilon"})
    assert "hp.attack.epsilon" in record(tables, attacked).latest


def test_an_epochs_metrics_have_the_epoch_as_their_step() -> None:
    epoch = Epoch(epoch=4, loss=1.5, terms={"clean": 1.0, "stability": 0.5}, validation_loss=0.7,
                  validation_correct=90, validation_n=100, learning_rate=0.1)  # fmt: skip
    found = epoch_points(vars(epoch), 9, "accuracy")
    assert {point.key: point.value for point in found} == {
        "train.loss": 1.5, "train.clean": 1.0, "train.stability": 0.5, "val.loss": 0.7, "val.accuracy": 0.9,
        "learning_rate": 0.1,
    }  # fmt: skip
    assert {(point.step, point.at) for point in found} == {(4, 9)}


def test_epochs_are_spread_over_every_attempt(tmp_path: Path) -> None:
    """Two attempts of four seconds, an hour between them: half of the training is done when the first ends."""
    store = Store.open(tmp_path / "store")
    plan = small_plan(tmp_path)
    launched(store, plan)
    trial = plan.trials[0]
    for number, status in ((1, "stopped"), (61, "done")):
        store.record_attempt(attempt(trial, "train", status, number=number))
    rows = tables_of(store).rows[trial.trial_id]
    noon = int(NOON.timestamp() * 1000)
    assert rows.moment(0.25) == noon + 60_000 + 2_000
    assert rows.moment(0.5) == noon + 60_000 + 4_000
    assert rows.moment(0.75) == noon + 61 * 60_000 + 2_000
    assert rows.moment(1.0) == rows.ended == noon + 61 * 60_000 + 4_000


def test_the_later_attempt_tells_whether_a_trial_failed_and_not_the_later_clock(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    plan = small_plan(tmp_path)
    launched(store, plan)
    recovered, broken = plan.trials[:2]
    for trial, first, second in ((recovered, "failed", "stopped"), (broken, "stopped", "failed")):
        early = attempt(trial, "train", first, 1, "ValueError: no" if first == "failed" else None)
        store.record_attempt(replace(early, started=early.started + timedelta(hours=1)))
        store.record_attempt(attempt(trial, "train", second, 2, "ValueError: no" if second == "failed" else None))
    tables = tables_of(store)
    assert [record(tables, trial).status for trial in (recovered, broken)] == ["KILLED", "FAILED"]


def test_states(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    plan = small_plan(tmp_path)
    launched(store, plan)
    finished_one, waiting, failed, stopped, diverged, untouched = plan.unique_trials()[:6]
    for trial in (finished_one, waiting):
        train(store, trial)
    evaluate(store, finished_one, plan.conditions, 80)
    store.record_attempt(attempt(failed, "train", "failed", error="ValueError: no"))
    store.record_attempt(attempt(stopped, "train", "stopped"))
    train(store, diverged, diverged_epoch=1)
    evaluate(store, diverged, plan.conditions, 10)
    tables = tables_of(store)
    states = [record(tables, trial).status for trial in (finished_one, waiting, failed, stopped, diverged)]
    assert states == ["FINISHED", "KILLED", "FAILED", "KILLED", "FINISHED"]
    assert record(tables, waiting, live=True).status == "RUNNING"
    assert record(tables, failed, running=True).status == "RUNNING"
    assert record(tables, diverged).tags["diverged"] == "true"
    assert child(tables, untouched.trial_id, RENDERERS, {}, False) is None
    assert record(tables, untouched, running=True).started == 7


def test_a_run_is_dated_by_its_attempts(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    plan = small_plan(tmp_path)
    launched(store, plan)
    before = attempt(plan.trials[0], "train", "done")
    early = AttemptRow(**{**vars(before), "started": NOON - timedelta(days=1)})
    store.commit_training(plan.trials[0], outcome(None))
    store.record_attempt(early)
    made = record(tables_of(store), plan.trials[0])
    assert made.started == int((NOON - timedelta(days=1)).timestamp() * 1000)


def test_a_trial_names_the_code_that_it_was_trained_with(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    for alpha, commit, hour in (("[0.1]", "aaa", 11), ("[0.1, 1]", "bbb", 13)):
        text = TEXT.replace("alpha: [0.1, 1]", f"alpha: {alpha}")
        plan = small_plan(tmp_path, text)
        told = {"code": {"commit": commit, "dirty": False}, "time": f"2026-01-01T{hour}:00:00+00:00"}
        store.record_launch(plan, text, told)
    before, after = plan.trials[:2]
    store.record_attempt(attempt(before, "train", "stopped"))
    store.record_attempt(attempt(after, "train", "stopped", number=120))
    tables = tables_of(store)
    assert [record(tables, trial).tags["git_commit"] for trial in (before, after)] == ["aaa", "bbb"]


def test_the_study_shows_its_spec_and_plan(tmp_path: Path) -> None:
    text = TEXT.replace("ST:", "<b>ST</b>:").replace("A small study", "A <i>small</i> *study*")
    older = f"{text}tracking: {{mlflow: 'http://ada:secret@host:5000'}}\n"  # which is refused by now
    store = Store.open(tmp_path / "store")
    finished(store, small_plan(tmp_path, text), older)
    tables = tables_of(store)
    made = study_run(tables, dict.fromkeys(tables.trials, "FINISHED"), False, lambda: "<html>")
    assert (made.name, made.status, made.tags["trials"]) == ("small", "FINISHED", "9 of 9")
    assert made.params["methods._b_ST__b_"].startswith("method: stability_training, alpha: [0.1, 1]")
    assert made.params["data"] == "mnist_5k"
    assert made.params["evaluate.jpeg"] == "quality 30; practical 30"
    files = {file.path: file.content().decode() for file in made.artifacts}
    assert set(files) == {"spec.yaml", "plan.csv", "small.html"}
    assert files["plan.csv"].count("\n") == 10
    assert "<b>ST</b>" in files["plan.csv"]
    assert "secret" not in files["spec.yaml"]
    assert r"A &lt;i&gt;small&lt;/i&gt; \*study\*" in made.note


def test_labels_like_tags_of_html_are_drawn_as_they_are_written(tmp_path: Path) -> None:
    text = TEXT.replace("  ST:", "  '<script>alert(1)</script>':")
    store = Store.open(tmp_path / "store")
    finished(store, small_plan(tmp_path, text), text)
    tables = tables_of(store)
    trial = next(trial for trial in tables.plan.trials if trial.label.startswith("<script>"))
    name = run_name(tables, trial)
    assert name.startswith("<script>alert(1)</script> · ")
    picture = still(curves_of(tables, trial.trial_id, name))
    assert "<script>" not in picture
    assert "&lt;script&gt;" in picture


def test_a_picture_has_a_line_for_the_trial_and_one_for_the_baseline(store: Store) -> None:
    tables = tables_of(store)
    trial, baseline = tables.plan.trials[1], tables.plan.trials[0]
    sweeps = len(tables.plan.sweeps)
    assert still(curves_of(tables, trial.trial_id, "x")).count("<polyline") == 2 * sweeps + 1
    assert still(curves_of(tables, baseline.trial_id, "x")).count("<polyline") == sweeps + 1


def test_a_line_is_broken_where_nothing_was_measured() -> None:
    sweep = SweepCurve(test_distortion="jpeg", parameter="q", levels=(90.0, 30.0, 10.0), practical=30.0,
                       accuracies=(0.9, None, 0.5, 0.4), baseline=())  # fmt: skip
    picture = still(Curves(name="x", measure="accuracy", n=100, sweeps=(sweep,), validation=(), selected_epoch=None))
    assert picture.count("<polyline") == 2


def test_adversarial_quality_is_a_metric_a_number(store: Store) -> None:
    plan = small.ATTACKED
    for trial, correct, successes in ((plan.trials[0], 800, (600, 800, 0)), (plan.trials[1], 0, (0, 0, 0))):
        store.commit_training(trial, small.OUTCOME)
        store.commit_cells(trial.trial_id, plan.conditions, small.attacked(correct, successes))
    launch = store.record_launch(plan, "study: attacked", {"time": NOON.isoformat()})
    tables = Tables(store, launch)
    tables.read()
    found, wrong = (
        {
            point.key: point.value
            for point in headlines(tables, tables.rows[one])
            if "fgs" in point.key or "pgd" in point.key
        }
        for one in ("base", "st-0")
    )
    assert found == {
        **{f"test.fgs.{rule}.linf_mean": 30 for rule in ("paper", "unmasked")},
        **{f"test.fgs.{rule}.pass_mean": pytest.approx(0.7) for rule in ("paper", "unmasked")},
        **{f"test.fgs.{rule}.pass_unaligned_mean": 0.5 for rule in ("paper", "unmasked")},
        "test.fgs.paper.success_rate": 0.75, "test.fgs.unmasked.success_rate": 1, "test.pgd.0.1.success_rate": 0,
        "test.fgs.paper.blank_share": 0.25, "test.fgs.paper.accuracy": 0.2, "test.fgs.unmasked.accuracy": 0,
        "test.pgd.0.1.accuracy": 0.8,
    }  # fmt: skip
    assert wrong == {f"test.{name}.accuracy": 0 for name in ("fgs.paper", "fgs.unmasked", "pgd.0.1")}


def test_noise_stability_is_a_metric_a_strength_over_the_stages(stability: Views) -> None:
    tables = tables_of(stability.store)
    found = [point for point in headlines(tables, tables.rows["base"]) if "noise_stability" in point.key]
    assert [(point.key, point.step) for point in found] == [("test.noise_stability.40.changed", at) for at in (1, 3)]
    told = stability.sql("SELECT changed FROM noise_stability WHERE trial_id = 'base' ORDER BY stage")
    assert [point.value for point in found] == told["changed"].to_pylist()
