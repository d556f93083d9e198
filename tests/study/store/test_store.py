"""Laws of the store: commits are whole and idempotent, results know nothing of attempts, damage is named."""

import io
import json
import os
import pickle
import time
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from study.store import RESULTS, CorruptObjectError, Store
from tests.study.store import small
from trainables.recipe import Component, Scratch, WeightsFile


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store.open(tmp_path if request.param == "local" else f"memory://{uuid4().hex}")


def contents(store: Store) -> dict[str, bytes]:
    return {name: store.objects.get(name) for name in store.objects.beneath("results")}


def test_a_store_travels_as_its_location(store: Store) -> None:
    store.objects.put("x", b"1")
    again = pickle.loads(pickle.dumps(store))
    assert again == store
    assert again.objects.get("x") == b"1"


def test_an_empty_store_has_empty_tables_with_every_column(store: Store) -> None:
    for name, table in RESULTS.items():
        assert store.read(name).schema.equals(table.schema)
        assert len(store.read(name)) == 0
    assert store.committed().trained == frozenset()


def test_every_column_has_a_meaning_and_counts_have_units(store: Store) -> None:
    small.run(store, small.plan(), {"base": 900})
    store.record_attempt(small.attempt("base"))
    for name in RESULTS:
        for field in store.read(name).schema:
            assert field.metadata[b"meaning"], (name, field.name)
            assert b"unit" in field.metadata


def test_what_was_committed_is_known_from_names(store: Store) -> None:
    plan = small.plan()
    small.run(store, plan, {"base": 900, "at": 800})
    store.commit_training(small.ST[0], small.OUTCOME)
    committed = store.committed()
    everything = {condition.condition_id for condition in plan.conditions}
    assert committed.trained == {"base", "at", small.ST[0].trial_id}
    assert committed.evaluated == {"base": everything, "at": everything}
    assert store.is_trained("base")
    assert not store.is_trained("da-1")
    assert store.evaluated("at", everything) == everything
    assert store.evaluated("at", {"c-clean", "c-other"}) == {"c-clean"}
    assert store.evaluated("da-1", everything) == frozenset()


def test_the_row_of_a_trial_holds_what_was_trained_and_how_it_ended(store: Store) -> None:
    store.commit_training(small.DA[0], small.OUTCOME)
    row = store.trial("da-0")
    assert row["method"] == "data_augmentation"
    assert row["train_distortion"] == "rotation then gaussian_noise"
    assert [(one["owner"], one["component"], one["name"], one["number"]) for one in row["parameters"]] == [
        ("method", "data_augmentation", "p", 0.5),
        ("distortion", "rotation", "degrees", 30.0),
        ("distortion", "gaussian_noise", "sigma", 0.1),
    ]
    assert (row["start"], row["parent"], row["model"], row["data"]) == ("trial", "base", "lenet", "mnist_5k")
    assert (row["selected_epoch"], row["validation_correct"], row["diverged"]) == (2, 450, False)


def test_parameters_keep_their_kind_and_a_name_met_twice_is_numbered(store: Store) -> None:
    method = Component.of("noisymix", {"alpha": 1, "augment": True, "mode": "hard", "cut": None})
    trial = small.trial("t", "X", method, [small.fgsm(0.1), small.noise(0.1), small.noise(0.2)], start=Scratch())
    store.commit_training(trial, small.OUTCOME)
    found = {(one["owner"], one["name"]): (one["number"], one["text"]) for one in store.trial("t")["parameters"]}
    assert found == {
        ("method", "alpha"): (1.0, None),
        ("method", "augment"): (None, "true"),
        ("method", "mode"): (None, "hard"),
        ("method", "cut"): (None, None),
        ("attack", "epsilon"): (0.1, None),
        ("distortion", "sigma"): (0.1, None),
        ("distortion", "sigma_2"): (0.2, None),
    }


def test_the_place_of_a_weights_file_is_no_part_of_a_result(store: Store) -> None:
    start = WeightsFile(path="/somewhere/private.pt", fingerprint="f" * 64)
    store.commit_training(small.trial("w", "X", Component.of("standard"), start=start), small.OUTCOME)
    assert (store.trial("w")["start"], store.trial("w")["parent"]) == ("weights", "f" * 64)
    assert all(b"private.pt" not in data for data in contents(store).values())


