"""The tables under the figures, and the widths in them: enough to draw the figures again."""

from pathlib import Path

import pytest

from dashboards.answers import answer, sentences
from dashboards.figures.bands import Selection, bands_info
from dashboards.figures.draw_bands import draw_bands
from dashboards.pages.bands import bands_table
from dashboards.pages.figures import curves_table
from dashboards.palette import looks
from dashboards.picks import BY
from dashboards.ranges import comparable
from dashboards.results import Results
from dashboards.selections import paper_figures
from tests.dashboards.made import TEXT, made

NOISE = Selection(train_distortion="gaussian_noise", test_distortion="gaussian_noise")
ONE_SIGMA = ("{sigma: {log: [0.05, 0.8, 5]}}", "{sigma: 0.3}")
LONE = "  Lone: {method: data_augmentation, p: 0.75, distortion: gaussian_noise}\n"


@pytest.fixture(scope="module")
def beside_a_lone_trial(tmp_path_factory: pytest.TempPathFactory) -> Results:
    text = TEXT.replace("  Baseline:", f"{LONE}  Baseline:").replace(*ONE_SIGMA)
    return made(tmp_path_factory.mktemp("lone"), text)


def test_widths_are_compared_at_the_smallest_number_that_has_a_width() -> None:
    assert [comparable(one) for one in ([6, 4], [6, 4, 1], [1, 1], [], [0, 3])] == [4, 4, 0, 0, 3]


def test_a_method_with_one_trial_leaves_the_others_compared(beside_a_lone_trial: Results) -> None:
    first, second, *_ = sentences(answer(beside_a_lone_trial, NOISE, "test"))
    assert "at equal numbers, any 2 of the 5 ST trials span" in first
    assert second == "Lone has one trial, so no range."
    info = bands_info(beside_a_lone_trial, NOISE)
    assert info.equal_n == 2
    expected = {band.label: [one is not None for one in band.expected] for band in info.bands}
    assert expected == {"Lone": [False] * 4, "ST": [True] * 4, "DA": [True] * 4}


def test_without_two_trials_of_a_method_no_column_tells_a_width(tmp_path: Path) -> None:
    text = TEXT.replace(*ONE_SIGMA).replace("alpha: {log: [0.01, 10, 5]}", "alpha: 1").replace("p: [0.5, 1]", "p: 1")
    info = bands_info(made(tmp_path, text), NOISE)
    assert [band.evaluated for band in info.bands] == [1, 1]
    table = bands_table(info)
    assert not any("width" in column.name for column in table.columns)
    assert {len(row) for row in table.rows} == {len(table.columns)}


def test_the_drawn_curves_can_be_rebuilt_from_the_table(results: Results) -> None:
    """By either way of picking."""
    info = bands_info(results, NOISE)
    table = bands_table(info)
    rows = [dict(zip([column.name for column in table.columns], row, strict=True)) for row in table.rows]
    rebuilt = set()
    for name in rows[0]:
        if name.endswith("_trial"):
            drawn = name.removesuffix("_trial")
            for band in info.bands:
                own = [row for row in rows if (row["label"], row["trained_on"]) == (band.label, band.train_distortion)]
                accuracies = tuple(round(100 * row[drawn], 3) for row in own)
                ((trial, told),) = {(row[name], row[f"{drawn}_hyperparameters"]) for row in own}
                rebuilt.add((drawn.split("_")[0], drawn.split("_")[2], trial, accuracies))
                assert told == next(one.in_brackets for one in results.trials if one.trial_id == trial)
    traces = draw_bands(info, looks(results.labels))["data"]
    picked = [trace for trace in traces if trace["name"].startswith(("best ", "worst "))]
    assert {
        (trace["name"].split()[0], trace["meta"]["show"]["pick"], trace["meta"]["trials"][0], tuple(trace["y"]))
        for trace in picked
    } == rebuilt
    assert {pick for _, pick, _, _ in rebuilt} == set(BY)


@pytest.mark.parametrize("figure", [0, 1])
def test_a_figures_curves_can_be_rebuilt_from_its_table(results: Results, figure: int) -> None:
    """By either way of picking, at every level where it is picked."""
    info = bands_info(results, paper_figures(results)[figure].selection)
    table = curves_table([("", info)])
    names = [column.name for column in table.columns]
    curves: dict[tuple[object, ...], list[float]] = {}
    for row in (dict(zip(names, one, strict=True)) for one in table.rows):
        if row["curve"] in ("best", "worst"):
            key = (row["curve"], row["picked_by"], row["trial_id"], row["picked_at"])
            curves.setdefault(key, []).append(round(100 * row["accuracy"], 3))
    traces = draw_bands(info, looks(results.labels))["data"]
    picked = [trace for trace in traces if trace["name"].startswith(("best ", "worst "))]
    assert {
        (trace["name"].split()[0], trace["meta"]["show"]["pick"], trace["meta"]["trials"][0], tuple(trace["y"]))
        for trace in picked
    } == {(*key[:3], tuple(accuracies)) for key, accuracies in curves.items()}
    assert {by for _, by, _, _ in curves} == set(BY)
    assert {at for *_, at in curves} == set(info.picked_at)


def test_ids_are_in_the_file_and_not_on_the_page(results: Results) -> None:
    columns = {column.name: column.title for column in bands_table(bands_info(results, NOISE)).columns}
    for by in BY:
        for role in ("best", "worst"):
            assert columns[f"{role}_by_{by}"] == f"{role} by {by}"
            assert columns[f"{role}_by_{by}_hyperparameters"] == f"hyperparameters of {role} by {by}"
            assert columns[f"{role}_by_{by}_trial"] == ""
