"""How many trials go on a GPU: the choice from made-up measurements, and the measuring itself on the cores of a CPU."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from study.cost.packing import (
    Gpus,
    Packed,
    Packing,
    PackingError,
    goes_on,
    leaves_open,
    packing,
    settled,
    together,
    worth,
)
from study.executor.cluster import ClusterError
from study.executor.nodes import Nodes
from study.launch import LaunchOptions, prepare, settle
from study.plan import Plan, Resources
from study.spec import load
from study.store import Store
from tests.study.executor.plans import plan, trial
from tests.study.search import peaked
from tests.study.spec.demo import faults_of, loaded
from trainables.recipe import Recipe

pytestmark = pytest.mark.slow

GIB = 2**30
OPEN = Resources(gpus=1.0, auto=True)
RECIPE = trial("01").recipe


def tried(*rates: float, each: float = 5.0, images: float = 0.0) -> tuple[Packed, ...]:
    """Trials of `each` GiB beside `images` GiB that they share."""
    return tuple(
        Packed(trials=number, images_per_second=rate, bytes=int((images + number * each) * GIB))
        for number, rate in enumerate(rates, 1)
    )


def packed(rates: Sequence[float], each: float = 5.0, images: float = 0.0, most: int = 16, memory: int = 80) -> Packing:
    """What comes of a device on which so many trials are this fast."""
    measured = tried(*rates, each=each, images=images)

    def run(_recipe: Recipe, device: str, trials: int) -> Packed | None:
        assert device == "cuda"
        return measured[trials - 1] if measured[trials - 1].bytes <= memory * GIB else None

    return packing(RECIPE, "cuda", memory * GIB, most, "H100", run)


@pytest.mark.parametrize(
    ("rates", "trials"), [([100], 1), ([100, 104], 1), ([100, 190, 250, 310, 316, 900], 4), ([100, 105, 50], 2)]
)
def test_as_many_go_on_one_as_pay(rates: list[float], trials: int) -> None:
    assert worth(tried(*rates)) == trials


def test_the_next_is_tried_while_the_last_paid_and_memory_and_cpus_are_enough() -> None:
    assert goes_on(tried(100, 190), 80 * GIB, 16)
    assert not goes_on(tried(100, 102), 80 * GIB, 16)
    assert not goes_on(tried(100, 190), 80 * GIB, 2)
    assert not goes_on(tried(100, 190, each=21), 80 * GIB, 16), "63 of 80 GiB are more than three quarters"
    assert goes_on(tried(100, 190, each=10, images=30), 80 * GIB, 16), "images are there once"
    assert not goes_on(tried(100, each=31), 80 * GIB, 16)


@pytest.mark.parametrize(
    ("found", "trials", "gpus", "said"),
    [
        (packed([100, 190, 250, 310, 316]), 4, 0.25, "4 trials on one H100: 3.1 times the images/s of one; 5 would ad"),
        (packed([100, 190, 280], each=20), 3, 0.3333, "3 trials on one H100: 2.8 times the images/s of one; 4 would n"),
        (packed([100, 90], each=1), 1, 1.0, "one trial on one H100; 2 would take 10%"),
        (packed([100, 190], each=1, most=2), 2, 0.5, "2 trials on one H100: 1.9 times the images/s of one; there are "),
        (packed([100, 190], each=1, images=50, memory=51), 1, 1.0, "one trial on one H100; 2 would not fit its memory"),
    ],
)
def test_a_choice_is_told_with_why_not_more(found: Packing, trials: int, gpus: float, said: str) -> None:
    assert (found.trials, found.gpus) == (trials, gpus)
    assert found.said.startswith(said)


def test_shares_never_add_up_to_more_than_a_gpu() -> None:
    """Ray counts a GPU in ten-thousandths, and rounds."""
    for trials in range(1, 17):
        share = packed([100.0 * number for number in range(1, trials + 1)], each=0.1, most=trials).gpus
        assert trials * round(share * 10_000) <= 10_000
        assert int(1 / share + 1e-9) == trials


def test_one_that_does_not_fit_is_said() -> None:
    with pytest.raises(PackingError, match="one trial of standard does not fit the memory of H100"):
        packed([100], each=90)


def test_trials_are_measured_side_by_side_on_a_cpu() -> None:
    """By the processes that a GPU is measured with."""
    found = packing(RECIPE, "cpu", 2**50, 2, "CPU", partial(together, warm=0.2, measured=1.0))
    assert [one.trials for one in found.tried] == [1, 2]
    one, two = found.tried
    assert one.images_per_second > 100
    assert 1.2 * one.bytes < two.bytes < 3 * one.bytes
    assert found.trials in (1, 2)


def test_what_a_measured_trial_raises_is_told() -> None:
    wrong = replace(RECIPE, model=replace(RECIPE.model, name="no_such_network"))
    with pytest.raises(PackingError, match=r"a trial of standard cannot be measured on cpu: .*no_such_network"):
        together(wrong, "cpu", 1)


def one(device: str, cpus: float = 64) -> Gpus:
    """A single kind of GPU."""
    return lambda _need: {device: Resources(cpus=cpus, gpus=1)}


def open_plan() -> Plan:
    other = trial("03", "B", resources=OPEN)
    other = replace(other, recipe=replace(other.recipe, batch_size=50))
    return plan(trial("01", resources=OPEN), trial("02", resources=OPEN), other, trial("04", "C"))


def test_each_kind_is_measured_once_a_store_and_a_number_that_a_person_gave_stays(tmp_path: Path) -> None:
    measured: list[Recipe] = []

    def measure(recipe: Recipe, _need: Resources, _node: Resources) -> Packing:
        measured.append(recipe)
        return packed([100, 190, 191] if recipe.batch_size == 100 else [100, 190, 280, 370, 371])

    said: list[str] = []
    store = Store.open(tmp_path)
    once = settled(open_plan(), store, one("H100"), measure, said.append)
    assert [one.resources.gpus for one in once.trials] == [0.5, 0.5, 0.25, 0.0]
    assert not leaves_open(once)
    assert [recipe.batch_size for recipe in measured] == [100, 50]
    assert said[1].startswith("gpus: auto: B on lenet, batch 50: 4 trials on one H100: 3.7 times")
    assert settled(open_plan(), store, one("H100"), measure, said.append) == once
    assert len(measured) == 2
    settled(open_plan(), store, one("L4"), measure, said.append)
    assert len(measured) == 4, "another GPU is measured anew"
    settled(open_plan(), store, one("H100", cpus=4), measure, said.append)
    assert len(measured) == 6, "and so is one with fewer CPUs beside it"


def test_searches_are_settled_too(tmp_path: Path) -> None:
    found = peaked.plan(tmp_path, ("trials:     16", "trials:     3"))
    asked = replace(found, searches=tuple(replace(one, resources=OPEN) for one in found.searches))
    done = settled(asked, Store.open(tmp_path / "s"), one("H100"), lambda *_: packed([100, 190, 191]), lambda _: None)
    assert {one.resources for one in done.searches} == {Resources(gpus=0.5)}


def test_it_is_written_as_auto_and_a_number_wins(tmp_path: Path) -> None:
    spec = loaded(
        tmp_path, ("evaluate: ", "resources: {gpus: auto}\nevaluate: "), ("mu: {", "resources: {gpus: 0.5}, mu: {")
    )
    assert (spec.method("DA").resources.gpus, spec.method("DA").resources.auto) == (1.0, True)
    assert (spec.method("AT").resources.gpus, spec.method("AT").resources.auto) == (0.5, False)
    (fault,) = faults_of(tmp_path, ("evaluate: ", "resources: {gpus: most}\nevaluate: "))
    assert fault.startswith("resources.gpus: gpus is a finite number; got 'most'")


def test_a_launch_settles_what_is_left_open_before_it_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the CPUs that are there for each GPU, too."""
    node = Resources(cpus=12, gpus=2, labels=(("ray.io/accelerator-type", ("H100",)),))
    monkeypatch.setattr("study.launch.offered", lambda _: Nodes(resources=(node,), local=True))
    monkeypatch.setattr("study.launch.on_gpu_here", lambda _recipe, most: packed([100, 190, 280], most=most))
    prepared = prepare(load("demo_mnist", ["resources.gpus=auto", "resources.cpus=2"]))
    said: list[str] = []
    found = settle(prepared, Store.open(tmp_path), LaunchOptions(), said.append)
    assert {one.resources for one in found.plan.trials} == {Resources(cpus=2, gpus=0.3333)}
    assert said[1].endswith(
        "3 trials on one H100: 2.8 times the images/s of one; there are no CPUs or memory beside it for more"
    )
    assert settle(found, Store.open(tmp_path), LaunchOptions()) == found


