"""The plan: a spec unrolled into trials, searches and conditions, each with its id, by `study.planning.make_plan`.

Plain data: whoever reads a plan back from the store need not wait for torch.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from trainables.parameters import Value
from trainables.recipe import Component, Condition, Family, Kind, Measure, Parent, Recipe

BASELINE_METHODS = ("standard", "triplet_ranking")
"""What trains on undistorted images and holds nothing stable: what others are measured against."""
BASELINE_LABEL = "Baseline"
"""The label that is taken for it where several train so."""
Draw = Literal["uniform", "loguniform", "int", "choice"]
Keep = Literal["best", "last+best"]


NOT_CUSTOM = ("CPU", "GPU", "memory", "object_store_memory")
"""What Ray calls the resources that are no custom ones."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What one unit occupies on a node."""

    cpus: float = 1.0
    gpus: float = 0.0
    memory: int | None = None
    """Bytes of the host's memory, which it may take and no more; None where nothing is said. Of a node, all it has."""
    custom: tuple[tuple[str, float], ...] = ()
    """By name, sorted: what a cluster's owner calls a resource."""
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """By name, sorted: the values of which the node's is one. A node has one of each."""
    auto: bool = False
    """Whether its share of a GPU is still to be measured: until then it has a whole one. Never kept with a launch."""


@dataclass(frozen=True, kw_only=True)
class PlannedTrial:
    """One trial of a study under one label. The same trial may stand under several labels; it is trained once."""

    trial_id: str
    label: str
    """The key under `methods:` in the YAML."""
    stage: int
    """0 from scratch or a file, 1 from a stage-0 trial, and so on."""
    recipe: Recipe
    identity: str
    """The canonical JSON whose hash is the trial id."""
    resources: Resources
    shown: tuple[str, ...] = ()
    """Corruptions and perturbations that its training shows, and that of the trials that it starts from; sorted."""

    @property
    def train_distortion(self) -> str | None:
        """`rotation then gaussian_noise`; None where the method trains on undistorted images."""
        return train_distortion(self.recipe)

    @property
    def stands_in(self) -> bool:
        """Whether it only stands for a trial that a search is still to draw."""
        return not self.identity


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """One test distortion over its levels, easy to hard."""

    test_distortion: str
    parameter: str
    unit: str
    symbol: str
    levels: tuple[float, ...]
    practical: float
    condition_ids: tuple[str, ...]
    """In the order of `levels`."""


ALEXNET = "alexnet"
"""The normaliser that is no label: `trainables.alexnet`."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkTest:
    """One condition of a benchmark."""

    condition_id: str
    name: str
    """The corruption or perturbation, as a YAML names it."""
    extra: bool
    """Kept for validation: in no mean."""
    noise: bool


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A test of a benchmark that the study's images cannot be put to."""

    name: str
    label: str
    """What its results would be shown under."""
    parameter: str | None
    level: int | float | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Corruptions or perturbations that one mean is over."""

    name: str
    """`imagenet_c at 32 px`"""
    family: Family
    normalizer: str | None
    """Whose errors its own are divided by: a label of the study, or ALEXNET; None where there is no baseline."""
    tests: tuple[BenchmarkTest, ...]
    """In the order of the plan's conditions."""
    skipped: tuple[Skipped, ...] = ()
    ranks_five: bool = True
    """Whether there are five classes, which a top-5 distance needs."""


