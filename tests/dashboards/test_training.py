"""Training curves: whose they are, where trials start, and what is said of a study in which none has begun."""

import re
from collections import Counter
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from dashboards import figure
from dashboards.answers import why_no_epochs
from dashboards.catalogue import FIGURES, FigureError
from dashboards.drawing import Drawing
from dashboards.figures.draw_training import draw_training
from dashboards.figures.training import ACCURACY, LOSS, TrainingInfo, training_info
from dashboards.pages import pages
from dashboards.palette import looks
from dashboards.parts import Page
from dashboards.reading import read_results
from dashboards.results import Results
from study.plan import Plan
from study.store import Store
from tests.dashboards.made import TEXT, finished, in_memory, made
from tests.study.hand_made import launched
from tests.study.search import peaked
from tests.study.search.finished import commit

SHARED = "  DA gentle: {method: data_augmentation, p: 0.5, distortion: gaussian_noise}\n"
SCRATCH = ("train: {from: Baseline,", "train: {from: scratch,")


def drawn(info: TrainingInfo) -> Drawing:
    return draw_training(info, looks([curve.label for curve in info.curves], ["Baseline"]), "jpeg")


def title(info: TrainingInfo) -> str:
    (told,) = (note["text"] for note in drawn(info)["layout"]["annotations"] if "name" not in note)
    return str(told)


def traces(info: TrainingInfo, label: str) -> list[dict[str, Any]]:
    return [trace for trace in drawn(info)["data"] if trace["meta"]["label"] == label]


def training_page(results: Results) -> Page:
    return next(page for page in pages(results) if page.name == "training")


def lead(results: Results, name: str) -> str:
    body = next(page for page in pages(results) if page.name == name).body
    return unescape(body.partition('<figure class="slot')[0])


def test_a_method_has_one_best_and_one_worst_also_where_two_share_trials(tmp_path: Path) -> None:
    results = made(tmp_path, TEXT.replace("  ST: {", f"{SHARED}  ST: {{"))
    ids = [trial.trial_id for trial in results.trials]
    assert len(ids) - len(set(ids)) == 5, "the trials of DA gentle are trials of DA"
    info = training_info(results, "gaussian_noise", ACCURACY)
    for test in ("gaussian_noise", "jpeg", "fgsm"):
        for by in ("test", "validation"):
            roles = Counter((one.label, role) for one in info.curves for place, role in one.roles.items()
                            if place == (test, by))  # fmt: skip
            assert roles == {(label, role): 1 for label in ("ST", "DA", "DA gentle") for role in ("best", "worst")}
    shown = [one["name"] for one in drawn(info)["data"] if one["visible"]]
    strong = [name.split(";")[0] for name in shown if name.startswith(("best ", "worst "))]
    assert len(strong) == len(set(strong)) == 6


@pytest.mark.parametrize("measure", [ACCURACY, LOSS])
def test_what_trials_start_from_is_a_line_at_the_baselines_kept_epoch(results: Results, measure: str) -> None:
    (baseline,) = results.baselines
    assert baseline.selected_epoch == 3
    kept = results.epochs[baseline.trial_id][2]
    value = 100 * kept.validation_accuracy if measure == ACCURACY else kept.loss
    info = training_info(results, "gaussian_noise", measure)
    assert info.start is not None
    far = replace(info, start=replace(info.start, value=0.2 if measure == ACCURACY else 9.0))
    for one, at in ((info, value), (far, 20 if measure == ACCURACY else 9.0)):
        (line,) = traces(one, "Baseline")
        assert line["y"] == [pytest.approx(at, abs=1e-3)] * 2
        assert (line["name"], line["line"]["dash"]) == ("Baseline, kept epoch 3", "dot")
        layout = drawn(one)["layout"]
        assert layout["yaxis"]["range"][0] < at < layout["yaxis"]["range"][1]
        assert "Baseline, kept epoch 3" in {note["text"] for note in layout["annotations"]}
        assert "dotted" not in title(one)
    assert "; dotted, the baseline at the epoch that it keeps, which they start from." in lead(results, "training")


