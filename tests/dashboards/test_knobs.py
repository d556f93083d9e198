"""What each knob does: lines where a grid varies one hyperparameter, points alone where a search drew them all."""

import math
from copy import copy
from dataclasses import replace
from itertools import pairwise

import pytest

from dashboards.ends import CHARACTER
from dashboards.figures.bands import Selection
from dashboards.figures.draw_knobs import PANEL, WIDE, draw_knobs
from dashboards.figures.knobs import KnobsInfo, knobs_info
from dashboards.pages import pages
from dashboards.palette import looks
from dashboards.reading import read_results
from dashboards.results import Results
from study.plan import Draw
from tests.study.search.finished import made

NOISE = Selection(train_distortion="gaussian_noise", test_distortion="gaussian_noise")
FEW = 4


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Results:
    store, _ = made(tmp_path_factory.mktemp("few"), FEW)
    return read_results(store, "search_mnist")


def drawn_otherwise(results: Results, draw: Draw) -> KnobsInfo:
    """As if the search had drawn every number so."""
    searches = tuple(
        replace(search, space=tuple(replace(one, draw=draw) for one in search.space))
        for search in results.plan.searches
    )
    plan = replace(results.plan, searches=searches)
    launch = copy(results.launch)
    vars(launch)["plan"] = plan
    return knobs_info(replace(results, launch=launch), NOISE)


def lead(results: Results) -> str:
    (page,) = [page for page in pages(results) if page.name == "knobs"]
    return page.body.partition('<figure class="slot')[0]


def test_points_of_a_search_are_never_joined_however_few(searched: Results, results: Results) -> None:
    panels = knobs_info(searched, NOISE).panels
    assert len(panels) == 4
    assert all(panel.scattered and len(panel.lines[0].points) == FEW for panel in panels)
    assert not any(panel.scattered for panel in knobs_info(results, NOISE).panels)


def test_the_axis_is_as_the_search_draws(searched: Results) -> None:
    for draw, log in (("loguniform", True), ("uniform", False), ("int", False)):
        assert [panel.log for panel in drawn_otherwise(searched, draw).panels] == [log] * 4  # type: ignore[arg-type]


def test_the_lead_promises_lines_only_where_there_are_some(searched: Results, results: Results) -> None:
    assert "Points of ST and DA without a line differ in the other hyperparameters too." in lead(searched)
    assert "A line for each" not in lead(searched)
    assert "A line for each value of the other hyperparameters." in lead(results)
    assert "without a line" not in lead(results)


def test_axes_say_what_they_are_in_which_unit_and_the_baseline_has_its_name(results: Results) -> None:
    info = knobs_info(results, NOISE)
    drawn = draw_knobs(info, looks(results.labels))
    layout = drawn["layout"]
    titles = {panel.symbol: layout[f"xaxis{place or ''}"]["title"]["text"]
              for place, panel in zip((None, *range(2, len(info.panels) + 1)), info.panels, strict=True)}  # fmt: skip
    assert titles == {"α": "α (log)", "σ": "σ in training, pixels in [0, 1] (log)", "p": "p"}
    for across, changes in layout["meta"]["arrangements"].items():
        titled = [place for place in range(len(info.panels))
                  if changes[f"yaxis{place + 1 if place else ''}.title.text"] == "accuracy, %"]  # fmt: skip
        assert titled == list(range(0, len(info.panels), int(across)))
    lines = [trace for trace in drawn["data"] if trace["meta"]["name"] == "Baseline"]
    assert [trace["text"][-1] for trace in lines] == ["Baseline"] * len(info.panels)


def test_lines_are_named_at_their_own_ends_apart_and_look_different(results: Results) -> None:
    info = knobs_info(results, NOISE)
    drawn = draw_knobs(info, looks(results.labels))
    layout, panels = drawn["layout"], dict(zip(("x", "x2", "x3", "x4"), info.panels, strict=True))
    named = [one for one in layout["annotations"] if one.get("name", "").startswith("end:")]
    assert len(named) == sum(len(panel.lines) for panel in info.panels if panel.lines[0].others) == 5 + 5 + 5 + 2
    for x, panel in panels.items():
        own = [one for one in named if one["xref"] == x]
        traces = [drawn["data"][int(one["name"][4:])] for one in own]
        low, high = layout[f"yaxis{x[1:]}"]["range"]
        tops = []
        for one, trace, line in zip(own, traces, panel.lines, strict=True):
            assert one["text"] == line.others
            last = trace["x"][-1]
            assert one["x"] == pytest.approx(math.log10(last) if panel.log else last)
            assert one["y"] == trace["y"][-1]
            tops.append((high - one["y"]) * PANEL / (high - low) + one["ay"])
            edge = layout[f"xaxis{x[1:]}"]["range"]
            room = (edge[1] - one["x"]) / (edge[1] - edge[0]) * WIDE
            assert room >= 14 + CHARACTER * len(line.others), "the name stands inside its panel"
        assert all(b - a >= 15 for a, b in pairwise(sorted(tops)))
        looks_of = {(trace["line"]["dash"], trace["opacity"]) for trace in traces}
        assert len({opacity for _, opacity in looks_of}) == len(looks_of) == len(own)


def test_points_of_a_search_have_no_names_beside_them(searched: Results) -> None:
    drawn = draw_knobs(knobs_info(searched, NOISE), looks(searched.labels))
    assert not any(one.get("name", "").startswith("end:") for one in drawn["layout"]["annotations"])
