"""The heat map's colours and its line, where a trial has collapsed."""

from dataclasses import replace

import pytest

from dashboards.drawing import Trace
from dashboards.figures.draw_heat_map import draw_heat_map, explanation
from dashboards.figures.heat_map import HeatMapInfo, Square, grids, heat_map_info
from dashboards.results import Results


@pytest.fixture(scope="module")
def info(results: Results) -> HeatMapInfo:
    """All trials finite, 80 to 92 % in even steps, the baseline at 85."""
    (grid,) = grids(results)
    made = heat_map_info(results, grid, results.sweep("gaussian_noise"), 0.3)
    even = iter(0.80 + 0.005 * step for step in range(25))
    return replace(
        made,
        squares=tuple(tuple(replace(one, accuracy=next(even), diverged=0) for one in row) for row in made.squares),
        baseline=0.852,
    )  # fmt: skip


def changed(info: HeatMapInfo, **places: dict[str, object]) -> HeatMapInfo:
    """`at_3_1={"accuracy": 0.1}`: the square in column 3 of row 1."""
    squares = [list(row) for row in info.squares]
    for place, fields in places.items():
        _, column, row = place.split("_")
        squares[int(row)][int(column)] = replace(squares[int(row)][int(column)], **fields)  # type: ignore[arg-type]
    return replace(info, squares=tuple(map(tuple, squares)))


def squares(info: HeatMapInfo) -> Trace:
    trace: Trace = draw_heat_map(info)["data"][0]
    return trace


def test_without_a_collapsed_trial_colours_span_what_there_is(info: HeatMapInfo) -> None:
    drawn = squares(info)
    assert (drawn["zmin"], drawn["zmax"]) == (pytest.approx(80), pytest.approx(92))
    assert not any("≤" in text for text in drawn["colorbar"]["ticktext"])
    assert "where colours begin" not in explanation(info)


def test_a_collapsed_trial_leaves_the_others_their_colours(info: HeatMapInfo) -> None:
    one = changed(info, at_4_4={"accuracy": 0.1})
    drawn = squares(one)
    known = sorted(100 * square.accuracy for row in one.squares for square in row if square.accuracy is not None)
    q1, q3 = known[6], known[18]
    assert drawn["zmin"] == pytest.approx(q1 - 1.5 * (q3 - q1))
    assert drawn["zmin"] > 60
    texts = drawn["colorbar"]["ticktext"]
    assert texts[0] == f"≤ {drawn['zmin']:.1f}"
    assert sum("≤" in text for text in texts) == 1
    assert drawn["text"][4][4] == "10.0", "the number stays"
    assert f"1 square lies below {drawn['zmin']:.1f} %, where colours begin." in explanation(one)


def test_a_baseline_below_the_fence_is_where_colours_begin(info: HeatMapInfo) -> None:
    drawn = squares(replace(changed(info, at_4_4={"accuracy": 0.1}), baseline=0.4))
    assert drawn["zmin"] == pytest.approx(40)
    assert [text for text in drawn["colorbar"]["ticktext"] if "≤" in text] == ["<b>◂ ≤ 40.0<br>Baseline</b>"]


def test_a_trial_that_diverged_moves_no_colour(info: HeatMapInfo) -> None:
    drawn = squares(changed(info, at_4_4={"accuracy": 0.1, "diverged": 1}))
    assert drawn["zmin"] == pytest.approx(80)


def test_equal_trials_have_a_colour(info: HeatMapInfo) -> None:
    even = replace(info, squares=tuple(tuple(replace(one, accuracy=0.9) for one in row) for row in info.squares))
    drawn = squares(replace(even, baseline=None))
    assert drawn["zmin"] < drawn["zmax"]


def test_the_line_runs_between_squares_above_the_baseline_and_others_and_through_no_number(info: HeatMapInfo) -> None:
    crossed = changed(info, at_2_3={"diverged": 1}, at_0_4={"accuracy": None})
    lines = [trace for trace in draw_heat_map(crossed)["data"] if trace["name"] == "level of Baseline"]
    assert len(lines) == 2
    ends = list(zip(lines[0]["x"], lines[0]["y"], strict=True))
    edges = {(*a, *b) for a, b, gap in zip(ends[::3], ends[1::3], ends[2::3], strict=True) if gap == (None, None)}
    found = set()
    for x0, y0, x1, y1 in edges:
        upright = x0 == x1
        assert (x0 if upright else y0) % 1 == 0.5, "between squares, never through their middles"
        column, row = (x0 - 0.5, (y0 + y1) / 2) if upright else ((x0 + x1) / 2, y0 - 0.5)
        found.add((round(column), round(row), upright))

    def side(square: Square) -> bool | None:
        return None if square.accuracy is None or square.diverged else square.accuracy > 0.852

    expected = set()
    for row in range(5):
        for column in range(5):
            here = side(crossed.squares[row][column])
            for upright, (c, r) in ((True, (column + 1, row)), (False, (column, row + 1))):
                there = side(crossed.squares[r][c]) if c < 5 and r < 5 else None
                if None not in (here, there) and here != there:
                    expected.add((column, row, upright))
    assert found == expected
    assert expected
