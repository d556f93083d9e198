"""The dashboard in a browser: it draws, its controls work, its address brings all back, its downloads are true."""

import csv
import io
import re
from pathlib import Path

import pytest

import dashboards
from dashboards.reading import read_results
from study.plan import Plan
from study.query import open_tables
from study.store import Store
from tests.browser.conftest import NARROW, WIDE, Watched
from tests.dashboards.corrupted import TEXT as CORRUPTED
from tests.dashboards.made import TEXT, finished, in_memory, planned

pytestmark = pytest.mark.browser


def write(watched: Watched, folder: Path, text: str) -> None:
    """The page of a study of one's own instead, opened."""
    plan, store = planned(folder, text), in_memory()
    finished(store, plan, text)
    watched.requests.clear()
    watched.file = folder / "own.html"
    dashboards.write_page(store, plan.study, watched.file)
    watched.open()


def downloaded(watched: Watched, slot: str) -> list[dict[str, str]]:
    """The rows of its CSV."""
    with watched.page.expect_download() as caught:
        watched.page.click(f'[data-slot={slot}] .tools button:has-text("CSV")')
    return list(csv.DictReader(io.StringIO(Path(caught.value.path()).read_text("utf-8"))))


def test_every_slot_of_the_opening_page_draws_what_it_is_called_for(watched: Watched) -> None:
    for slot in ("bands", "figures", "standing", "knobs", "heat-map", "training"):
        assert watched.page.locator(f"[data-slot={slot}] .plot .main-svg").count() > 0, slot
    names = watched.shown("bands")
    assert {"Baseline", "chance", "ST min", "ST max", "DA min", "DA max"} <= set(names)
    assert sum(name.startswith(("best ", "worst ")) for name in names) == 4
    assert watched.page.locator("[data-slot=trials] tbody tr").count() == 42


def test_a_pair_is_chosen_by_its_selects_and_by_its_cell(watched: Watched) -> None:
    watched.choose("train", "rotation")
    assert watched.chosen() == {"train": "rotation", "test": "gaussian_noise"}
    assert not any(name.startswith(("best ST", "worst ST")) for name in watched.shown("bands"))
    watched.page.click('.matrix-box:not([hidden]) button[data-train="gaussian_noise"][data-test="jpeg"]')
    watched.ready()
    assert watched.chosen() == {"train": "gaussian_noise", "test": "jpeg"}
    assert "q of the jpeg at test" in watched.page.locator("[data-slot=bands] .xtitle").evaluate(
        "one => one.textContent"
    )


@pytest.mark.parametrize(("band", "edges"), [("q10-q90", ("q10", "q90")), ("q25-q75", ("q25", "q75")), ("none", ())])
def test_the_band_is_the_one_that_is_asked_for(watched: Watched, band: str, edges: tuple[str, ...]) -> None:
    told = watched.page.get_by_text("The sentences speak of all trials")
    assert not told.is_visible()
    watched.choose("band", band)
    assert told.is_visible()
    filled = [name for name in watched.shown("bands") if re.fullmatch(r"(ST|DA) (min|max|q\d\d)", name)]
    assert filled == [f"{label} {edge}" for label in ("ST", "DA") for edge in edges]


def test_points_are_accuracies_minus_the_baselines(watched: Watched) -> None:
    values = """() => document.querySelector('[data-slot=bands] .plot').data
        .filter((trace) => trace.visible === true && trace.name !== 'chance').map((trace) => [trace.name, trace.y])"""
    before = dict(watched.page.evaluate(values))
    watched.choose("scale", "points")
    after = dict(watched.page.evaluate(values))
    assert after["Baseline"] == [0, 0, 0, 0]
    whole = {name: accuracies for name, accuracies in before.items() if len(accuracies) == 4}
    assert len(whole) >= 9
    for name, accuracies in whole.items():
        expected = [one - base for one, base in zip(accuracies, before["Baseline"], strict=True)]
        assert after[name] == pytest.approx(expected)
    title = watched.page.locator("[data-slot=bands] .annotation", has_text="above (+)")
    assert title.count() == 1


def test_picking_on_validation_images_changes_the_picks_and_says_so(watched: Watched) -> None:
    before = watched.shown("bands")
    watched.choose("pick", "validation")
    assert watched.shown("bands") != before
    assert "picked on undistorted validation images" in watched.page.locator("[data-slot=bands] .answer").inner_text()
    assert watched.page.locator("[data-show-pick=validation]").is_visible()
    assert not watched.page.locator("[data-show-pick=test]").is_visible()


