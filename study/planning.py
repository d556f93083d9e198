"""Planning: from a spec to its plan. A pure function of the spec and the data's fingerprint; imports torch."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import nn

from study.identity import condition_id, hashed, trial_identity
from study.plan import Plan, PlannedTrial, Resources, Sweep
from study.spec import FromLabel, FromWeights, MethodSpec, Spec, SpecError, SweepSpec
from study.spec.faults import Fault
from study.spec.grid import Point, points
from trainables.checkpoint import parse
from trainables.datasets import DataSet, datasets
from trainables.models import models
from trainables.recipe import Component, Condition, Parent, Recipe, Scratch, Start, WeightsFile
from trainables.sequence import find


def data_set(spec: Spec) -> DataSet:
    """The data set that a study is about; it opens no file until it is asked for images."""
    return datasets.get(spec.data.name)(**spec.data.parameters)


def _located(spec: Spec) -> Component:
    """The data set with its folder written out: workers have working folders and environments of their own."""
    folder = data_set(spec).folder
    return (
        spec.data
        if folder is None
        else Component.of(spec.data.name, {**spec.data.parameters, "root": str(folder.absolute())})
    )


def make_plan(spec: Spec, fingerprint: str) -> Plan:
    """Every trial and condition of a study on data with this fingerprint, parents before their children.

    Within a stage, units of one resource shape stand together, in the order of the spec.
    """
    spec = spec.model_copy(update={"data": _located(spec)})
    sweeps = tuple(_sweep(spec, sweep, fingerprint) for sweep in spec.evaluate.sweeps)
    return Plan(
        study=spec.study,
        title=spec.title,
        trials=tuple(_trials(spec, fingerprint)),
        conditions=tuple(_conditions(spec, sweeps, fingerprint)),
        sweeps=sweeps,
    )


def _trials(spec: Spec, fingerprint: str) -> Iterator[PlannedTrial]:
    """The trials of every label, label by label."""
    parents: dict[tuple[str, int], str] = {}
    """(label, replicate) → trial id, for the labels that others start from."""
    stages = _stages(spec)
    for method in _ordered(spec, stages):
        starts = [_start(spec, method, replicate, parents) for replicate in range(method.train.replicates)]
        resources = Resources(cpus=method.resources.cpus, gpus=method.resources.gpus)
        for point in points(method):
            for replicate, start in enumerate(starts):
                trial = _trial(spec, method, point, replicate, start, fingerprint, stages[method.label], resources)
                parents[method.label, replicate] = trial.trial_id
                yield trial


def _trial(
    spec: Spec,
    method: MethodSpec,
    point: Point,
    replicate: int,
    start: Start,
    fingerprint: str,
    stage: int,
    resources: Resources,
) -> PlannedTrial:
    recipe = _recipe(spec, method, point, replicate, start)
    identity = trial_identity(recipe, fingerprint).json()
    return PlannedTrial(
        trial_id=hashed(identity),
        label=method.label,
        stage=stage,
        recipe=recipe,
        identity=identity,
        resources=resources,
    )


def _recipe(spec: Spec, method: MethodSpec, point: Point, replicate: int, start: Start) -> Recipe:
    train = method.train
    return Recipe(
        data=spec.data,
        model=spec.model,
        method=point.method,
        distortions=point.distortions,
        start=start,
        epochs=train.epochs,
        batch_size=train.batch_size,
        optimizer=train.optimizer,
        schedule=train.schedule,
        select=train.select,
        precision=train.precision,
        compile=train.compile,
        threads=train.threads,
        replicate=replicate,
    )


def _stages(spec: Spec) -> dict[str, int]:
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


def _ordered(spec: Spec, stages: Mapping[str, int]) -> list[MethodSpec]:
    """Methods by stage, then by resource shape as first met, then as written."""
    shapes = {method.resources: number for number, method in reversed(list(enumerate(spec.methods)))}
    return sorted(spec.methods, key=lambda method: (stages[method.label], shapes[method.resources]))


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
    model = _empty_model(spec)
    try:
        model.load_state_dict(parse(Path(path).read_bytes()))
    except (OSError, ValueError, RuntimeError) as error:
        said = " ".join(str(error).split())
        message = f"no weights of {spec.model.name}, as torch.save(model.state_dict(), …) writes them: {said}"
        raise SpecError([Fault(file=path, line=0, path=f"methods.{label}.from", message=message)]) from None


def _empty_model(spec: Spec) -> nn.Module:
    data = data_set(spec)
    return models.get(spec.model.name)(**spec.model.parameters).build(data.shape, len(data.class_names))


def _sweep(spec: Spec, sweep: SweepSpec, fingerprint: str) -> Sweep:
    level = find(sweep.steps[sweep.varied].name).level
    return Sweep(
        test_distortion=sweep.test_distortion,
        parameter=sweep.parameter,
        unit=level.unit,
        symbol=level.symbol,
        levels=sweep.levels,
        practical=sweep.practical,
        condition_ids=tuple(_condition_id(spec, sweep.at(value), fingerprint) for value in sweep.levels),
    )


def _conditions(spec: Spec, sweeps: tuple[Sweep, ...], fingerprint: str) -> Iterator[Condition]:
    """`clean`, then every level of every sweep."""
    yield Condition(
        condition_id=_condition_id(spec, (), fingerprint),
        data=spec.data,
        split="test",
        family="clean",
        test_distortion="clean",
        parameter=None,
        level=None,
        seed=spec.evaluate.seed,
    )
    for described, sweep in zip(spec.evaluate.sweeps, sweeps, strict=True):
        for level, own_id in zip(sweep.levels, sweep.condition_ids, strict=True):
            yield Condition(
                condition_id=own_id,
                data=spec.data,
                split="test",
                family="sweep",
                test_distortion=sweep.test_distortion,
                parameter=sweep.parameter,
                level=level,
                steps=described.at(level),
                seed=spec.evaluate.seed,
            )


def _condition_id(spec: Spec, steps: tuple[Component, ...], fingerprint: str) -> str:
    return condition_id(
        data=spec.data,
        fingerprint=fingerprint,
        split="test",
        steps=steps,
        seed=spec.evaluate.seed,
        precision=spec.precision,
    )
