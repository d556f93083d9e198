"""A study's results as every figure needs them: read once from the tables, then plain frozen values."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from dashboards.paired import Bits, Difference, paired, unpaired
from dashboards.wording import telling
from study.plan import Plan, Sweep
from study.report import Setting, Symbol
from study.store import Launch
from study.summary import UNDISTORTED, Found


class Cell(NamedTuple):
    """One trial under one condition."""

    correct: int
    n: int
    at_chance: bool
    calibration_error: float | None = None
    """Expected, in [0, 1]; None of embeddings, of sequences and at chance."""

    @property
    def accuracy(self) -> float:
        return self.correct / self.n

    @property
    def error(self) -> float:
        """One standard error of the accuracy, binomial."""
        return math.sqrt(self.accuracy * (1 - self.accuracy) / self.n)


class NearDuplicates(NamedTuple):
    """How a trial's embeddings tell an image's distorted copy from another image, at one threshold."""

    threshold: float
    precision: float | None
    """None where nothing lies within the threshold."""
    recall: float


class Attacked(NamedTuple):
    """One adversarial-quality attack on a trial; rates are over the images that it classifies right."""

    attack: str
    """fgs, hot_cold, pgd"""
    variant: str | None
    epsilon: float | None
    """Of pgd."""
    settings: str | None
    """What else it was given: `restarts 1, step_size 0.00784, steps 20`."""
    accuracy: float
    """Left of all test images."""
    success_rate: float | None
    """None where nothing was attacked."""
    blank_share: float | None
    linf: tuple[float | None, float | None]
    """Mean and standard deviation over the successes, in pixels of 0 to 255; None without any."""
    aligned: tuple[float | None, float | None]
    """PASS, likewise; None without alignment."""
    unaligned: tuple[float | None, float | None]
    """PASS without alignment, likewise."""


class NoisePoint(NamedTuple):
    """How noise of one strength changes a network's answers at one stage of its training."""

    stage: int
    counts: str
    """What the stage is counted in: epochs, iterations."""
    sigma: float
    images: int
    draws: int
    short: str | None
    """Which classes have too few images."""
    changed: float | None
    """Share of the noisy copies; None without an image."""
    baseline_changed: float | None = None


class Epoch(NamedTuple):
    """One finished epoch; losses in nats, means over images."""

    epoch: int
    validation_accuracy: float
    loss: float
    validation_loss: float
    terms: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Rates:
    """One trial by one measure of a benchmark, as its view has it."""

    mean: float | None
    """mCE, mFR, …; None where it has none."""
    values: Mapping[str, float]
    """By what the results of a test are shown under: `frost (synthetic)`."""
    seen: frozenset[str] = frozenset()
    """Those of the tests that its training showed."""


class CorruptionMeans(NamedTuple):
    """One trial over one benchmark's corruptions: a row of the view `mce`. Shares of 1; 1 is as the normaliser."""

    mce: float | None
    relative_mce: float | None
    no_relative_ce: str | None
    """The corruptions that keep it empty: under them the normaliser is not worse than on undistorted images."""
    without_seen: float | None
    without_noise: float | None
    mean_error: float | None
    calibration_error: float | None
    clean_accuracy: float | None
    images_seen: int | None
    labels_used: int | None
    over: str
    """`15 of 15`, `13 of 15: without frost, snow`"""
    rendering: str | None
    """How the images came to be, where there is more than one way: whose JPEG, which files."""


class FlipMeans(NamedTuple):
    """One trial over one benchmark's perturbations at one difficulty: a row of the view `mfr`."""

    mfr: float | None
    mt5d: float | None
    without_seen: float | None
    without_noise: float | None
    flip_probability: float | None
    top5_distance: float | None
    images_seen: int | None
    labels_used: int | None
    over: str


Of = tuple[str, str, str]
"""(benchmark, label, trial id)"""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial under one label, and what is known of it."""

    trial_id: str
    label: str
    method: str
    train_distortion: str
    """`nothing` for undistorted images."""
    settings: tuple[Setting, ...]
    """What tells it from others of its label."""
    state: str
    """done, pruned, running, failed, blocked, held or left"""
    parent: str | None = None
    """The trial, or the fingerprint of the file, that its weights start from; None from scratch."""
    diverged: bool = False
    diverged_epoch: int | None = None
    selected_epoch: int | None = None
    validation_accuracy: float | None = None
    validation_n: int | None = None

    @property
    def hyperparameters(self) -> str:
        """`α 0.316, σ 0.3`"""
        return ", ".join(f"{one.symbol} {one.shown}" for one in self.settings)

    @property
    def in_brackets(self) -> str:
        """`α = 0.316 (σ 0.3)`: the method's, and in brackets those of the training distortion, as papers write it."""
        own = ", ".join(f"{one.symbol} = {one.shown}" for one in self.settings if one.owner == "method")
        trained = ", ".join(f"{one.symbol} {one.shown}" for one in self.settings if one.owner != "method")
        return " ".join(filter(None, (own, f"({trained})" if trained else "")))


