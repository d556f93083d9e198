"""Heat map: accuracy over a grid of two hyperparameters, with the baseline's level marked in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.results import Group, Results, Trial
from dashboards.wording import spoken
from study.plan import Sweep
from study.report import Setting

LEAST = 5
"""Values of each hyperparameter, at least, for a heat map to say more than its numbers."""


@dataclass(frozen=True, kw_only=True)
class Square:
    """One point of the grid: a trial, or replicates of it."""

    trial_ids: tuple[str, ...]
    accuracy: float | None
    """Mean over its trials; None until one is evaluated."""
    error: float | None
    """Standard error of one of them, binomial."""
    diverged: int


@dataclass(frozen=True, kw_only=True)
class HeatMapInfo:
    """One label on one training distortion, under one test condition."""

    measure: str
    """What a share of right ones is called."""
    label: str
    train_distortion: str
    sweep: Sweep
    level: float
    columns: tuple[float, ...]
    column_symbol: str
    rows: tuple[float, ...]
    row_symbol: str
    squares: tuple[tuple[Square, ...], ...]
    """By row, then column."""
    baseline_label: str | None
    baseline_name: str
    baseline: float | None
    n: int


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A group whose trials are all combinations of two hyperparameters, and nothing else varies."""

    group: Group
    across: Setting
    up: Setting

    @property
    def name(self) -> str:
        """`ST on gaussian noise: α × σ`"""
        group = self.group
        return f"{group.label} on {spoken(group.train_distortion)}: {self.across.symbol} × {self.up.symbol}"


def grids(results: Results) -> tuple[Grid, ...]:
    """Those of at least 5 × 5 points."""
    return tuple(grid for group in results.groups if (grid := _grid(group)) is not None)


def _grid(group: Group) -> Grid | None:
    """The first hyperparameter across, the second upwards."""
    varied = [one for one in group.trials[0].settings if len(_values(group.trials, one)) > 1]
    if len(varied) != 2 or min(len(_values(group.trials, one)) for one in varied) < LEAST:
        return None
    across, up = varied
    points = {(value_of(trial, across), value_of(trial, up)) for trial in group.trials}
    whole = len(_values(group.trials, across)) * len(_values(group.trials, up))
    return Grid(group=group, across=across, up=up) if len(points) == whole else None


def _values(trials: Sequence[Trial], knob: Setting) -> list[float]:
    return sorted({value for trial in trials if (value := value_of(trial, knob)) is not None})


def value_of(trial: Trial, knob: Setting) -> float | None:
    """None for what is no number."""
    found = next((one.value for one in trial.settings if (one.owner, one.name) == (knob.owner, knob.name)), None)
    return float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else None


def heat_map_info(results: Results, grid: Grid, sweep: Sweep, level: float) -> HeatMapInfo:
    """The figure's data at one level of one sweep."""
    condition = sweep.condition_ids[sweep.levels.index(level)]
    columns, rows = _values(grid.group.trials, grid.across), _values(grid.group.trials, grid.up)
    return HeatMapInfo(
        measure=results.plan.measure,
        label=grid.group.label,
        train_distortion=grid.group.train_distortion,
        sweep=sweep,
        level=level,
        columns=tuple(columns),
        column_symbol=_symbol(grid.across),
        rows=tuple(rows),
        row_symbol=_symbol(grid.up),
        squares=tuple(tuple(_square(results, grid, column, row, condition) for column in columns) for row in rows),
        baseline_label=results.baseline_label,
        baseline_name=results.baseline_name,
        baseline=results.baseline(condition),
        n=results.n,
    )


def _symbol(knob: Setting) -> str:
    return knob.symbol if knob.owner == "method" else f"{knob.symbol} in training ({spoken(knob.owner)})"


def _square(results: Results, grid: Grid, column: float, row: float, condition: str) -> Square:
    trials = [one for one in grid.group.trials if (value_of(one, grid.across), value_of(one, grid.up)) == (column, row)]
    cells = [cell for one in trials if (cell := results.cells.get((one.trial_id, condition))) is not None]
    return Square(
        trial_ids=tuple(one.trial_id for one in trials),
        accuracy=sum(cell.accuracy for cell in cells) / len(cells) if cells else None,
        error=cells[0].error if cells else None,
        diverged=sum(one.diverged for one in trials),
    )
