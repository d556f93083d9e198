"""The figures' data and drawings: what a band holds, what is picked, what Plotly accepts."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from dashboards.answers import answer, sentences, why_nothing
from dashboards.catalogue import FIGURES, FigureError, figure
from dashboards.drawing import Drawing, as_figure
from dashboards.figures.bands import BandsInfo, Selection, bands_info, curve_name
from dashboards.figures.draw_bands import draw_bands, filled_at_first
from dashboards.figures.draw_heat_map import draw_heat_map, explanation
from dashboards.figures.heat_map import grids, heat_map_info
from dashboards.figures.standing import draw_standing, standing_info
from dashboards.pages import names, pages
from dashboards.palette import looks
from dashboards.picks import pick
from dashboards.ranges import BANDS
from dashboards.reading import read_results
from dashboards.results import Results, practical_condition
from dashboards.wording import telling
from study.plan import Plan
from study.query import open_tables
from study.store import Store
from tests.dashboards.made import N, finished, in_memory

NOISE = Selection(train_distortion="gaussian_noise", test_distortion="gaussian_noise")


@pytest.fixture(scope="module")
def info(results: Results) -> BandsInfo:
    return bands_info(results, NOISE)


def drawings(results: Results) -> Iterator[tuple[str, Drawing]]:
    for page in pages(results):
        for slot in page.slots:
            for variant in slot.variants:
                if variant.drawing is not None:
                    yield slot.name, variant.drawing


def test_a_band_holds_all_its_members(info: BandsInfo) -> None:
    checked = 0
    for curve in info.curves:
        band = next(band for band in info.bands if band.name == curve.name)
        for step, accuracy in enumerate(curve.accuracy):
            low, high = band.edges["min"][step], band.edges["max"][step]
            assert low is not None
            assert high is not None
            assert accuracy is not None
            assert low <= accuracy <= high
            checked += 1
    assert checked == (25 + 10 + 2 * 4) * 4


def test_edges_are_in_order_and_narrow_bands_lie_in_wide_ones(info: BandsInfo) -> None:
    for band in info.bands:
        for step in range(info.steps):
            edges = [band.edges[name][step] for name in ("min", "q10", "q25", "median", "q75", "q90", "max")]
            assert all(a <= b for a, b in pairwise(edges))  # type: ignore[operator]


def test_bands_are_those_of_the_view(store: Store, plan: Plan, info: BandsInfo) -> None:
    sql = "FROM bands WHERE train_distortion = 'gaussian_noise' AND test_distortion = 'gaussian_noise'"
    rows = open_tables(store, plan.study).sql(sql).to_pylist()
    assert len(rows) == 2 * 4
    for row in rows:
        band = next(band for band in info.bands if band.label == row["label"])
        for name in ("min", "q25", "median", "q75", "max"):
            assert band.edges[name][row["step"]] == pytest.approx(row[name])
        assert (band.evaluated, band.diverged) == (row["trials"], row["diverged"])
        assert info.baseline[row["step"]] == pytest.approx(row["baseline"])


def test_a_capital_that_says_nothing_by_itself_gives_way_to_the_name() -> None:
    letters = {
        ("σ", "sigma"): "σ",
        ("q", "quality"): "q",
        ("A", "size"): "size",
        ("C", "offset"): "offset",
        ("", "x"): "x",
    }
    assert {names: telling(*names) for names in letters} == letters


def test_picks_on_test_images_are_those_of_the_view(store: Store, plan: Plan, results: Results) -> None:
    rows = open_tables(store, plan.study).sql("FROM practical WHERE train_distortion IS NOT NULL").to_pylist()
    assert len(rows) == 4 * 3
    for row in rows:
        group = next(
            one
            for one in results.groups
            if (one.label, one.train_distortion) == (row["label"], row["train_distortion"])
        )
        sweep = results.sweep(row["test_distortion"])
        chosen = pick(results, group, sweep, practical_condition(sweep), "test")
        assert chosen is not None
        assert (chosen.worst.trial_id, chosen.best.trial_id) == (row["worst_trial"], row["best_trial"])


def test_picks_on_validation_images_say_so(results: Results) -> None:
    (group,) = [one for one in results.groups if one.label == "ST"]
    sweep = results.sweep("gaussian_noise")
    chosen = pick(results, group, sweep, practical_condition(sweep), "validation")
    assert chosen is not None
    assert chosen.basis == "undistorted validation images"
    assert chosen.best.validation_accuracy == max(one.validation_accuracy or 0 for one in group.trials)
    assert chosen.worst.validation_accuracy is None, "one that never had a finite epoch ranks last"
    told = " ".join(sentences(answer(results, NOISE, "validation")))
    assert "picked on undistorted validation images" in told
    assert "a range, not a choice" not in told


def test_validation_images_under_the_same_distortion_come_first(plan: Plan) -> None:
    drawn = replace(plan.conditions[1], condition_id="v" * 16, split="validation", seed=1)
    wider = replace(plan, conditions=(*plan.conditions, drawn))
    opened = in_memory()
    finished(opened, wider)
    found = read_results(opened, wider.study)
    (group,) = [one for one in found.groups if one.label == "ST"]
    for name, basis in (
        ("gaussian_noise", "validation images under gaussian noise at σ = 0.1"),
        ("jpeg", "undistorted validation images"),
    ):
        sweep = found.sweep(name)
        chosen = pick(found, group, sweep, practical_condition(sweep), "validation")
        assert chosen is not None
        assert chosen.basis == basis
    scores = {trial.trial_id: found.cells[trial.trial_id, drawn.condition_id].accuracy for trial in group.trials}
    sweep = found.sweep("gaussian_noise")
    chosen = pick(found, group, sweep, practical_condition(sweep), "validation")
    assert chosen is not None
    assert scores[chosen.best.trial_id] == max(scores.values())
    assert scores[chosen.worst.trial_id] == min(scores.values())
    assert len(found.sweeps) == len(plan.sweeps)


def test_the_answer_says_over_how_many_trials_at_equal_numbers_and_with_which_error(results: Results) -> None:
    first, *rest = sentences(answer(results, NOISE, "test"))
    assert "the 25 ST trials span" in first
    assert "the 10 DA trials" in first
    assert "at equal numbers, any 10 of the 25 ST trials span" in first
    told = " ".join(rest)
    assert f"unpaired, binomial, over {N} images" in told, "ST's worst is the one at chance, which has no bits"
    assert f"paired over {N} images" in told
    assert "2 of 25 ST trials diverged" in told
    assert "a range, not a choice" in told


def test_a_pair_that_cannot_be_drawn_says_why(results: Results) -> None:
    assert why_nothing(results, "jpeg", "fgsm") == (
        "No trial of this study was trained on jpeg; it has gaussian noise and rotation."
    )
    assert why_nothing(results, "rotation", "fgsm") == ""


def test_every_trace_names_what_it_belongs_to(results: Results) -> None:
    labels = {*results.labels, "chance", "ST on gaussian noise"}
    number = 0
    for _, drawing in drawings(results):
        for trace in drawing["data"]:
            assert trace["meta"]["name"] in labels
            number += 1
    assert number > 500


def test_plotly_accepts_every_drawing(results: Results) -> None:
    kinds = dict(drawings(results))
    assert set(kinds) == {"bands", "figures", "standing", "knobs", "heat-map", "training"}
    for drawing in kinds.values():
        assert len(as_figure(drawing).data) == len(drawing["data"])


def test_at_most_two_bands_are_filled_when_the_page_opens(results: Results) -> None:
    drawn_as = looks(results.labels)
    for train in results.trained_on:
        info = bands_info(results, Selection(train_distortion=train, test_distortion="jpeg"))
        shown = [
            trace for trace in draw_bands(info, drawn_as)["data"] if trace["meta"].get("fill") and trace["visible"]
        ]
        assert 0 < len(shown) <= 4, "a band has two edges"
        assert {trace["meta"]["show"]["band"] for trace in shown} == {"all"}


def test_best_and_worst_carry_their_hyperparameters_in_the_papers_grammar(info: BandsInfo) -> None:
    named = [curve_name(curve, info) for curve in info.curves if curve.role == "best" and curve.by == "test"]
    assert len(named) == 2
    assert named[1].startswith("best DA; p = ")
    assert named[1].endswith(")")
    assert filled_at_first(info) == ("ST", "DA")


def test_every_band_option_has_its_edges(info: BandsInfo, results: Results) -> None:
    traces = draw_bands(info, looks(results.labels))["data"]
    shows = [trace["meta"]["show"]["band"] for trace in traces if trace["meta"].get("fill")]
    assert {name: shows.count(name) for name in BANDS} == dict.fromkeys(BANDS, 4)


def test_the_heat_map_is_the_grid_with_diverged_trials_crossed_out(results: Results) -> None:
    (grid,) = grids(results)
    sweep = results.sweep("gaussian_noise")
    info = heat_map_info(results, grid, sweep, 0.3)
    assert (len(info.columns), len(info.rows), info.column_symbol) == (5, 5, "α")
    drawn = draw_heat_map(info)["data"]
    values = [value for row in drawn[0]["z"] for value in row]
    assert values.count(None) == 2
    crosses = next(trace for trace in drawn if trace["name"] == "diverged")
    assert len(crosses["x"]) == 2
    assert all(len(text) <= len("100.0") for text in crosses["text"]), "words would run over the next square"
    told = [text for row in drawn[0]["customdata"] for (text,) in row]
    assert drawn[0]["hoverongaps"]
    assert sum(text.endswith("diverged") for text in told) == 2
    assert "A cross: diverged, as in 2 squares." in explanation(info)
    accuracies = {trial.trial_id: results.accuracy(trial, practical_condition(sweep)) for trial in results.trials}
    for row in info.squares:
        for square in row:
            assert square.accuracy == accuracies[square.trial_ids[0]]
    assert "Each of the 25 squares is 1 trial on 400 test images" in explanation(info)


def test_a_dot_of_the_strip_is_hollow_where_the_paired_difference_is_not_clear(results: Results) -> None:
    info = standing_info(results, replace(NOISE, test_distortion="jpeg"))
    traces = draw_standing(info, looks(results.labels))["data"]
    trials = {trial.trial_id: trial for trial in results.trials}
    condition = practical_condition(info.sweep)
    found = {"filled": 0, "hollow": 0, "diverged": 0}
    for trace in (one for one in traces if "trials" in one["meta"]):
        for trial_id, symbol in zip(trace["meta"]["trials"], trace["marker"]["symbol"], strict=True):
            difference = results.difference(trials[trial_id], condition)
            assert difference is not None
            state = "diverged" if trials[trial_id].diverged else "filled" if difference.clear else "hollow"
            assert (symbol == "x", symbol.endswith("-open")) == (state == "diverged", state == "hollow")
            found[state] += 1
    assert min(found.values()) > 0
    assert not any("fill" in trace for trace in traces), "no bar of another error beside it"


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_comes_by_its_name(store: Store, plan: Plan, name: str) -> None:
    assert figure(store, plan.study, name, train="gaussian_noise", test="gaussian_noise").data


@pytest.mark.parametrize(
    ("name", "chosen", "said"),
    [
        ("band", {}, "no figure is called 'band'; did you mean 'bands'?"),
        ("bands", {"train": "rotatoin"}, "no training distortion is called 'rotatoin'; did you mean 'rotation'?"),
        ("bands", {"test": "blur"}, "no test distortion is called 'blur'; there are gaussian_noise, jpeg and fgsm"),
        ("bands", {"methods": ["STT"]}, "no method is called 'STT'; did you mean 'ST'?"),
        ("heat_map", {"train": "rotation"}, "there is ST on gaussian noise: α × σ"),
        ("heat_map", {"level": 0.2}, "0.2 is no level of gaussian_noise; there are 0.1, 0.3 and 0.6"),
        ("training", {"measure": "loss"}, "no measure is called 'loss'"),
    ],
)
def test_a_figure_that_cannot_be_drawn_says_what_can(
    store: Store, plan: Plan, name: str, chosen: dict[str, object], said: str
) -> None:
    with pytest.raises(FigureError) as error:
        figure(store, plan.study, name, **chosen)  # type: ignore[arg-type]
    assert said in str(error.value)


def test_the_folder_is_the_registry_of_pages(results: Results) -> None:
    assert names() == (
        "pareto", "bands", "figures", "knobs", "near_duplicates", "adversarial_quality", "claims", "pairs",
        "corruptions", "perturbations", "heat_maps", "noise_stability", "training", "trials", "overview",
    )  # fmt: skip
    assert [page.name for page in pages(results)] == [
        "bands", "figures", "knobs", "claims", "pairs", "heat-map", "training", "trials", "overview",
    ]  # fmt: skip
