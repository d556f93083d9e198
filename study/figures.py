"""Counting a plan's trials by the figures that show them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from study.plan import Figure, Plan, PlannedTrial


@dataclass(frozen=True, kw_only=True)
class FigureCount:
    """The trials of one figure; the baseline, which every figure shows, is not counted."""

    name: str
    new: int
    """In no figure before."""
    again: tuple[tuple[str, int], ...]
    """(an earlier figure, its trials that this one shows too)"""


@dataclass(frozen=True, kw_only=True)
class Unshown:
    """Trials in no figure."""

    train_distortion: str
    by_label: tuple[tuple[str, int], ...]
    all_of_it: bool
    """Whether no trial of this training distortion is in a figure."""


@dataclass(frozen=True, kw_only=True)
class FigureCounts:
    """Of a whole plan."""

    figures: tuple[FigureCount, ...]
    unshown: tuple[Unshown, ...]

    @property
    def shown(self) -> int:
        """Trials in any figure."""
        return sum(figure.new for figure in self.figures)


def figure_counts(plan: Plan) -> FigureCounts:
    """Of every trial that trains on a distortion, those still to be drawn by a search among them."""
    trials = tuple(trial for trial in plan.expected().trials if trial.train_distortion is not None)
    first_in: dict[str, str] = {}
    figures = tuple(_counted(figure, trials, first_in) for figure in plan.figures)
    return FigureCounts(figures=figures, unshown=tuple(_unshown(trials, first_in)))


def _counted(figure: Figure, trials: Iterable[PlannedTrial], first_in: dict[str, str]) -> FigureCount:
    """The count of one figure, whose new trials `first_in` is told."""
    shown = {trial.trial_id for trial in trials if shows(figure, trial)}
    again = Counter(first_in[one] for one in shown if one in first_in)
    new = [one for one in shown if one not in first_in]
    first_in.update(dict.fromkeys(new, figure.name))
    earlier = dict.fromkeys(first_in.values())
    return FigureCount(name=figure.name, new=len(new), again=tuple((one, again[one]) for one in earlier if again[one]))


def shows(figure: Figure, trial: PlannedTrial) -> bool:
    """Whether the trial is one of the figure's."""
    return any(
        trial.train_distortion == trained.train_distortion and trial.label in trained.labels
        for trained in (figure.trained, *figure.also)
    )


def _unshown(trials: Iterable[PlannedTrial], first_in: dict[str, str]) -> Iterator[Unshown]:
    shown_on = {trial.train_distortion for trial in trials if trial.trial_id in first_in}
    left = {trial.trial_id: trial for trial in trials if trial.trial_id not in first_in}
    by_train: dict[str, Counter[str]] = {}
    for trial in left.values():
        by_train.setdefault(trial.train_distortion or "", Counter())[trial.label] += 1
    for train, by_label in by_train.items():
        yield Unshown(train_distortion=train, by_label=tuple(by_label.items()), all_of_it=train not in shown_on)