def test_methods_are_hidden_and_bands_filled_from_the_legend(watched: Watched) -> None:
    legend = watched.page.locator("[data-slot=bands] .legend")
    legend.get_by_label("fill DA").uncheck()
    watched.ready()
    assert "DA max" not in watched.shown("bands")
    assert any(name.startswith("best DA") for name in watched.shown("bands"))
    legend.get_by_label("show ST").uncheck()
    watched.ready()
    assert not any("ST" in name for name in watched.shown("bands"))
    assert not any(name == "ST" for name in watched.shown("standing"))
    assert watched.chosen() == {"train": "gaussian_noise", "test": "gaussian_noise", "fill": "ST", "hide": "ST"}


def test_the_address_brings_everything_back(watched: Watched, store: Store, plan: Plan) -> None:
    trial = next(one for one in read_results(store, plan.study).trials if one.label == "DA")
    said = (
        f"train=rotation&test=fgsm&band=q10-q90&scale=points&pick=validation&fill=DA&trial={trial.trial_id}&theme=dark"
        "&measure=training+loss&at=jpeg%3A5"
    )
    watched.open(said)
    assert watched.chosen() == {
        "train": "rotation", "test": "fgsm", "band": "q10-q90", "scale": "points", "pick": "validation", "fill": "DA",
        "trial": trial.trial_id, "theme": "dark", "measure": "training loss", "at": "jpeg:5",
    } or watched.page.evaluate("location.hash") == f"#{said}"  # fmt: skip
    for name, value in {"train": "rotation", "band": "q10-q90", "scale": "points", "at": "jpeg:5"}.items():
        assert watched.page.locator(f"[data-choice={name}]").first.input_value() == value
    assert "DA q10" in watched.shown("bands")
    assert watched.page.get_attribute("html", "data-theme") == "dark"
    assert f"Following {trial.label}" in watched.page.locator("#followed").inner_text()


def test_a_label_with_a_bar_comes_back_from_the_address(watched: Watched, tmp_path: Path) -> None:
    write(
        watched,
        tmp_path,
        TEXT.replace("  DA: {", "  DA|=1: {")
        .replace("methods: [ST, DA]", "methods: [ST]")
        .replace("methods: [DA], also", "also"),
    )
    legend = watched.page.locator("[data-slot=bands] .legend")
    legend.get_by_label("fill ST").uncheck()
    watched.ready()
    legend.get_by_label("show DA|=1").uncheck()
    watched.ready()
    watched.page.reload()
    watched.ready()
    assert not legend.get_by_label("show DA|=1").is_checked()
    assert legend.get_by_label("fill DA|=1").is_checked()
    assert not legend.get_by_label("fill ST").is_checked()
    assert legend.get_by_label("show ST").is_checked()
    legend.get_by_label("fill DA|=1").uncheck()
    watched.ready()
    watched.page.reload()
    watched.ready()
    assert not legend.get_by_label("fill DA|=1").is_checked()
    assert not legend.get_by_label("fill ST").is_checked()


def test_a_text_that_begins_like_a_formula_is_marked_as_text(watched: Watched, tmp_path: Path) -> None:
    write(watched, tmp_path, TEXT.replace("<i>AT</i>", "=1+1"))
    rows = downloaded(watched, "trials")
    assert {row["label"] for row in rows} == {"Baseline", "ST", "DA", "'=1+1"}
    rows = downloaded(watched, "pairs")
    worst = [float(row["worst"]) for row in rows]
    assert min(worst) < 0, "a number below zero is no formula"


def test_what_is_not_in_the_study_is_left_out_of_the_address(watched: Watched) -> None:
    watched.open("train=fog&band=huge&trial=%3Cscript%3E&figure=9z")
    assert watched.page.locator("[data-choice=train]").input_value() == "gaussian_noise"
    assert not watched.page.locator("#followed").is_visible()


@pytest.mark.parametrize("name", ["__proto__", "constructor", "toString"])
def test_an_address_with_names_that_every_object_knows_opens_the_page(watched: Watched, name: str) -> None:
    watched.open(f"{name}=1&train={name}&trial={name}&figure={name}&page={name}&theme={name}")
    assert watched.page.locator("[data-choice=train]").input_value() == "gaussian_noise"
    assert not watched.page.locator("#followed").is_visible()
    assert watched.shown("bands")