def test_where_trials_start_from_scratch_the_baselines_own_course_is_drawn(tmp_path: Path) -> None:
    results = made(tmp_path, TEXT.replace(*SCRATCH))
    info = training_info(results, "gaussian_noise", ACCURACY)
    assert info.start is None
    (line,) = traces(info, "Baseline")
    assert len(line["y"]) == 3
    assert title(info).endswith("dotted: Baseline")
    assert "; dotted, the baseline's own training." in lead(results, "training")
    own, *others = info.curves
    lower = replace(own, values=(0.1, 0.2, *own.values))
    assert title(replace(info, curves=(lower, *others))).endswith(
        "dotted: Baseline, 4 of its 5 epochs outside the axes"
    )
    outside = replace(own, values=(0.1,))
    assert title(replace(info, curves=(outside, *others))).endswith("Baseline's own epoch is outside the axes")
    assert "dotted" not in title(replace(info, curves=tuple(others)))


def test_without_a_baseline_there_is_no_word_of_it(tmp_path: Path, results: Results) -> None:
    text = TEXT.replace(*SCRATCH).replace("  Baseline: {method: standard, from: scratch}\n", "")
    alone = made(tmp_path, text)
    for name in ("training", "knobs"):
        assert "baseline" in lead(results, name)
        assert "baseline" not in lead(alone, name)
    assert "aseline" not in str(drawn(training_info(alone, "gaussian_noise", ACCURACY)))


def test_a_trial_of_one_epoch_is_a_marker_one_can_see(results: Results) -> None:
    info = training_info(results, "gaussian_noise", ACCURACY)
    short = tuple(replace(curve, values=curve.values[:1], selected_epoch=None) for curve in info.curves)
    seen = [trace for trace in drawn(replace(info, curves=short))["data"] if trace["x"] == [1]]
    assert len(seen) > 30
    assert all(trace["marker"]["size"][0] >= 10 and trace["opacity"] >= 0.7 for trace in seen)


def test_the_key_names_every_method_and_counts_its_trials(results: Results) -> None:
    (slot,) = training_page(results).slots
    drawings = [one for one in slot.variants if one.drawing is not None and one.when["train"] == "gaussian_noise"]
    assert drawings
    for one in drawings:
        told = {family.name: family.note for family in one.families}
        assert told == {"Baseline": "1 trial", "ST": "25 trials", "DA": "10 trials"} or len(told) == 1


def of_the_baseline_alone(tmp_path: Path) -> tuple[Store, Plan]:
    """A search of which nothing but the baseline is done."""
    store, plan = in_memory(), peaked.plan(tmp_path)
    launched(store, plan, peaked.SEARCH)
    for trial in plan.trials:
        commit(store, trial, plan)
    return store, plan


def test_a_search_with_only_its_baseline_says_why_it_has_no_training(tmp_path: Path) -> None:
    store, plan = of_the_baseline_alone(tmp_path)
    results = read_results(store, plan.study)
    (slot,) = training_page(results).slots
    said = "No point of ST and DA on gaussian noise has been drawn yet."
    assert {one.missing for one in slot.variants if one.when["train"] == "gaussian_noise"} == {
        f"{said} `study launch search_mnist` goes on."
    }
    for name in FIGURES:
        expected = "a grid of two hyperparameters" if name == "heat_map" else re.escape(said)
        with pytest.raises(FigureError, match=expected):
            figure(store, plan.study, name)


def test_before_the_first_epoch_it_says_in_which_state_trials_are(tmp_path: Path, plan: Plan) -> None:
    opened = in_memory()
    finished(opened, plan, trials=1)
    results = read_results(opened, plan.study)
    said = "None of the 35 trials trained on gaussian noise has finished an epoch yet: 35 not begun."
    assert why_no_epochs(results, "gaussian_noise").startswith(said)
    (slot,) = training_page(results).slots
    assert {one.missing for one in slot.variants if one.when["train"] == "gaussian_noise"} == {
        why_no_epochs(results, "gaussian_noise")
    }
    with pytest.raises(FigureError, match=said):
        figure(opened, plan.study, "training", train="gaussian_noise")


@pytest.mark.parametrize("name", ["bands", "standing", "knobs", "training"])
def test_a_distortion_that_is_tested_alone_gets_the_pages_own_sentence(store: Store, plan: Plan, name: str) -> None:
    said = "No trial of this study was trained on jpeg; it has gaussian noise and rotation."
    with pytest.raises(FigureError, match=said):
        figure(store, plan.study, name, train="jpeg")
