"""Near-duplicates: whether a distorted copy still lies nearer to its image than another image does, a line a trial."""

from dataclasses import dataclass

from dashboards.results import NearDuplicates, Results, Trial, practical_condition
from study.plan import Sweep


@dataclass(frozen=True, kw_only=True)
class RetrievalCurve:
    """One trial: precision and recall over the thresholds on the distance of two embeddings."""

    label: str
    trial_id: str
    hyperparameters: str
    points: tuple[NearDuplicates, ...]
    """By rising threshold, those within which anything lies."""
    baseline: bool

    def recall_at(self, precision: float) -> float:
        """The largest share of copies found at a precision of at least this; 0 where no threshold reaches it."""
        return max((one.recall for one in self.points if (one.precision or 0) >= precision), default=0.0)

    @property
    def average_precision(self) -> float:
        """Σ (Rₖ − Rₖ₋₁) Pₖ over rising thresholds."""
        before = (0.0, *(one.recall for one in self.points))
        gained = (one.recall - last for one, last in zip(self.points, before, strict=False))
        return sum(gain * (one.precision or 0) for gain, one in zip(gained, self.points, strict=True))


@dataclass(frozen=True, kw_only=True)
class NearDuplicatesInfo:
    """The trials on one training distortion, at the practical level of one test distortion."""

    train_distortion: str
    sweep: Sweep
    curves: tuple[RetrievalCurve, ...]
    """The baseline's first, then in the plan's order."""
    n: int
    """Test images, each paired with its copy and with another image's."""


def near_duplicates_info(results: Results, train_distortion: str, sweep: Sweep) -> NearDuplicatesInfo:
    """The figure's data."""
    condition = practical_condition(sweep)
    trials = (trial for group in results.groups_on(train_distortion) for trial in group.trials)
    curves = [_curve(results, trial, condition) for trial in (*results.baselines, *trials)]
    cells = (results.cells.get((curve.trial_id, condition)) for curve in curves)
    return NearDuplicatesInfo(
        train_distortion=train_distortion,
        sweep=sweep,
        curves=tuple(curve for curve in curves if curve.points),
        n=max((cell.n for cell in cells if cell is not None), default=0),
    )


def _curve(results: Results, trial: Trial, condition: str) -> RetrievalCurve:
    found = results.near_duplicates.get((trial.trial_id, condition), ())
    return RetrievalCurve(
        label=trial.label,
        trial_id=trial.trial_id,
        hyperparameters=trial.in_brackets,
        points=tuple(one for one in found if one.precision is not None),
        baseline=trial.label == results.baseline_label,
    )
