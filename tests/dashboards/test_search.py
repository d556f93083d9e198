"""What a search came to, as the page shows it: every point, the front by validation, errors over images."""

import math
from pathlib import Path

import numpy as np
import pytest

from dashboards import figure, render
from dashboards.answers import why_nothing
from dashboards.catalogue import FigureError
from dashboards.figures.bands import Selection
from dashboards.figures.knobs import knobs_info
from dashboards.figures.pareto import SearchInfo, draw_course, draw_front, explanation, pairs, search_info
from dashboards.pages import pages
from dashboards.palette import looks
from dashboards.parts import Page
from dashboards.reading import read_results
from dashboards.results import Results
from study.plan import Plan
from study.store import Store
from tests.study.search import peaked
from tests.study.search.finished import bits, made

POINTS = 12


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Plan]:
    return made(tmp_path_factory.mktemp("searched"), POINTS)


@pytest.fixture(scope="module")
def results(study: tuple[Store, Plan]) -> Results:
    return read_results(study[0], "search_mnist")


@pytest.fixture(scope="module")
def info(results: Results) -> SearchInfo:
    return search_info(results, "gaussian_noise")


def search_page(results: Results) -> Page:
    return next(page for page in pages(results) if page.name == "search")


def test_every_point_is_there_with_its_errors(info: SearchInfo, study: tuple[Store, Plan]) -> None:
    _, plan = study
    assert [(dot.label, dot.number) for dot in info.dots] == [(m, n) for m in ("ST", "DA") for n in range(POINTS)]
    assert (info.planned, info.n) == ({"ST": POINTS, "DA": POINTS}, {"test": 500, "validation": 500})
    conditions = {one.condition_id: one for one in plan.conditions}
    trials = {trial.trial_id: trial for trial in plan.trials}
    for dot in info.dots:
        for objective, value, error in zip(plan.searches[0].objectives, dot.test, dot.errors, strict=True):
            each = np.mean([bits(trials[dot.trial_id], conditions[one]) for one in objective.test], axis=0)
            assert (value, error) == (pytest.approx(each.mean()), pytest.approx(each.std() / math.sqrt(500)))


def test_the_front_is_by_validation_also_where_test_images_are_shown(info: SearchInfo) -> None:
    drawn_as = looks(["ST", "DA", "Baseline"], ["Baseline"])
    for images in ("test", "validation"):
        traces = {trace["name"]: trace for trace in draw_front(info, drawn_as, images, 0, 1)["data"]}
        for label in ("ST", "DA"):
            front = [dot for dot in info.dots if dot.label == label and dot.front]
            assert traces[f"{label}, on the front"]["meta"]["trials"] == [dot.trial_id for dot in front]
            assert len(traces[label]["x"]) == POINTS - len(front)
        for label in ("ST", "DA"):
            line, dots = traces[f"front of {label}"], traces[f"{label}, on the front"]
            assert sorted(zip(line["x"], line["y"], strict=True)) == sorted(zip(dots["x"], dots["y"], strict=True))
            assert line["x"] == sorted(line["x"])
            assert line["line"]["width"] <= 1
        assert ("error_x" in traces["ST, on the front"]) == (images == "test")
        assert traces["Baseline"]["x"] == [pytest.approx(100 * info.baseline[images][0], abs=1e-3)]


def test_the_course_climbs(info: SearchInfo) -> None:
    drawn_as = looks(["ST", "DA", "Baseline"], ["Baseline"])
    traces = {trace["name"]: trace for trace in draw_course(info, drawn_as, 1)["data"]}
    best = traces["best ST so far"]["y"]
    assert best == sorted(best)
    assert best[-1] == max(traces["ST"]["y"])


def test_the_sentence_counts_the_fronts(info: SearchInfo) -> None:
    said = explanation(info)
    for label in ("ST", "DA"):
        front = sum(dot.front for dot in info.dots if dot.label == label)
        assert f"{front} of the {POINTS} trials of {label}" in said
    assert "500 validation images" in said


def test_the_page_has_a_figure_for_every_choice_and_every_point_in_its_table(results: Results) -> None:
    page = search_page(results)
    assert [choice.name for choice in page.choices] == ["measured", "objective"]
    assert [len(slot.variants) for slot in page.slots] == [2, 2]
    for slot in page.slots:
        for variant in slot.variants:
            assert variant.table is not None
            assert len(variant.table.rows) == 2 * POINTS
            fronts = [row[4] for row in variant.table.rows]
            assert fronts == sorted(fronts, reverse=True)
            assert {"yes", ""} == set(fronts), "the front comes first"
    assert '<figure class="slot " data-slot="front"' in page.body
    assert "<details open>" in page.body.partition('data-slot="course"')[0]


def test_one_objective_has_a_course_and_no_front(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    plan = peaked.plan(tmp_path, ("[clean, robust]", "gaussian_noise.mean"), ("trials:     16", "trials:     2"))
    from tests.study.search.finished import search_to_the_end

    search_to_the_end(store, plan)
    results = read_results(store, "search_mnist")
    assert pairs(search_info(results, "gaussian_noise")) == ()
    page = search_page(results)
    assert ([slot.name for slot in page.slots], page.choices) == (["course"], ())


def test_a_search_that_has_drawn_nothing_says_so(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    store.record_launch(peaked.plan(tmp_path), peaked.SEARCH, {})
    results = read_results(store, "search_mnist")
    assert {variant.missing for slot in search_page(results).slots for variant in slot.variants} == {
        "No point of ST and DA on gaussian noise is evaluated yet."
    }
    assert "Nothing of this study has been evaluated yet" in render(store, "search_mnist")
    said = why_nothing(results, "gaussian_noise", "fgsm")
    assert said == "No point of ST and DA on gaussian noise has been drawn yet. `study launch search_mnist` goes on."


def test_knobs_of_a_search_are_points_without_lines(results: Results) -> None:
    chosen = Selection(train_distortion="gaussian_noise", test_distortion="gaussian_noise")
    panels = knobs_info(results, chosen).panels
    assert len(panels) == 4
    assert all(panel.scattered and len(panel.lines[0].points) == POINTS for panel in panels)


def test_a_notebook_draws_the_front_too(study: tuple[Store, Plan], store: Store) -> None:
    drawn = figure(study[0], "search_mnist", "pareto")
    assert {trace.name for trace in drawn.data} >= {"ST, on the front", "DA", "Baseline"}
    with pytest.raises(FigureError, match="this study searches nothing"):
        figure(store, "made", "pareto")
    with pytest.raises(FigureError, match="no training distortion that is searched is called 'rotation'"):
        figure(study[0], "search_mnist", "pareto", train="rotation")
