"""What a series of runs consists of, and what is refused before any starts."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from study.chaos import mounts, nodes, runs
from study.chaos import series as at
from study.chaos.errors import ChaosError
from study.chaos.faults import Place, faults
from study.chaos.playing import Disturbed, Study, Take, Undisturbed, clear
from study.chaos.series import Run, Series, chosen, hash_of, series, study_of
from study.spec.faults import SpecError
from study.store import Store

HERE = Place(store="/nowhere/store", address=None)
THERE = Place(store="/nowhere/store", address="head:6379")


def test_kinds_take_turns_and_more_runs_go_on_where_fewer_ended() -> None:
    first, second = Run(kind="driver", seed=4, number=0), Run(kind="worker", seed=4, number=0)
    assert series(("driver", "worker"), 3, 4) == (first, second, Run(kind="driver", seed=4, number=1))
    assert series(("driver", "worker"), 10, 4)[:3] == series(("driver", "worker"), 3, 4)
    assert series(("driver", "worker"), None, 4) == (first, second)
    with pytest.raises(ChaosError, match="--n 1: no run would be left for worker, disk; give --n 3 or more, or name"):
        series(("driver", "worker", "disk"), 1, 4)


def test_what_cannot_be_done_is_refused_with_all_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(
        ChaosError, match=r"^network: .* need root.*; disk: .*needs root.*; without them: --kill worker$"
    ):
        chosen(("worker", "network", "disk"), HERE, confirmed=False)
    with pytest.raises(ChaosError, match="--kill earthquake: not a kind; there are driver, worker, node, network"):
        chosen(("worker", "earthquake"), HERE, confirmed=False)
    with pytest.raises(ChaosError, match="--kill: names no kind; there are driver, worker"):
        chosen((), HERE, confirmed=False)


def test_a_disk_of_a_bucket_cannot_be_filled() -> None:
    with pytest.raises(ChaosError, match=r"disk: .* s3://bucket/store is no folder; give --store a folder"):
        chosen(("disk",), Place(store="s3://bucket/store", address=None), confirmed=False)


def test_nodes_of_a_persons_cluster_are_killed_only_with_their_word() -> None:
    with pytest.raises(ChaosError, match=r"on the cluster at head:6379, node kills the raylet .* If so: --yes"):
        chosen(("node",), THERE, confirmed=False)
    assert list(chosen(("node",), THERE, confirmed=True)) == ["node"]
    with pytest.raises(ChaosError, match="nodes of the cluster at head:6379 are not ours to cut off"):
        chosen(("network",), THERE, confirmed=True)


SPEC = """\
study: small
title: Small
data: {name: mnist_5k, train: 200, validation: 100, test: 100}
model: {name: lenet, dropout: 0.5}
train: {from: scratch, epochs: 9, batch_size: 10, optimizer: {sgd: {lr: 0.002}}}
distortions: {gaussian_noise: {sigma: [0.3]}}
methods:
  Baseline: {method: standard}
  DA: {method: data_augmentation, p: [0.5, 1], distortion: gaussian_noise}
evaluate: {sweeps: {gaussian_noise: {sigma: [0.3], practical: 0.3}}}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(SPEC)
    return tmp_path / "small.yaml"