def test_a_figure_is_chosen_by_its_address_and_by_its_link(watched: Watched) -> None:
    watched.open("page=figures&figure=2c")
    assert {"best ST on gaussian noise", "worst ST on gaussian noise", "best DA; p = 0.5", "best DA; p = 1"} <= {
        name.partition(" (")[0] for name in watched.shown("figures")
    }
    assert watched.page.locator("[data-choice=figure]").input_value() == "2c"
    assert not watched.page.locator("[data-show-figure='1a'] [data-choice=pick_at]").is_visible()
    watched.page.click('#page-bands [data-figure="1a"]')
    watched.ready()
    assert watched.page.evaluate("Math.abs(document.querySelector('#page-figures').getBoundingClientRect().top) < 100")
    names = watched.shown("figures")
    assert sum(name.startswith(("best ST", "worst ST")) for name in names) == 2
    assert sum(name.startswith(("best DA; p = ", "worst DA; p = ")) for name in names) == 4
    assert {"ST min", "ST max"} <= set(names)
    assert "DA max" not in names
    link = watched.page.locator("[data-slot=figures] .tools a").get_attribute("href")
    assert link is not None
    assert "figure=1a&page=figures" in link, "said although it is the first"
    watched.page.click("#page-figures [data-show-figure='1a'] a[data-page=bands]")
    watched.ready()
    assert watched.chosen()["train"] == "gaussian_noise"


def test_a_figure_is_picked_at_each_of_its_levels(watched: Watched) -> None:
    watched.open("page=figures&figure=1a")
    levels = watched.page.locator("[data-show-figure='1a'] [data-choice=pick_at]")
    assert levels.input_value() == "0.3", "the first, where none is chosen"
    for level, said in (("0.6", "At σ = 0.6 the 25 ST"), ("all", "At σ = 0.3 the 25 ST"), ("0.3", "At σ = 0.3 the")):
        levels.select_option(level)
        watched.ready()
        assert watched.chosen()["pick_at"] == level
        assert said in watched.page.locator("[data-slot=figures] .answer").inner_text()
    levels.select_option("all")
    watched.ready()
    names = watched.shown("figures")
    assert sum(" at σ = 0.6" in name for name in names) == sum(" at σ = 0.3" in name for name in names) > 0
    watched.page.locator("[data-choice=figure]").select_option("2c")
    watched.ready()
    assert "pick_at" not in watched.chosen()
    watched.open("page=figures&figure=2c&pick_at=0.6")
    assert watched.shown("figures"), "a level that it does not have is its first"


def test_all_figures_stand_side_by_side_and_download_as_one(watched: Watched) -> None:
    watched.open("page=figures&figure=all&scale=points")
    plot = "document.querySelector('[data-slot=figures] .plot')"
    axes, baselines = watched.page.evaluate(
        f"[{plot}.layout.xaxis2.anchor, {plot}.data.filter((one) => one.name === 'Baseline').map((one) => one.y)]"
    )
    assert axes == "y2"
    assert baselines == [[0, 0, 0, 0]] * 2, "each against its own"
    assert "1a  trained on gaussian noise 2c  trained on rotation dotted: trained on gaussian noise" in " ".join(
        svg(watched, "figures").split()
    ).replace("1a trained", "1a  trained").replace("2c trained", "2c  trained")
    watched.page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    watched.open("page=figures&figure=all")
    assert watched.page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]


def test_a_trial_is_followed_from_a_dot_until_escape(watched: Watched) -> None:
    before = len(watched.shown("bands"))
    point = watched.page.locator("[data-slot=standing] .scatterlayer .trace path.point").nth(4)
    box = point.bounding_box()
    assert box is not None
    watched.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    watched.page.wait_for_selector("#followed:not([hidden])")
    watched.ready()
    trial = watched.chosen()["trial"]
    assert len(watched.shown("bands")) == before + 1
    assert f"tags.trial_id = '{trial}'" in watched.page.locator("#followed").inner_text()
    watched.page.keyboard.press("Escape")
    watched.ready()
    assert "trial" not in watched.chosen()
    assert len(watched.shown("bands")) == before


def test_a_trial_is_followed_from_the_table_with_the_keyboard(watched: Watched) -> None:
    row = watched.page.locator("[data-slot=trials] tbody button.trial").nth(30)
    row.focus()
    watched.page.keyboard.press("Enter")
    watched.ready()
    assert watched.chosen()["trial"].startswith(row.inner_text())