@dataclass(frozen=True, kw_only=True)
class Group:
    """The trials of one label on one training distortion, in the plan's order: what a band is over."""

    label: str
    train_distortion: str
    trials: tuple[Trial, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Results:
    """Everything that pages and figures are made from."""

    launch: Launch
    found: Found
    trials: tuple[Trial, ...]
    """In the plan's order, each trial once a label."""
    cells: Mapping[tuple[str, str], Cell]
    """(trial id, condition id) → the result, test and validation."""
    bits: Mapping[tuple[str, str], Bits]
    """(trial id, condition id) → image by image: at practical levels, at the strong one of attacks, and where a search
    reports."""
    epochs: Mapping[str, tuple[Epoch, ...]]
    near_duplicates: Mapping[tuple[str, str], tuple[NearDuplicates, ...]]
    """(trial id, condition id of a practical level) → by rising threshold; of ranking trials."""
    corruption_errors: Mapping[str, Mapping[Of, Rates]]
    """`ce`, `relative_ce` or `error` → its rates."""
    corruption_means: Mapping[Of, CorruptionMeans]
    flips: Mapping[tuple[str, int], Mapping[Of, Rates]]
    """(`flip_rate`, `t5d`, `flip_probability` or `top5_distance`, difficulty) → its rates."""
    flip_means: Mapping[tuple[int, Of], FlipMeans]
    """(difficulty, of what)"""
    attacks: Mapping[str, Mapping[str, Attacked]]
    """Trial id → condition id → adversarial quality, in the plan's order."""
    noise_stability: Mapping[str, tuple[NoisePoint, ...]]
    """Trial id → on images of its own."""
    stability_pairs: Mapping[tuple[str, str], tuple[NoisePoint, ...]]
    """(trial id, that of one of the baseline's) → on the images that both have right."""
    attempts: tuple[Mapping[str, Any], ...]
    """Rows of the table, in order of time."""
    failures: tuple[Mapping[str, Any], ...]
    """Newest attempts that failed: `study.standing.newest_failures`."""
    examples: Mapping[str, bytes]
    """Condition id → PNG of the first test image as that condition shows it."""

    @property
    def plan(self) -> Plan:
        return self.launch.plan

    @cached_property
    def symbol(self) -> Symbol:
        return recorded_symbols(self.launch)

    @cached_property
    def sweeps(self) -> tuple[Sweep, ...]:
        """Those on test images."""
        tested = {one.condition_id for one in self.plan.conditions if one.split == "test"}
        return tuple(sweep for sweep in self.plan.sweeps if tested.issuperset(sweep.condition_ids))

    def sweep(self, test_distortion: str) -> Sweep:
        return next(sweep for sweep in self.sweeps if sweep.test_distortion == test_distortion)

    @cached_property
    def clean(self) -> str | None:
        """The condition of undistorted test images."""
        found = (one for one in self.plan.conditions if one.family == "clean" and one.split == "test")
        return next((one.condition_id for one in found), None)

    @cached_property
    def baseline_label(self) -> str | None:
        """What the views measure against, too."""
        return next((trial.label for trial in self.plan.baseline), None)

    @cached_property
    def baselines(self) -> tuple[Trial, ...]:
        """The trials under that label: one, or its replicates."""
        return tuple(trial for trial in self.trials if trial.label == self.baseline_label)

    @cached_property
    def replicates(self) -> int:
        """Those of the baseline that are evaluated."""
        evaluated = {trial_id for trial_id, _ in self.cells}
        return sum(trial.trial_id in evaluated for trial in self.baselines)

    @cached_property
    def baseline_name(self) -> str:
        """`Baseline`, `Baseline, mean of 2`"""
        label = self.baseline_label or ""
        return f"{label}, mean of {self.replicates}" if self.replicates > 1 else label

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Every label on every training distortion, but for the baseline."""
        members: dict[tuple[str, str], list[Trial]] = {}
        for trial in self.trials:
            if trial.label != self.baseline_label:
                members.setdefault((trial.train_distortion, trial.label), []).append(trial)
        return tuple(
            Group(label=label, train_distortion=trained, trials=tuple(trials))
            for (trained, label), trials in members.items()
        )

    def groups_on(self, train_distortion: str) -> tuple[Group, ...]:
        return tuple(group for group in self.groups if group.train_distortion == train_distortion)

    @cached_property
    def trained_on(self) -> tuple[str, ...]:
        """Training distortions, in the plan's order; also those that a search has not drawn a point on yet."""
        searched = (search.train_distortion or UNDISTORTED for search in self.plan.searches)
        return tuple(dict.fromkeys((*(group.train_distortion for group in self.groups), *searched)))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(trial.label for trial in self.trials))

    @cached_property
    def chance(self) -> float | None:
        """1 / 2 for triplets, else 1 / classes: recorded, else known from a trial that counts at chance, or unknown."""
        if self.plan.measure != "accuracy":
            return 1 / 2
        classes = dict(self.launch.provenance.get("data", {})).get("classes")
        if classes:
            return 1 / int(classes)
        guessed = next((cell for cell in self.cells.values() if cell.at_chance and cell.correct), None)
        return None if guessed is None else 1 / round(guessed.n / guessed.correct)

    @cached_property
    def n(self) -> int:
        """Test images."""
        tested = {one.condition_id for one in self.plan.conditions if one.split == "test"}
        return max((cell.n for (_, condition), cell in self.cells.items() if condition in tested), default=0)

    def accuracy(self, trial: Trial, condition_id: str | None) -> float | None:
        """None where it is not evaluated yet."""
        cell = self.cells.get((trial.trial_id, condition_id or ""))
        return None if cell is None else cell.accuracy

    def baseline(self, condition_id: str | None) -> float | None:
        """The baseline's accuracy, the mean of its replicates."""
        found = [one for trial in self.baselines if (one := self.accuracy(trial, condition_id)) is not None]
        return sum(found) / len(found) if found else None

    @cached_property
    def _tested(self) -> frozenset[str]:
        """Undistorted test images, and every level of every sweep."""
        return frozenset((self.clean or "", *(one for sweep in self.sweeps for one in sweep.condition_ids)))

    @cached_property
    def span(self) -> tuple[float, float]:
        """The lowest and the highest accuracy of any trial, undistorted and in any sweep; 0 and 1 without any."""
        found = [cell.accuracy for (_, condition), cell in self.cells.items() if condition in self._tested]
        return (min(found), max(found)) if found else (0.0, 1.0)

    @cached_property
    def above_baseline(self) -> tuple[float, float] | None:
        """The lowest and the highest difference of any trial from the baseline, undistorted and in any sweep."""
        baselines = {condition: self.baseline(condition) for condition in self._tested}
        found = [
            cell.accuracy - baseline
            for (_, condition), cell in self.cells.items()
            if (baseline := baselines.get(condition)) is not None
        ]
        return (min(found), max(found)) if found else None

    def difference(self, trial: Trial, condition_id: str) -> Difference | None:
        """From the baseline, image by image where that is known; None where either is not evaluated."""
        accuracy, baseline = self.accuracy(trial, condition_id), self.baseline(condition_id)
        if accuracy is None or baseline is None:
            return None
        mine = self.bits.get((trial.trial_id, condition_id))
        theirs = [self.bits.get((one.trial_id, condition_id)) for one in self.baselines]
        known = [bits for bits in theirs if bits is not None]
        if mine is None or len(known) < len(theirs):
            return unpaired(accuracy, baseline, self.cells[trial.trial_id, condition_id].n)
        return paired(mine, known)