def test_a_verdict_is_of_one_cluster_and_one_state_of_the_code(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def key(commit: str, place: Place = HERE, *, dirty: bool = False, sources: str = "") -> str:
        monkeypatch.setattr(at, "code", lambda: {"commit": commit, "dirty": dirty})
        monkeypatch.setattr(at, "hash_of", lambda _: sources)
        return study_of(str(spec), (), place).key

    here = key("c1")
    assert key("c1", sources="other") == here  # the commit says it
    others = [key("c2"), key("c1", THERE), key("c1", dirty=True, sources="s1"), key("c1", dirty=True, sources="s2")]
    assert len({here, *others}) == 5


def test_what_git_does_not_know_is_told_by_its_files(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "a.py").write_text("1")
    before = hash_of([str(tmp_path)])
    (tmp_path / "__pycache__" / "a.pyc").write_text("compiled")
    assert hash_of([str(tmp_path)]) == before
    (tmp_path / "a.py").write_text("2")
    assert hash_of([str(tmp_path)]) != before


def test_a_study_that_prunes_is_refused_at_its_line(spec: Path) -> None:
    own = SPEC.replace("p: [0.5, 1],", "p: [0.5, 1], prune: {asha: {min_epochs: 1}},")
    spec.write_text(own)
    with pytest.raises(SpecError, match=r"small.yaml:9  methods.DA.prune: .* row for row, and pruning .* prune: none"):
        study_of(str(spec), (), HERE)
    spec.write_text(SPEC)
    with pytest.raises(SpecError, match=r"--set train.prune=.*  train.prune: .* row for row"):
        study_of(str(spec), ("train.prune={asha: {min_epochs: 1}}",), HERE)


def test_a_study_that_searches_is_refused_at_its_line(spec: Path) -> None:
    searched = SPEC.replace("p: [0.5, 1]", "p: {uniform: [0, 1]}")
    spec.write_text(searched + "search: {sampler: random, trials: 3, objectives: [clean]}\n")
    with pytest.raises(SpecError, match=r"small.yaml:11  search: .* a search draws by .*; disturb a copy that lists"):
        study_of(str(spec), (), HERE)


def a_series(folder: Path, *typed: str) -> Series:
    study = Study(key="k", plan=None, typed=typed)  # type: ignore[arg-type]
    place = Place(store=str(folder), address=None)
    return Series(study=study, place=place, faults=faults(), kept=Store.open(str(folder)))


KILLED = """
import os, signal, sys
from pathlib import Path
from study.chaos import mounts, nodes, runs
from study.chaos.playing import Study
from study.chaos.series import Series
from study.chaos.faults import Place
from study.executor.scratch import owned
from study.store import Store
kept = Store.open(sys.argv[1])
study = Study(key="k", plan=None, typed=())
with Series(study=study, place=Place(store=sys.argv[1], address=None), faults={}, kept=kept) as at:
    ray = nodes.RAY_PLACE / f"{owned(nodes.RAY)}-6379"
    ray.mkdir()
    print(at._folder, ray, flush=True)
    run = kept.root / runs.FOLDER / "k" / "runs" / "disk-0-0"
    if os.geteuid() == 0:
        with mounts.small(run, 2**20), mounts.over_itself(run / "trials"):
            os.kill(os.getpid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_next_start_clears_away_what_a_killed_one_left(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True)
    left = [Path(one) for one in killed.stdout.split()]
    assert len(left) == 2, killed.stderr
    assert all(one.is_dir() for one in left)
    run = tmp_path / runs.FOLDER / "k" / "runs" / "disk-0-0"
    if os.geteuid() == 0:
        assert {run, run / "trials"} <= set(mounts._mounted())
    with a_series(tmp_path):
        assert not any(one.exists() for one in left)
        assert not {run, run / "trials"} & set(mounts._mounted())
        with pytest.raises(ChaosError, match=r"is being disturbed in .* already, by .*; wait"), a_series(tmp_path):
            pass
    assert not list(nodes.RAY_PLACE.glob(f"{nodes.owned(nodes.RAY)}-*"))


def test_what_a_launch_said_that_fails_undisturbed_is_shown_and_kept(tmp_path: Path) -> None:
    kept = tmp_path / "chaos" / "k" / "undisturbed.log"
    with a_series(tmp_path, "nowhere.yaml") as of:
        with pytest.raises(ChaosError, match=f"ended with: .*nowhere.yaml is no file, .*; see {kept}$"):
            of.undisturbed(faults()["driver"])
        folder = of._folder
    assert not folder.exists()
    assert "nowhere.yaml is no file" in kept.read_text()


@pytest.mark.parametrize("holds", [True, False])
def test_what_the_launches_of_a_run_said_stays_beside_its_store_if_it_does_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holds: bool
) -> None:
    def play(run: Disturbed) -> dict[str, Any]:
        run.take.log.parent.mkdir(parents=True, exist_ok=True)
        run.take.log.write_text("why\n")
        numbers = dict.fromkeys(("moment", "lost", "recovered", "seconds", "undisturbed"), 1.0)
        counts = dict.fromkeys(("hit", "launches", "swept"), 1)
        return {**numbers, **counts, "fault": "killed", "holds": holds, "broken": [] if holds else ["epochs"]}

    monkeypatch.setattr(Disturbed, "play", play)
    monkeypatch.setattr(Series, "undisturbed", lambda *_: None)
    with a_series(tmp_path) as of:
        of.play(Run(kind="driver", seed=1, number=0))
    kept = tmp_path / f"{runs.place_of('k', 'driver', 1, 0)}.log"
    assert kept.exists() is not holds
    assert holds or kept.read_text() == "why\n"


def test_the_span_is_measured_once_on_each_kind_of_cluster_and_results_are_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def left_alone(take: Take) -> Undisturbed:
        made.append(take.store)
        return Undisturbed(store=Store.open(take.store), under_way=float(len(made)), seconds=10.0)

    monkeypatch.setattr(at, "left_alone", left_alone)
    monkeypatch.setattr(Series, "_cluster", lambda *_: None)
    for _ in range(2):  # what is known is kept
        with a_series(tmp_path) as of:
            found = [of.undisturbed(faults()[kind]) for kind in ("driver", "node", "network", "worker", "disk")]
        assert [one.under_way for one in found] == [1.0, 2.0, 3.0, 1.0, 1.0]
        assert {one.store.location for one in found} == {str(tmp_path / "chaos" / "k" / "undisturbed")}
    assert [Path(one).name for one in made] == ["undisturbed", "undisturbed-nodes", "undisturbed-hosts"]
    assert not Path(made[1]).exists()
    (tmp_path / "chaos" / "k" / "undisturbed" / "spans.json").write_text('{"own')
    with a_series(tmp_path) as of:
        assert of.undisturbed(faults()["driver"]).under_way == 4.0
    clear(str(tmp_path / "chaos" / "k" / "undisturbed"))
    with a_series(tmp_path) as of:
        assert of.undisturbed(faults()["driver"]).under_way == 5.0


def test_a_study_that_differs_from_cluster_to_cluster_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def left_alone(take: Take) -> Undisturbed:
        store = Store.open(take.store)
        store.keep_example(Path(take.store).name, b"")
        return Undisturbed(store=store, under_way=1.0, seconds=10.0)

    monkeypatch.setattr(at, "left_alone", left_alone)
    monkeypatch.setattr(Series, "_cluster", lambda *_: None)
    with a_series(tmp_path) as of:
        of.undisturbed(faults()["driver"])
        with pytest.raises(ChaosError, match="not give the same results twice even undisturbed: the examples are not"):
            of.undisturbed(faults()["node"])
