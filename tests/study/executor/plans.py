"""Small plans made by hand, for tests of what runs them."""

from study.executor.nodes import Nodes
from study.plan import Plan, PlannedTrial, Resources
from trainables.recipe import Component, Condition, Parent, Recipe, Scratch, Start

DATA = Component.of("mnist_5k", {"train": 200, "validation": 100, "test": 100, "border": 0})
NORMAL = Resources()


def recipe(start: Start, method: Component, replicate: int, epochs: int = 1) -> Recipe:
    return Recipe(
        data=DATA,
        model=Component.of("lenet", {"dropout": 0.0}),
        method=method,
        start=start,
        epochs=epochs,
        batch_size=100,
        optimizer=Component.of("sgd", {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.0}),
        schedule=Component.of("constant"),
        replicate=replicate,
    )


def trial(
    name: str, label: str = "A", parent: str | None = None, resources: Resources = NORMAL, epochs: int = 1
) -> PlannedTrial:
    start: Start = Scratch() if parent is None else Parent(trial_id=parent)
    return PlannedTrial(
        trial_id=name,
        label=label,
        stage=0 if parent is None else 1,
        recipe=recipe(start, Component.of("standard"), replicate=int(name, 16) if name.isalnum() else 0, epochs=epochs),
        identity=f'{{"name":"{name}"}}',
        resources=resources,
    )


def clean(condition_id: str = "c0ffee") -> Condition:
    return Condition(
        condition_id=condition_id,
        data=DATA,
        split="test",
        family="clean",
        test_distortion="clean",
        parameter=None,
        level=None,
    )


def plan(*trials: PlannedTrial, study: str = "small") -> Plan:
    return Plan(study=study, title="A small study", trials=trials, conditions=(clean(),), sweeps=())


def one_node(slots: int, grows: bool = False) -> Nodes:
    """So many units of a CPU each fit."""
    return Nodes(resources=(Resources(cpus=slots),), local=True, grows=grows)
