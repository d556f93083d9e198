"""What a launch refuses before it starts Ray or writes anything."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch

from study.executor.cluster import ClusterError
from study.fitting import slots, unfit
from study.launch import DeviceError, LaunchOptions, check_device_type, launch_plan, refusals
from study.plan import Resources
from study.planning import check_weights
from study.spec import SpecError, load
from study.store import Store
from tests.study.executor.noop import Log
from tests.study.executor.plans import plan, trial
from tests.study.hand_made import TEXT, attempt, finished, small_plan
from trainables.fit import build_model

IMAGES = {"train": 200, "test": 100}
ON_GPU = Resources(cpus=1, gpus=1)


def test_a_refused_launch_leaves_the_study_as_it_was(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with pytest.raises(ClusterError, match=r"nowhere\.invalid:1: no Ray answers there"):
        launch_plan(
            plan(trial("01")), "study: small", IMAGES, store, LaunchOptions(address="nowhere.invalid:1"), Log([])
        )
    assert store.newest_launch("small") is None
    assert store.leases("study") == ()


def test_a_study_that_is_complete_stays_so_whatever_the_clock_of_a_failure(tmp_path: Path) -> None:
    store, study = Store.open(tmp_path / "store"), small_plan(tmp_path)
    finished(store, study)
    failed = attempt(study.trials[1], "train", "failed", 0, "MemoryError: on a node that is an hour ahead")
    store.record_attempt(replace(failed, started=failed.started + timedelta(hours=1)))
    result = launch_plan(study, TEXT, IMAGES, store, LaunchOptions(), Log([]))
    assert (result.status, result.failures) == ("complete", {})


def test_methods_on_cpus_and_gpus_do_not_mix(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="A asks for no GPU and B for one"):
        check_device_type(plan(trial("01", "A"), trial("02", "B", resources=ON_GPU)), Store.open(tmp_path))


def test_a_study_begun_on_cpus_is_not_evaluated_on_gpus(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    begun = trial("01")
    store.record_attempt(replace(attempt(begun, "evaluate", "done"), device="cpu"))
    check_device_type(plan(begun), store)
    with pytest.raises(DeviceError, match="were evaluated on CPUs, and this launch asks for GPUs"):
        check_device_type(plan(replace(begun, resources=ON_GPU)), store)


def test_weights_from_a_file_are_tried_before_anything_is_trained(tmp_path: Path) -> None:
    spec = tmp_path / "small.yaml"
    spec.write_text(TEXT.replace("from: scratch", "from: {weights: start.pt}"))
    weights = tmp_path / "start.pt"
    state = build_model(trial("01").recipe).state_dict()
    torch.save(state, weights)
    check_weights(load(spec))
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(
        SpecError, match=r"small\.yaml:\d+  .*from\.weights: .*start\.pt cannot be read: not a whole ch"
    ):
        check_weights(load(spec))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda state: {"network": state}, "lacks conv1.weight and 7 more, has network besides"),
        (
            lambda state: {**state, "ip2.weight": state["ip2.weight"][:, :5]},
            r"has ip2.weight of another shape \(\(10, 5\)",
        ),
        (lambda state: {**state, "ip2.weight": state["ip2.weight"][:5]}, "is of 5 classes, where the data has 10"),
        (lambda state: {**state, "ip2.bias": 3}, r"has ip2.bias of another shape \(\(\), not \(10,\)\)"),
        (lambda state: {**state, "ip2.weight": 3}, r"has ip2.weight of another shape \(\(\), not \(10, 500\)\)"),
        (lambda state: {name: state[name] for name in list(state)[1:]}, "lacks conv1.weight; name a file"),
    ],
)
def test_weights_of_another_network_are_told_apart(tmp_path: Path, wrong: Any, message: str) -> None:
    spec = tmp_path / "small.yaml"
    spec.write_text(TEXT.replace("from: scratch", "from: {weights: start.pt}"))
    torch.save(wrong(build_model(trial("01").recipe).state_dict()), tmp_path / "start.pt")
    with pytest.raises(SpecError, match=f"start.pt holds no weights of this lenet: it {message}"):
        check_weights(load(spec))


def test_each_size_of_trial_that_fits_nowhere_is_told_with_its_ways_out() -> None:
    node = Resources(cpus=2, gpus=1)
    many, wide = Resources(cpus=4, gpus=1), Resources(cpus=1, gpus=2)
    (said,) = unfit(plan(trial("01", resources=many)), [node, node], local=False)
    assert said == (
        "a trial needs 4 CPUs and 1 GPU on one node; the nodes have 2 CPUs and 1 GPU: give --set resources.cpus=1, or "
        "launch it with --address of a larger cluster"
    )
    mixed = plan(trial("01", "A", resources=many), trial("02", "B", resources=wide), trial("03", "C", resources=ON_GPU))
    first, second = unfit(mixed, [node], local=True)
    assert "give --set methods.A.resources.cpus=1, or" in first
    assert "give --set methods.B.resources.gpus=0 --set methods.B.resources.cpus=1, or" in second
    assert not list(unfit(plan(trial("03", resources=ON_GPU)), [node], local=True))


DISK = Resources(cpus=1, custom=(("fast_disk", 1.0),))
ZONE = Resources(cpus=1, labels=(("zone", ("a", "b")),))


@pytest.mark.parametrize(
    ("need", "said", "ways_out"),
    [
        (
            replace(DISK, memory=2**34),
            "a trial needs 1 CPU and no GPU, 16 GiB of memory, 1 fast_disk on one node; the nodes have "
            "2 CPUs and no GPU, 8 GiB of memory, 2 slow_disk, and 4 CPUs and no GPU, 8 GiB of memory, no custom reso",
            "give --set 'resources.custom={}' --set resources.memory=null, or launch",
        ),
        (
            ZONE,
            "needs 1 CPU and no GPU, label zone=a or b on one node; the nodes have 2 CPUs and no GPU, label zone=c, and"
            " 4 CPUs and no GPU, no label: ",
            "give --set 'resources.labels={}', or launch",
        ),
    ],
)
def test_a_resource_that_no_node_offers_is_told_with_what_there_is(need: Resources, said: str, ways_out: str) -> None:
    own = (("ray.io/node-id", ("6f",)),)
    slow = Resources(cpus=2, memory=2**33, custom=(("slow_disk", 2.0),), labels=(*own, ("zone", ("c",))))
    (refusal,) = unfit(plan(trial("01", resources=need)), [slow, Resources(cpus=4, memory=2**33)], local=False)
    assert said in refusal
    assert ways_out in refusal


def test_units_of_a_node_are_counted_by_what_is_scarcest() -> None:
    node = Resources(cpus=8, memory=2**34, custom=(("fast_disk", 3.0),), labels=(("zone", ("b",)),))
    assert slots(node, DISK) == 3
    assert slots(node, replace(DISK, memory=2**33)) == 2
    assert slots(node, ZONE) == 8
    assert slots(replace(node, labels=()), ZONE) == 0


def test_what_is_there_but_never_on_one_node_has_ways_out_too() -> None:
    nodes = [Resources(cpus=1, custom=(("fast_disk", 1.0),)), Resources(cpus=1, labels=(("zone", ("a",)),))]
    (refusal,) = unfit(plan(trial("01", resources=replace(DISK, labels=ZONE.labels))), nodes, local=False)
    assert "give --set 'resources.labels={}' --set 'resources.custom={}', or" in refusal


def test_a_study_of_which_nothing_is_left_is_refused_by_no_machine(tmp_path: Path) -> None:
    """A launch that has nothing to run needs no GPU to say so."""
    study, store = small_plan(tmp_path), Store.open(tmp_path / "store")
    wide = replace(study, trials=tuple(replace(one, resources=Resources(cpus=10**6)) for one in study.trials))
    assert len(refusals(wide, None, LaunchOptions())) == 1
    assert len(refusals(wide, store, LaunchOptions())) == 1
    finished(store, study)
    assert refusals(wide, store, LaunchOptions()) == ()
