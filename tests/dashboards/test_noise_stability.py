"""The page of noise stability: each network beside the baseline, in words, in maps and in numbers."""

from dataclasses import replace

import pytest

from dashboards.drawing import as_figure
from dashboards.figures.draw_noise_stability import draw_noise_stability
from dashboards.figures.noise_stability import StabilityInfo, baselines, compared, stability_info
from dashboards.pages import pages
from dashboards.reading import read_results
from dashboards.results import Results
from study.query import Tables
from tests.study.query.test_stability import TEST, tables

__all__ = ["tables"]


@pytest.fixture
def results(tables: Tables) -> Results:
    return read_results(tables.store, "small")


@pytest.fixture
def info(results: Results) -> StabilityInfo:
    (baseline,) = baselines(results)
    return stability_info(results, next(one for one in results.trials if one.trial_id == "st-0"), baseline)


def test_the_difference_is_of_the_same_images(info: StabilityInfo) -> None:
    assert (info.stages, info.sigmas, info.counts) == (TEST.stages, (TEST.sigma,), "epochs")
    assert (info.baseline_name, info.images, info.draws, info.short) == ("Baseline", 4, 10, "")
    assert info.baseline_changed is not None
    assert info.difference is not None
    (own,), (other,), (difference,) = info.changed, info.baseline_changed, info.difference
    assert [a - b for a, b in zip(own, other, strict=True)] == list(difference)  # type: ignore[operator]


def test_the_page_shows_every_network_but_the_baseline_and_says_what_is_lacking(results: Results) -> None:
    assert [one.trial_id for one in compared(results)] == ["st-0", "st-1"]
    page = next(page for page in pages(results) if page.name == "noise-stability")
    first, second = page.slots[0].variants
    assert first.text[""][0].startswith("After 3 epochs, under σ = 40 of 255, noise changes ")
    assert second.text[""] == ("No image is right at all tested stages of both networks.",)
    assert first.table is not None
    assert len(first.table.rows) == len(TEST.stages)


def test_of_several_replicates_of_the_baseline_one_can_be_chosen(results: Results) -> None:
    pair = results.stability_pairs["st-0", "base"]
    two = replace(results, stability_pairs={("st-0", "base"): pair, ("st-0", "st-1"): pair, ("st-1", "base"): pair})
    page = next(page for page in pages(two) if page.name == "noise-stability")
    assert [choice.name for choice in page.choices] == ["network", "baseline"]
    assert [value for value, _ in page.choices[1].options] == ["base", "st-1"]
    shown = {(one.when["network"], one.when["baseline"]): len(one.drawing["data"]) for one in page.slots[0].variants}
    assert shown == {("st-0", "base"): 3, ("st-0", "st-1"): 3, ("st-1", "base"): 3, ("st-1", "st-1"): 1}


def test_plotly_takes_its_maps_with_and_without_a_baseline(results: Results, info: StabilityInfo) -> None:
    three = as_figure(draw_noise_stability(info))
    assert [trace.name for trace in three.data] == ["Baseline", info.name, "difference, points"]
    alone = next(one for one in results.trials if one.trial_id == "base")
    one = as_figure(draw_noise_stability(stability_info(results, alone, alone)))
    assert [trace.name for trace in one.data] == ["Baseline"]
    left, right, difference = three.data
    assert left.coloraxis == right.coloraxis != difference.coloraxis
