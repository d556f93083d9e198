"""How a method trains: the lines of `train:`, which all methods share and each may override."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.pruners import PRUNERS
from study.spec.axes import axis, kind_of, single
from study.spec.components import chosen, entries_or_fault, is_whole, only
from study.spec.faults import Faults, Place, unknown
from study.spec.form import Checkpoints, FromLabel, FromScratch, FromWeights, StartFrom, Train
from study.spec.reading import Mapping as MappingNode
from study.spec.reading import Node, Scalar
from study.spec.sources import expanded, is_folder
from trainables.optimizers import OPTIMIZERS
from trainables.parameters import Parameter, Parameterised, complete, parameter, parameters
from trainables.recipe import Component, Precision, Select
from trainables.schedules import SCHEDULES, schedule

SCRATCH = "scratch"
CHECKPOINTS = "checkpoints"
PRUNE = "prune"
NEVER = Component.of("none")


@dataclass(frozen=True, kw_only=True)
class Lines(Parameterised):
    """The lines that are a single value."""

    epochs: int = parameter(ge=1, le=1_000_000, doc="passes over the training images")
    iterations: int = parameter(ge=1, le=1_000_000_000, doc="updates, instead of epochs; the last epoch ends early")
    batch_size: int = parameter(ge=1, le=1_000_000, unit="images", doc="images a step")
    shuffle: bool = parameter(
        default=True, doc="a new order every epoch; false: the data set's order, round and round, as Caffe reads"
    )
    flip: bool = parameter(default=False, doc="mirror each image left to right with probability ½, before any method")
    crop: int = parameter(
        default=0, ge=0, le=4096, unit="px", doc="shift each image within this much black padding, before any method"
    )
    select: Select = parameter(
        default="best_validation", doc="which epoch's weights are kept: best on undistorted validation images, or last"
    )
    precision: Precision = parameter(default="float32", doc="arithmetic of the forward and backward pass")
    compile: bool = parameter(default=False, doc="whether torch compiles the training step")
    threads: int = parameter(default=1, ge=1, le=1024, doc="CPU threads a trial; they are part of its identity")
    replicates: int = parameter(default=1, ge=1, le=10_000, doc="how often each point is trained, each its own draws")


@dataclass(frozen=True, kw_only=True)
class Stages(Parameterised):
    """The lines of `checkpoints:`, of which there is one."""

    every: int = parameter(
        ge=1, le=1_000_000_000, doc="keep the weights after every so many epochs; iterations, where these are counted"
    )
    at: int = parameter(ge=1, le=1_000_000_000, doc="or after these alone")


STAGES: dict[str, Parameter] = {described.name: described for described in parameters(Stages)}
SINGLE: dict[str, Parameter] = {described.name: described for described in parameters(Lines)}
NAMES = ("from", *SINGLE, "optimizer", "schedule", CHECKPOINTS, PRUNE)
"""Every line of `train:`."""
LENGTHS = ("epochs", "iterations")
"""Of which a method has exactly one."""
REQUIRED_LINES = ("batch_size", "optimizer")

COMPUTING = ("precision", "compile", "threads")
"""How it computes, whatever is trained."""

Read = dict[str, Any]
"""Lines by name, as values; None where the line is at fault."""
DEFAULTS: Read = {name: described.default for name, described in SINGLE.items() if not described.required}
UNTRAINED: Read = DEFAULTS | {
    "epochs": 0,
    "batch_size": 1,
    "optimizer": Component.of("sgd", complete(OPTIMIZERS["sgd"], {"lr": 1.0})),
    "schedule": Component.of("constant"),
    "select": "last",
    CHECKPOINTS: Checkpoints(),
    PRUNE: NEVER,
}
"""The lines of what takes no step, which say nothing."""
AT_FAULT: Read = dict.fromkeys(NAMES)
"""What is read of a `train:` that is no mapping."""


def read_lines(given: Mapping[str, Node], labels: list[str], folder: Path, faults: Faults) -> Read:
    """The lines of `train:` among `given`, each checked by itself."""
    readers: dict[str, Callable[[Node], Any]] = {
        "from": lambda node: _start(node, labels, folder, faults),
        "optimizer": lambda node: chosen(node, "optimizer", OPTIMIZERS, faults),
        "schedule": lambda node: chosen(node, "schedule", SCHEDULES, faults),
        CHECKPOINTS: lambda node: _checkpoints(node, faults),
        PRUNE: lambda node: chosen(node, "pruner", PRUNERS, faults),
    }
    both = [given[name].place for name in LENGTHS if name in given]
    if len(both) > 1:
        faults.add(both[1], "epochs and iterations both say how long to train; keep one of them")
    read: Read = {name: readers[name](node) for name, node in given.items() if name in readers}
    return read | {name: single(node, SINGLE[name], faults) for name, node in given.items() if name in SINGLE}


def _checkpoints(node: Node, faults: Faults) -> Checkpoints | None:
    """`{every: 2}` or `{at: [1, 2, 5]}`; None if it is at fault."""
    given = entries_or_fault(node, CHECKPOINTS, faults)
    if given is None:
        return None
    only(given, STAGES, f"line of {CHECKPOINTS}", faults)
    read = {name: axis(given[name], STAGES[name], faults) for name in STAGES if name in given}
    if len(given) != 1 or len(read) != 1:
        faults.add(node.place, "checkpoints says one of two: {every: 2}, or {at: [1, 2, 5]}")
        return None
    if len(read.get("every", (1,))) > 1:
        faults.add(given["every"].place, "every takes one number; several stages are {at: […]}")
        return None
    every, at = read.get("every"), read.get("at")
    if every == () or at == ():
        return None
    return Checkpoints.model_validate({"every": every[0]} if every else {"at": at})


def laid_over(shared: Read, own: Read) -> Read:
    """A method's lines over those that all methods share; its own epochs or iterations are in place of either."""
    beneath = {name: value for name, value in shared.items() if name not in LENGTHS or own.keys().isdisjoint(LENGTHS)}
    return {**beneath, **own}


