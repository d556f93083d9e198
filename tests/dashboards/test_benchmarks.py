"""Corruption errors and flip rates: figures from the views, pages, and what they say of a study that is not done."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from statistics import fmean, median
from typing import Any

import pytest

from dashboards.benchmarks import conditions_of, disturbances_of
from dashboards.catalogue import FigureError, figure
from dashboards.disturbances import EXTRA, EXTRAS, KINDS, Disturbance, in_order
from dashboards.drawing import Drawing, as_figure
from dashboards.figures.corruptions import corruptions_info
from dashboards.figures.draw_ratios import FENCE, draw_ratios
from dashboards.figures.draw_severities import draw_severities
from dashboards.figures.perturbations import measures as perturbation_measures
from dashboards.figures.perturbations import no_distances, perturbations_info
from dashboards.figures.ratios import RatiosInfo
from dashboards.figures.severities import severities_info
from dashboards.pages import corruptions, overview, pages, perturbations
from dashboards.palette import looks
from dashboards.parts import Page, Slot, Variant
from dashboards.reading import read_results
from dashboards.reading_rates import corruption_errors
from dashboards.results import Results
from study.plan import Benchmark, Plan
from study.query import open_tables
from study.store import Store
from study.store.plans import conditions
from tests.dashboards.corrupted import ALONE, CE, TEXT, corruption_benchmark, perturbation_benchmark
from tests.dashboards.made import finished, in_memory, made, planned
from trainables.corruptions import corruptions as known_corruptions
from trainables.normalisation import MAIN_CORRUPTIONS, MAIN_PERTURBATIONS
from trainables.perturbations import perturbations as known_perturbations


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return planned(tmp_path_factory.mktemp("spec"), TEXT)


@pytest.fixture(scope="module")
def store(plan: Plan) -> Store:
    opened = in_memory()
    finished(opened, plan, TEXT)
    return opened


@pytest.fixture(scope="module")
def results(store: Store, plan: Plan) -> Results:
    return read_results(store, plan.study)


@pytest.fixture(scope="module")
def info(results: Results) -> RatiosInfo:
    return corruptions_info(results, corruption_benchmark(results), CE, "gaussian_noise")


@pytest.fixture(scope="module")
def page(results: Results) -> Page:
    found = corruptions.page(results)
    assert found is not None
    return found


def slot(page: Page, name: str) -> Slot:
    return next(one for one in page.slots if one.name == name)


def variant(page: Page, name: str, **when: str) -> Variant:
    (found,) = [one for one in slot(page, name).variants if dict(one.when) == when]
    return found


def drawn(results: Results, info: RatiosInfo) -> Drawing:
    return draw_ratios(info, looks(results.labels, {"Baseline"}))


def rows(variant: Variant) -> list[dict[str, Any]]:
    assert variant.table is not None
    names = [one.name for one in variant.table.columns]
    return [dict(zip(names, row, strict=True)) for row in variant.table.rows]


def test_kinds_are_those_of_the_registries_in_the_papers_order() -> None:
    for name in known_corruptions.names():
        one = known_corruptions.get(name)
        assert Disturbance(name=name, label=name, extra=one.extra).kind == (EXTRA if one.extra else one.group)
    for known, main in ((known_corruptions, MAIN_CORRUPTIONS), (known_perturbations, MAIN_PERTURBATIONS)):
        tests = tuple(
            Disturbance(name=name, label=name, extra=known.get(name).extra)  # type: ignore[attr-defined]
            for name in known.names()  # type: ignore[attr-defined]
        )
        ordered = [one.name for one in in_order(tests)]
        assert tuple(ordered[: len(main)]) == main
        assert set(ordered[len(main) :]) <= set(EXTRAS)
    assert {name for names in KINDS.values() for name in names} == {*MAIN_CORRUPTIONS, *MAIN_PERTURBATIONS}


def test_what_a_heading_says_is_not_said_again() -> None:
    shorts = [
        Disturbance(name=name, label=name, extra=name in EXTRAS).short for name in ("jpeg_compression", "zoom_blur")
    ]
    assert shorts == ["jpeg", "zoom"]
    assert Disturbance(name="gaussian_blur", label="gaussian_blur", extra=True).short == "gaussian blur"


def test_ranges_are_over_the_trials_errors_next_to_the_baselines(results: Results, info: RatiosInfo) -> None:
    benchmark = corruption_benchmark(results)
    places = conditions_of(results, benchmark)
    (group,) = (one for one in results.groups_on("gaussian_noise") if one.label == "ST")

    def error(trial_id: str, label: str) -> float:
        cells = (results.cells[trial_id, places[label, severity]] for severity in (1, 3))
        return sum(1 - cell.accuracy for cell in cells)

    (base,) = results.baselines
    (st,) = (one for one in info.ranges if one.label == "ST")
    assert (st.planned, st.evaluated, st.diverged) == (10, 10, 2)
    main = [one.label for one in info.tests if not one.extra]
    assert len(main) == 15
    for test, edges in zip(info.tests, st.edges, strict=True):
        ratios = [error(one.trial_id, test.label) / error(base.trial_id, test.label) for one in group.trials]
        found = [edges[edge] for edge in ("min", "median", "max")]
        assert found == pytest.approx([min(ratios), median(ratios), max(ratios)])
    means = [fmean(error(one.trial_id, label) / error(base.trial_id, label) for label in main) for one in group.trials]
    assert [st.mean["min"], st.mean["max"]] == pytest.approx([min(means), max(means)])
    best, worst = (
        next(one for one in info.curves if (one.label, one.role) == ("ST", role)) for role in ("best", "worst")
    )
    assert (best.mean, worst.mean) == (pytest.approx(min(means)), pytest.approx(max(means)))


def test_what_training_showed_is_hollow_and_marked(results: Results, info: RatiosInfo) -> None:
    for one in info.ranges:
        seen = [test.name for test, shown in zip(info.tests, one.seen, strict=True) if shown]
        assert seen == ["gaussian_noise"]
    figure_ = drawn(results, info)
    ticks = figure_["layout"]["xaxis"]["ticktext"]
    assert [text for text in ticks if "†" in text] == ["gaussian †"]
    bar = next(trace for trace in figure_["data"] if trace["name"] == "ST min to max")
    hollow = [number for number, width in enumerate(bar["marker"]["line"]["width"]) if width]
    assert [info.tests[number - 1].name for number in hollow] == ["gaussian_noise"]


def test_one_that_diverged_leaves_the_others_the_axis(results: Results, info: RatiosInfo) -> None:
    figure_ = drawn(results, info)
    low, high = figure_["layout"]["yaxis"]["range"]
    (st,) = (one for one in info.ranges if one.label == "ST")
    at_chance = 100 * st.mean["max"]
    assert low < 100 < high < at_chance, f"an axis ends {FENCE} interquartile ranges beyond the quartiles"
    (line,) = (one for one in figure_["layout"]["annotations"] if one.get("name") == "caption")
    assert re.search(r"\d+ values outside of the axis", line["text"].replace("<br>", " "))
    dots = next(trace for trace in figure_["data"] if trace["name"] == "ST, mCE")
    assert dots["marker"]["symbol"].count("x") == 2


def test_plotly_takes_every_figure_and_each_trial_can_be_followed(results: Results, info: RatiosInfo) -> None:
    figure_ = drawn(results, info)
    as_figure(figure_)
    followed = [trace["meta"]["follow"] for trace in figure_["data"] if "follow" in trace["meta"]]
    assert sorted(followed) == sorted(
        trial.trial_id for group in results.groups_on("gaussian_noise") for trial in group.trials
    )
    assert not any(trace["visible"] for trace in figure_["data"] if "follow" in trace["meta"])
    for trace in figure_["data"]:
        if "trials" in trace["meta"]:
            assert len(trace["meta"]["trials"]) == len(trace["x"]) == len(trace["y"])


def test_a_line_is_broken_between_kinds(results: Results, info: RatiosInfo) -> None:
    line = next(trace for trace in drawn(results, info)["data"] if trace["name"].startswith("best ST"))
    stretches, stretch = [], 0
    for x in (*line["x"], None):
        if x is None:
            stretches.append(stretch)
            stretch = 0
        else:
            stretch += 1
    assert stretches == [1, 3, 4, 4, 4, 3], "the mean, noise, blur, weather, digital, extra"


def test_the_answer_names_the_normaliser_what_was_left_out_and_what_diverged(page: Page) -> None:
    told = variant(page, "corruptions", corrupted="ce", train="gaussian_noise").text
    first = told["test"][0]
    assert first.startswith(
        "mCE over 15 of 15 corruptions at severities 1 and 3, Baseline = 100: the 10 ST trials span "
    )
    assert told["test"][1].startswith("Without gaussian noise, shown in training: ST ")
    assert "; without noise: ST " in told["test"][1]
    assert "Left out: saturate (an image of one channel has no saturation to change)." in told["test"]
    assert "2 of 10 ST trials diverged, and count all the same." in told["test"]
    assert told["validation"][-1] == "Best and worst are picked on undistorted validation images."
    assert "the best on undistorted validation images has" in told["validation"][0]
    plain = variant(page, "corruptions", corrupted="error", train="gaussian_noise").text["test"][0]
    assert plain.startswith("Mean error over 15 of 15 corruptions")
    assert "Baseline has" in plain


def test_the_table_has_every_trial_with_the_numbers_of_the_view(results: Results, page: Page) -> None:
    found = rows(variant(page, "corrupted"))
    assert [row["trial_id"] for row in found] == [trial.trial_id for trial in results.trials]
    assert found[0]["mce"] == pytest.approx(1)
    assert {row["corruptions"] for row in found} == {"15 of 15"}
    for row in found:
        means = results.corruption_means["imagenet_c at 32 px", row["label"], row["trial_id"]]
        assert (row["mce"], row["images_seen"]) == (means.mce, means.images_seen)
        assert row["mce_without_seen"] == (row["mce"] if row["trained_on"] != "gaussian noise" else means.without_seen)


def test_best_median_and_worst_are_told_by_severity(results: Results, page: Page) -> None:
    means = {trial: row.mce for (_, label, trial), row in results.corruption_means.items() if label == "ST"}
    for role, pick in (("best", min), ("worst", max)):
        shown = variant(page, "severities", who="ST", train="gaussian_noise", weak=role)
        trial = pick(means, key=lambda one: means[one])
        benchmark = corruption_benchmark(results)
        places = conditions_of(results, benchmark)
        for row in rows(shown):
            cell = results.cells[trial, places[row["corruption"], row["severity"]]]
            assert row["accuracy"] == cell.accuracy
            assert row["compared"] == results.baseline(places[row["corruption"], row["severity"]])
    assert "has no trial on rotation" in variant(page, "severities", who="ST", train="rotation").missing


def test_squares_have_their_picture_and_their_difference(results: Results) -> None:
    benchmark = corruption_benchmark(results)
    (group,) = (one for one in results.groups_on("rotation"))
    told = severities_info(
        results,
        group.trials[0],
        "best",
        disturbances_of(results, benchmark),
        conditions_of(results, benchmark),
        "Baseline",
    )
    figure_ = draw_severities(told)
    as_figure(figure_)
    assert len(figure_["layout"]["images"]) == 18 * 2
    square = told.squares[0][0]
    assert square.accuracy is not None
    assert square.compared is not None
    points = 100 * (square.accuracy - square.compared)
    assert f"{abs(points):.1f} points against Baseline's" in figure_["data"][0]["customdata"][0][0][0]


def test_flip_rates_are_ratios_of_flips_at_each_difficulty(results: Results) -> None:
    benchmark = perturbation_benchmark(results)
    measure = next(perturbation_measures(results, benchmark))
    for difficulty, names in ((1, {"gaussian_noise", "translate"}), (2, {"translate"}), (3, {"translate"})):
        info = perturbations_info(results, benchmark, measure, difficulty, "rotation")
        for curve in info.curves:
            there = {one.name for one, value in zip(info.tests, curve.values, strict=True) if value is not None}
            assert there == names
            assert (curve.mean is not None) == (difficulty == 1), "a mean is over what all were tested at"
    base = results.flips["flip_rate", 1]["imagenet_p at 32 px", "Baseline", results.baselines[0].trial_id]
    assert base.values == pytest.approx({"gaussian_noise": 1, "translate": 1})


def test_too_few_classes_for_top_5_distances_are_told(results: Results) -> None:
    benchmark = perturbation_benchmark(results)
    measure = next(one for one in perturbation_measures(results, benchmark) if one.name == "t5d")
    info = perturbations_info(results, benchmark, measure, 1, "rotation")
    assert no_distances(results, info) == ""


def otherwise(results: Results, benchmarks: tuple[Benchmark, ...]) -> Results:
    """With another plan's benchmarks."""
    planned_ = conditions(replace(results.plan, benchmarks=benchmarks))
    return replace(results, launch=replace(results.launch, conditions=planned_))


