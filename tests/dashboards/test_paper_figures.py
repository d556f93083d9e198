"""The study's own figures: which curves each has, what is picked over what, what fills, what its page and names say."""

import math
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

import dashboards
from dashboards.answers import answer, sentences
from dashboards.catalogue import FIGURES, OF_BENCHMARKS, OF_RANKINGS, PARETO, TOGETHER, FigureError, figure
from dashboards.drawing import as_figure
from dashboards.figures.bands import BandsInfo, Curve, bands_info, curve_name
from dashboards.figures.draw_bands import DASHES, draw_bands, filled_at_first
from dashboards.figures.draw_panels import draw_panels
from dashboards.pages.figures import EVERY, curves_table, page
from dashboards.palette import looks
from dashboards.reading import read_results
from dashboards.results import Results
from dashboards.selections import paper_figures
from study.spec.figures import TAKEN
from study.store import Store
from tests.dashboards.made import finished, in_memory, planned
from tests.dashboards.test_page import data_of

pytestmark = pytest.mark.slow

PAPER = """\
study: paper
data: {name: mnist_5k, border: 4, train: 200, validation: 100, test: 400}
model: lenet
train: {from: Baseline, epochs: 3, batch_size: 50, optimizer: {sgd: {lr: 0.01}}}
distortions:
  gaussian_noise: {sigma: [0.1, 0.3]}
  thumbnail: {size: [10]}
  fgsm: {epsilon: [0.02, 0.1]}
  rotation: {degrees: [30, 60]}
  random_crop: {offset: [2, 4]}
  rotation then gaussian_noise: {}
methods:
  Baseline: {method: standard, from: scratch}
  ST: {method: stability_training, alpha: [0.1, 10], distortion: all}
  ST sym: {method: stability_training, divergence: symmetric_kl, alpha: [0.1, 10],
           distortion: [rotation, random_crop, rotation then gaussian_noise]}
  DA: {method: data_augmentation, p: [0.5, 1], distortion: all}
  DA 20 epochs: {method: data_augmentation, p: [0.5, 1], distortion: gaussian_noise, epochs: 4}
  AT: {method: adversarial_training, mu: 0.5, distortion: fgsm}
evaluate:
  sweeps:
    gaussian_noise: {sigma: [0.1, 0.3], practical: 0.3}
    jpeg: {quality: [90, 30], practical: 30}
    fgsm: {epsilon: [0.001, 0.01, 0.1], practical: 0.001}
    rotation: {degrees: [30, 60], practical: 30}
figures:
  1a: {train: gaussian_noise, test: gaussian_noise, methods: [ST, DA, DA 20 epochs]}
  1b: {train: thumbnail, test: jpeg, methods: [ST, DA]}
  1c: {train: fgsm, test: fgsm, methods: [ST, DA, AT], pick_at: [0.001, 0.1],
       also: {train: gaussian_noise, methods: ST}}
  2a: {train: rotation, test: rotation, methods: [ST, ST sym, DA]}
  2b: {train: random_crop, test: rotation, methods: [ST, ST sym, DA]}
  2c: {train: rotation then gaussian_noise, test: rotation, methods: [ST, ST sym, DA],
       also: {train: rotation, methods: [ST, ST sym, DA]}}
"""
"""The six of Laermann et al. 2019, over grids of two values an axis."""
BOTH = ("best", "worst")
LOOKS = looks(("ST", "ST sym", "DA", "DA 20 epochs", "AT"))
CURVES = {
    "1a": {("ST", "", BOTH), *((label, f"p = {p}", BOTH) for label in ("DA", "DA 20 epochs") for p in (0.5, 1))},
    "1b": {("ST", "", BOTH), ("DA", "p = 0.5", ("only",)), ("DA", "p = 1", ("only",))},
    "1c": {
        ("ST", "", BOTH), ("DA", "p = 0.5", BOTH), ("DA", "p = 1", BOTH), ("AT", "", BOTH),
        ("ST on gaussian noise", "", BOTH),
    },
    "2a": {("ST", "", BOTH), ("ST sym", "", BOTH), ("DA", "p = 0.5", BOTH), ("DA", "p = 1", BOTH)},
    "2b": {("ST", "", BOTH), ("ST sym", "", BOTH), ("DA", "p = 0.5", BOTH), ("DA", "p = 1", BOTH)},
    "2c": {
        (f"{label}{on}", subset, BOTH)
        for on in ("", " on rotation")
        for label, subset in (("ST", ""), ("ST sym", ""), ("DA", "p = 0.5"), ("DA", "p = 1"))
    },
}  # fmt: skip
"""(curve, subset, roles) of each figure."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    plan, opened = planned(tmp_path_factory.mktemp("spec"), PAPER), in_memory()
    finished(opened, plan, PAPER)
    return opened


@pytest.fixture(scope="module")
def results(store: Store) -> Results:
    return read_results(store, "paper")


@pytest.fixture(scope="module")
def infos(results: Results) -> dict[str, BandsInfo]:
    return {one.name: bands_info(results, one.selection) for one in paper_figures(results)}


def picked(info: BandsInfo) -> list[Curve]:
    """On test images."""
    return [curve for curve in info.curves if curve.by == "test"]


@pytest.mark.parametrize("name", CURVES)
def test_a_figure_has_the_papers_curves(infos: dict[str, BandsInfo], name: str) -> None:
    info = infos[name]
    found: dict[tuple[str, str], list[str]] = {}
    for curve in picked(info):
        if info.picked_at[0] in curve.at:
            found.setdefault((curve.name, curve.subset), []).append(curve.role)
    assert {(*key, tuple(roles)) for key, roles in found.items()} == CURVES[name]
    assert all(value is not None for value in info.baseline)


def test_best_and_worst_of_a_subset_are_over_its_own_trials(results: Results, infos: dict[str, BandsInfo]) -> None:
    info = infos["1a"]
    step = info.sweep.levels.index(info.sweep.practical) + 1
    (group,) = [one for one in results.groups_on("gaussian_noise") if one.label == "DA"]
    for p in (0.5, 1):
        own = [one for one in group.trials if one.settings[0].value == p]
        assert len(own) == 2
        values = [results.accuracy(one, info.sweep.condition_ids[step - 1]) for one in own]
        found = {one.role: one for one in picked(info) if (one.label, one.subset) == ("DA", f"p = {p:g}")}
        assert found["best"].accuracy[step] == max(values)  # type: ignore[type-var]
        assert found["worst"].accuracy[step] == min(values)  # type: ignore[type-var]
        assert {found["best"].trial_id, found["worst"].trial_id} == {one.trial_id for one in own}


def test_the_subset_stands_before_the_brackets_and_what_was_picked_over_within(infos: dict[str, BandsInfo]) -> None:
    named = {curve_name(curve, infos["1a"]) for curve in picked(infos["1a"])}
    assert {name.partition(" (")[0] for name in named} == {
        f"{role} {what}" for role in BOTH
        for what in ("ST", "DA; p = 0.5", "DA; p = 1", "DA 20 epochs; p = 0.5", "DA 20 epochs; p = 1")
    }  # fmt: skip
    within = {name.partition(" (")[2] for name in named}
    assert within <= {"σ 0.1)", "σ 0.3)", *(f"α {a}, σ {s})" for a in (0.1, 10) for s in (0.1, 0.3))}
    assert {curve_name(one, infos["1b"]) for one in picked(infos["1b"])} >= {
        "DA; p = 0.5 (size 10)", "DA; p = 1 (size 10)",
    }  # fmt: skip


def test_picks_at_several_levels_are_told_apart_where_they_differ(infos: dict[str, BandsInfo]) -> None:
    info = infos["1c"]
    assert info.picked_at == (0.001, 0.1)
    levels = Counter((one.name, one.subset, one.role, at) for one in picked(info) for at in one.at)
    assert set(levels.values()) == {1}
    assert len(levels) == len(CURVES["1c"]) * 2 * 2
    for curve in picked(info):
        assert (" at ε = " in curve_name(curve, info)) == (curve.at != (0.001, 0.1))
    for curve in picked(info):
        for at in curve.at:
            step = info.sweep.levels.index(at) + 1
            rivals = [one.accuracy[step] or 0 for one in info.curves
                      if (one.name, one.subset, one.role) == (curve.name, curve.subset, "member")]  # fmt: skip
            assert curve.accuracy[step] == (max if curve.role == "best" else min)(rivals)


def test_the_bands_of_stability_training_fill_at_first_and_hold_all_its_trials(infos: dict[str, BandsInfo]) -> None:
    assert {name: filled_at_first(info) for name, info in infos.items()} == {
        "1a": ("ST",), "1b": ("ST",), "1c": ("ST",), "2a": ("ST", "ST sym"), "2b": ("ST", "ST sym"),
        "2c": ("ST", "ST sym"),
    }  # fmt: skip
    bands = {band.name: band.evaluated for band in infos["2c"].bands}
    assert bands == {
        "ST": 8, "ST sym": 8, "DA": 8, "ST on rotation": 4, "ST sym on rotation": 4, "DA on rotation": 4,
    }  # fmt: skip


def test_what_is_drawn_beside_has_lines_of_its_own_and_a_subset_its_shade(infos: dict[str, BandsInfo]) -> None:
    traces = draw_bands(infos["2c"], LOOKS)["data"]
    lines = {
        trace["name"].partition(" (")[0]: trace["line"]
        for trace in traces
        if trace["visible"] and "end" in trace["meta"]
    }
    assert lines["best ST"]["dash"] == DASHES[False, False]
    assert lines["worst ST"]["dash"] == DASHES[False, True]
    assert lines["best ST on rotation"]["dash"] == DASHES[True, False]
    assert lines["worst ST on rotation"]["dash"] == DASHES[True, True]
    assert len(set(DASHES.values())) == 4
    assert lines["best DA; p = 1"]["color"] == LOOKS["DA"].colour
    assert lines["best DA; p = 0.5"]["color"] != lines["best DA; p = 1"]["color"]


def test_plotly_accepts_every_figure_and_all_of_them_in_panels(infos: dict[str, BandsInfo]) -> None:
    for info in infos.values():
        drawn = draw_bands(info, LOOKS)
        assert len(as_figure(drawn).data) == len(drawn["data"])
    panels = draw_panels(list(infos.items()), LOOKS)
    assert len(as_figure(panels).data) == len(panels["data"])
    assert {trace["xaxis"] for trace in panels["data"]} == {"x", "x2", "x3", "x4", "x5", "x6"}
    titles = [one["text"] for one in panels["layout"]["annotations"] if one["text"].startswith("<b>")]
    assert titles[0] == "<b>1a</b>  trained on gaussian noise"
    assert titles[-1] == "<b>2c</b>  trained on rotation then gaussian noise<br>dotted: trained on rotation"


def test_names_at_the_ends_do_not_overlap(infos: dict[str, BandsInfo]) -> None:
    for info in infos.values():
        made = draw_bands(info, LOOKS)
        layout = made["layout"]
        low, high = layout["yaxis"]["range"]
        plot = layout["height"] - layout["margin"]["t"] - layout["margin"]["b"]
        ends = [one for one in layout["annotations"] if one.get("name", "").startswith("end:") and one["visible"]]
        places = sorted(
            ((high - one["y"]) * plot / (high - low) + one["ay"], one["text"].count("<br>") + 1) for one in ends
        )
        assert len(places) == len(picked(info)) + 2, "the baseline and chance"
        for (above, lines), (below, further) in pairwise(places):
            assert below - above >= 8 * (lines + further) - 1
        assert places[0][0] >= 0
        assert places[-1][0] <= plot + 1


def test_the_axis_reaches_from_chance_to_the_studys_best(results: Results, infos: dict[str, BandsInfo]) -> None:
    accuracies = [cell.accuracy for cell in results.cells.values()]
    for info in infos.values():
        low, high = draw_bands(info, LOOKS)["layout"]["yaxis"]["range"]
        assert low == 100 * min(0.1, *accuracies) - 1.5
        assert high == 10 * math.ceil(10 * max(accuracies)) + 1


def test_the_answer_is_at_the_level_and_tells_what_is_beside(results: Results) -> None:
    selections = {one.name: one.selection for one in paper_figures(results)}
    told = sentences(answer(results, selections["2c"], "test"))
    assert told[0].startswith("At ρ = 30° the 8 ST trials span ")
    beside = next(one for one in told if one.startswith("Trained on rotation instead, the 4 ST trials lie at "))
    assert "the 4 ST sym trials at " in beside
    first = sentences(answer(results, selections["1c"], "test"))
    assert first[0].startswith("At ε = 0.001 the 4 ST trials span ")
    assert any("paired over 400 images" in one for one in first)


def test_image_by_image_outcomes_are_read_where_a_figure_picks(results: Results) -> None:
    sweep = results.sweep("fgsm")
    trial = results.groups_on("fgsm")[0].trials[-1]
    assert sweep.practical == 0.001
    known = {level: (trial.trial_id, condition) in results.bits
             for level, condition in zip(sweep.levels, sweep.condition_ids, strict=True)}  # fmt: skip
    assert known == {0.001: True, 0.01: False, 0.1: True}


def test_the_page_has_each_figure_by_its_address_and_each_level_of_one(store: Store) -> None:
    data = data_of(dashboards.render(store, "paper"))
    assert data["choices"]["figure"] == {"default": "1a", "values": [*CURVES, "all"]}
    assert data["choices"]["pick_at"] == {"default": "", "values": ["", "0.001", "0.1", "all"]}
    whens = [one["when"] for one in data["slots"]["figures"]]
    assert whens == [
        {"figure": "1a"}, {"figure": "1b"}, {"figure": "1c", "pick_at": "0.1"}, {"figure": "1c", "pick_at": "all"},
        {"figure": "1c"}, {"figure": "2a"}, {"figure": "2b"}, {"figure": "2c"}, {"figure": "all"},
    ]  # fmt: skip
    assert all(one["drawing"] and one["table"] and one["text"]["test"] for one in data["slots"]["figures"])
    assert data["slots"]["figures"][2]["text"]["test"][0].startswith("At ε = 0.1 the 4 ST trials")
    document = dashboards.render(store, "paper")
    assert 'href="#page=figures&figure=1c"' in document.replace("&amp;", "&")


def test_a_study_without_figures_has_no_such_page(tmp_path: Path) -> None:
    text = PAPER[: PAPER.index("figures:")]
    plan, opened = planned(tmp_path, text), in_memory()
    finished(opened, plan, text, trials=1)
    assert page(read_results(opened, plan.study)) is None


def test_a_figure_that_nothing_has_come_of_says_so(tmp_path: Path) -> None:
    plan, opened = planned(tmp_path, PAPER), in_memory()
    finished(opened, plan, PAPER, trials=2)
    data = data_of(dashboards.render(opened, plan.study))
    variants = {(*one["when"].values(),): one for one in data["slots"]["figures"]}
    assert "None of the" in variants["1b",]["missing"]
    assert variants["1a",]["drawing"]
    assert variants["all",]["drawing"]["layout"]["annotations"][0]["text"] == "<b>1a</b>  trained on gaussian noise"


def test_the_table_holds_what_is_drawn(infos: dict[str, BandsInfo]) -> None:
    info = infos["1c"]
    table = curves_table([("1c", info)])
    names = [column.name for column in table.columns]
    rows = [dict(zip(names, row, strict=True)) for row in table.rows]
    steps = info.steps
    assert Counter(row["curve"] for row in rows) == {
        "baseline": steps, "best": 2 * 2 * 5 * steps, "worst": 2 * 2 * 5 * steps,
        **dict.fromkeys(("min", "q10", "q25", "median", "q75", "q90", "max"), 4 * steps),
    }  # fmt: skip
    (row,) = [
        row for row in rows
        if (row["curve"], row["label"], row["subset"], row["picked_at"], row["picked_by"], row["level"])
        == ("best", "DA", "p = 0.5", 0.1, "test", 0.1)
    ]  # fmt: skip
    drawn = next(
        one for one in picked(info) if (one.label, one.subset, one.role) == ("DA", "p = 0.5", "best") and 0.1 in one.at
    )
    assert (row["accuracy"], row["trial_id"]) == (pytest.approx(drawn.accuracy[3], abs=1e-6), drawn.trial_id)


def test_a_figure_comes_by_its_name(store: Store, infos: dict[str, BandsInfo]) -> None:
    for name in infos:
        assert figure(store, "paper", name).data
    assert len(figure(store, "paper", "figures").data) > 100
    elsewhere = figure(store, "paper", "1c", level=0.1, pick="validation", band="none")
    caption = next(one.text for one in elsewhere.layout.annotations if one.name == "caption").replace("\u00a0", " ")
    assert "best and worst of each p at ε = 0.1 picked on undistorted validation images" in caption.replace("<br>", " ")


@pytest.mark.parametrize(
    ("name", "chosen", "said"),
    [
        ("figure", {}, "no figure is called 'figure'; did you mean 'figures'?"),
        ("3d", {}, "perturbations, figures, 1a, 1b, 1c, 2a, 2b and 2c"),
        ("1c", {"level": 0.2}, "0.2 is no level of fgsm; there are 0.001, 0.01 and 0.1"),
        ("1c", {"train": "fgsm"}, "1c takes no train: the study's `figures:` says what it draws"),
        ("figures", {"level": 0.1}, "level is for one figure, as '1a'"),
        ("1a", {"pick": "tests"}, "did you mean 'test'?"),
    ],
)
def test_a_figure_that_cannot_be_drawn_says_what_can(
    store: Store, name: str, chosen: dict[str, object], said: str
) -> None:
    with pytest.raises(FigureError) as error:
        figure(store, "paper", name, **chosen)  # type: ignore[arg-type]
    assert said in str(error.value)


def test_a_study_cannot_call_its_figures_as_those_of_any_study_are_called() -> None:
    assert set(TAKEN) == {EVERY, TOGETHER, *FIGURES, PARETO, *OF_RANKINGS, *OF_BENCHMARKS}
