"""Laws of `study gc`: it takes what nobody needs, never a result unasked, and leaves a whole store at any moment."""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
import torch

from study.garbage import Kind, Survey, by_studies, collect, survey
from study.launch import joining
from study.plan import PlannedTrial
from study.store import HeldError, Owner, Store
from study.store.objects import LocalObjects
from tests.study.store import small
from tests.study.store.test_leases import elsewhere
from trainables.checkpoint import dump, weights_hash
from trainables.recipe import Parent

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["study.garbage"])
EVERYTHING = -60.0
"""An age that even what is written now has reached."""
LATER = (small.ST[0], small.DA[0])
"""Trials that a narrower launch still has, and with them the baseline."""
DROPPED = ("at", "da-1", "st-1", "st-2", "st-3")


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store.open(tmp_path if request.param == "local" else f"memory://{uuid4().hex}")


def weights(seed: float) -> dict[str, torch.Tensor]:
    return {"w": torch.full((3,), seed)}


def train(store: Store, trial: PlannedTrial, seed: float = 1.0) -> None:
    store.write_checkpoint(trial.trial_id, "0001-aa", "best", dump(weights(seed)))
    store.commit_training(trial, replace(small.OUTCOME, weights_hash=weights_hash(weights(seed))))


def narrowed(store: Store) -> None:
    """A study of which all but one trial is done, then launched again with fewer trials."""
    whole = small.plan()
    store.record_launch(whole, "study: small\n", {"time": "then"})
    for trial in whole.unique_trials():
        if trial.trial_id != "at":
            train(store, trial)
            store.commit_cells(trial.trial_id, whole.conditions, small.evaluated(whole, 800))
            store.record_attempt(small.attempt(trial.trial_id))
    store.write_checkpoint("at", "0001-aa", "last", b"half way")
    store.record_launch(small.plan((small.BASELINE, *LATER)), "study: small\n", {"time": "now"})


def kinds(found: Survey, *wanted: Kind) -> list[str]:
    """Trials, or names, of each piece of these kinds."""
    return sorted(one.trial_id or one.names[0] for one in found.garbage if one.kind in wanted)


def contents(store: Store) -> dict[str, bytes]:
    return {name: store.objects.get(name) for name in store.objects.beneath("") if not name.startswith("leases")}


def of(trial_ids: Iterable[str], names: Iterable[str]) -> list[str]:
    return [name for name in names if set(trial_ids) & set(name.replace(".", "/").split("/"))]


def without(trial_ids: Iterable[str], files: Mapping[str, bytes]) -> dict[str, bytes]:
    gone = of(trial_ids, files)
    return {name: body for name, body in files.items() if name not in gone}


def test_a_store_whose_studies_need_everything_has_nothing_to_collect(store: Store) -> None:
    small.run(store, small.plan(), {"base": 900, "at": 800})
    store.record_launch(small.plan(), "study: small\n", {})
    assert survey(store, EVERYTHING) == Survey(garbage=(), young=0, held=())
    before = contents(store)
    assert collect(store, EVERYTHING, with_results=True).deleted == ()
    assert contents(store) == before


def test_a_survey_changes_nothing_and_says_where_trials_belonged(store: Store) -> None:
    narrowed(store)
    before = contents(store)
    found = survey(store, EVERYTHING)
    assert contents(store) == before
    assert kinds(found, "unfinished") == ["at"]
    assert kinds(found, "results") == ["da-1", "st-1", "st-2", "st-3"]
    assert by_studies(found.garbage) == {("small",): 5}
    assert sum(one.bytes for one in found.garbage) == sum(len(before[name]) for name in of(DROPPED, contents(store)))


def test_results_go_only_where_it_is_asked_for_and_what_a_study_has_stays_as_it_is(store: Store) -> None:
    narrowed(store)
    before = contents(store)
    collect(store, EVERYTHING)
    assert before.keys() - contents(store).keys() == {"trials/at/0001-aa/last.ckpt"}
    collect(store, EVERYTHING, with_results=True)
    assert of(DROPPED, contents(store)) == []
    assert contents(store) == without(DROPPED, before)
    assert collect(store, EVERYTHING, with_results=True).deleted == ()
    assert survey(store, EVERYTHING).garbage == ()


def test_what_is_young_or_left_its_study_just_now_is_left_alone(store: Store) -> None:
    narrowed(store)
    found = survey(store, 3600.0)
    assert (found.garbage, found.young) == ((), 5)


