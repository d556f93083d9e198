"""What the figure of one trial shows, as frozen data; who draws it is handed to this package."""

from collections.abc import Callable
from dataclasses import dataclass

from study.plan import Sweep
from study.store import Store
from study.tracking.tables import Tables
from trainables.recipe import Measure

Accuracies = tuple[float | None, ...]
"""In [0, 1]; None where it has not been measured."""


@dataclass(frozen=True, kw_only=True)
class SweepCurve:
    """Accuracy over one sweep, easy to hard, `clean` its first point."""

    test_distortion: str
    parameter: str
    """`σ`, or the parameter's name."""
    levels: tuple[float, ...]
    """Without `clean`."""
    practical: float
    accuracies: Accuracies
    """One longer than `levels`."""
    baseline: Accuracies
    """As `accuracies`; empty for the baseline itself, or where there is none."""


@dataclass(frozen=True, kw_only=True)
class Curves:
    """One trial in figures."""

    name: str
    measure: Measure
    """What is drawn is called."""
    n: int
    """Test images."""
    sweeps: tuple[SweepCurve, ...]
    validation: tuple[float, ...]
    """Accuracy on undistorted validation images after each epoch, in [0, 1]."""
    selected_epoch: int | None
    """The epoch whose weights were kept, 1 the first."""


@dataclass(frozen=True, kw_only=True)
class Renderers:
    """What turns data into pictures."""

    curves: Callable[[Curves], str]
    """SVG."""
    page: Callable[[Store, str], str] | None = None
    """HTML of a study's dashboard; raises ValueError for one that cannot be drawn yet."""


def curves_of(tables: Tables, trial_id: str, name: str) -> Curves:
    """The figure of a trial that has been trained."""
    rows = tables.rows[trial_id]
    return Curves(
        name=name,
        measure=tables.plan.measure,
        n=max((cell["n"] for cell in rows.cells.values()), default=0),
        sweeps=tuple(_sweep(tables, trial_id, sweep) for sweep in tables.plan.sweeps),
        validation=tuple(row["validation_correct"] / row["validation_n"] for row in rows.epochs if row["validation_n"]),
        selected_epoch=rows.trained["selected_epoch"] if rows.trained else None,
    )


def _sweep(tables: Tables, trial_id: str, sweep: Sweep) -> SweepCurve:
    clean = tables.plan.conditions[0].condition_id
    conditions = (clean, *sweep.condition_ids)
    baseline = () if trial_id in tables.baseline or not tables.baseline else tables.baseline
    return SweepCurve(
        test_distortion=sweep.test_distortion,
        parameter=sweep.symbol or sweep.parameter,
        levels=sweep.levels,
        practical=sweep.practical,
        accuracies=tuple(tables.accuracy((trial_id,), one) for one in conditions),
        baseline=tuple(tables.accuracy(baseline, one) for one in conditions) if baseline else (),
    )