def test_a_diverged_trial_is_a_result(store: Store) -> None:
    store.commit_training(small.ST[0], small.DIVERGED)
    row = store.trial(small.ST[0].trial_id)
    assert (row["diverged"], row["diverged_epoch"], row["selected_epoch"], row["weights_hash"]) == (True, 1, None, None)
    assert len(store.read("epochs")) == 0


def test_epochs_carry_the_named_terms_of_the_loss_in_one_order(store: Store) -> None:
    store.commit_training(small.ST[0], small.OUTCOME)
    rows = store.read("epochs").to_pylist()
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[0]["terms"] == [{"name": "clean", "value": 0.5}, {"name": "stability", "value": 0.25}]


def test_cells_carry_their_condition_and_predictions_their_bits(store: Store) -> None:
    plan = small.plan()
    store.commit_cells("base", plan.conditions, [small.cell("c-jpeg-30", 800), small.cell("c-clean", 900)])
    rows = store.read("evaluations").to_pylist()
    assert [(row["condition_id"], row["test_distortion"], row["parameter"], row["level"]) for row in rows] == [
        ("c-clean", "clean", None, None),
        ("c-jpeg-30", "jpeg", "quality", 30.0),
    ]
    assert [(row["n"], row["correct"], row["top5_correct"]) for row in rows] == [(1000, 900, 950), (1000, 800, 850)]
    assert store.read("predictions")["correct_bits"].to_pylist() == [bytes(125)] * 2


def test_a_trial_at_chance_has_cells_and_no_predictions(store: Store) -> None:
    store.commit_cells("st", small.plan().conditions, [small.cell("c-clean", 100, at_chance=True)])
    assert store.read("evaluations")["at_chance"].to_pylist() == [True]
    assert len(store.read("predictions")) == 0


def test_committing_twice_changes_nothing(store: Store) -> None:
    plan = small.plan()
    small.run(store, plan, {"base": 900})
    before = contents(store)
    small.run(store, plan, {"base": 900})
    store.commit_training(small.BASELINE, replace(small.OUTCOME, parameter_count=0))
    assert contents(store) == before


def test_results_are_the_same_bytes_whenever_and_wherever_they_are_written(tmp_path: Path) -> None:
    stores = [Store.open(tmp_path / name) for name in ("one", "two")]
    for store in stores:
        small.run(store, small.plan(), {"base": 900, "at": 800})
        time.sleep(0.01)
    assert contents(stores[0]) == contents(stores[1])


def test_cells_cut_into_other_commits_make_the_same_table(store: Store) -> None:
    plan, other = small.plan(), Store.open(f"memory://{uuid4().hex}")
    cells = small.evaluated(plan, 900)
    other.commit_cells("base", plan.conditions, cells)
    store.commit_cells("base", plan.conditions, cells[3:])
    store.commit_cells("base", plan.conditions, cells[:4])  # the fourth is in both: an interrupted commit, done again
    for table in ("evaluations", "predictions"):
        assert store.read(table).equals(other.read(table))
    assert store.committed() == other.committed()
    everything = {cell.condition_id for cell in cells}
    assert store.evaluated("base", everything) == other.evaluated("base", everything) == everything


def test_the_cells_of_another_checkpoint_stand_beside_the_best_ones(store: Store) -> None:
    plan = small.plan()
    store.commit_cells("base", plan.conditions, [small.cell("c-clean", 900)])
    store.commit_cells("base", plan.conditions, [small.cell("c-clean", 800), small.cell("c-jpeg-30", 7)], role="last")
    assert store.evaluated("base", {"c-clean", "c-jpeg-30"}) == {"c-clean"}
    assert store.read("evaluations")["role"].to_pylist() == ["best", "last", "last"]


def test_tables_are_read_for_some_trials_or_all(store: Store) -> None:
    small.run(store, small.plan(), {"base": 900, "at": 800})
    assert store.read("trials")["trial_id"].to_pylist() == ["at", "base"]
    for table in ("trials", "epochs", "evaluations", "predictions"):
        assert set(store.read(table, {"at", "unknown"})["trial_id"].to_pylist()) == {"at"}


def test_attempts_hold_what_results_do_not(store: Store) -> None:
    store.record_attempt(small.attempt("base", "0001"))
    store.record_attempt(replace(small.attempt("base", "0002"), status="failed", error="no"))
    store.record_attempt(replace(small.attempt("base", "0001"), status="lost"))
    rows = store.read("attempts").to_pylist()
    assert [(row["attempt"], row["status"], row["error"]) for row in rows] == [
        ("0001", "done", None),
        ("0002", "failed", "no"),
    ]
    assert rows[0]["started"].isoformat() == "2026-01-02T03:04:05+00:00"
    assert rows[0]["versions"] == '{"a": null, "torch": "2.15"}'


