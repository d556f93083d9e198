"""After a search: the points that no other beats, with what they come to on images that the search never saw."""

from collections.abc import Iterator, Sequence

from study.cli.launch_screen import in_symbols
from study.cli.numbers import percent
from study.cli.terminal import Column, Terminal, lay_out
from study.front import PointResult
from study.plan import Plan, Search
from study.report import Naming
from study.standing import Front, Mean


def print_fronts(plan: Plan, fronts: Sequence[Front], naming: Naming, terminal: Terminal) -> None:
    """One table over all searches that have the same objectives, which is all searches of a study."""
    if not any(front.points for front in fronts):
        return
    names = [objective.name for objective in fronts[0].search.objectives]
    first = fronts[0]
    terminal.print(
        "\n".join(
            terminal.wrap(
                f"Points that no other of their search beats in {' and '.join(names)} on {first.validation_n:,} "
                f"validation images; their {plan.measure} in % on {first.test_n:,} test images (± one standard error)."
            )
        )
    )
    terminal.print()
    columns = (
        Column("method"), Column("trained on"), Column("drawn", "right"), *(Column(name, "right") for name in names),
        *(Column(f"{name}, validation", "right") for name in names), Column("at"),
    )  # fmt: skip
    rows = [row for front in fronts for row in _rows(plan, front, naming)]
    baseline = [_baseline_row(first)] if first.baseline is not None else []
    laid = lay_out(columns, [[terminal.text(cell) for cell in row] for row in (*baseline, *rows)], terminal.width)
    for line in (laid.header, *laid.lines):
        terminal.print(line)


def _baseline_row(front: Front) -> list[str]:
    assert front.baseline is not None
    values = [_with_error(mean) for mean in front.baseline]
    return [front.baseline_label, "", "", *values, *[""] * len(values), ""]


def _rows(plan: Plan, front: Front, naming: Naming) -> Iterator[list[str]]:
    """The front from its most of the first objective on; equal in both, the one drawn first."""
    trials = {trial.trial_id: trial for trial in plan.trials}
    for number, (point, means) in enumerate(front.points):
        told = _told(plan, front.search) if number == 0 else ["", "", ""]
        at = in_symbols(naming, trials[point.drawn.trial_ids[0]], " ")
        yield [*told, *map(_with_error, means), *_validation(point), at]


def _told(plan: Plan, search: Search) -> list[str]:
    """A sampler may draw a point again, which costs nothing and is nothing new."""
    drawn = [point.trial_ids for point in plan.drawn if point.search_id == search.search_id]
    again = "" if len(set(drawn)) == len(drawn) else f", {len(set(drawn)):,} distinct"
    return [search.label, search.train_distortion or "", f"{len(drawn):,}{again}"]


def _validation(point: PointResult) -> list[str]:
    assert point.validation is not None
    return [percent(value) for value in point.validation]


def _with_error(mean: Mean) -> str:
    return percent(mean.value) if mean.error is None else f"{percent(mean.value)} ± {percent(mean.error)}"
