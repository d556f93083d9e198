"""Names beside axes, curves and panels: whole where there is room, else bounded; replicates are called a mean."""

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.answers import answer, sentences
from dashboards.drawing import Drawing
from dashboards.ends import ARROW, CHARACTER, LONGEST, ROOM
from dashboards.figures.bands import Selection, bands_info
from dashboards.figures.draw_bands import draw_bands
from dashboards.figures.draw_heat_map import draw_heat_map
from dashboards.figures.draw_knobs import WIDE, draw_knobs
from dashboards.figures.heat_map import grids, heat_map_info
from dashboards.figures.knobs import knobs_info
from dashboards.figures.standing import draw_standing, standing_info
from dashboards.pages.bands import bands_table
from dashboards.palette import looks
from dashboards.results import Results
from dashboards.wording import fitted
from tests.dashboards.made import TEXT, made

NOISE = Selection(train_distortion="gaussian_noise", test_distortion="gaussian_noise")
LONG = "A very long method label, with α & β, that is 58 chars long"
OTHERWISE = (
    ("  ST: {", "  DA 20 epochs: {"),
    ("  DA: {", f'  "{LONG}": {{'),
    ("methods: [ST, DA], ", ""),
    ("methods: [DA], also: {train: gaussian_noise, methods: [ST]}", ""),
)


@pytest.fixture(scope="module")
def long_names(tmp_path_factory: pytest.TempPathFactory) -> Results:
    text = TEXT
    for old, new in OTHERWISE:
        text = text.replace(old, new)
    return made(tmp_path_factory.mktemp("long"), text)


@pytest.fixture(scope="module")
def replicated(tmp_path_factory: pytest.TempPathFactory) -> Results:
    text = TEXT.replace("standard, from: scratch}", "standard, from: scratch, replicates: 2}")
    return made(tmp_path_factory.mktemp("replicated"), text)


def texts(made: Drawing) -> list[str]:
    return [unescape(str(one["text"])) for one in made["layout"]["annotations"]]


@given(st.text("ab c-", max_size=80), st.integers(2, 30), st.integers(1, 3))
def test_a_name_keeps_within_its_lines_and_is_whole_or_ends_in_an_ellipsis(text: str, room: int, lines: int) -> None:
    found = fitted(text, room, lines)
    assert 1 <= len(found) <= lines
    assert all(len(line) <= room for line in found)
    whole = "".join(found).replace(" ", "") == "".join(text.split())
    assert whole or found[-1].endswith("…")
    if len(" ".join(text.split())) <= room:
        assert " ".join(found) == " ".join(text.split())


def test_the_strip_has_room_for_its_names(long_names: Results) -> None:
    made = draw_standing(standing_info(long_names, NOISE), looks(long_names.labels))
    ticks = made["layout"]["yaxis"]["ticktext"]
    assert ticks[1] == "DA 20 epochs  <b>25</b>"
    lines = [unescape(line.replace("<b>", "").replace("</b>", "")) for tick in ticks for line in tick.split("<br>")]
    assert max(map(len, lines)) <= 26
    assert made["layout"]["margin"]["l"] >= 12 + CHARACTER * max(map(len, lines))
    assert made["layout"]["margin"]["l"] <= 200, "the rest is for the dots"
    assert ticks[2].count("<br>") == 1
    assert any(LONG in unescape(trace.get("hovertemplate", "")) for trace in made["data"])


def test_ends_of_curves_keep_within_their_room_and_are_whole_on_hover(long_names: Results) -> None:
    made = draw_bands(bands_info(long_names, NOISE), looks(long_names.labels))
    ends = [one for one in made["layout"]["annotations"] if one.get("name", "").startswith("end:")]
    cut = [one for one in ends if "…" in one["text"]]
    assert len(cut) >= 4
    for one in ends:
        for line in one["text"].split("<br>"):
            assert ARROW + CHARACTER * len(unescape(line)) <= ROOM[1]
    assert all(LONG in unescape(one["hovertext"]) for one in cut)
    assert len("best DA 20 epochs") <= LONGEST
    assert any(one["text"].startswith("best DA 20 epochs<br>α = ") for one in ends)


def test_titles_of_knobs_keep_within_their_panel(long_names: Results) -> None:
    made = draw_knobs(knobs_info(long_names, NOISE), looks(long_names.labels))
    titles = [one for one in made["layout"]["annotations"] if str(one.get("xref")).endswith("domain")]
    assert [one["text"] for one in titles[:2]] == ["<b>DA 20 epochs</b>: α", "<b>DA 20 epochs</b>: σ"]
    for one in titles:
        for line in unescape(one["text"]).replace("<b>", "").replace("</b>", "").split("<br>"):
            assert 1.12 * CHARACTER * len(line) <= WIDE, "bold is wider"
    assert {unescape(one["hovertext"]) for one in titles} == {"DA 20 epochs", LONG}


def test_a_baseline_of_replicates_is_called_their_mean(replicated: Results) -> None:
    assert replicated.baseline_name == "Baseline, mean of 2"
    drawn_as = looks(replicated.labels, ["Baseline"])
    info = bands_info(replicated, NOISE)
    assert "Baseline, mean of 2" in texts(draw_bands(info, drawn_as))
    assert "Baseline, mean of 2" in [column.title for column in bands_table(info).columns]
    strip = draw_standing(standing_info(replicated, NOISE), drawn_as)
    assert strip["layout"]["yaxis"]["ticktext"][0] == "Baseline, mean of 2"
    knobs = draw_knobs(knobs_info(replicated, NOISE), drawn_as)
    lines = [trace for trace in knobs["data"] if trace["meta"]["name"] == "Baseline"]
    assert {trace["text"][-1] for trace in lines} == {"Baseline, mean of 2"}
    (grid,) = grids(replicated)
    bar = draw_heat_map(heat_map_info(replicated, grid, replicated.sweep("jpeg"), 30))["data"][0]["colorbar"]
    assert any("Baseline,<br>mean of 2" in text for text in bar["ticktext"])
    assert "The baseline is the mean of 2 replicates." in sentences(answer(replicated, NOISE, "test"))


def test_one_baseline_is_no_mean(results: Results) -> None:
    assert results.baseline_name == "Baseline"
    assert not any("mean of" in one for one in sentences(answer(results, NOISE, "test")))


def test_a_name_without_a_space_is_broken_all_the_same() -> None:
    assert fitted("a" * 50, 20, 2) == ("a" * 20, "a" * 19 + "…")
    assert fitted("", 20) == ("",)
