"""Starts: the trial or the file that each trial's weights come from."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import nn

from study.planning.data import data_set
from study.spec import FromLabel, FromWeights, MethodSpec, Spec
from study.spec.faults import refusal
from study.spec.grid import distinct
from trainables.checkpoint import CorruptCheckpointError, parse
from trainables.fit import task_of
from trainables.models import models
from trainables.recipe import Parent, Scratch, Start, WeightsFile
from trainables.weights import differences, fitted

WAY_OUT = "name a file that torch.save(model.state_dict(), FILE) wrote, of this model for as many classes"

Parents = dict[tuple[str, int], str]
"""(label, replicate) → trial id, for the labels that others start from."""


def starts(spec: Spec, method: MethodSpec, parents: Mapping[tuple[str, int], str]) -> tuple[Start, ...]:
    """Where each of the method's replicates starts."""
    return tuple(_start(spec, method, replicate, parents) for replicate in range(method.train.replicates))


def stages(spec: Spec) -> dict[str, int]:
    """How many labels stand before each one's start."""
    parents = {
        method.label: method.train.start.label for method in spec.methods if isinstance(method.train.start, FromLabel)
    }
    return {method.label: _depth(method.label, parents) for method in spec.methods}


def _depth(label: str, parents: Mapping[str, str]) -> int:
    depth = 0
    while label in parents:
        label, depth = parents[label], depth + 1
    return depth


def _start(spec: Spec, method: MethodSpec, replicate: int, parents: Mapping[tuple[str, int], str]) -> Start:
    """Replicate r starts from the parent's replicate r, or from its only one."""
    start = method.train.start
    if isinstance(start, FromLabel):
        several = spec.method(start.label).train.replicates > 1
        return Parent(trial_id=parents[start.label, replicate if several else 0])
    if isinstance(start, FromWeights):
        return WeightsFile(path=start.path, fingerprint=_file_fingerprint(start))
    return Scratch()


def _file_fingerprint(start: FromWeights) -> str:
    """The file's SHA-256; nothing where there is no such file, so that a plan without it stands for no trial."""
    if _is_absent(start.path):
        return ""
    try:
        with Path(start.path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise refusal(start.place, f"the weights cannot be read: {error}") from None


def absent_weights(spec: Spec) -> tuple[str, ...]:
    """The files that methods start from and that are not there."""
    starts = (method.train.start for method in spec.methods)
    named = dict.fromkeys(start.path for start in starts if isinstance(start, FromWeights))
    return tuple(path for path in named if _is_absent(path))


def _is_absent(path: str) -> bool:
    return not os.path.exists(path)  # noqa: PTH110 (Path's own raises on what cannot be a path)


def check_weights(spec: Spec) -> None:
    """Every file that a method starts from holds weights of the study's model; raises SpecError, naming it."""
    for method in spec.methods:
        if isinstance(method.train.start, FromWeights):
            _check_file(spec, method.label, method.train.start)


def _check_file(spec: Spec, label: str, start: FromWeights) -> None:
    if _is_absent(start.path):
        raise refusal(start.place, f"there is no file of weights at {start.path}; {WAY_OUT}")
    try:
        found = parse(Path(start.path).read_bytes())
    except (OSError, CorruptCheckpointError) as error:
        raise refusal(start.place, f"{start.path} cannot be read: {error}; {WAY_OUT}") from None
    name = spec.model_of(label).name
    for model, classes in _empty_models(spec, label):
        needed = model.state_dict()
        if told := differences(needed, fitted(found, needed), classes):
            message = f"{start.path} holds no weights of this {name}: it {', '.join(told)}"
            raise refusal(start.place, f"{message}; {WAY_OUT}")


def _empty_models(spec: Spec, label: str) -> Iterator[tuple[nn.Module, int]]:
    """A network for each number of outputs that the method trains, without memory for its numbers."""
    component, data = spec.model_of(label), data_set(spec)
    model = models.get(component.name)(**component.parameters)
    for outputs in {task_of(one).outputs(len(data.class_names)) for one in distinct(spec.method(label))}:
        with torch.device("meta"):
            yield model.build(data.shape, outputs), outputs
