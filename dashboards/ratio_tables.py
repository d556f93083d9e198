"""The numbers and the legend of a benchmark's figure."""

from collections.abc import Iterator, Mapping

from dashboards.figures.ratios import RatioCurve, RatioRange, RatiosInfo
from dashboards.palette import BASELINE, Look
from dashboards.parts import Column, Family, Kind, Table
from dashboards.ranges import QUANTILES
from dashboards.wording import count


def families(info: RatiosInfo, looks: Mapping[str, Look]) -> Iterator[Family]:
    """Those with a trial, and the baseline where it is drawn."""
    if info.baseline is not None:
        yield Family(
            name=info.baseline_name, label=info.baseline_name, colour=BASELINE.colour, symbol=BASELINE.symbol, note="",
            has_band=False,
        )  # fmt: skip
    for one in info.ranges:
        look = looks[one.label]
        yield Family(
            name=one.label, label=one.label, colour=look.colour, symbol=look.symbol, note=_note(one), has_band=False
        )


def _note(one: RatioRange) -> str:
    """`6 trials, 1 of 6 diverged`"""
    number = count(one.evaluated, "trial")
    told = number if one.evaluated == one.planned else f"{one.evaluated} of {count(one.planned, 'trial')} so far"
    return f"{told}, {one.diverged} of {one.evaluated} diverged" if one.diverged else told


def ratios_table(info: RatiosInfo) -> Table:
    """A row for each label and test, its mean first."""
    kind: Kind = "rate" if info.measure.factor > 1 else "number"
    columns = (
        Column("label", "method"), Column("test", "under"), Column("kind", "kind"), Column("seen", "shown in training"),
        Column("trials", "trials", "number"), *(Column(edge, edge, kind) for edge in QUANTILES),
        *(column for role in ("best", "worst") for column in (
            Column(f"{role}_by_test", f"{role} by test", kind), Column(f"{role}_by_test_trial", ""),
        )),
        *((Column("baseline", info.baseline_name, kind),) if info.baseline is not None else ()),
    )  # fmt: skip
    return Table(columns=columns, rows=tuple(row for one in info.ranges for row in _rows(info, one)))


def _rows(info: RatiosInfo, one: RatioRange) -> Iterator[tuple[object, ...]]:
    picked = [_picked(info, one.label, role) for role in ("best", "worst")]
    tests = zip(info.tests, one.seen, one.edges, strict=True)
    heads = [
        (info.measure.mean, "mean", False, one.mean),
        *((test.label, test.kind, seen, edges) for test, seen, edges in tests),
    ]
    for number, (name, kind, seen, edges) in enumerate(heads):
        values = (_exact(_value(curve, number)) for curve in picked)
        trials = ("" if curve is None else curve.trial_id for curve in picked)
        yield (
            one.label, name, kind, "yes" if seen else "", one.evaluated,
            *(_exact(edges.get(edge)) for edge in QUANTILES),
            *(cell for pair in zip(values, trials, strict=True) for cell in pair),
            *((_exact(_baseline(info, number)),) if info.baseline is not None else ()),
        )  # fmt: skip


def _picked(info: RatiosInfo, label: str, role: str) -> RatioCurve | None:
    own = (one for one in info.curves if (one.label, one.by) == (label, "test"))
    return next((one for one in own if one.role in (role, "only")), None)


def _value(curve: RatioCurve | None, number: int) -> float | None:
    return None if curve is None else (curve.mean, *curve.values)[number]


def _baseline(info: RatiosInfo, number: int) -> float | None:
    assert info.baseline is not None
    return info.baseline.mean if number == 0 else info.baseline.values.get(info.tests[number - 1].label)


def _exact(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