def test_files_may_be_old_where_the_launch_that_dropped_them_is_not(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    narrowed(store)
    for folder in ("trials", "results"):
        for path in (tmp_path / folder).rglob("*.*"):
            os.utime(path, (0, 0))
    assert survey(store, 3600.0).young == 5
    for path in tmp_path.rglob("provenance.json"):
        os.utime(path, (0, 0))
    assert kinds(survey(store, 3600.0), "unfinished", "results") == sorted(DROPPED)


def test_a_trial_that_somebody_works_on_and_what_it_starts_from_stay(store: Store) -> None:
    child = small.trial("child", "ST", small.stability(1.0), start=Parent(trial_id="st-1"))
    store.record_launch(small.plan((small.BASELINE, *small.ST, child)), "study: small\n", {})
    for trial in small.ST:
        train(store, trial)
    store.record_launch(small.plan((small.BASELINE, small.ST[0])), "study: small\n", {})
    assert kinds(survey(store, EVERYTHING), "results") == ["st-1", "st-2", "st-3"]
    store.write_checkpoint("child", "0001-aa", "last", b"half way")
    lease = store.acquire("trial/child", Owner.here("a worker"))
    found = survey(store, EVERYTHING)
    assert found.held == ("child",)
    assert kinds(found, "results", "unfinished") == ["st-2", "st-3"]
    lease.release()
    assert kinds(survey(store, EVERYTHING), "results", "unfinished") == ["child", "st-1", "st-2", "st-3"]


def test_a_parent_of_another_study_s_trial_stays(store: Store) -> None:
    store.record_launch(small.plan(), "study: small\n", {})
    train(store, small.BASELINE)
    store.record_launch(small.plan((small.ST[0],), study="other"), "study: other\n", {})
    store.record_launch(small.plan((small.trial("x", "X", small.stability(3.0), start=Parent(trial_id="at")),)), "", {})
    assert kinds(survey(store, EVERYTHING), "results", "unfinished") == []


def test_of_a_finished_trial_the_weights_that_its_row_names_stay_and_all_others_go(store: Store) -> None:
    store.record_launch(small.plan(), "study: small\n", {})
    for attempt, seed in (("0001-aa", 7.0), ("0002-bb", 1.0), ("0003-cc", 8.0)):
        store.write_checkpoint("base", attempt, "best", dump(weights(seed)))
        store.write_checkpoint("base", attempt, "last", b"x")
        store.write_checkpoint("base", attempt, "stage-1", attempt.encode())
    store.commit_training(small.BASELINE, replace(small.OUTCOME, weights_hash=weights_hash(weights(1.0))))
    (found,) = survey(store, EVERYTHING).garbage
    assert (found.kind, found.trial_id) == ("superseded", "base")
    collect(store, EVERYTHING)
    assert store.list_checkpoints("base") == (("0002-bb", "best"), ("0003-cc", "stage-1"))


def test_a_final_state_goes_once_no_study_keeps_it(store: Store) -> None:
    store.record_launch(replace(small.plan(), keep="last+best"), "study: small\n", {})
    store.write_checkpoint("base", "0001-aa", "best", dump(weights(1.0)))
    store.write_checkpoint("base", "0001-aa", "final", b"x")
    store.commit_training(small.BASELINE, replace(small.OUTCOME, weights_hash=weights_hash(weights(1.0))))
    assert survey(store, EVERYTHING).garbage == ()
    store.record_launch(small.plan(), "study: small\n", {})
    collect(store, EVERYTHING)
    assert store.list_checkpoints("base") == (("0001-aa", "best"),)


def test_weights_that_match_no_row_are_no_ones_to_delete(store: Store) -> None:
    store.record_launch(small.plan(), "study: small\n", {})
    for attempt in ("0001-aa", "0002-bb"):
        store.write_checkpoint("base", attempt, "best", dump(weights(5.0)))
    store.write_checkpoint("base", "0002-bb", "last", b"x")
    store.commit_training(small.BASELINE, small.OUTCOME)
    collect(store, EVERYTHING)
    assert store.list_checkpoints("base") == (("0001-aa", "best"), ("0002-bb", "best"))


def test_a_training_that_is_done_again_keeps_where_it_was(store: Store) -> None:
    staged = replace(small.BASELINE, recipe=replace(small.BASELINE.recipe, stages=(1, 3), select="last"))
    store.record_launch(small.plan((staged,)), "study: small\n", {})
    train(store, staged)
    for role in ("last", "again-1"):
        store.write_checkpoint("base", "0002-bb", role, b"x")
    assert survey(store, EVERYTHING).garbage == ()
    store.write_checkpoint("base", "0002-bb", "stage-1", b"x")
    assert [len(one.names) for one in survey(store, EVERYTHING).garbage] == [2]


def test_the_weights_of_a_training_that_goes_on_stay(store: Store) -> None:
    store.record_launch(small.plan(), "study: small\n", {})
    store.write_checkpoint("base", "0001-aa", "last", b"x")
    assert survey(store, EVERYTHING).garbage == ()


def test_leases_of_the_dead_are_given_back_and_half_written_files_go(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.record_launch(small.plan(), "study: small\n", {})
    store.acquire("study/small", replace(Owner.here("x"), process_start=1))
    store.acquire("trial/base", replace(elsewhere(), what="gone"), ttl=0.2)
    alive = store.acquire("trial/at", Owner.here("a worker"))
    for name in ("results/.a.parquet.0.tmp", "trials/at/.b.ckpt.1.tmp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"half")
    os.utime(tmp_path / "results/.a.parquet.0.tmp", (0, time.time() - 700))
    store.objects.put("markers/ab/driver", b"here")
    found = survey(store, EVERYTHING)
    assert kinds(found, "leases") == ["study/small", "trial/base"]
    assert kinds(found, "temporary") == ["results/.a.parquet.0.tmp"], "the others may be being written"
    collected = collect(store, EVERYTHING)
    assert (len(collected.deleted), collected.in_use) == (3, ())
    assert [held.name for held in store.leases()] == ["trial/at"]
    alive.check()
    alive.release()
    assert len(collect(store, EVERYTHING).deleted) == 2
    assert store.objects.temporary() == {}
    assert survey(store, EVERYTHING).garbage == ()


def test_a_launch_and_a_collection_see_each_other(store: Store) -> None:
    narrowed(store)
    before = contents(store)
    with joining(store, "other"):
        collected = collect(store, EVERYTHING, with_results=True)
    assert collected.launches == ("other",)
    assert (collected.deleted, len(collected.in_use)) == ((), 5)
    assert contents(store) == before
    lease = store.acquire("gc", Owner.here("study gc"))
    with pytest.raises(HeldError, match=r"gc is held by .*study gc"), joining(store, "other"):
        pass
    with pytest.raises(HeldError, match="gc is held by"):
        collect(store, EVERYTHING)
    lease.release()
    with joining(store, "other"):
        pass
    assert len(collect(store, EVERYTHING, with_results=True).deleted) == 5


def test_a_trial_that_is_taken_up_between_looking_and_deleting_stays(store: Store) -> None:
    narrowed(store)
    before = contents(store)
    lease = store.acquire("trial/st-2", Owner.here("a worker"))
    found = survey(store, EVERYTHING)
    assert kinds(found, "results") == ["da-1", "st-1", "st-3"]
    collect(store, EVERYTHING, with_results=True)
    kept = [name for name in before if "/st-2" in name]
    assert len(kept) == 6
    assert {name: contents(store)[name] for name in kept} == {name: before[name] for name in kept}
    lease.release()


def _collect_slowly(location: str) -> None:
    delete = LocalObjects.delete

    def slowly(self: LocalObjects, name: str) -> None:
        time.sleep(0.004)
        delete(self, name)

    LocalObjects.delete = slowly  # type: ignore[method-assign]
    collect(Store.open(location), EVERYTHING, with_results=True)


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment_every_row_has_what_it_promises_and_the_next_time_the_rest_goes(
    tmp_path: Path, seed: int
) -> None:
    store, plan = Store.open(tmp_path), small.plan()
    narrowed(store)
    before = contents(store)
    collector = PROCESSES.Process(target=_collect_slowly, args=(store.location,), daemon=True)
    collector.start()
    while store.objects.exists("trials/at/0001-aa/last.ckpt"):  # the first to go
        time.sleep(0.01)
    time.sleep(random.Random(seed).uniform(0.0, 0.1))
    assert collector.pid is not None
    os.kill(collector.pid, signal.SIGKILL)
    collector.join()
    assert of(DROPPED, contents(store)), "it was killed too late to tell"
    for row in store.read("trials").to_pylist():
        assert store.is_trained(row["trial_id"])
        best = [one for one in store.list_checkpoints(row["trial_id"]) if one[1] == "best"]
        assert best, f"{row['trial_id']} has a row and no weights"
    for row in store.read("evaluations").to_pylist():
        everything = {one.condition_id for one in plan.conditions}
        assert store.evaluated(row["trial_id"], everything) == everything
        assert store.is_trained(row["trial_id"])
    collect(store, EVERYTHING, with_results=True)
    assert of(DROPPED, contents(store)) == []
    assert contents(store) == without(DROPPED, before)
