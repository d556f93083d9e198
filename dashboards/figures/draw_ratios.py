"""A benchmark's rates, drawn: for each test a bar a label, and the best and the worst trial through all of them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any

from dashboards.captions import AT_FIRST, Part, Shown, captioned, numbers, picked_on, trained_on
from dashboards.drawing import SMALL, Drawing, Trace, axis, drawing, escaped, note
from dashboards.ends import end_text, ends, room
from dashboards.figures.ratios import RatioCurve, RatioRange, RatiosInfo
from dashboards.palette import BASELINE, DIVERGED_SYMBOL, MUTED, Look, translucent
from dashboards.ranges import quantile
from dashboards.wording import count, headed

HEIGHT, TOP, BELOW = 500, 70, 84
"""Pixels: of it all, above the plot, and below it, where names may stand upright."""
ROOM, COLUMN, LEAST = 260, 110, 34
"""Pixels: beside the tests, and across one of them, at most and at least."""
PLOT = HEIGHT - TOP - BELOW
FIRST, APART = 1.6, 0.5
"""Where the first test stands, the mean at 0; and what two kinds of tests are further apart than neighbours."""
ALL, HALF, HOLLOW = 0.18, 0.5, 0.03
"""Opacity of a bar, of its middle half, and of both where training showed the test."""
WIDE = 0.78
"""Of the room of a test, what its bars take."""
FENCE = 3.0
"""Interquartile ranges beyond which a value is let out of the axis, which would be of use to no other."""
ID_DIGITS = 8
SEEN = "†"


def draw_ratios(info: RatiosInfo, looks: Mapping[str, Look], shown: Shown = AT_FIRST) -> Drawing:
    """Lower is better. The mean stands first, a dot a trial."""
    traces = [*_references(info), *_bars(info, looks), *_lines(info, looks), *_dots(info, looks)]
    for trace in traces:
        follows = "follow" in trace["meta"]
        trace["visible"] = not follows and bool({**shown, **trace["meta"].get("show", {})} == dict(shown))
    y_range = _y_range(info)
    named = ends(traces, y_range, PLOT)
    made = drawing(
        traces,
        height=HEIGHT,
        margin={"l": 52, "r": room(named), "t": TOP, "b": BELOW},
        xaxis=_x_axis(info),
        yaxis=axis(range=y_range, nticks=8),
        annotations=[*named, *_notes(info)],
        shapes=list(_dividers(info)),
        barmode="overlay",
    )
    tests = len(info.tests)
    made["layout"]["meta"] = {"width": ROOM + COLUMN * (1 + tests), "least": ROOM // 2 + LEAST * (1 + tests)}
    return captioned(made, _caption(info), shown)


def _caption(info: RatiosInfo) -> list[Part]:
    seen = any(any(one.seen) for one in info.ranges)
    several = any(one.evaluated > 1 for one in info.ranges)
    outside = _outside(info)
    return [
        trained_on(info.train_distortion) if info.train_distortion else "",
        numbers((one.label, one.evaluated, one.diverged) for one in info.ranges if one.evaluated),
        count(info.n, "test image"),
        "bars over all trials, darker their middle half, a stroke their median" if several else "",
        f"{SEEN} and hollow: shown in training" if seen else "",
        f"{count(outside, 'value')} outside of the axis" if outside else "",
        picked_on(info.bases),
    ]


def _places(info: RatiosInfo) -> list[float]:
    """Where each test stands."""
    places = [FIRST] if info.tests else []
    for before, after in pairwise(info.tests):
        places.append(places[-1] + 1 + APART * (before.kind != after.kind))
    return places


def _right(info: RatiosInfo) -> float:
    """Where the axis ends."""
    return (_places(info) or [0.0])[-1] + 0.6


def _offsets(info: RatiosInfo) -> dict[str, float]:
    """Label → how far its marks stand from the middle of a test's room."""
    labels = [one.label for one in info.ranges if one.evaluated]
    return {label: WIDE * ((place + 0.5) / len(labels) - 0.5) for place, label in enumerate(labels)}


