"""The exporter, on a real MLflow: from whatever state the runs are in, one sync makes them those of the tables."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.plan import Plan
from study.store import Store
from study.tracking.children import child
from study.tracking.client import Client
from study.tracking.exporter import NOTE, OWN, Exporter
from study.tracking.identity import store_id
from study.tracking.place import Place, own_place
from study.tracking.records import Point, TrackingError, points
from tests.study.hand_made import TEXT, TRIALS, attempt, cell, evaluate, finished, launched, outcome, small_plan, train
from tests.study.tracking.mirror import RENDERERS, Counted, run_ids, shown, sync, sync_of

Connect = Callable[[Place], Client]

TINY = """\
study: small
data: {name: mnist_5k, train: 200, validation: 100, test: 100}
model: lenet
train: {from: Baseline, epochs: 1, batch_size: 50, optimizer: {sgd: {lr: 0.01}}}
methods:
  Baseline: {method: standard, from: scratch}
"""
"""One trial under one condition."""


def test_a_study_is_a_run_and_each_trial_one_below_it(store: Store, client: Client, plan: Plan) -> None:
    tally = sync(store, client)
    assert (tally.runs, tally.removed) == (TRIALS + 1, 0)
    runs = shown(client)
    assert len(runs) == TRIALS + 1
    assert runs["small"]["under"] is None
    assert {run["under"] for name, run in runs.items() if name != "small"} == {"small"}
    assert {run["status"] for run in runs.values()} == {"FINISHED"}
    assert "ST · gaussian_noise · α 0.1 · σ 0.1" in runs


def test_syncing_twice_writes_nothing(store: Store, client: Client) -> None:
    sync(store, client)
    before = shown(client)
    counted = Counted(client)
    tally = sync(store, counted)  # type: ignore[arg-type]
    assert (tally.unchanged, tally.written, tally.corrected) == (TRIALS + 1, 0, 0)
    assert set(counted.asked) == {"experiment", "runs"}
    assert shown(client) == before


@pytest.mark.parametrize("carried_out", [False, True], ids=["request lost", "answer lost"])
def test_killed_at_any_request_the_next_sync_ends_as_an_undisturbed_one(
    tmp_path: Path, connect: Connect, carried_out: bool
) -> None:
    store = Store.open(tmp_path / "store")
    client = connect(own_place(store))
    finished(store, small_plan(tmp_path, TINY), TINY)
    undisturbed = Counted(client)
    sync(store, undisturbed)  # type: ignore[arg-type]
    expected, requests = shown(client), undisturbed.asked.total()
    assert requests >= 10
    for at in range(requests):
        experiment = client.client.get_experiment_by_name("small")
        assert experiment is not None
        client.client.rename_experiment(experiment.experiment_id, f"done {carried_out} {at}")
        with pytest.raises(TrackingError):
            sync(store, Counted(client, at, carried_out))  # type: ignore[arg-type]
        sync(store, client)
        assert shown(client) == expected, f"killed at request {at}"


def test_each_step_of_each_metric_stands_once(store: Store, client: Client) -> None:
    sync(store, client)
    for run in shown(client).values():
        for values in run["metrics"].values():
            assert len({step for step, _ in values}) == len(values)


def test_what_was_streamed_is_not_logged_again(tmp_path: Path, plan: Plan, connect: Connect) -> None:
    store = Store.open(tmp_path / "live")
    client = connect(own_place(store))
    launched(store, plan)
    trial = plan.trials[0]
    live = sync_of(store, client)
    live.everything({trial.trial_id: 1_000}, True)
    assert {name: run["status"] for name, run in shown(client).items()} == {"small": "RUNNING", "Baseline": "RUNNING"}
    streamed = points({"val.accuracy": 0.9, "train.loss": 1.0}, 1, 2_000)
    live.exporter.stream(trial.trial_id, streamed)
    live.exporter.stream(trial.trial_id, streamed)
    assert shown(client)["Baseline"]["metrics"]["val.accuracy"] == [(1, 0.9)]
    train(store, trial)
    evaluate(store, trial, plan.conditions, 80)
    live.tables.read({trial.trial_id})
    live.some({trial.trial_id}, {}, False)
    run = shown(client)["Baseline"]
    assert (run["status"], run["metrics"]["val.accuracy"]) == ("FINISHED", [(1, 0.9)])
    assert run["metrics"]["test.clean"] == [(0, 0.8)]


def test_a_run_that_a_kill_left_running_is_put_right_from_the_tables(
    tmp_path: Path, plan: Plan, connect: Connect
) -> None:
    store = Store.open(tmp_path / "live")
    client = connect(own_place(store))
    launched(store, plan)
    finishing, lost = plan.trials[0], plan.trials[1]
    live = sync_of(store, client)
    live.everything({finishing.trial_id: 1_000, lost.trial_id: 1_000}, True)
    live.exporter.stream(finishing.trial_id, points({"val.accuracy": 0.9}, 1, 2_000))
    train(store, finishing)
    evaluate(store, finishing, plan.conditions, 80)  # and the tracker is killed
    sync(store, client)
    runs = shown(client)
    assert {name: run["status"] for name, run in runs.items()} == {
        "small": "KILLED", "Baseline": "FINISHED", "ST · gaussian_noise · α 0.1 · σ 0.1": "KILLED",
    }  # fmt: skip
    assert runs["Baseline"]["metrics"]["val.accuracy"] == [(1, 0.9)]


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (lambda client, run: client.client.log_param(run, "momentum", "0.5"), "a param"),
        (lambda client, run: client.client.log_metric(run, "test.clean", 0.1, step=0), "a metric's value"),
        (lambda client, run: client.client.log_metric(run, "val.accuracy", 0.8, step=7), "an epoch"),
        (lambda client, run: client.client.log_metric(run, "made.up", 0.9), "a metric"),
    ],
)
def test_a_run_that_says_otherwise_than_the_tables_is_replaced_and_keeps_what_people_wrote(
    store: Store, client: Client, wrong: Callable[[Client, str], Any], what: str
) -> None:
    sync(store, client)
    before, ids = shown(client), run_ids(client)
    client.client.set_tag(ids["Baseline"], "reviewed", "by Ada")
    client.client.set_tag(ids["Baseline"], "mlflow.note.content", "Odd, this one.")
    wrong(client, ids["Baseline"])
    tally = sync(store, client)
    assert (tally.corrected, tally.unchanged) == (1, TRIALS)
    after = shown(client)
    assert run_ids(client)["Baseline"] != ids["Baseline"]
    tags = after["Baseline"]["tags"]
    assert (tags.pop("reviewed"), tags.pop("mlflow.note.content")) == ("by Ada", "Odd, this one.")
    assert after == before
    assert sync(store, client).unchanged == TRIALS + 1


def test_a_note_follows_the_tables_until_somebody_writes_another(tmp_path: Path, store: Store, client: Client) -> None:
    sync(store, client)
    parent = run_ids(client)["small"]
    assert f"{TRIALS} trials" in client.client.get_run(parent).data.tags[NOTE]
    launched(store, small_plan(tmp_path, TEXT.replace("alpha: [0.1, 1]", "alpha: [0.1]")))
    sync(store, client)
    fewer = client.client.get_run(run_ids(client)["small"]).data.tags[NOTE]
    assert f"{TRIALS} trials" not in fewer
    client.client.set_tag(run_ids(client)["small"], NOTE, "Ours.")
    launched(store, small_plan(tmp_path))
    sync(store, client)
    assert client.client.get_run(run_ids(client)["small"]).data.tags[NOTE] == "Ours."


def test_the_children_of_a_study_whose_run_is_replaced_name_the_new_one(store: Store, client: Client) -> None:
    made = sync_of(store, client)
    made.everything({}, True)
    old = run_ids(client)["small"]
    client.client.log_param(old, "unheard", "of")
    again = sync_of(store, client)
    again.tables.read()
    again.exporter.open()
    again.some([], {}, True)
    assert run_ids(client)["small"] != old
    assert {run["under"] for name, run in shown(client).items() if name != "small"} == {"small"}
    retired = client.client.get_run(old).info
    assert (retired.lifecycle_stage, retired.status) == ("deleted", "KILLED")


def test_a_tag_that_somebody_changed_is_put_right_in_place(store: Store, client: Client) -> None:
    sync(store, client)
    before, ids = shown(client), run_ids(client)
    client.client.set_tag(ids["Baseline"], "label", "Something else")
    assert sync(store, client).corrected == 1
    assert (shown(client), run_ids(client)) == (before, ids)


def test_new_results_of_a_trial_replace_its_means(tmp_path: Path, store: Store, client: Client) -> None:
    sync(store, client)
    wider = TEXT.replace("quality: [30]", "quality: [90, 30]")
    plan = small_plan(tmp_path, wider)
    launched(store, plan, wider)
    for trial in plan.unique_trials():
        have = store.evaluated(trial.trial_id, {one.condition_id for one in plan.conditions})
        new = [one for one in plan.conditions if one.condition_id not in have]
        store.commit_cells(trial.trial_id, plan.conditions, [cell(one.condition_id, 100) for one in new])
    sync(store, client)
    run = shown(client)["Baseline"]
    assert run["metrics"]["test.jpeg.mean"] == [(0, 0.9)]
    assert run["files"]["evaluations.csv"].count(b"\n") == 6
    assert sync(store, client).unchanged == TRIALS + 1


def test_trials_that_left_the_study_go_into_the_bin_and_come_back(tmp_path: Path, store: Store, client: Client) -> None:
    sync(store, client)
    before, ids = shown(client), run_ids(client)
    narrow = TEXT.replace("alpha: [0.1, 1]", "alpha: [0.1]")
    launched(store, small_plan(tmp_path, narrow), narrow)
    assert sync(store, client).removed == 3
    assert len(shown(client)) == len(before) - 3
    assert sync(store, client).removed == 0
    launched(store, small_plan(tmp_path, TEXT), TEXT)
    sync(store, client)
    back = run_ids(client)
    assert back.pop("small") != ids.pop("small"), "params of the study have changed, which no run can"
    assert back == ids
    assert sync(store, client).unchanged == TRIALS + 1


def test_a_run_or_an_experiment_that_was_deleted_by_hand_comes_back(store: Store, client: Client) -> None:
    sync(store, client)
    before, ids = shown(client), run_ids(client)
    client.client.delete_run(ids["Baseline"])
    client.client.delete_experiment(client.experiment("small"))
    sync(store, client)
    assert (shown(client), run_ids(client)) == (before, ids)


def test_two_stores_with_one_study_do_not_mix_on_one_server(tmp_path: Path, store: Store, client: Client) -> None:
    other = Store.open(tmp_path / "other")
    launched(other, small_plan(tmp_path))
    assert store_id(store, shared=False) != store_id(other, shared=False)
    assert store_id(store, shared=True) != store_id(other, shared=True)
    assert store_id(store, shared=True) == store_id(Store.open(store.location), shared=True)
    sync(store, client)
    assert sync(other, client).runs == 1
    mine = Exporter(client, "small", store_id(store, client.shared))
    mine.open()
    assert len(mine.runs) == TRIALS + 1
    assert sync(store, client).unchanged == TRIALS + 1


def test_a_failed_trial_tells_its_error_and_a_success_takes_it_back(
    tmp_path: Path, plan: Plan, connect: Connect
) -> None:
    store = Store.open(tmp_path / "failing")
    client = connect(own_place(store))
    launched(store, plan)
    trial = plan.trials[0]
    store.record_attempt(attempt(trial, "train", "failed", error="ArithmeticError: <b>no luck</b>"))
    sync(store, client)
    failed = shown(client)["Baseline"]
    assert (failed["status"], failed["tags"]["failure_class"]) == ("FAILED", "user")
    assert failed["tags"]["error"] == "ArithmeticError: <b>no luck</b>"
    assert b"bang.py" in failed["files"]["traceback.txt"]
    assert shown(client)["small"]["status"] == "FAILED"
    store.commit_training(trial, outcome(None))
    store.record_attempt(attempt(trial, "train", "done", number=2))
    evaluate(store, trial, plan.conditions, 80)
    sync(store, client)
    run = shown(client)["Baseline"]
    assert run["status"] == "FINISHED"
    assert not {"error", "failure_class"} & set(run["tags"])


def test_one_exporter_sees_a_trial_fail_begin_again_and_succeed(tmp_path: Path, plan: Plan, connect: Connect) -> None:
    store = Store.open(tmp_path / "failing")
    client = connect(own_place(store))
    launched(store, plan)
    trial, counted = plan.trials[0], Counted(client)
    one = sync_of(store, counted)  # type: ignore[arg-type]
    store.record_attempt(attempt(trial, "train", "failed", error="ConnectionError: its node is gone"))
    one.everything({}, live=True)
    assert shown(client)["Baseline"]["tags"]["error"] == "ConnectionError: its node is gone"
    store.commit_training(trial, outcome(None))
    store.record_attempt(attempt(trial, "train", "done", number=2))
    one.tables.read()
    one.some(one.tables.trials, {trial.trial_id: 1}, live=True)
    evaluate(store, trial, plan.conditions, 80)
    one.tables.read()
    one.some(one.tables.trials, {}, live=False)
    run = shown(client)["Baseline"]
    assert run["status"] == "FINISHED"
    assert not {"error", "failure_class"} & set(run["tags"])
    assert counted.asked["untag"] == 2, "two tags, each once"


def test_a_tag_is_taken_off_once_and_a_run_that_is_not_there_is_told(client: Client) -> None:
    run = client.create(client.experiment("small"), "one", 0, {"error": "no luck"}).run_id
    client.untag(run, "error")
    client.untag(run, "error")
    assert "error" not in client.client.get_run(run).data.tags
    with pytest.raises(TrackingError, match="feedface"):
        client.untag("feedface" * 4, "error")


def test_more_than_a_batch_takes_is_split(client: Client) -> None:
    experiment = client.experiment("small")
    run = client.create(experiment, "many", 0, {}).run_id
    client.log(
        run,
        [Point(key=f"metric {number}", value=1.0, step=0, at=0) for number in range(2_050)],
        {f"param {number}": "1" for number in range(230)},
        {f"tag {number}": "1" for number in range(90)},
    )
    found = client.client.get_run(run).data
    assert (len(found.metrics), len(found.params)) == (2_050, 230)
    assert sum(name.startswith("tag ") for name in found.tags) == 90


def test_every_tag_of_a_record_is_known_to_be_ours(store: Store, client: Client) -> None:
    sync(store, client)
    for run in shown(client).values():
        assert {name for name in run["tags"] if not name.startswith("mlflow.")} <= OWN


def test_a_record_is_compared_by_what_it_shows(store: Store, client: Client, plan: Plan) -> None:
    tables = sync_of(store, client).tables
    tables.read()
    record = child(tables, plan.trials[0].trial_id, RENDERERS, {}, False)
    assert record is not None
    assert replace(record, note="else").digest == record.digest
    assert replace(record, name="else").digest != record.digest
