"""A measurement on a node of a cluster, as a launch with `gpus: auto` makes it before anything is trained."""

import sys
from functools import partial
from pathlib import Path

import pytest
from ray import cloudpickle

from study.cost.packing import PackingError, packing, together
from study.executor.cluster import ClusterError, offered, run_once
from study.fitting import id_of
from study.plan import Resources
from study.store import Store
from tests.study.executor.plans import trial

pytestmark = pytest.mark.ray


def test_trials_are_packed_by_a_worker_of_the_cluster(cluster: str, tmp_path: Path) -> None:
    """In processes of their own, which a worker of Ray starts as any other process does."""
    measure = partial(packing, together=partial(together, warm=0.1, measured=0.5))
    recipe, store = trial("01").recipe, Store.open(tmp_path)
    found = run_once(cluster, store, Resources(cpus=1.0), measure, recipe, "cpu", 2**50, 1, "CPU")
    assert found.tried[0].images_per_second > 100
    full = partial(packing, together=lambda *_: None)
    with pytest.raises(PackingError, match="one trial of standard does not fit the memory of a small one"):
        run_once(cluster, store, Resources(cpus=1.0), full, recipe, "cpu", 1, 1, "a small one")


def told_of_itself() -> tuple[str, dict[str, float]]:
    """The node that this runs on, and what it occupies there."""
    import ray

    context = ray.get_runtime_context()
    return context.get_node_id(), context.get_assigned_resources()


def test_it_occupies_all_that_was_asked_for_on_the_one_node_that_was_named(cluster: str, tmp_path: Path) -> None:
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    (node,) = offered(cluster).resources
    need = Resources(cpus=2.0, memory=2**28)
    where, occupied = run_once(cluster, Store.open(tmp_path), need, told_of_itself, node=id_of(node))
    assert where == id_of(node)
    assert (occupied["CPU"], occupied["memory"]) == (2.0, 2**28)


def test_a_node_that_has_gone_or_never_comes_is_told(
    cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr("study.executor.cluster.COMING_SECONDS", 3.0)
    with pytest.raises(ClusterError, match="the node that was to measure a GPU is gone"):
        run_once(cluster, Store.open(tmp_path), Resources(cpus=1.0), told_of_itself, node="ab" * 28)
    with pytest.raises(ClusterError, match=r"no node that has 64 CPUs and no GPU free has come within 0\.05 minutes"):
        run_once(cluster, Store.open(tmp_path), Resources(cpus=64.0), told_of_itself)