def _x_axis(info: RatiosInfo) -> dict[str, Any]:
    places = _places(info)
    seen = [any(one.seen[number] for one in info.ranges) for number in range(len(info.tests))]
    texts = [
        "<br>".join(map(escaped, one.short.split(" "))) + (f" {SEEN}" if marked else "")
        for one, marked in zip(info.tests, seen, strict=True)
    ]
    made = axis(
        tickvals=[0.0, *places], ticktext=[f"<b>{info.measure.mean}</b>", *texts], range=[-0.7, _right(info)],
        showgrid=False, showline=True,
    )  # fmt: skip
    return made | {"tickfont": {"color": MUTED, "size": SMALL - 1}}


def _values(info: RatiosInfo) -> list[float]:
    found = [value for curve in info.curves if curve.role == "member" for value in (curve.mean, *curve.values)]
    if info.baseline is not None:
        found += [info.baseline.mean, *info.baseline.values.values()]
    return sorted(shown for value in found if (shown := info.measure.shown(value)) is not None)


def _fences(values: Sequence[float]) -> tuple[float, float]:
    q1, q3 = quantile(values, 0.25), quantile(values, 0.75)
    return q1 - FENCE * (q3 - q1), q3 + FENCE * (q3 - q1)


def _y_range(info: RatiosInfo) -> list[float]:
    """What the trials span, the normaliser in it, but for what lies beyond Tukey's outer fences."""
    values = _values(info)
    if not values:
        return [0.0, 1.0]
    low, high = _fences(values)
    inside = [value for value in values if low <= value <= high]
    inside += [info.measure.factor] if info.measure.normalizer is not None else []
    pad = 0.06 * (max(inside) - min(inside) or max(inside) or 1.0)
    return [round(max(min(inside) - pad, min(0.0, min(inside))), 3), round(max(inside) + pad, 3)]


def _outside(info: RatiosInfo) -> int:
    low, high = _y_range(info)
    return sum(not low <= value <= high for value in _values(info))


def _references(info: RatiosInfo) -> Iterator[Trace]:
    """The normaliser's level, and the baseline where its rates are not the ones."""
    right = _right(info)
    measure = info.measure
    if measure.normalizer is not None:
        name = f"{measure.normalizer} = {measure.factor:g}"
        yield {
            "type": "scatter", "mode": "lines", "x": [-0.7, right], "y": [measure.factor] * 2,
            "name": name, "hoverinfo": "skip",
            "line": {"color": BASELINE.colour, "width": 1.5},
            "meta": {"name": "normaliser", "end": escaped(name), "right": right},
        }  # fmt: skip
    if info.baseline is not None:
        ordered = [info.baseline.values.get(one.label) for one in info.tests]
        xs, numbers_ = _broken(info, 0.0)
        name = info.baseline_name
        yield {
            "type": "scatter", "mode": "lines+markers", "x": xs,
            "y": _picked(numbers_, [info.baseline.mean, *ordered], info), "name": name,
            "line": {"color": BASELINE.colour, "width": 1.5},
            "marker": {"symbol": BASELINE.symbol, "size": 7, "color": BASELINE.colour},
            "customdata": _picked_texts(numbers_, [info.baseline.mean, *ordered], info),
            "hovertemplate": f"<b>{escaped(name)}</b><br>%{{customdata}}<extra></extra>",
            "meta": {"label": name, "name": name, "end": end_text(name), "right": right},
        }  # fmt: skip


def _broken(info: RatiosInfo, offset: float) -> tuple[list[float | None], list[int | None]]:
    """(places, which value stands there: 0 the mean, then the tests) with a gap between kinds."""
    xs: list[float | None] = [offset]
    which: list[int | None] = [0]
    numbered = zip(info.tests, _places(info), range(1, len(info.tests) + 1), strict=True)
    for _, members in groupby(numbered, key=lambda one: one[0].kind):
        xs.append(None)
        which.append(None)
        for _, place, number in members:
            xs.append(round(place + offset, 4))
            which.append(number)
    return xs, which


