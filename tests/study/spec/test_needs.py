"""What a trial occupies: read, laid over, at fault, out of its identity, and kept with the launch."""

from dataclasses import replace
from pathlib import Path

import pytest

from study.plan import Resources
from study.planning import make_plan
from study.store import Store
from tests.study.hand_made import FINGERPRINT
from tests.study.search import peaked
from tests.study.spec.demo import faults_of, loaded

WHOLE = "resources: {memory: 8 GiB, custom: {fast_disk: 0.5}, labels: {zone: [b, a], ray.io/accelerator-type: H100}}\n"
ASKED = Resources(
    memory=8 * 2**30,
    custom=(("fast_disk", 0.5),),
    labels=(("ray.io/accelerator-type", ("H100",)), ("zone", ("a", "b"))),
)


def test_lines_are_laid_over_those_above_and_reach_the_plan(tmp_path: Path) -> None:
    own = "resources: {memory: 1.5 GB, labels: {}}, mu: {"
    plan = make_plan(loaded(tmp_path, ("evaluate: ", WHOLE + "evaluate: "), ("mu: {", own)), FINGERPRINT)
    assert {trial.resources for trial in plan.trials if trial.label == "DA"} == {ASKED}
    assert {trial.resources for trial in plan.trials if trial.label == "AT"} == {
        replace(ASKED, memory=1_500_000_000, labels=())
    }


def test_they_move_no_id(tmp_path: Path) -> None:
    plain = make_plan(loaded(tmp_path), FINGERPRINT)
    asked = make_plan(loaded(tmp_path, ("evaluate: ", WHOLE + "evaluate: ")), FINGERPRINT)
    assert [trial.trial_id for trial in asked.trials] == [trial.trial_id for trial in plain.trials]
    assert [one.condition_id for one in asked.conditions] == [one.condition_id for one in plain.conditions]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("memory: 8", "resources.memory: memory is a number and a unit, such as 8 GiB (MiB, GiB, TiB, MB, GB, TB)"),
        ("memory: 8 gib", "resources.memory: memory is a number and a unit, such as 8 GiB"),
        ("memory: 200 MiB", "resources.memory: a worker takes a part of it before a trial begins; give 1 GiB or more"),
        ("custom: {GPU: 1}", "resources.custom.GPU: GPU is no custom resource; write cpus, gpus or memory under"),
        ("custom: {fast_disk: 0}", "resources.custom.fast_disk: amount, of a custom resource that a trial occupies, l"),
        ("custom: {fast_disk: 0.00001}", "resources.custom.fast_disk: amount, of a custom resource that a trial occup"),
        ("custom: {'node:10.0.0.4': 1}", "resources.custom.node:10.0.0.4: 'node:10.0.0.4' is Ray's own name of a node"),
        (
            "custom: {'a,b': 1}",
            "resources.custom.a,b: a custom resource's name has ASCII characters without a comma, as",
        ),
        ("custom: {größe: 1}", "resources.custom.größe: a custom resource's name has ASCII characters without a com"),
        ("gpus: 0.00001", "resources.gpus: a trial's part of a GPU is 0.0001 or more, or 0 for none; got 1e-05"),
        ("cpus: 0.00001", "resources.cpus: cpus, what a trial occupies, lies in [0.0001, 4096]"),
        ("custom: {fast_disk: 1.5}", "resources.custom.fast_disk: above 1, a resource is taken whole, got 1.5"),
        ("custom: fast_disk", "resources.custom: custom is a mapping of names to values, got 'fast_disk'"),
        (
            "labels: {zone: []}",
            "resources.labels.zone: a label's value is one word, or a list of different ones; got a",
        ),
        ("labels: {zone: [a, a]}", "resources.labels.zone: a label's value is one word, or a list of different ones;"),
        ("labels: {zone: '!a'}", "resources.labels.zone: a label's value has letters, digits, '-', '_' and '.', at mo"),
        ("label: {zone: a}", "resources.label: no resource is called 'label'; did you mean 'labels'?"),
    ],
)
def test_a_fault_says_the_rule(tmp_path: Path, line: str, message: str) -> None:
    (found,) = faults_of(tmp_path, ("evaluate: ", f"resources: {{{line}}}\nevaluate: "))
    assert found.startswith(message)


def test_they_come_back_from_a_store_with_grids_and_searches(tmp_path: Path) -> None:
    plan = peaked.plan(tmp_path, ("trials:     16", "trials:     3"))
    asked = replace(
        plan,
        trials=tuple(replace(one, resources=ASKED) for one in plan.trials),
        searches=tuple(replace(one, resources=ASKED) for one in plan.searches),
    )
    store = Store.open(tmp_path / "store")
    assert store.record_launch(asked, "study: s\n", {}).plan == asked
    newest = store.newest_launch(asked.study)
    assert newest is not None
    assert newest.plan == asked