def test_choices_are_within_reach_of_the_keyboard(watched: Watched) -> None:
    for name in ("train", "test", "band", "scale", "pick"):
        watched.page.locator(f"#page-bands [data-choice={name}]").focus()
        assert watched.page.evaluate("document.activeElement.dataset.choice") == name
    watched.page.locator("[data-choice=test]").focus()
    watched.page.keyboard.press("ArrowDown")
    watched.ready()
    assert watched.chosen()["test"] == "jpeg"


def test_a_pair_nobody_trained_says_so_and_draws_no_axis(watched: Watched) -> None:
    watched.choose("train", "jpeg")
    said = watched.page.locator("[data-slot=bands] .missing")
    assert said.inner_text() == "No trial of this study was trained on jpeg; it has gaussian noise and rotation."
    assert watched.page.locator("[data-slot=bands] .main-svg").count() == 0
    watched.choose("train", "rotation")
    assert not said.is_visible()
    assert watched.page.locator("[data-slot=bands] .main-svg").count() > 0


def test_a_csv_holds_the_numbers_of_the_tables(watched: Watched, store: Store, plan: Plan) -> None:
    with watched.page.expect_download() as caught:
        watched.page.click('[data-slot=bands] .tools button:has-text("CSV")')
    assert caught.value.suggested_filename == "made-bands-gaussian_noise-gaussian_noise.csv"
    rows = list(csv.DictReader(io.StringIO(Path(caught.value.path()).read_text("utf-8"))))
    sql = "FROM bands WHERE train_distortion = 'gaussian_noise' AND test_distortion = 'gaussian_noise'"
    expected = open_tables(store, plan.study).sql(sql).to_pylist()
    assert len(rows) == len(expected) == 8
    for row, known in zip(rows, expected, strict=True):
        assert row["label"] == known["label"]
        assert row["sigma"] == ("clean" if known["level"] is None else f"{known['level']:g}")
        for name in ("min", "q25", "median", "q75", "max", "baseline"):
            assert float(row[name]) == pytest.approx(known[name], abs=1e-6)


@pytest.mark.parametrize(("kind", "begins"), [("PNG", b"\x89PNG"), ("SVG", b"<svg")])
def test_each_figure_downloads_as_a_picture(watched: Watched, kind: str, begins: bytes) -> None:
    for slot in ("bands", "figures", "standing", "knobs", "heat-map", "training", "pairs"):
        with watched.page.expect_download() as caught:
            watched.page.click(f'[data-slot={slot}] .tools button:has-text("{kind}")')
        assert caught.value.suggested_filename.startswith(f"made-{slot}")
        assert Path(caught.value.path()).read_bytes().startswith(begins)


def test_the_numbers_unfold_sort_and_are_found(watched: Watched) -> None:
    watched.page.click("[data-slot=standing] summary")
    watched.page.locator("[data-slot=standing] tbody tr").first.wait_for()
    assert watched.page.locator("[data-slot=standing] tbody tr").count() == 35
    head = watched.page.locator("[data-slot=trials] th button", has_text="clean")
    head.click()
    head = watched.page.locator("[data-slot=trials] th button", has_text="clean")
    head.click()
    values = watched.page.locator("[data-slot=trials] tbody td:nth-child(8)").all_inner_texts()
    numbers = [float(one) for one in values]
    assert numbers == sorted(numbers, reverse=True)
    watched.page.click("[data-slot=bands] summary")
    for order in (["clean", "0.1", "0.3", "0.6"], ["0.6", "0.3", "0.1", "clean"]):
        watched.page.locator("[data-slot=bands] th button", has_text="level").click()
        levels = watched.page.locator("[data-slot=bands] tbody td:nth-child(3)").all_inner_texts()
        assert list(dict.fromkeys(levels)) == order, "undistorted is easier than any level"
        assert sorted(levels) == sorted(2 * order)
    watched.page.fill("[data-find=trials]", "rotation DA")
    assert watched.page.locator("[data-slot=trials] tbody tr").count() == 4


def test_names_that_are_tags_are_shown_as_they_are(watched: Watched) -> None:
    watched.choose("train", "rotation")
    assert "Made <b>up</b> & then some" in watched.page.locator("header .title").inner_text()
    assert "<i>AT</i>" in watched.page.locator("[data-slot=bands] .legend").inner_text()
    assert "<i>AT</i>" in watched.page.locator("[data-slot=standing] .plot").text_content()  # type: ignore[operator]
    assert watched.page.locator("main b, main i").count() == 0


