"""Noise stability, drawn as the paper's Figs. 3 and 5 (Rozsa et al. 2016): stage across, noise upwards, and besides the
difference of the two networks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dashboards.captions import captioned
from dashboards.drawing import Drawing, Trace, axis, drawing, escaped, note
from dashboards.figures.draw_heat_map import COLOURS
from dashboards.figures.noise_stability import Shares, StabilityInfo
from dashboards.palette import INK, KNOWN, MUTED, WITHIN
from dashboards.wording import count, fitted, percent, points
from study.report import figure

PANEL, GAP, TOP, BOTTOM = 300, 104, 64, 56
"""Pixels of a panel, between two rows of them, above and below."""
WIDTH = 1160
LONGEST = 34
"""Characters of a panel's title."""
MOST_TICKS = 7
FEWER, MORE = KNOWN["ST"][0], KNOWN["DA"][0]
"""Where noise changes fewer answers than of the baseline, and where more."""
ACROSS = (1, 2, 3)


@dataclass(frozen=True)
class Panel:
    """One map."""

    title: str
    shares: Shares
    scale: str
    """The colour axis."""


def draw_noise_stability(info: StabilityInfo) -> Drawing:
    """The baseline's map, the network's on the same colours, and their difference; without a baseline one map."""
    panels = tuple(_panels(info))
    axes = {}
    for number in range(1, len(panels) + 1):
        suffix = _suffix(number)
        axes[f"xaxis{suffix}"] = _axis(info.counts, info.stages, anchor=f"y{suffix}")
        axes[f"yaxis{suffix}"] = _axis("", info.sigmas, anchor=f"x{suffix}")
    made = drawing(
        [_map(info, panel, _suffix(number)) for number, panel in enumerate(panels, start=1)],
        height=0,
        margin={"l": 52, "r": 12, "t": TOP, "b": BOTTOM},
        **axes,
        **_scales(info),
    )
    made["layout"]["annotations"] = [_title(panel, _suffix(number)) for number, panel in enumerate(panels, start=1)]
    arrangements = {str(across): _arranged(len(panels), across) for across in ACROSS}
    made["layout"]["meta"] = {"arrangements": arrangements, "width": WIDTH if len(panels) > 1 else WIDTH // 2}
    for path, value in arrangements[str(len(panels))].items():
        _change(made["layout"], path.split("."), value)
    same = ", the same in all panels" if len(panels) > 1 else ""
    return captioned(
        made, [f"{count(info.images, 'test image')}{same}", f"{count(info.draws, 'draw')} of noise for each"]
    )


def _suffix(number: int) -> str:
    return "" if number == 1 else str(number)


def _panels(info: StabilityInfo) -> Iterator[Panel]:
    difference = info.difference
    if info.baseline_changed is not None and difference is not None:
        yield Panel(info.baseline_name or "", info.baseline_changed, "coloraxis")
        yield Panel(info.name, info.changed, "coloraxis")
        yield Panel("difference, points", difference, "coloraxis2")
    else:
        yield Panel(info.name, info.changed, "coloraxis")


def _axis(title: str, values: Sequence[float], **more: object) -> dict[str, object]:
    every = -(-len(values) // MOST_TICKS)
    places = list(range(len(values) - 1, -1, -every))[::-1]
    made = axis(
        title, tickvals=places, ticktext=[figure(values[place]) for place in places],
        range=[-0.5, len(values) - 0.5], showgrid=False, **more,
    )  # fmt: skip
    made["title"]["standoff"] = 8
    return made


def _map(info: StabilityInfo, panel: Panel, suffix: str) -> Trace:
    told = "difference %{z:+.1f} points" if panel.scale == "coloraxis2" else "%{z:.1f} % of answers changed"
    return {
        "type": "heatmap", "z": [[None if one is None else round(100 * one, 3) for one in row] for row in panel.shares],
        "xaxis": f"x{suffix}", "yaxis": f"y{suffix}", "coloraxis": panel.scale, "xgap": 1, "ygap": 1,
        "name": panel.title, "hoverongaps": False,
        "text": [[f"{stage:,} {info.counts}, σ = {figure(sigma)}" for stage in info.stages] for sigma in info.sigmas],
        "hovertemplate": f"<b>{escaped(panel.title)}</b><br>%{{text}}<br>{told}<extra></extra>",
        "meta": {"trials": []},
    }  # fmt: skip


def _title(panel: Panel, suffix: str) -> dict[str, object]:
    (title,) = fitted(panel.title, LONGEST)
    return note(
        f"<b>{escaped(title)}</b><br>σ of the noise, of 255", xref=f"x{suffix} domain", yref=f"y{suffix} domain", x=0,
        y=1, xanchor="left", yanchor="bottom", yshift=6, align="left",
    )  # fmt: skip


def _scales(info: StabilityInfo) -> dict[str, object]:
    """One for the shares of both networks, from 0; one for their difference, even about 0."""
    most = _most(info.changed, info.baseline_changed or ())
    far = _most(info.difference or ())
    bar = {"outlinewidth": 0, "thickness": 12, "lenmode": "fraction", "yanchor": "top", "xanchor": "left",
           "ticks": "outside", "tickcolor": MUTED, "tickfont": {"color": INK}}  # fmt: skip
    diverging = [[0, FEWER], [0.5, WITHIN], [1, MORE]]
    shares = {"cmin": 0, "cmax": most, "colorscale": COLOURS, "colorbar": {**bar, "ticksuffix": " %"}}
    differences = {"cmin": -far, "cmax": far, "colorscale": diverging, "colorbar": {**bar, "tickformat": "+.3~g"}}
    if info.difference is None:
        return {"coloraxis": shares}
    return {"coloraxis": shares, "coloraxis2": differences}


def _most(*of: Shares) -> float:
    """The largest, in percent."""
    return max((100 * abs(one) for shares in of for row in shares for one in row if one is not None), default=0) or 1.0


def _arranged(panels: int, across: int) -> dict[str, object]:
    """Changes of layout that put the panels in rows of `across`, colour bars to the right of what they are of."""
    across = min(across, panels)
    rows = -(-panels // across)
    inside = rows * PANEL + (rows - 1) * GAP
    changes: dict[str, object] = {"height": inside + TOP + BOTTOM}
    wide = {1: 0.86, 2: 0.42, 3: 0.245}[across]
    lefts = {1: (0.0,), 2: (0.0, 0.48), 3: (0.0, 0.3, 0.68)}[across]
    barred = {0: "coloraxis"} if panels == 1 or across == 1 else {1: "coloraxis"}
    if panels > 1:
        barred[2] = "coloraxis2"
    for place in range(panels):
        row, column = divmod(place, across)
        top = 1 - row * (PANEL + GAP) / inside
        right = lefts[column] + wide
        changes[f"xaxis{_suffix(place + 1)}.domain"] = [lefts[column], right]
        changes[f"yaxis{_suffix(place + 1)}.domain"] = [max(0.0, top - PANEL / inside), top]
        if place in barred:
            place_of_bar = {"x": right + 0.012, "y": top, "len": PANEL / inside}
            changes |= {f"{barred[place]}.colorbar.{name}": value for name, value in place_of_bar.items()}
    return changes


def _change(layout: Drawing, path: Sequence[str], value: object) -> None:
    for name in path[:-1]:
        layout = layout[name]
    layout[path[-1]] = value


def explanation(info: StabilityInfo) -> str:
    """The figure in words: the last stage under the strongest noise, and whether images are lacking."""
    where = f"After {info.stages[-1]:,} {info.counts}, under σ = {figure(info.sigmas[-1])} of 255"
    own = info.changed[-1][-1]
    if own is None:
        return f"No image is right at all tested stages of {'both networks' if info.baseline_name else info.name}."
    told = f"{where}, noise changes {percent(own)} % of the answers of {info.name}"
    if info.baseline_changed is not None and (other := info.baseline_changed[-1][-1]) is not None:
        told += f" and {percent(other)} % of {info.baseline_name}'s, {points(own - other)} points"
    lacking = f" Too few images: {info.short}." if info.short else ""
    return f"{told}.{lacking}"
