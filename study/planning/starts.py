"""Starts: the trial or the file that each trial's weights come from."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from study.planning.data import data_set
from study.spec import FromLabel, FromWeights, MethodSpec, Spec
from study.spec.faults import refusal
from study.spec.grid import distinct
from trainables.checkpoint import CorruptCheckpointError, parse
from trainables.fit import task_of
from trainables.models import models
from trainables.recipe import Parent, Scratch, Start, WeightsFile

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
    for model in _empty_models(spec, label):
        if differences := list(_differences(model.state_dict(), found)):
            message = f"{start.path} holds no weights of this {spec.model.name}: it {', '.join(differences)}"
            raise refusal(start.place, f"{message}; {WAY_OUT}")


def _differences(needed: Mapping[str, Tensor], found: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the names and shapes of a file's weights, in words."""
    if lacking := [name for name in needed if name not in found]:
        yield f"lacks {_some(lacking)}"
    if besides := [name for name in found if name not in needed]:
        yield f"has {_some(besides)} besides"
    shapes = {name: tuple(getattr(value, "shape", ())) for name, value in found.items()}
    if reshaped := [name for name, own in needed.items() if name in found and shapes[name] != tuple(own.shape)]:
        first = reshaped[0]
        yield f"has {_some(reshaped)} of another shape ({shapes[first]}, not {tuple(needed[first].shape)})"


def _some(names: Sequence[str]) -> str:
    """The first of the names, and how many more there are."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _empty_models(spec: Spec, label: str) -> Iterator[nn.Module]:
    """A network for each number of outputs that the method trains."""
    data, model = data_set(spec), models.get(spec.model.name)(**spec.model.parameters)
    for outputs in {task_of(one).outputs(len(data.class_names)) for one in distinct(spec.method(label))}:
        yield model.build(data.shape, outputs)