def test_a_study_without_a_line_has_no_such_page(results: Results) -> None:
    found = otherwise(results, ())
    assert corruptions.page(found) is None
    assert perturbations.page(found) is None


def test_a_study_of_benchmarks_alone_has_their_pages_and_an_overview(tmp_path: Path) -> None:
    found = made(tmp_path, ALONE, 4)
    assert [one.name for one in pages(found)] == ["corruptions", "perturbations", "trials", "overview"]
    assert "18 corruptions (36), 2 perturbations (2)" in unescape(overview.page(found).body)
    page = corruptions.page(found)
    assert page is not None
    told = variant(page, "corruptions", corrupted="ce", train="gaussian_noise")
    assert "Not evaluated yet: 7 of 10 ST trials and 3 of 3 <i>DA</i> trials." in told.text["test"]
    later = variant(page, "corruptions", corrupted="ce", train="rotation")
    assert later.missing.startswith("None of the 3 trials trained on rotation has been evaluated under corruptions yet")


def test_a_trial_evaluated_in_part_is_in_no_mean(store: Store, plan: Plan, results: Results) -> None:
    first = next(one for one in plan.conditions if one.family == "corruption")
    left = (plan.trials[2].trial_id, first.condition_id)
    cells = {place: cell for place, cell in results.cells.items() if place != left}
    errors, _ = corruption_errors(open_tables(store, plan.study), plan, cells)
    assert {trial for _, _, trial in errors["ce"]} == {one.trial_id for one in plan.trials} - {left[0]}


def test_without_a_normaliser_there_are_errors_alone(results: Results) -> None:
    found = otherwise(results, tuple(replace(one, normalizer=None) for one in results.plan.benchmarks))
    page = corruptions.page(found)
    assert page is not None
    (measured,) = (one for one in page.choices if one.name == "corrupted")
    assert [value for value, _ in measured.options] == ["error"]
    assert "this study has no baseline" in page.body
    assert "mce" not in rows(variant(page, "corrupted"))[0]
    assert variant(page, "corruptions", corrupted="error", train="rotation").drawing is not None


def test_a_notebook_draws_them_or_hears_why_not(store: Store, plan: Plan) -> None:
    drawn_ = figure(store, plan.study, "corruptions", train="rotation", measure="error", pick="validation")
    assert "Baseline" in [trace.name for trace in drawn_.data]
    with pytest.raises(FigureError, match="no measure is called 'mce'; did you mean 'ce'"):
        figure(store, plan.study, "corruptions", measure="mce")