@pytest.mark.parametrize("table", ["trials", "epochs", "evaluations", "predictions", "attempts"])
@pytest.mark.parametrize("damage", ["cut", "emptied", "foreign"])
def test_a_file_that_cannot_be_read_is_named_and_never_skipped(store: Store, table: str, damage: str) -> None:
    small.run(store, small.plan(), {"base": 900, "at": 800})
    store.record_attempt(small.attempt("base"))
    name = store.objects.beneath(f"results/{table}")[-1]
    way_out = ": only the record of that run is lost" if table == "attempts" else " and launch again"
    whole = store.objects.get(name)
    foreign = io.BytesIO()
    pq.write_table(pa.table({"x": [1]}), foreign)
    store.objects.put(name, {"cut": whole[: len(whole) // 2], "emptied": b"", "foreign": foreign.getvalue()}[damage])
    with pytest.raises(CorruptObjectError, match=f"{name}: not a .*Delete it{way_out}") as caught:
        store.read(table)
    assert pickle.loads(pickle.dumps(caught.value)).address == store.objects.address(name)


@pytest.mark.parametrize("table", ["trials", "epochs", "evaluations", "predictions"])
def test_what_a_deleted_file_held_counts_as_missing_and_comes_back_as_it_was(store: Store, table: str) -> None:
    small.run(store, small.plan(), {"base": 900, "at": 800})
    before = {name: store.read(name) for name in ("trials", "epochs", "evaluations", "predictions")}
    whole = store.committed()
    store.objects.delete(store.objects.beneath(f"results/{table}")[0])
    assert store.committed() != whole
    assert bool(store.evaluated("at", {"c-clean"})) == (table in ("trials", "epochs"))
    small.run(store, small.plan(), {"base": 900, "at": 800})
    assert store.committed() == whole
    assert {name: store.read(name) for name in before} == before


def test_near_duplicates_are_counted_at_each_threshold(store: Store) -> None:
    store.commit_cells("ranked", small.RANKING.conditions, small.ranked(900))
    rows = store.read("near_duplicates").to_pylist()
    assert len(rows) == len(small.RANKING.conditions) * len(small.NEAR)
    assert rows[1] == {
        "trial_id": "ranked", "role": "best", "condition_id": "c-clean", "threshold": 1.0, "pairs": 1000, "found": 800,
        "false_alarms": 200,
    }  # fmt: skip


def test_cells_without_near_duplicates_are_committed_as_ever(store: Store) -> None:
    small.run(store, small.plan(), {"base": 900})
    assert not store.objects.children("results/near_duplicates")
    (body,) = map(store.objects.get, store.objects.beneath("results/conditions"))
    assert set(json.loads(body)) == {"role", "conditions"}


def test_a_ranking_trial_lacks_its_evaluation_without_its_near_duplicates(store: Store) -> None:
    cells = small.ranked(900)
    store.commit_cells("ranked", small.RANKING.conditions, cells)
    whole, before = store.committed(), store.read("near_duplicates")
    assert len(whole.evaluated["ranked"]) == len(cells)
    (name,) = store.objects.beneath("results/near_duplicates")
    store.objects.delete(name)
    assert "ranked" not in store.committed().evaluated
    assert not store.evaluated("ranked", whole.evaluated["ranked"])
    store.commit_cells("ranked", small.RANKING.conditions, cells)
    assert store.committed() == whole
    assert store.read("near_duplicates") == before


def test_a_trial_lacks_its_evaluation_without_its_attacks(store: Store) -> None:
    cells = small.attacked(900, (90, 900, 630))
    store.commit_cells("base", small.ATTACKED.conditions, cells)
    before = store.read("attacks")
    assert before["attempts"].to_pylist() == [900] * 3
    assert before["condition_id"].to_pylist() == ["c-fgs-paper", "c-fgs-unmasked", "c-pgd-0.1"]
    assert len(store.committed().evaluated["base"]) == len(cells)
    store.objects.delete(*store.objects.beneath("results/attacks"))
    assert "base" not in store.committed().evaluated
    store.commit_cells("base", small.ATTACKED.conditions, cells)
    assert store.read("attacks") == before


def test_the_measure_of_a_study_travels_with_its_plan(store: Store) -> None:
    for plan in (small.RANKING, small.plan()):
        store.record_launch(plan, "study: …", {})
        launch = store.newest_launch(plan.study)
        assert launch is not None
        assert launch.plan.measure == plan.measure
        assert launch.plan == plan


def test_a_file_of_a_newer_version_asks_for_an_upgrade(store: Store) -> None:
    small.run(store, small.plan(), {"base": 900})
    name = "results/trials/base.parquet"
    table = store.read("trials")
    newer, buffer = table.replace_schema_metadata({**table.schema.metadata, b"version": b"9"}), io.BytesIO()
    pq.write_table(newer, buffer)
    store.objects.put(name, buffer.getvalue())
    with pytest.raises(CorruptObjectError, match=r"base.parquet: written by a newer version .*9.*Upgrade"):
        store.read("trials")


def written_before(store: Store, table: str, lacking: set[str]) -> pa.Table:
    """The baseline's file put back as the table's first version would have had it: without some columns."""
    (name,) = (one for one in store.objects.children(f"results/{table}") if one.startswith("base"))
    now = store.read(table, {"base"})
    early = now.drop_columns(sorted(lacking)).replace_schema_metadata({**now.schema.metadata, b"version": b"1"})
    buffer = io.BytesIO()
    pq.write_table(early, buffer)
    store.objects.put(f"results/{table}/{name}", buffer.getvalue())
    return now


@pytest.mark.parametrize(
    ("table", "lacking"),
    [("evaluations", {"rendering", "confidences"}), ("trials", {"images_seen", "labels_used"}), ("trials", set())],
)
def test_results_of_an_earlier_version_are_read_with_what_was_added_since_empty(
    store: Store, table: str, lacking: set[str]
) -> None:
    small.run(store, small.plan(), {"base": 900, "at": 800})
    now = written_before(store, table, lacking)
    read = store.read(table, {"base"})
    assert read.schema.equals(now.schema)
    assert read.schema.metadata == now.schema.metadata
    assert len(store.read(table)) == 2 * len(now)
    for name in now.column_names:
        kind = now.schema.field(name).type
        empty = [] if pa.types.is_list(kind) else None
        kept = now[name].to_pylist()
        assert read[name].to_pylist() == ([empty] * len(now) if name in lacking else kept), name
    assert store.evaluated("base", {"c-clean"})


@pytest.mark.parametrize(("table", "lacking"), [("evaluations", {"n"}), ("trials", {"model", "labels_used"})])
def test_a_file_that_lacks_what_every_version_has_is_refused_by_name(
    store: Store, table: str, lacking: set[str]
) -> None:
    small.run(store, small.plan(), {"base": 900})
    written_before(store, table, lacking)
    with pytest.raises(CorruptObjectError, match=rf"results/{table}/base.*not a file of the table {table}"):
        store.read(table)


def test_a_column_of_another_kind_is_no_earlier_version(store: Store) -> None:
    small.run(store, small.plan(), {"base": 900})
    now = store.read("trials")
    place = now.schema.get_field_index("epochs")
    other = now.set_column(place, pa.field("epochs", pa.string(), nullable=False), now["epochs"].cast(pa.string()))
    buffer = io.BytesIO()
    pq.write_table(other.replace_schema_metadata({**now.schema.metadata, b"version": b"1"}), buffer)
    store.objects.put("results/trials/base.parquet", buffer.getvalue())
    with pytest.raises(CorruptObjectError, match="not a file of the table trials"):
        store.read("trials")


@pytest.mark.parametrize("body", [b"", b"[", b'{"role": "best", "conditions": []}'])
def test_a_list_of_conditions_that_is_not_itself_is_named(store: Store, body: bytes) -> None:
    small.run(store, small.plan(), {"base": 900})
    (name,) = store.objects.beneath("results/conditions")
    store.objects.put(name, body)
    with pytest.raises(CorruptObjectError, match=f"{name}: not the list .*evaluations, and launch again"):
        Store.open(store.location).committed()


def test_checkpoints_are_kept_by_attempt_and_role(store: Store) -> None:
    store.write_checkpoint("base", "0001-a", "last", b"one")
    store.write_checkpoint("base", "0001-a", "last", b"two")
    store.write_checkpoint("base", "0002-b", "best", b"three")
    assert store.list_checkpoints("base") == (("0001-a", "last"), ("0002-b", "best"))
    assert store.read_checkpoint("base", "0001-a", "last") == b"two"
    store.delete_checkpoint("base", "0001-a", "last")
    assert store.list_checkpoints("base") == (("0002-b", "best"),)
    assert store.list_checkpoints("at") == ()
    with pytest.raises(FileNotFoundError):
        store.read_checkpoint("base", "0001-a", "last")


@pytest.mark.parametrize("keep", [0, 1, 10, -1])
def test_a_truncated_checkpoint_is_named(store: Store, keep: int) -> None:
    store.write_checkpoint("base", "0001", "last", b"weights" * 100)
    name = "trials/base/0001/last.ckpt"
    store.objects.put(name, store.objects.get(name)[:keep])
    with pytest.raises(CorruptObjectError, match=f"{name}: not a whole checkpoint"):
        store.read_checkpoint("base", "0001", "last")


def test_torch_loads_a_checkpoint_straight_from_its_file(tmp_path: Path) -> None:
    weights, buffer = {"layer.weight": torch.arange(6.0)}, io.BytesIO()
    torch.save(weights, buffer)
    Store.open(tmp_path).write_checkpoint("base", "0001", "best", buffer.getvalue())
    loaded = torch.load(tmp_path / "trials/base/0001/best.ckpt", weights_only=True)
    assert torch.equal(loaded["layer.weight"], weights["layer.weight"])


def test_ten_thousand_trials_are_known_in_well_under_a_second(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    small.run(store, small.plan(), {"base": 900})
    (evaluation,) = (tmp_path / "results/evaluations").iterdir()
    for index in range(10_000):
        for table in ("trials", "epochs"):
            (tmp_path / f"results/{table}/{index:016x}.parquet").touch()
        for table in ("evaluations", "predictions"):
            (tmp_path / f"results/{table}/{index:016x}.{evaluation.name.split('.')[1]}.parquet").touch()
    began = time.perf_counter()
    committed = Store.open(tmp_path).committed()
    assert time.perf_counter() - began < 1.0
    assert len(committed.trained) == len(committed.evaluated) == 10_001


def test_what_is_evaluated_of_one_trial_in_a_folder_takes_few_looks_and_no_name_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unit asks this before it begins: on shared storage each look is a request."""
    store, plan = Store.open(tmp_path), small.plan()
    small.run(store, plan, {trial.trial_id: 900 for trial in plan.unique_trials()})
    new = [small.clean("c-new")]
    store.commit_cells("at", new, [small.cell("c-new", 800)])
    looks: list[str] = []
    listdir, is_there = os.listdir, Path.exists

    def listing(folder: Path) -> list[str]:
        looks.append(Path(folder).name)
        return listdir(folder)

    def looking(path: Path) -> bool:
        looks.append(path.parent.name)
        return is_there(path)

    monkeypatch.setattr(os, "listdir", listing)
    monkeypatch.setattr(Path, "exists", looking)
    assert store.evaluated("at", {"c-new"}) == {"c-new"}
    assert looks == ["conditions", "evaluations", "evaluations", "predictions", "predictions"]
    looks.clear()
    (tmp_path / "results/conditions/of-nobody.json").write_text("")
    assert not store.evaluated("nowhere", {"c-new"})
    assert looks == ["conditions", *["evaluations"] * 3]
    monkeypatch.setattr("study.store.store.FEW_SETS", 2)
    looks.clear()
    assert store.evaluated("at", {"c-new"}) == {"c-new"}
    assert looks == ["conditions", "evaluations", "predictions"], "as many looks as names: these are listed"


def test_the_predictions_of_10000_images_take_less_than_2_kb_a_cell(store: Store) -> None:
    """As noise, which no file makes smaller, under the benchmark's 95 conditions."""
    bits = np.random.default_rng(0).bytes(95 * 1250)
    conditions = [small.clean(f"{number:016x}") for number in range(95)]
    cells = [
        replace(small.cell(one.condition_id, 1), n=10_000, correct_bits=bits[1250 * at : 1250 * (at + 1)])
        for at, one in enumerate(conditions)
    ]
    store.commit_cells("0123456789abcdef", conditions, cells)
    (name,) = store.objects.beneath("results/predictions")
    assert len(store.objects.get(name)) < 95 * 2000