def _picked(which: Sequence[int | None], values: Sequence[float | None], info: RatiosInfo) -> list[float | None]:
    return [None if number is None else info.measure.shown(values[number]) for number in which]


def _picked_texts(which: Sequence[int | None], values: Sequence[float | None], info: RatiosInfo) -> list[str]:
    return ["" if number is None else _told(info, number, values[number]) for number in which]


def _told(info: RatiosInfo, number: int, value: float | None) -> str:
    """`gaussian noise: 96.3`"""
    return "" if value is None else f"{escaped(_name(info, number))}: {info.measure.told(value)}"


def _name(info: RatiosInfo, number: int) -> str:
    return info.measure.mean if number == 0 else info.tests[number - 1].spoken


def _bars(info: RatiosInfo, looks: Mapping[str, Look]) -> Iterator[Trace]:
    """From the lowest to the highest trial, from the first to the third quartile, and the median."""
    offsets = _offsets(info)
    for one in info.ranges:
        if one.evaluated > 1:
            xs = [round(place + offsets[one.label], 4) for place in (0.0, *_places(info))]
            wide = WIDE / len(offsets)
            yield _bar(info, one, looks[one.label], xs, ("min", "max"), ALL, 0.86 * wide)
            yield _bar(info, one, looks[one.label], xs, ("q25", "q75"), HALF, 0.5 * wide)
            yield {
                "type": "scatter", "mode": "markers", "x": xs, "y": _edge(info, one, "median"), "hoverinfo": "skip",
                "name": f"{one.label} median", "meta": {"label": one.label, "name": one.label},
                "marker": {"symbol": "line-ew-open", "size": 9, "color": looks[one.label].colour,
                           "line": {"width": 2, "color": looks[one.label].colour}},
            }  # fmt: skip


def _edge(info: RatiosInfo, one: RatioRange, edge: str) -> list[float | None]:
    return [info.measure.shown(column.get(edge)) for column in (one.mean, *one.edges)]


def _bar(
    info: RatiosInfo, one: RatioRange, look: Look, xs: list[float], edges: tuple[str, str], alpha: float, wide: float
) -> Trace:
    lows, highs = (_edge(info, one, edge) for edge in edges)
    hollow = [False, *one.seen]
    return {
        "type": "bar", "x": xs, "base": lows, "width": round(wide, 4), "name": f"{one.label} {edges[0]} to {edges[1]}",
        "y": [None if low is None or high is None else round(high - low, 3)
              for low, high in zip(lows, highs, strict=True)],
        "marker": {
            "color": [translucent(look.colour, HOLLOW if seen else alpha) for seen in hollow],
            "line": {"color": look.colour, "width": [1 if seen else 0 for seen in hollow]},
        },
        "customdata": [_bar_text(info, one, number) for number in range(len(xs))],
        "hovertemplate": "%{customdata}<extra></extra>",
        "meta": {"label": one.label, "name": one.label},
    }  # fmt: skip


def _bar_text(info: RatiosInfo, one: RatioRange, number: int) -> str:
    found = one.mean if number == 0 else one.edges[number - 1]
    if not found:
        return ""
    told = info.measure.told
    lines = [
        f"<b>{escaped(one.label)}</b>, {count(one.evaluated, 'trial')}, {escaped(_name(info, number))}",
        f"{told(found['min'])} to {told(found['max'])}, median {told(found['median'])}",
        *(["shown in training"] if number and one.seen[number - 1] else []),
        *([f"{one.diverged} of {one.evaluated} diverged"] if one.diverged else []),
    ]
    return "<br>".join(lines)