@dataclass(frozen=True, kw_only=True)
class Open:
    """A hyperparameter that a search draws."""

    key: str
    """`method.alpha`, `distortion.sigma`, `attack.epsilon`."""
    step: int | None
    """Which of the training distortions it belongs to; None for the method."""
    name: str
    draw: Draw
    values: tuple[Value, ...]
    """The two ends, or the choices."""
    whole: bool
    """Whether it takes whole numbers only."""
    symbol: str


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What a search makes as large as possible: the mean accuracy over some conditions."""

    name: str
    """As `study.objectives` defines it."""
    validation: tuple[str, ...]
    """Ids of the conditions that the search looks at."""
    test: tuple[str, ...]
    """Ids of the same on test images, for reports."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """The search of one label on one training distortion."""

    search_id: str
    """A hash of all that determines its course, and so not of the number of points."""
    label: str
    stage: int
    templates: tuple[Recipe, ...]
    """One a replicate, with something at every open place."""
    space: tuple[Open, ...]
    points: int
    """How many to draw."""
    sampler: Component
    seed: int
    objectives: tuple[Objective, ...]
    resources: Resources
    fingerprint: str
    """Of the data."""

    @property
    def train_distortion(self) -> str | None:
        return train_distortion(self.templates[0])


Verdict = Literal["complete", "failed", "pruned"]
"""`pruned`: the point came to its next rung; it may go on, and be told of again."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A point that a search has drawn. In their order, they and what was told before each are its whole history."""

    search_id: str
    number: int
    """0 the first."""
    parameters: tuple[tuple[str, Value], ...]
    """By the space's keys, as the sampler drew them; trials take numbers to 12 digits."""
    told: tuple[tuple[int, Verdict], ...]
    """Points whose end the sampler was told between the draw before and this one, in that order."""
    trial_ids: tuple[str, ...]
    """One a replicate."""


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """How the trials of a label save epochs: `study.pruners.ASHA`."""

    label: str
    min_epochs: int
    reduction_factor: int


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The trials of some labels on one training distortion."""

    train_distortion: str
    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Which curves stand together under one test distortion, as a paper draws them."""

    name: str
    """The key under `figures:`: `1a`."""
    trained: Trained
    test_distortion: str
    also: tuple[Trained, ...] = ()
    """Drawn beside: trials of other training distortions."""
    pick_at: tuple[float, ...] = ()
    """Levels at which best and worst are picked; none for the practical one."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything a study consists of, in the order in which it can run: parents before children."""

    study: str
    title: str
    trials: tuple[PlannedTrial, ...]
    """Those of the grids, then those of the points drawn so far."""
    conditions: tuple[Condition, ...]
    """`clean` on test images first; those on validation images last."""
    sweeps: tuple[Sweep, ...]
    benchmarks: tuple[Benchmark, ...] = ()
    searches: tuple[Search, ...] = ()
    drawn: tuple[Drawn, ...] = ()
    """In the order of the searches, then of their numbers."""
    measure: Measure = "accuracy"
    """What all its trials are measured by."""
    figures: tuple[Figure, ...] = ()
    """In the order of the YAML."""
    kinds: tuple[tuple[str, Kind], ...] = ()
    """(distortion or attack, of which kind), of all that is trained on or swept, by name; none of older launches."""
    prunings: tuple[Pruning, ...] = ()
    """Of the labels whose trials are pruned."""
    keep: Keep = "best"
    """Which checkpoints stay of a finished trial."""

    @property
    def baseline_id(self) -> str | None:
        """The first trial of a baseline's method from scratch or a file: attacked images are shown as it meets them."""
        found = (one.trial_id for one in self.trials if one.stage == 0 and one.recipe.method.name in BASELINE_METHODS)
        return next(found, None)

    @cached_property
    def baseline(self) -> tuple[PlannedTrial, ...]:
        """The trials that others are measured against: a baseline's method (`standard`, say) on undistorted images.

        Of the label `Baseline` if it trains so, else of the first label that does; more than one with replicates.
        """
        return baseline_of(self.trials)

    def unique_trials(self) -> tuple[PlannedTrial, ...]:
        """One entry a trial id, the first label's."""
        return tuple({trial.trial_id: trial for trial in reversed(self.trials)}.values())[::-1]

    @cached_property
    def drawn_ids(self) -> frozenset[str]:
        """The trials of the points drawn so far."""
        return frozenset(trial_id for point in self.drawn for trial_id in point.trial_ids)

    def undrawn(self, search: Search) -> int:
        """Points that the search has still to draw."""
        return max(0, search.points - sum(point.search_id == search.search_id for point in self.drawn))

    def expected(self) -> "Plan":
        """The plan with a stand-in for each trial that is still to be drawn."""
        drawn = tuple(trial for search in self.searches for trial in self.stand_ins(search))
        return replace(self, trials=(*self.trials, *drawn)) if drawn else self

    def stand_ins(self, search: Search) -> Iterator[PlannedTrial]:
        """One for each trial that the search has still to draw, point by point."""
        for number in range(search.points - self.undrawn(search), search.points):
            for replicate, template in enumerate(search.templates):
                yield PlannedTrial(
                    trial_id=f"{search.search_id}-{number}-{replicate}", label=search.label, stage=search.stage,
                    recipe=template, identity="", resources=search.resources,
                )  # fmt: skip


def parents(plan: Plan) -> frozenset[str]:
    """The trials that others start from."""
    templates = (template for search in plan.searches for template in search.templates)
    starts = (recipe.start for recipe in (*(trial.recipe for trial in plan.trials), *templates))
    return frozenset(start.trial_id for start in starts if isinstance(start, Parent))


def baseline_of(trials: Iterable[PlannedTrial]) -> tuple[PlannedTrial, ...]:
    """The trials that others are measured against; see `Plan.baseline`."""
    undistorted = (one for one in trials if not one.recipe.distortions)
    plain = [one for one in undistorted if one.recipe.method.name in BASELINE_METHODS]
    labels = [one.label for one in plain]
    label = BASELINE_LABEL if BASELINE_LABEL in labels else next(iter(labels), None)
    return tuple(one for one in plain if one.label == label)


def train_distortion(recipe: Recipe) -> str | None:
    """`rotation then gaussian_noise`; None where the method trains on undistorted images."""
    return " then ".join(step.name for step in recipe.distortions) or None
