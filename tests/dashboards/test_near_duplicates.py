"""Near-duplicates of a ranking study: curves from counts, the page, and its answer."""

from dataclasses import replace

import pytest

from dashboards.catalogue import FigureError, figure
from dashboards.drawing import as_figure
from dashboards.figures.draw_near_duplicates import draw_near_duplicates
from dashboards.figures.near_duplicates import NearDuplicatesInfo, near_duplicates_info
from dashboards.pages import pages
from dashboards.palette import looks
from dashboards.reading import read_results
from dashboards.results import Results
from study.store import Store
from tests.dashboards.made import in_memory
from tests.study.store import small
from trainables.recipe import Component, Scratch
from trainables.records import NearDuplicates

N = small.N
WORSE = (
    NearDuplicates(threshold=0.5, pairs=N, found=200, false_alarms=0),
    NearDuplicates(threshold=1.0, pairs=N, found=700, false_alarms=300),
)
BETTER = (
    NearDuplicates(threshold=0.5, pairs=N, found=400, false_alarms=0),
    NearDuplicates(threshold=1.0, pairs=N, found=900, false_alarms=100),
)


@pytest.fixture
def store() -> Store:
    return in_memory()


@pytest.fixture
def results(store: Store) -> Results:
    alone = small.trial("alone", "Baseline", Component.of("triplet_ranking"), start=Scratch())
    plan = replace(small.RANKING, trials=(alone, *small.RANKING.trials))
    for trial, near in zip(plan.trials, (WORSE, BETTER), strict=True):
        store.commit_training(trial, small.OUTCOME)
        store.commit_cells(
            trial.trial_id, plan.conditions, [replace(one, near_duplicates=near) for one in small.ranked(900)]
        )
    store.record_launch(plan, "study: small", {})
    return read_results(store, plan.study)


@pytest.fixture
def info(results: Results) -> NearDuplicatesInfo:
    return near_duplicates_info(results, "gaussian_noise", results.sweep("jpeg"))


def test_the_baseline_stands_beside_the_trials(info: NearDuplicatesInfo) -> None:
    assert [(curve.label, curve.baseline) for curve in info.curves] == [("Baseline", True), ("FS", False)]
    assert info.n == N


def test_recall_is_told_at_a_precision_and_over_all(info: NearDuplicatesInfo) -> None:
    own = info.curves[1]
    assert [(one.precision, one.recall) for one in own.points] == [(1.0, 0.4), (0.9, 0.9)]
    assert (own.recall_at(0.95), own.recall_at(0.9), own.recall_at(1.01)) == (0.4, 0.9, 0.0)
    assert own.average_precision == pytest.approx(0.4 + 0.5 * 0.9)


def test_a_threshold_within_which_nothing_lies_has_no_precision_and_no_point(store: Store) -> None:
    (trial,) = small.RANKING.trials
    store.commit_training(trial, small.OUTCOME)
    store.commit_cells(trial.trial_id, small.RANKING.conditions, small.ranked(900))
    store.record_launch(small.RANKING, "study: small", {})
    found = read_results(store, small.RANKING.study)
    (curve,) = near_duplicates_info(found, "gaussian_noise", found.sweep("jpeg")).curves
    assert [one.threshold for one in curve.points] == [1.0]


def test_the_page_answers_and_plotly_takes_its_figures(results: Results, info: NearDuplicatesInfo) -> None:
    page = next(page for page in pages(results) if page.name == "near-duplicates")
    shown = [variant for slot in page.slots for variant in slot.variants if variant.drawing is not None]
    assert [variant.when["test"] for variant in shown] == ["gaussian_noise", "jpeg"]
    first, second = shown[1].text[""]
    assert first == "At 90 % precision under jpeg, q = 30, FS (σ 0.1) finds 90.0 % of the copies."
    assert second == "Baseline finds 20.0 %; the best differs by +70.0 points."
    as_figure(draw_near_duplicates(info, looks(results.labels, {"alone"})))


def test_a_notebook_draws_it_or_hears_why_not(results: Results, store: Store) -> None:
    made = figure(store, results.plan.study, "near_duplicates", train="gaussian_noise", test="jpeg")
    assert [trace.name for trace in made.data] == ["FS (σ 0.1)", "Baseline"]
    small.run(store, small.plan(), {"base": 900})
    store.record_launch(small.plan(), "study: small", {})
    with pytest.raises(FigureError, match="of evaluated networks that give embeddings, and there is none here"):
        figure(store, "small", "near_duplicates")


def test_a_study_of_classes_has_no_such_page(store: Store) -> None:
    small.run(store, small.plan(), {"base": 900})
    store.record_launch(small.plan(), "study: small", {})
    assert "near-duplicates" not in [page.name for page in pages(read_results(store, "small"))]