def test_corruption_errors_are_chosen_followed_and_fit_a_phone(watched: Watched, tmp_path: Path) -> None:
    write(watched, tmp_path, CORRUPTED)
    for slot in ("corruptions", "severities", "perturbations"):
        assert watched.page.locator(f"[data-slot={slot}] .plot .main-svg").count() > 0, slot
    watched.choose("corrupted", "error")
    assert {"Baseline", "ST min to max"} <= set(watched.shown("corruptions"))
    trial = watched.page.locator("[data-slot=corrupted] button.trial").nth(1)
    trial.click()
    watched.ready()
    assert any(name.startswith("followed ST") for name in watched.shown("corruptions"))
    assert not watched.page.evaluate(
        "document.querySelector('[data-slot=severities] .plot').layout.shapes.some((shape) => shape.type === 'rect')"
    ), "no square alone is the trial followed"
    watched.page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    watched.open("page=corruptions")
    inside, across = watched.page.evaluate(
        "[document.querySelector('[data-slot=corruptions] .plot').clientWidth, document.documentElement.scrollWidth]"
    )
    assert across == NARROW["width"]
    wide = watched.page.evaluate("document.querySelector('[data-slot=corruptions] .plot').scrollWidth")
    assert wide > inside, "tests keep their room: the figure is moved sideways"


def test_at_400_px_nothing_runs_out_of_the_page(watched: Watched) -> None:
    watched.page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    watched.open()
    for choices in ("", "train=rotation&test=jpeg", "figure=2c", "train=jpeg&test=fgsm"):
        watched.open(choices)
        assert watched.page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    watched.open()
    matrix = watched.page.locator(".matrix-box:not([hidden])")
    assert matrix.evaluate("box => box.scrollWidth > box.clientWidth"), "the matrix scrolls inside its box"
    assert "chance, 10.0 %" in watched.page.locator("[data-slot=bands] .legend").inner_text()
    images = watched.page.evaluate("document.querySelector('[data-slot=bands] .plot').layout.images.length")
    assert images == 2, "every second of four"
    level = watched.page.locator("[data-show-figure='1a'] [data-choice=pick_at]").bounding_box()
    assert level is not None
    assert level["width"] > 100


def test_it_works_in_a_frame_without_an_address(watched: Watched) -> None:
    """As MLflow shows an artifact: sandboxed, from a text."""
    watched.page.goto("about:blank")
    watched.page.evaluate(
        """html => {
            const frame = document.createElement('iframe');
            frame.sandbox = 'allow-scripts';
            frame.srcdoc = html;
            frame.width = 1200;
            document.body.append(frame);
        }""",
        watched.file.read_text("utf-8"),
    )
    frame = watched.page.frame_locator("iframe")
    frame.locator("[data-choice=train]").select_option("rotation")
    frame.locator("html[data-ready=yes]").wait_for(state="attached")
    assert "DA trials" in frame.locator("[data-slot=bands] .answer p").first.inner_text()
    assert "rotation" in frame.locator("[data-slot=bands] .tools a").get_attribute("href")  # type: ignore[operator]


def test_dark_and_light(watched: Watched) -> None:
    paper = "() => getComputedStyle(document.body).backgroundColor"
    light = watched.page.evaluate(paper)
    watched.page.click("#theme")
    watched.ready()
    assert watched.page.evaluate(paper) != light
    assert watched.page.evaluate(
        "document.querySelector('[data-slot=bands] .plot').layout.paper_bgcolor"
    ) == "#14171b"  # fmt: skip
    assert watched.chosen()["theme"] == "dark"


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_training_has_a_key_of_the_lines_that_show(watched: Watched, size: dict[str, int]) -> None:
    watched.page.set_viewport_size(size)  # type: ignore[arg-type]
    watched.open("train=gaussian_noise&test=jpeg")
    key = watched.page.locator("[data-slot=training] .legend")
    strong = [name for name in watched.shown("training") if name.startswith(("best ", "worst ", "Baseline, kept"))]
    assert len(strong) == 5
    assert key.locator(".lines li").all_inner_texts() == strong
    key.get_by_label("show DA").uncheck()
    watched.ready()
    assert not any("DA" in name for name in watched.shown("training"))
    assert len(key.locator(".lines li").all_inner_texts()) == 3


