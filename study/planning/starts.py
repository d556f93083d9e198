"""Starts: the trial or the file that each trial's weights come from."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import nn

from study.planning.data import data_set
from study.spec import FromLabel, FromWeights, MethodSpec, Spec, SpecError
from study.spec.faults import Fault
from study.spec.grid import distinct
from trainables.checkpoint import parse
from trainables.fit import task_of
from trainables.models import models
from trainables.recipe import Parent, Scratch, Start, WeightsFile

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
        return WeightsFile(path=start.path, fingerprint=_file_fingerprint(start.path, method.label))
    return Scratch()


def _file_fingerprint(path: str, label: str) -> str:
    """The file's SHA-256."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        message = f"the weights cannot be read: {error}"
        raise SpecError([Fault(file=path, line=0, path=f"methods.{label}.from", message=message)]) from None


def check_weights(spec: Spec) -> None:
    """Every file that a method starts from holds weights of the study's model; raises SpecError, naming it."""
    for method in spec.methods:
        if isinstance(method.train.start, FromWeights):
            _check_file(spec, method.label, method.train.start.path)


def _check_file(spec: Spec, label: str, path: str) -> None:
    try:
        for model in _empty_models(spec, label):
            model.load_state_dict(parse(Path(path).read_bytes()))
    except (OSError, ValueError, RuntimeError) as error:
        said = " ".join(str(error).split())
        message = f"no weights of {spec.model.name}, as torch.save(model.state_dict(), …) writes them: {said}"
        raise SpecError([Fault(file=path, line=0, path=f"methods.{label}.from", message=message)]) from None


def _empty_models(spec: Spec, label: str) -> Iterator[nn.Module]:
    """A network for each number of outputs that the method trains."""
    data, model = data_set(spec), models.get(spec.model.name)(**spec.model.parameters)
    for outputs in {task_of(one).outputs(len(data.class_names)) for one in distinct(spec.method(label))}:
        yield model.build(data.shape, outputs)
