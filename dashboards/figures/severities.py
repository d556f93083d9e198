"""One trial under every corruption at every severity, as a heat map."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.disturbances import Disturbance
from dashboards.results import Results, Trial


@dataclass(frozen=True, kw_only=True)
class SeveritySquare:
    """One corruption at one severity."""

    accuracy: float | None
    """None where it is not evaluated, or not tested."""
    error: float | None
    """One standard error, binomial."""
    compared: float | None
    """The accuracy of what it is compared with; None where that is unknown."""
    example: str | None
    """The condition, where there is a picture of it."""


@dataclass(frozen=True, kw_only=True)
class SeveritiesInfo:
    """One trial."""

    measure: str
    """What a share of right ones is called."""
    trial: Trial
    role: str
    """best, worst, median or nothing"""
    tests: tuple[Disturbance, ...]
    severities: tuple[int, ...]
    squares: tuple[tuple[SeveritySquare, ...], ...]
    """By corruption, then severity."""
    clean: float | None
    compared: str
    """The label that it is compared with; empty without one."""
    n: int

    @property
    def name(self) -> str:
        """`median ST`"""
        return f"{self.role} {self.trial.label}".strip()


Conditions = dict[tuple[str, int], str]
"""(a corruption's label, severity) → condition id."""


def severities_info(
    results: Results, trial: Trial, role: str, tests: tuple[Disturbance, ...], conditions: Conditions, compared: str
) -> SeveritiesInfo:
    """The figure's data; `compared` is a label of the study, or empty."""
    severities = tuple(sorted({severity for _, severity in conditions}))
    others = [one for one in results.trials if one.label == compared]
    return SeveritiesInfo(
        measure=results.plan.measure,
        trial=trial,
        role=role,
        tests=tests,
        severities=severities,
        squares=tuple(
            tuple(_square(results, trial, conditions.get((one.label, severity)), others) for severity in severities)
            for one in tests
        ),
        clean=results.accuracy(trial, results.clean),
        compared=compared if trial.label != compared else "",
        n=results.n,
    )


def _square(results: Results, trial: Trial, condition: str | None, others: Sequence[Trial]) -> SeveritySquare:
    cell = results.cells.get((trial.trial_id, condition or ""))
    found = [one for other in others if (one := results.accuracy(other, condition)) is not None]
    return SeveritySquare(
        accuracy=None if cell is None else cell.accuracy,
        error=None if cell is None else cell.error,
        compared=sum(found) / len(found) if found else None,
        example=condition if condition in results.examples else None,
    )
