"""Heat maps of the study's grids of two hyperparameters."""

from collections.abc import Iterator

from dashboards.figures.draw_heat_map import draw_heat_map, explanation
from dashboards.figures.heat_map import Grid, HeatMapInfo, grids, heat_map_info
from dashboards.parts import Choice, Column, Page, Slot, Table, Variant, choices_html, slot_html
from dashboards.results import Results
from dashboards.wording import at_level, spoken
from study.plan import Sweep

ORDER = 40


def page(results: Results) -> Page | None:
    """None for a study without such a grid."""
    found = grids(results)
    if not found or not results.sweeps:
        return None
    choices = (_which(found), _where(results, found[0]))
    slot = Slot(name="heat-map", title="Heat map", variants=tuple(_variants(results, found)))
    body = f"<h2>Over a grid of two hyperparameters</h2>{choices_html(choices)}{slot_html(slot)}"
    return Page(name="heat-map", nav="Heat map", body=body, choices=choices, slots=(slot,))


def _which(found: tuple[Grid, ...]) -> Choice:
    options = tuple((str(number), grid.name) for number, grid in enumerate(found))
    return Choice(name="grid", title="Grid", options=options, default="0")


def _where(results: Results, first: Grid) -> Choice:
    """The level to show; at first the practical one of what the grid was trained on."""
    options = {
        _value(sweep, level): f"{spoken(sweep.test_distortion)}, {at_level(sweep, level)}"
        + (" (practical)" if level == sweep.practical else "")
        for sweep in results.sweeps
        for level in sweep.levels
    }
    trained = [one for one in results.sweeps if one.test_distortion == first.group.train_distortion]
    default = (trained or list(results.sweeps))[0]
    return Choice(
        name="at", title="tested on", options=tuple(options.items()), default=_value(default, default.practical)
    )


def _value(sweep: Sweep, level: float) -> str:
    return f"{sweep.test_distortion}:{level:g}"


def _variants(results: Results, found: tuple[Grid, ...]) -> Iterator[Variant]:
    for number, grid in enumerate(found):
        for sweep in results.sweeps:
            for level in sweep.levels:
                info = heat_map_info(results, grid, sweep, level)
                when = {"grid": str(number), "at": _value(sweep, level)}
                if any(square.accuracy is not None for row in info.squares for square in row):
                    told = explanation(info)
                    yield Variant(
                        when=when, drawing=draw_heat_map(info), text={"": (told,)}, alt=told, table=_table(info)
                    )  # fmt: skip
                else:
                    yield Variant(when=when, missing=explanation(info))


def _table(info: HeatMapInfo) -> Table:
    columns = (
        Column(info.column_symbol, info.column_symbol, "number"), Column(info.row_symbol, info.row_symbol, "number"),
        Column("accuracy", "accuracy", "rate"), Column("standard_error", "± one s.e.", "rate"),
        Column("trials", "trials", "number"), Column("diverged", "diverged", "number"),
        Column("trial_id", "first trial", "trial"),
    )  # fmt: skip
    rows = (
        (column, row, square.accuracy, square.error, len(square.trial_ids), square.diverged, square.trial_ids[0])
        for row, line in zip(info.rows, info.squares, strict=True)
        for column, square in zip(info.columns, line, strict=True)
    )
    return Table(columns=columns, rows=tuple(rows))