def svg(watched: Watched, slot: str) -> str:
    """What the download holds, its lines joined."""
    with watched.page.expect_download() as caught:
        watched.page.click(f'[data-slot={slot}] .tools button:has-text("SVG")')
    texts = re.findall(r">([^<>]+)<", Path(caught.value.path()).read_text("utf-8"))
    return " ".join(texts).replace("\u00a0", " ")


def test_a_downloaded_picture_says_what_it_is_of_and_follows_the_choices(watched: Watched) -> None:
    told = "ST 25 trials (2 diverged), DA 10 · 400 test images · bands over all trials · best and worst picked on these"
    assert told in svg(watched, "bands")
    watched.choose("pick", "validation")
    watched.choose("band", "q25-q75")
    changed = svg(watched, "bands")
    assert "bands over 25–75 % of the trials · best and worst picked on undistorted validation images" in changed
    for slot in ("standing", "training", "pairs"):
        assert "picked on undistorted validation images" in svg(watched, slot)
    watched.choose("test", "jpeg")
    assert "best and worst under jpeg, q = 30, picked on" in svg(watched, "training")
    assert "gaussian noise · ST" in svg(watched, "pairs")


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_no_text_of_a_figure_lies_outside_it_or_on_its_caption(
    watched: Watched, tmp_path: Path, size: dict[str, int]
) -> None:
    label = "A very long method label, with α & β, that is 58 chars long"
    text = TEXT.replace("  DA: {", f'  "{label}": {{').replace("methods: [ST, DA]", "methods: [ST]")
    write(watched, tmp_path, text.replace("methods: [DA], also", "also"))
    watched.page.set_viewport_size(size)  # type: ignore[arg-type]
    for choices in ("", "scale=points&pick=validation&band=none"):
        watched.open(choices)
        found = watched.page.evaluate(
            """() => [...document.querySelectorAll('[data-slot] .plot')].flatMap((plot) => {
                const box = plot.getBoundingClientRect();
                const texts = [...plot.querySelectorAll('svg text')].filter((one) => one.textContent.trim());
                const places = texts.map((one) => [one.textContent, one.getBoundingClientRect()]);
                const caption = places.find(([text]) => text.startsWith('Trained on'));
                const bad = places.filter(([, one]) => one.left < box.left - 2 || one.right > box.right + 2);
                const hit = caption ? places.filter(([text, one]) => text !== caption[0]
                    && one.bottom > caption[1].top + 3 && one.top < caption[1].bottom - 3
                    && one.right > caption[1].left && one.left < caption[1].right) : [];
                return [...bad, ...hit].map(([text]) => [plot.closest('[data-slot]').dataset.slot, text]);
            })"""
        )
        assert found == []


def test_no_choice_cuts_its_text_at_1400_px(watched: Watched) -> None:
    cut = watched.page.evaluate(
        """() => {
            const pen = document.createElement('canvas').getContext('2d');
            return [...document.querySelectorAll('#page-bands select')].flatMap((select) => {
                const style = getComputedStyle(select);
                pen.font = `${style.fontSize} ${style.fontFamily}`;
                const room = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 18;
                const texts = [...select.options].map((one) => one.text);
                return texts.filter((text) => pen.measureText(text).width > room);
            });
        }"""
    )
    assert cut == []
    rows = watched.page.evaluate("[...document.querySelectorAll('#page-bands .choice')].map((one) => one.offsetTop)")
    assert len(set(rows)) == 1, "in one row"


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_names_of_knobs_lines_stand_beside_their_ends(watched: Watched, size: dict[str, int]) -> None:
    watched.page.set_viewport_size(size)  # type: ignore[arg-type]
    watched.open("scale=points")
    places = watched.page.evaluate(
        """() => {
            const plot = document.querySelector('[data-slot=knobs] .plot');
            const ends = plot.layout.annotations.filter((one) => (one.name || '').startsWith('end:') && one.visible);
            return ends.map((end) => {
                const trace = plot.data[Number(end.name.slice(4))];
                const axis = plot._fullLayout[end.xref.replace('x', 'xaxis')];
                return [end.x, axis.d2l(trace.x.at(-1)), end.y, trace.y.at(-1), axis.type];
            });
        }"""
    )
    assert len(places) == 17
    assert {one[-1] for one in places} == {"linear", "log"}
    for x, last, y, high, _ in places:
        assert (x, y) == (pytest.approx(last), pytest.approx(high))
