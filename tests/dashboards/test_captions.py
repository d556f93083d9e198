"""What a figure says of itself when it is cut out of its page, and what a notebook may choose."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dashboards import figure
from dashboards.captions import AT_FIRST, TIED, Shown, written
from dashboards.catalogue import FIGURES, FigureError
from dashboards.drawing import Drawing
from dashboards.figures.bands import Selection, bands_info
from dashboards.figures.draw_bands import draw_bands
from dashboards.figures.draw_training import draw_training
from dashboards.figures.pairs import KINDS, draw_pairs, kind, pairs_info
from dashboards.figures.standing import draw_standing, standing_info
from dashboards.figures.training import ACCURACY, training_info
from dashboards.pages import pages
from dashboards.palette import looks
from dashboards.picks import pick
from dashboards.reading import read_results
from dashboards.results import Results, practical_condition
from dashboards.wording import points
from study.plan import Plan
from study.store import Store
from tests.dashboards.made import N, finished, in_memory
from tests.study.search.finished import made

NOISE = Selection(train_distortion="gaussian_noise", test_distortion="gaussian_noise")
ST, BOTH = "ST 25 trials (2 diverged)", "ST 25 trials (2 diverged), DA 10"
BY_TEST = "best and worst picked on these test images"


def caption(made: Drawing) -> str:
    """On one line."""
    (line,) = (one for one in made["layout"]["annotations"] if one.get("name") == "caption")
    return str(line["text"]).replace("<br>", " ").replace(TIED, " ")


def drawn(results: Results, name: str, shown: Shown = AT_FIRST) -> Drawing:
    made: dict[str, Callable[[], Drawing]] = {
        "bands": lambda: draw_bands(bands_info(results, NOISE), looks(results.labels), shown),
        "standing": lambda: draw_standing(standing_info(results, NOISE), looks(results.labels), shown),
        "training": lambda: draw_training(
            training_info(results, "gaussian_noise", ACCURACY), looks(results.labels), "gaussian_noise", shown
        ),
    }
    return made[name]()


CAPTIONS = {
    "bands": f"Trained on gaussian noise · {BOTH} · 400 test images · bands over all trials · {BY_TEST}",
    "standing": f"Trained on gaussian noise · tested on gaussian noise, σ = 0.3 · 400 test images · {BY_TEST}",
    "knobs": f"Trained on gaussian noise · tested on gaussian noise, σ = 0.3 · {BOTH} · 400 test images",
    "heat_map": f"Trained on gaussian noise · {ST} · 400 test images",
    "training": f"Trained on gaussian noise · {BOTH} · 100 validation images · best and worst under gaussian noise, "
    "σ = 0.3, picked on test images",
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_says_what_it_was_trained_on_over_how_many_and_how_it_was_picked(
    store: Store, plan: Plan, name: str
) -> None:
    found = figure(store, plan.study, name, train="gaussian_noise", test="gaussian_noise")
    assert caption(found.to_plotly_json()) == CAPTIONS[name]


def test_a_front_has_its_methods_in_the_picture(tmp_path: Path) -> None:
    store, plan = made(tmp_path, 6)
    found = figure(store, plan.study, "pareto")
    assert caption(found.to_plotly_json()) == (
        "Searched on gaussian noise · ST 6 points, DA 6 · the front is by 500 validation images"
    )
    assert found.layout.showlegend
    keys = {trace.name for trace in found.data if trace.showlegend is not False}
    assert keys == {"ST", "ST, on the front", "DA", "DA, on the front"}


def test_there_is_room_for_the_caption_below_the_plot(results: Results) -> None:
    for page in pages(results):
        for slot in page.slots:
            for variant in slot.variants:
                if (one := variant.drawing or variant.picture) is not None:
                    layout = one["layout"]
                    (line,) = (note for note in layout["annotations"] if note.get("name") == "caption")
                    rows = line["text"].count("<br>") + 1
                    assert rows == layout["meta"]["caption"]["rows"]
                    assert -line["yshift"] + 16 * rows <= layout["margin"]["b"] + 6
                    assert line["text"]


@pytest.mark.parametrize("name", ["bands", "standing", "training"])
def test_the_pick_that_is_asked_for_is_drawn_and_told(results: Results, name: str) -> None:
    both = {by: drawn(results, name, {**AT_FIRST, "pick": by}) for by in ("test", "validation")}
    assert caption(both["validation"]).endswith("picked on undistorted validation images")
    assert written(both["test"]["layout"]["meta"]["caption"]["parts"], {
        **AT_FIRST, "pick": "validation", "test": "gaussian_noise"
    }).replace(TIED, " ") == caption(both["validation"]), "the page has the other words too"  # fmt: skip
    (group,) = (one for one in results.groups if one.label == "DA" and one.train_distortion == "gaussian_noise")
    sweep = results.sweep("gaussian_noise")
    for by, one in both.items():
        chosen = pick(results, group, sweep, practical_condition(sweep), by)  # type: ignore[arg-type]
        assert chosen is not None
        strong = {
            trial
            for trace in one["data"]
            if trace.get("visible", True)
            and trace["meta"].get("label") == "DA"
            and by in str(trace["meta"].get("show"))
            for trial in trace["meta"].get("trials", ())
        }
        if name != "standing":
            assert strong == {chosen.best.trial_id, chosen.worst.trial_id}
        rings = [trace["name"] for trace in one["data"] if ", picked by " in trace["name"] and trace["visible"]]
        assert rings == ([f"ST, picked by {by}", f"DA, picked by {by}"] if name == "standing" else [])


def test_the_band_that_is_asked_for_is_drawn_and_told(results: Results) -> None:
    for band, edge, told in (("all", "max", "bands over all trials"), ("q10-q90", "q90", "bands over 10–90 % of the"),
                             ("none", "", "400 test images · best")):  # fmt: skip
        one = drawn(results, "bands", {**AT_FIRST, "band": band})
        filled = {trace["name"] for trace in one["data"] if trace["visible"] and "fill" in trace}
        assert filled == ({f"ST {edge}", f"DA {edge}"} if edge else set())
        assert told in caption(one)


def test_a_label_that_is_a_tag_stays_text_in_a_caption(results: Results) -> None:
    info = bands_info(results, replace(NOISE, train_distortion="rotation"))
    assert "&lt;i&gt;AT&lt;/i&gt; 2" in caption(draw_bands(info, looks(results.labels)))


@pytest.mark.parametrize(
    ("name", "chosen", "said"),
    [
        ("bands", {"pick": "valid"}, "no pick is called 'valid'; did you mean 'validation'?"),
        ("bands", {"band": "q10"}, "no band is called 'q10'; did you mean 'q10-q90'?"),
        ("bands", {"band": "x"}, "no band is called 'x'; there are all, q10-q90, q25-q75 and none"),
        (
            "knobs",
            {"pick": "test"},
            "pick is for bands, standing, training, corruptions and perturbations; knobs has none",
        ),
        ("training", {"band": "all"}, "band is for bands; training has none"),
        (
            "pareto",
            {"pick": "test"},
            "pick is for bands, standing, training, corruptions and perturbations; pareto has none",
        ),
    ],
)
def test_what_cannot_be_chosen_is_told(store: Store, plan: Plan, name: str, chosen: dict[str, str], said: str) -> None:
    with pytest.raises(FigureError, match=re.escape(said)):
        figure(store, plan.study, name, **chosen)  # type: ignore[arg-type]


def test_a_pick_on_several_validation_conditions_says_over_which_it_is_a_mean(plan: Plan) -> None:
    drawn_anew = tuple(
        replace(one, condition_id=f"{one.level}".ljust(16, "v"), split="validation", seed=1)
        for one in plan.conditions[1:4]
    )
    opened = in_memory()
    finished(opened, replace(plan, conditions=(*plan.conditions, *drawn_anew)))
    told = caption(drawn(read_results(opened, plan.study), "bands", {**AT_FIRST, "pick": "validation"}))
    assert told.endswith(
        "picked on validation images under gaussian noise (mean over the levels of σ: 0.1, 0.3 and 0.6)"
    )


def test_the_matrix_of_pairs_is_a_picture_too(results: Results) -> None:
    info = pairs_info(results, "test")
    made = draw_pairs(info)
    (squares,) = made["data"]
    assert len(squares["z"]) == len(info.rows) == 4
    for row, values, texts in zip(info.rows, squares["z"], squares["text"], strict=True):
        each = [one for cell in row.cells for one in (cell.worst, cell.best)]
        assert values == [KINDS[kind(one)] for one in each if one is not None]
        assert texts == [points(one.value) for one in each if one is not None]
    assert {value for row in squares["z"] for value in row} == {-1, 0, 1}
    layout = made["layout"]
    assert layout["yaxis"]["ticktext"] == ["gaussian noise · ST", "DA", "rotation · DA", "&lt;i&gt;AT&lt;/i&gt;"]
    assert [text.split("<br>")[0] for text in layout["xaxis"]["ticktext"]] == [
        "gaussian noise 0.3",
        "jpeg 30",
        "fgsm 0.01",
    ]
    assert f"{N} test images · picked on test images" in caption(made)