def _lines(info: RatiosInfo, looks: Mapping[str, Look]) -> Iterator[Trace]:
    """Best solid with filled markers, worst dashed with open ones; any other hidden until it is followed."""
    offsets = _offsets(info)
    for curve in info.curves:
        look, worst, member = looks[curve.label], curve.role == "worst", curve.role == "member"
        xs, which = _broken(info, round(offsets[curve.label], 4))
        values = (curve.mean, *curve.values)
        name = f"followed {curve.name}" if member else curve.name
        meta: dict[str, Any] = {"follow": curve.trial_id} if member else {"show": {"pick": curve.by}}
        yield {
            "type": "scatter", "mode": "lines+markers", "x": xs, "y": _picked(which, values, info), "name": name,
            "line": {"color": look.colour, "width": 3 if member else 1.4, "dash": "dash" if worst else "solid"},
            "marker": {"symbol": f"{look.symbol}-open" if worst else look.symbol, "size": 7, "color": look.colour},
            "customdata": _picked_texts(which, values, info),
            "hovertemplate": _hover(curve),
            "meta": {"label": curve.label, "name": curve.label, "trials": [curve.trial_id] * len(xs),
                     "end": end_text(name), "right": _right(info), **meta},
        }  # fmt: skip


def _hover(curve: RatioCurve) -> str:
    diverged = ", diverged" if curve.diverged else ""
    return (
        f"<b>{escaped(curve.name)}</b>{diverged}<br>%{{customdata}}<br>"
        f"trial {curve.trial_id[:ID_DIGITS]}, click to follow<extra></extra>"
    )


def _dots(info: RatiosInfo, looks: Mapping[str, Look]) -> Iterator[Trace]:
    """Every trial's mean; a cross diverged."""
    offsets = _offsets(info)
    for label, offset in offsets.items():
        own = [one for one in info.curves if (one.label, one.role) == (label, "member") and one.mean is not None]
        if own:
            yield {
                "type": "scatter", "mode": "markers", "name": f"{label}, {info.measure.mean}",
                "x": [round(offset, 4)] * len(own), "y": [info.measure.shown(one.mean) for one in own],
                "marker": {"symbol": [DIVERGED_SYMBOL if one.diverged else looks[label].symbol for one in own],
                           "size": 8, "color": looks[label].colour, "opacity": 0.7},
                "customdata": [
                    [escaped(one.hyperparameters), info.measure.told(one.mean or 0.0), one.trial_id[:ID_DIGITS]]
                    for one in own
                ],
                "hovertemplate": f"<b>{escaped(label)}</b> %{{customdata[0]}}<br>{info.measure.mean} %{{customdata[1]}}"
                "<br>trial %{customdata[2]}, click to follow<extra></extra>",
                "meta": {"label": label, "name": label, "trials": [one.trial_id for one in own]},
            }  # fmt: skip


def _notes(info: RatiosInfo) -> Iterator[dict[str, Any]]:
    """What the axis reads, and the kinds of tests above them."""
    yield note(
        info.measure.title, xref="paper", yref="paper", x=0, y=1, xanchor="left", yanchor="bottom", xshift=-46,
        yshift=38,
    )  # fmt: skip
    for kind, members in groupby(zip(info.tests, _places(info), strict=True), key=lambda one: one[0].kind):
        places = [place for _, place in members]
        yield note(kind, xref="x", yref="paper", x=(places[0] + places[-1]) / 2, y=1, yanchor="bottom", yshift=6)


def _dividers(info: RatiosInfo) -> Iterator[dict[str, Any]]:
    """Between the mean and the tests, and between kinds."""
    places = _places(info)
    gaps = [FIRST - 0.8] + [
        (before + after) / 2 for before, after in pairwise(places) if after - before > 1 + APART / 2
    ]
    for place in gaps if places else ():
        yield {
            "type": "line", "xref": "x", "yref": "paper", "x0": place, "x1": place, "y0": 0, "y1": 1,
            "line": {"color": MUTED, "width": 1, "dash": "dot"}, "layer": "below",
        }  # fmt: skip


def explanation(info: RatiosInfo) -> str:
    """The figure in words, for who cannot see it."""
    told = [
        f"{one.label}: {info.measure.told(one.mean['min'])} to {info.measure.told(one.mean['max'])} over "
        f"{count(one.evaluated, 'trial')}"
        for one in info.ranges
        if one.mean
    ]
    tests = count(len(info.tests), "test")
    return f"{headed(info.measure.title)}, under {tests}. {info.measure.mean}: {'; '.join(told)}."
