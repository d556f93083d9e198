"""A measurement on a node of a cluster, as a launch with `gpus: auto` makes it before anything is trained."""

import sys
from functools import partial
from pathlib import Path

import pytest
from ray import cloudpickle

from study.cost.packing import PackingError, packing, together
from study.executor.cluster import offered, run_once
from study.fitting import only
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
    need = Resources(cpus=2.0, memory=2**28, labels=only(node, Resources()))
    ((_, (name,)),) = need.labels
    where, occupied = run_once(cluster, Store.open(tmp_path), need, told_of_itself)
    assert where == name
    assert (occupied["CPU"], occupied["memory"]) == (2.0, 2**28)
