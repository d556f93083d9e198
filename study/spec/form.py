"""The form of a study: what a checked YAML says, as frozen values with every default filled in."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from study.plan import Draw, Figure, Keep
from study.spec.faults import Place
from trainables.parameters import Value
from trainables.recipe import Component, Counts, Precision, Select

Vary = Literal["product", "one_at_a_time"]


class Frozen(BaseModel):
    """Base of every part of a study."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Range(Frozen):
    """The values that something runs over; one value where it is fixed."""

    values: tuple[Value, ...]
    """Of an open range, its two ends or its choices."""
    draw: Draw | None = None
    """How a search draws from it; None where it is not open."""


class Axis(Range):
    """A parameter and its range."""

    name: str


class Step(Frozen):
    """A distortion or attack with the ranges of its parameters, its level among them."""

    name: str
    axes: tuple[Axis, ...]


class Setting(Frozen):
    """What a method trains on in turn: nothing, one distortion, or a sequence, the first applied first."""

    steps: tuple[Step, ...] = ()


class FromScratch(Frozen):
    """Random initial weights."""


class FromLabel(Frozen):
    """The kept weights of the one trial (a replicate) under `label`."""

    label: str


class FromWeights(Frozen):
    """The weights in a file."""

    path: str
    """Absolute."""
    place: Place
    """Where the YAML names it."""


StartFrom = FromScratch | FromLabel | FromWeights


class Checkpoints(Frozen):
    """Which weights are kept in the course of a training, counted as its length is: in epochs or iterations."""

    every: int | None = None
    at: tuple[int, ...] = ()

    def within(self, length: int) -> tuple[int, ...]:
        """The stages of a training of this length, ascending; none where no checkpoints are asked for."""
        regular = range(self.every, length + 1, self.every) if self.every else ()
        return tuple(sorted({*regular, *(stage for stage in self.at if stage <= length)}))


class Train(Frozen):
    """How a method trains: the lines of `train:` with the method's own laid over them."""

    start: StartFrom
    epochs: int | None = None
    iterations: int | None = None
    """The one or the other says how long."""
    batch_size: int
    shuffle: bool
    flip: bool
    crop: int
    optimizer: Component
    schedule: Component
    select: Select
    precision: Precision
    compile: bool
    threads: int
    replicates: int
    checkpoints: Checkpoints
    prune: Component
    """One of `study.pruners.PRUNERS`."""

    @property
    def counts(self) -> Counts:
        """What its length and its stages are counted in."""
        return "iterations" if self.epochs is None else "epochs"

    @property
    def length(self) -> int:
        """In epochs or iterations."""
        return self.iterations or self.epochs or 0


class Needs(Frozen):
    """What one trial occupies on a node."""

    cpus: float
    gpus: float
    memory: int | None
    """Bytes of the host's."""
    custom: tuple[tuple[str, float], ...]
    labels: tuple[tuple[str, tuple[str, ...]], ...]
    auto: bool
    """See `study.plan.Resources`."""


class MethodSpec(Frozen):
    """One entry of `methods:`."""

    label: str
    method: str
    model: Component | None = None
    """Its own network; None for the study's."""
    axes: tuple[Axis, ...]
    """The method's hyperparameters."""
    settings: tuple[Setting, ...]
    """The training distortions, each in turn; a single empty one where it trains on undistorted images."""
    zip: tuple[str, ...]
    """Parameters that advance together."""
    vary: Vary
    train: Train
    resources: Needs


class SweepSpec(Frozen):
    """One test distortion over its levels."""

    test_distortion: str
    steps: tuple[Component, ...]
    """In the order in which they are applied, without the level that varies."""
    varied: int
    """Which of `steps` has the level that varies."""
    parameter: str
    levels: tuple[int | float, ...]
    """Easy to hard."""
    practical: int | float

    def at(self, level: int | float) -> tuple[Component, ...]:
        """The steps with the varied level set."""
        varied = self.steps[self.varied]
        changed = Component.of(varied.name, {**varied.parameters, self.parameter: level})
        return (*self.steps[: self.varied], changed, *self.steps[self.varied + 1 :])


class TestSpec(Frozen):
    """One condition of a benchmark, or an attack."""

    label: str
    """`snow`, `frost (synthetic)`, `fgs (paper)`: what its results are shown under."""
    step: Component
    """The corruption, perturbation or attack with all its parameters, its strength among them."""
    parameter: str | None
    """The strength's name; None where there is but one."""
    level: int | float | None
    reason: str | None
    """Why these images cannot be tested so; None if they can."""
    extra: bool = False
    """One of the four kept for validation: in no mean."""
    noise: bool = False


class BenchmarkSpec(Frozen):
    """ImageNet-C, ImageNet-P, or a part of one."""

    name: str
    """`imagenet_c at 32 px`: what sets its results apart from those of other settings."""
    tests: tuple[TestSpec, ...]
    extras: tuple[TestSpec, ...]
    """Those kept for validation, at the same strengths, whether tested or not: what a search may look at."""
    normalize_by: str | None
    """The label whose errors are 1, or `alexnet`; None for the study's baseline."""
    place: Place
    """Where the YAML names it."""
    ranks_five: bool
    """Whether there are five classes, which a top-5 distance needs; true where they are not counted yet."""


class StabilitySpec(Frozen):
    """Random-noise stability over the stages of a training."""

    sigma: tuple[float, ...]
    """On the scale of pixels from 0 to 255, ascending."""
    draws: int
    per_class: int
    spare: int
    stages: tuple[int, ...]
    """Ascending; a shorter training is tested at those that it reaches."""
    counts: Counts


class Evaluate(Frozen):
    """What every trial is tested on, besides undistorted images."""

    sweeps: tuple[SweepSpec, ...]
    corruptions: BenchmarkSpec | None
    perturbations: BenchmarkSpec | None
    corruption_files: tuple[BenchmarkSpec, ...]
    """Corrupted sets that lie on a disk, each by itself."""
    attacks: tuple[TestSpec, ...]
    """Those that adversarial quality is measured by."""
    noise_stability: StabilitySpec | None
    seed: int


class SearchSpec(Frozen):
    """How the open axes are searched, for each label and training distortion by itself."""

    sampler: Component
    """One of `study.samplers.SAMPLERS`."""
    trials: int
    """Points to draw; each is trained once a replicate."""
    objectives: tuple[str, ...]
    """Names that `study.objectives` defines; all are to be as large as possible."""
    seed: int


class Spec(Frozen):
    """A study that can be planned."""

    study: str
    title: str
    data: Component
    model: Component
    train: Mapping[str, Any]
    """The lines of `train:` as written: what the methods share. Each method's `train` has them filled in."""
    distortions: Mapping[str, Setting]
    """By the key in the YAML."""
    methods: tuple[MethodSpec, ...]
    evaluate: Evaluate
    search: SearchSpec | None
    """None for a study that is a grid."""
    precision: Precision
    """Of the evaluation: the one of `train:`."""
    figures: tuple[Figure, ...]
    resources: Needs
    tracking: str | None
    """The address of MLflow; None where the YAML gives none."""
    keep: Keep
    """Which checkpoints stay of a finished trial."""
    text: str
    """The YAML, with overrides applied: read again, it gives this study again."""

    def model_of(self, label: str) -> Component:
        """The network that `label` trains: its own, or the study's."""
        return self.method(label).model or self.model

    def method(self, label: str) -> MethodSpec:
        """The entry of `methods:` under `label`."""
        return next(method for method in self.methods if method.label == label)
