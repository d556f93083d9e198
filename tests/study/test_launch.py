"""What a launch refuses before it starts Ray or writes anything."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from study.executor.cluster import ClusterError
from study.launch import DeviceError, LaunchOptions, check_device_type, launch_plan
from study.plan import Resources
from study.planning import check_weights
from study.spec import SpecError, load
from study.store import Store
from tests.study.executor.noop import Log
from tests.study.executor.plans import plan, trial
from tests.study.hand_made import TEXT, attempt
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
    with pytest.raises(SpecError, match=r"start\.pt.*not a whole checkpoint"):
        check_weights(load(spec))
    torch.save({"state_dict": state}, weights)
    with pytest.raises(SpecError, match=r"start\.pt.*no weights of lenet"):
        check_weights(load(spec))
