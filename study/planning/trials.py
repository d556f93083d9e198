"""Trials: every point of every grid, as a recipe with its id."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from study.identity import hashed, trial_identity
from study.plan import PlannedTrial, Resources
from study.planning.starts import Parents, stages, starts
from study.spec import MethodSpec, Spec, Train
from study.spec.grid import Point, points
from trainables.distortions import Distortion
from trainables.methods import described
from trainables.recipe import Recipe, Start
from trainables.sequence import find, level_of


def grid_trials(spec: Spec, fingerprint: str, parents: Parents) -> Iterator[PlannedTrial]:
    """The trials of every label's grids, label by label; `parents` is filled in on the way."""
    depth = stages(spec)
    for method in ordered(spec, depth):
        begun = starts(spec, method, parents)
        for point in points(method):
            for replicate, start in enumerate(begun):
                recipe = recipe_of(spec, method, point, replicate, start)
                trial = planned_trial(recipe, fingerprint, method.label, depth[method.label], resources(method))
                parents[method.label, replicate] = trial.trial_id
                yield trial


def planned_trial(recipe: Recipe, fingerprint: str, label: str, stage: int, occupied: Resources) -> PlannedTrial:
    """The trial that a recipe is, on data with this fingerprint."""
    identity = trial_identity(recipe, fingerprint).json()
    return PlannedTrial(
        trial_id=hashed(identity),
        label=label,
        stage=stage,
        recipe=recipe,
        identity=identity,
        resources=occupied,
        shown=shown(recipe),
    )


def shown(recipe: Recipe) -> tuple[str, ...]:
    """The corruptions and perturbations that the training shows, sorted: of the method, and of what it trains on."""
    names = set(described(recipe.method).shows())
    for step in recipe.distortions:
        kind, (level, value) = find(step.name), level_of(step)
        if issubclass(kind, Distortion) and value != level.identity_level:
            names.update(kind.shows)
    return tuple(sorted(names))


def resources(method: MethodSpec) -> Resources:
    return Resources(**method.resources.model_dump())


def recipe_of(spec: Spec, method: MethodSpec, point: Point, replicate: int, start: Start) -> Recipe:
    """How one replicate of one point is trained."""
    train = method.train
    return Recipe(
        data=spec.data,
        model=spec.model_of(method.label),
        method=point.method,
        distortions=point.distortions,
        start=start,
        epochs=train.epochs,
        iterations=train.iterations,
        batch_size=train.batch_size,
        shuffle=train.shuffle,
        flip=train.flip,
        crop=train.crop,
        optimizer=train.optimizer,
        schedule=train.schedule,
        select=train.select,
        precision=train.precision,
        compile=train.compile,
        threads=train.threads,
        replicate=replicate,
        stages=stages_of(spec, train),
    )


def stages_of(spec: Spec, train: Train) -> tuple[int, ...]:
    """The stages that are kept of a training: those of its checkpoints, and those that are tested."""
    asked = spec.evaluate.noise_stability
    tested = () if asked is None else (stage for stage in asked.stages if stage <= train.length)
    return tuple(sorted({*train.checkpoints.within(train.length), *tested}))


def with_all_stages(trials: Sequence[PlannedTrial]) -> Iterator[PlannedTrial]:
    """The trials, each keeping what any label that it stands under asks for."""
    asked: defaultdict[str, set[int]] = defaultdict(set)
    for trial in trials:
        asked[trial.trial_id].update(trial.recipe.stages)
    for trial in trials:
        yield replace(trial, recipe=replace(trial.recipe, stages=tuple(sorted(asked[trial.trial_id]))))


def ordered(spec: Spec, depth: Mapping[str, int]) -> list[MethodSpec]:
    """Methods by stage, then by resource shape as first met, then as written."""
    shapes = {method.resources: number for number, method in reversed(list(enumerate(spec.methods)))}
    return sorted(spec.methods, key=lambda method: (depth[method.label], shapes[method.resources]))