def train_of(read: Read, place: Place, faults: Faults) -> Train | None:
    """A method's lines, the shared ones beneath its own, with defaults; None if one is missing or at fault."""
    missing = [name for name in REQUIRED_LINES if name not in read]
    if read.keys().isdisjoint(LENGTHS):
        missing.insert(0, " or ".join(LENGTHS))
    for name in missing:
        faults.add(place, f"{name} must be given, in train: for all methods or here for this one")
    usual = {"from": FromScratch(), "schedule": Component.of("constant"), CHECKPOINTS: Checkpoints(), PRUNE: NEVER}
    lines = DEFAULTS | usual | read
    needed = [name for name in NAMES if name not in LENGTHS or name in lines]
    if missing or any(lines.get(name) is None for name in needed) or read.keys() >= set(LENGTHS):
        return None
    if not _go_together(lines["optimizer"], lines["schedule"], place, faults):
        return None
    train = Train.model_validate({"start": lines.pop("from"), **lines})
    return train if _keeps_some(train, place, faults) and _has_a_rung(train, place, faults) else None


def _has_a_rung(train: Train, place: Place, faults: Faults) -> bool:
    """Whether there is something to compare before the training ends, if its trials are to be pruned."""
    if train.prune == NEVER or not is_whole(train.prune, PRUNERS[train.prune.name]):
        return train.prune == NEVER
    if train.epochs is None:
        message = "trials are compared after whole epochs, and this training counts iterations"
        faults.add(place.at(PRUNE), f"{message}; write epochs: …, or prune: none here")
        return False
    first = train.prune.parameters["min_epochs"]
    assert isinstance(first, int)
    if first >= train.epochs:
        message = f"min_epochs lies below the epochs of the training, {train.epochs:,}, got {first:,}"
        faults.add(place.at(PRUNE), f"{message}; write a smaller one, or prune: none here")
        return False
    return True


def _keeps_some(train: Train, place: Place, faults: Faults) -> bool:
    """Whether the training is long enough for one of its checkpoints, if it is to keep any."""
    asked = train.checkpoints.every or min(train.checkpoints.at, default=0)
    if asked > train.length:
        message = f"this training has {train.length:,} {train.counts}, and none is kept before {asked:,}"
        faults.add(place.at(CHECKPOINTS), f"{message}; stages count {train.counts} here: write fewer, or train longer")
        return False
    return True


def untrained(
    name: str, shared: Read, own: Read, given: Mapping[str, Node], place: Place, faults: Faults
) -> Train | None:
    """Of a method that takes no step: the file that it is, and how it computes; None if that is at fault.

    What the other methods share says nothing of it, so that one file is one trial, whatever it stands beside.
    """
    for line in own:
        if line not in ("from", *COMPUTING):
            faults.add(given[line].place, f"{name} does not train; leave {line} out")
    if "from" not in own:
        faults.add(place, f"{name} is weights from elsewhere; name them here with from: {{weights: FILE}}")
    start, lines = own.get("from"), {**DEFAULTS, **shared, **own}
    if start is not None and not isinstance(start, FromWeights):
        faults.add(given["from"].place, f"{name} is weights from elsewhere: from: {{weights: FILE}}")
    computing = {line: lines[line] for line in COMPUTING}
    if not isinstance(start, FromWeights) or None in computing.values():
        return None
    return Train.model_validate({"start": start, **UNTRAINED, **computing})


def _go_together(optimizer: Component, described: Component, place: Place, faults: Faults) -> bool:
    """Whether the schedule can begin with the optimizer's learning rate, if each is sound by itself."""
    lr = optimizer.parameters.get("lr")
    try:
        if isinstance(lr, float) and is_whole(described, SCHEDULES[described.name]):
            schedule(described).check(lr)
    except ValueError as error:
        faults.add(place.at("schedule"), error)
        return False
    return True


def _start(node: Node, labels: list[str], folder: Path, faults: Faults) -> StartFrom | None:
    """`scratch`, a label, or `{weights: FILE}`."""
    if isinstance(node, MappingNode) and list(node.entries) == ["weights"]:
        return _weights(node.entries["weights"], folder, faults)
    if not isinstance(node, Scalar):
        faults.add(node.place, f"from: is {SCRATCH}, a label or {{weights: FILE}}, got {kind_of(node)}")
        return None
    if node.text == SCRATCH:
        return FromScratch()
    if node.text not in labels:
        faults.add(node.place, unknown("method of this study", node.text, [*labels, SCRATCH]))
        return None
    return FromLabel(label=node.text)


def _weights(node: Node, folder: Path, faults: Faults) -> FromWeights | None:
    """A file of weights, which need not be here yet; a relative path begins at the YAML's folder."""
    if not isinstance(node, Scalar) or node.value is None:
        faults.add(node.place, f"the path of a file of weights is expected, got {kind_of(node)}")
        return None
    path = folder / expanded(node.text)
    if is_folder(path):
        faults.add(node.place, f"a file of weights is expected, and {path} is a folder")
        return None
    return FromWeights(path=os.path.abspath(path), place=node.place)  # noqa: PTH100 (Path's own raises on non-paths)
