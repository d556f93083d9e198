"""Searches on a real Ray: with one worker Optuna's own course, with several no point twice, killed and resumed."""

import errno
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest

from study.front import on_front, point_results
from study.launch import LaunchOptions
from study.plan import Drawn, Plan, Search
from study.store import Store
from study.store.objects import LocalObjects
from tests.study.executor.noop import Log
from tests.study.search import peaked
from tests.study.search.launching import Unlucky, launch, searched
from trainables.parameters import Value

pytestmark = pytest.mark.ray

POINTS = 6


def drawn(store: Path) -> dict[str, list[Drawn]]:
    """Label → its points, of the newest launch."""
    newest = Store.open(store, create=False).newest_launch("search_mnist")
    assert newest is not None
    plan = newest.plan
    return {one.label: [point for point in plan.drawn if point.search_id == one.search_id] for one in plan.searches}


def trained(store: Path) -> list[str]:
    """Trial ids, once for each training that did something."""
    rows = Store.open(store).read("attempts").to_pylist()
    return [row["trial_id"] for row in rows if row["unit"] == "train" and row["images"]]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return searched(POINTS)


@pytest.fixture(scope="module")
def alone(cluster: str, plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the search run by one worker, undisturbed."""
    store = tmp_path_factory.mktemp("alone")
    assert launch(plan, store, Log([]), LaunchOptions(address=cluster, max_concurrent=1)).status == "complete"
    return store


def test_with_one_worker_every_history_is_optunas_own(plan: Plan, alone: Path) -> None:
    for search in plan.searches:
        points = [dict(point.parameters) for point in drawn(alone)[search.label]]
        assert points == optunas_own(search, plan)
        assert len(points) == POINTS


def optunas_own(search: Search, plan: Plan) -> list[dict[str, Value]]:
    """Optuna's loop on the same objective values."""
    ranges = {one.key: (one.values, one.draw == "loguniform") for one in search.space}

    def objective(trial: optuna.Trial) -> tuple[float, ...]:
        point: dict[str, Value] = {
            key: trial.suggest_float(key, *values, log=log)  # type: ignore[arg-type]
            for key, (values, log) in ranges.items()
        }
        return peaked.objectives(search, point, plan)

    study = optuna.create_study(
        directions=["maximize"] * 2, sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=3)
    )
    study.optimize(objective, n_trials=POINTS)
    return [trial.params for trial in study.trials]


@pytest.mark.slow
def test_killed_again_and_again_it_ends_as_an_undisturbed_one(cluster: str, tmp_path: Path, alone: Path) -> None:
    for kill in range(3):
        launched = in_process(tmp_path, cluster, workers=1)
        wait_for_points(tmp_path, launched, 1 + 4 * kill)
        launched.kill()
        launched.wait()
    assert in_process(tmp_path, cluster, workers=1).wait(timeout=120) == 0
    assert drawn(tmp_path) == drawn(alone)
    for table in ("trials", "epochs", "evaluations"):
        assert Store.open(tmp_path).read(table) == Store.open(alone).read(table)


def in_process(store: Path, address: str, workers: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.study.search.launching", str(store), address, str(workers), str(POINTS)]
    return subprocess.Popen(command)


def wait_for_points(store: Path, launched: subprocess.Popen[bytes], count: int) -> None:
    """Until so many points of the study are drawn."""
    deadline = time.monotonic() + 90
    while len(list(store.glob("studies/*/searches/*/*.json"))) < count:
        assert launched.poll() is None, "there are points left"
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_two_workers_never_train_the_same_point_and_more_points_go_on_from_there(cluster: str, tmp_path: Path) -> None:
    log = Log([])
    first = launch(searched(POINTS), tmp_path, log, LaunchOptions(address=cluster, limit=9))
    assert first.status == "incomplete"
    assert (first.progress.trials_done, first.progress.trials) == (9, 2 * POINTS + 1)
    assert launch(searched(POINTS), tmp_path, log, LaunchOptions(address=cluster)).status == "complete"
    before = drawn(tmp_path)
    assert launch(searched(POINTS + 1), tmp_path, log, LaunchOptions(address=cluster)).status == "complete"
    assert {label: points[:POINTS] for label, points in drawn(tmp_path).items()} == before
    ids = trained(tmp_path)
    assert len(ids) == len(set(ids)) == 2 * (POINTS + 1) + 1
    assert log.last is not None
    assert log.last.trials_done == log.last.trials == len(ids)


def test_a_disk_that_is_full_for_a_moment_costs_a_search_nothing(
    cluster: str, tmp_path: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, refused = LocalObjects.put, [0.0]

    def full(self: LocalObjects, name: str, data: bytes, *, durable: bool = True) -> None:
        """From the third point on, for two seconds, in this process: the launch's own writes."""
        if "/searches/" in name and name.endswith("/000002.json"):
            refused[0] = refused[0] or time.monotonic()
        if name.startswith("studies/") and refused[0] and time.monotonic() - refused[0] < 2.0:
            raise OSError(errno.ENOSPC, "No space left on device", name)
        put(self, name, data, durable=durable)

    monkeypatch.setattr(LocalObjects, "put", full)
    options = LaunchOptions(address=cluster, max_concurrent=1)
    assert launch(searched(POINTS), tmp_path, Log([]), options).status == "complete"
    assert refused[0], "the disk was full"
    assert drawn(tmp_path) == drawn(alone)


def test_launching_a_finished_search_again_does_nothing(plan: Plan, alone: Path) -> None:
    log = Log([])
    before = sorted(alone.rglob("*.json"))
    assert launch(plan, alone, log, LaunchOptions(address="127.0.0.1:1")).status == "complete"
    assert log.events == []
    assert sorted(alone.rglob("*.json")) == before


def test_a_search_in_which_nothing_works_is_stopped_and_the_other_goes_on(cluster: str, tmp_path: Path) -> None:
    result = launch(searched(POINTS), tmp_path, Log([]), LaunchOptions(address=cluster, max_concurrent=1), Unlucky)
    assert result.status == "incomplete"
    assert len(result.failures) == 3
    assert {label: len(points) for label, points in drawn(tmp_path).items()} == {"ST": 3, "DA": POINTS}


def test_the_front_is_what_no_other_point_beats(plan: Plan, alone: Path) -> None:
    store = Store.open(alone)
    newest = store.newest_launch("search_mnist")
    assert newest is not None
    rows = store.read("evaluations").to_pylist()
    known = {(row["trial_id"], row["condition_id"]): row["correct"] / row["n"] for row in rows}
    results = [one for one in point_results(newest.plan, known) if one.search.label == "ST"]
    values = [one.validation for one in results if one.validation is not None]
    assert len(values) == POINTS
    for one, own in zip(results, values, strict=True):
        beaten = any(other != own and other[0] >= own[0] and other[1] >= own[1] for other in values)
        assert one.front == (not beaten)
    assert on_front([(1.0, 0.0), (0.0, 1.0), (0.5, 0.5), (0.4, 0.5), None, (0.5, 0.5)]) == [
        True, True, True, False, False, True
    ]  # fmt: skip