def node_of(device: str, name: str, cpus: float, gpus: float = 1, gib: int = 64) -> Resources:
    labels = (("ray.io/accelerator-type", (device,)), ("ray.io/node-id", (name,)))
    return Resources(cpus=cpus, gpus=gpus, memory=gib * GIB, labels=labels)


def test_each_kind_of_gpu_is_measured_on_a_node_of_its_own_and_the_share_fits_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the node with the most CPUs and memory of its kind, with what so many trials occupy, and on no other."""
    nodes = (node_of("H100", "a", 4), node_of("H100", "b", 64, gpus=4), node_of("L4", "c", 12, gib=5))
    asked: dict[str, Resources] = {}

    def run(
        _address: str,
        _store: Store,
        need: Resources,
        _what: object,
        _recipe: Recipe,
        most: int,
        *,
        node: str,
        install: bool,
    ) -> Packing:
        assert not install
        asked[node] = need
        return packed([100, 190, 280, 370, 371] if node == "b" else [100, 190, 280], most=most)

    monkeypatch.setattr("study.launch.offered", lambda _: Nodes(resources=nodes, local=False))
    monkeypatch.setattr("study.launch.run_once", run)
    spec = load("demo_mnist", ["resources.gpus=auto", "resources.cpus=2", "resources.memory=2 GiB"])
    said: list[str] = []
    found = settle(prepare(spec), Store.open(tmp_path), LaunchOptions(address="auto"), said.append)
    assert {name: (need.cpus, need.gpus, need.memory) for name, need in asked.items()} == {
        "b": (16, 1, 16 * GIB), "c": (4, 1, 4 * GIB)
    }  # fmt: skip
    assert {trial.resources.gpus for trial in found.plan.trials} == {0.5}
    assert any(line.endswith("0.5 of a GPU a trial, the most that H100 and L4 ask for") for line in said)


def test_trials_that_are_alike_but_may_run_elsewhere_are_measured_there(tmp_path: Path) -> None:
    """Two entries of one method, each for nodes of its own."""
    needs = [Resources(auto=True, gpus=1.0, labels=(("kind", (device,)),)) for device in ("H100", "L4")]
    asked = plan(*(trial(f"0{number}", resources=need) for number, need in enumerate(needs)))

    def gpus(need: Resources) -> dict[str, Resources]:
        ((_, (device,)),) = need.labels
        return {device: node_of(device, device, 4)}

    def measure(_recipe: Recipe, _need: Resources, node: Resources) -> Packing:
        return packed([100, 190, 191] if dict(node.labels)["ray.io/node-id"] == ("H100",) else [100, 101])

    done = settled(asked, Store.open(tmp_path / "s"), gpus, measure, lambda _: None)
    assert [trial.resources.gpus for trial in done.trials] == [0.5, 1.0]


def test_a_cluster_that_grows_is_asked_for_the_gpu_to_measure_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes, asked = [Resources(cpus=1)], list[tuple[float, float, str | None]]()

    def run(
        _address: str, _store: Store, need: Resources, *_: object, node: str | None = None, install: bool
    ) -> Packing:
        assert install
        if node is None:
            nodes.append(node_of("H100", "a", 4))
        asked.append((need.cpus, need.gpus, node))
        return packed([100, 190, 191])

    monkeypatch.setattr("study.launch.offered", lambda _: Nodes(resources=tuple(nodes), local=False, grows=True))
    monkeypatch.setattr("study.launch.run_once", run)
    prepared = prepare(load("demo_mnist", ["resources.gpus=auto"]))
    said: list[str] = []
    found = settle(prepared, Store.open(tmp_path), LaunchOptions(address="head:1", install=True), said.append)
    assert said[0] == "gpus: auto is measured on a GPU: waiting until the cluster has added a node with one …"
    assert asked[0] == (1, 1, None)
    assert set(asked[1:]) == {(4, 1, "a")}
    assert {trial.resources.gpus for trial in found.plan.trials} == {0.5}


def test_where_there_is_no_gpu_it_is_refused_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    prepared = prepare(load("demo_mnist", ["resources.gpus=auto"]))
    with pytest.raises(ClusterError, match=r"a trial needs 1 CPU and 1 GPU .* give --set resources.gpus=0"):
        settle(prepared, Store.open(tmp_path), LaunchOptions())