def recorded_symbols(launch: Launch) -> Symbol:
    """The symbols that the launch wrote down, so that nothing has to import the components."""
    written = {
        (entry["component"], entry["name"]): entry["symbol"]
        for entries in launch.membership["parameters"].to_pylist()
        for entry in entries
    }
    return lambda component, name: telling(written.get((component, name), ""), name)


def practical_condition(sweep: Sweep) -> str:
    return condition_at(sweep, sweep.practical)


def condition_at(sweep: Sweep, level: float) -> str:
    return sweep.condition_ids[sweep.levels.index(level)]


def strong_level(plan: Plan, sweep: Sweep) -> float:
    """The hardest level beyond the practical one at which a figure picks best and worst; else the sweep's hardest."""
    picked = {level for figure in plan.figures if figure.test_distortion == sweep.test_distortion
              for level in figure.pick_at}  # fmt: skip
    harder = sweep.levels[sweep.levels.index(sweep.practical) + 1 :]
    return next((level for level in reversed(harder) if level in picked), sweep.levels[-1])


def attack_sweeps(plan: Plan) -> tuple[Sweep, ...]:
    """Those that attack the network, alone or after a distortion."""
    attacks = {name for name, kind in plan.kinds if kind == "attack"}
    attacked = {one.condition_id for one in plan.conditions if attacks & {step.name for step in one.steps}}
    return tuple(sweep for sweep in plan.sweeps if practical_condition(sweep) in attacked)
