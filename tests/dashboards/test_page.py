"""The page: one document, escaped, deterministic, without torch; and what it says of a study that is not done."""

import base64
import gzip
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from plotly.offline import get_plotlyjs

import dashboards
from dashboards.drawing import as_figure
from dashboards.page import packed, plotly_script
from study.plan import Plan
from study.store import Store
from tests.dashboards.made import PNG, finished, in_memory, planned
from tests.dashboards.made import TEXT as MADE

OWN = 250_000
"""Bytes of a page of the made study beside Plotly's own."""


def data_of(document: str) -> dict[str, Any]:
    """What the page's script reads."""
    (found,) = re.findall(r'<script type="application/gzip" id="page-data">(.*?)</script>', document, re.DOTALL)
    read: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found)))
    return read


class Elements(HTMLParser):
    """The tags of a document, those inside scripts not being tags."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def document(store: Store, plan: Plan) -> str:
    return dashboards.render(store, plan.study)


def test_equal_stores_give_equal_documents(store: Store, plan: Plan, document: str) -> None:
    assert dashboards.render(store, plan.study) == document


def test_names_from_a_study_never_become_html(document: str) -> None:
    elements = Elements(document)
    assert {"section", "figure", "select", "table"} <= {tag for tag, _ in elements.found}
    assert not {"b", "i"} & {tag for tag, _ in elements.found}, "the made study's title and a label are tags"
    assert "&lt;i&gt;AT&lt;/i&gt;" in document
    assert "Made &lt;b&gt;up&lt;/b&gt; &amp; then some" in document


def test_labels_with_tags_are_text_in_figures_too(document: str) -> None:
    for slot in data_of(document)["slots"].values():
        for variant in slot:
            drawn = json.dumps((variant["drawing"] or {}).get("layout", {}).get("annotations", []))
            templates = [trace.get("hovertemplate", "") for trace in (variant["drawing"] or {}).get("data", [])]
            assert "<i>" not in drawn
            assert not any("<i>" in one for one in templates)


@pytest.mark.parametrize("evil", ["</script><script>alert(1)</script>", "<!--", "\u2028", "&lt;", "${study}"])
def test_what_is_embedded_comes_back_and_cannot_end_its_element(evil: str) -> None:
    text = packed({"name": evil})
    assert re.fullmatch("[A-Za-z0-9+/=]+", text)
    assert json.loads(gzip.decompress(base64.b64decode(text))) == {"name": evil}


def test_the_document_asks_nothing_of_a_network(document: str) -> None:
    for tag, attributes in Elements(document).found:
        assert tag != "link", attributes
        for name in ("src", "href", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith("#"), (tag, value)
    assert "default-src 'none'" in document


def test_every_choice_has_what_it_promises(document: str) -> None:
    data = data_of(document)
    assert set(data["choices"]) == {
        "train", "test", "band", "scale", "pick", "grid", "at", "measure", "figure", "pick_at",
    }  # fmt: skip
    for train in data["choices"]["train"]["values"]:
        for test in data["choices"]["test"]["values"]:
            when = {"train": train, "test": test}
            (variant,) = [one for one in data["slots"]["bands"] if one["when"] == when]
            assert bool(variant["drawing"]) != bool(variant["missing"])


def test_pictures_are_in_the_page_once(document: str, plan: Plan) -> None:
    data = data_of(document)
    assert len(data["examples"]) == len(plan.conditions)
    sources = [image["source"] for one in data["slots"]["bands"] if one["drawing"]
               for image in one["drawing"]["layout"]["images"]]  # fmt: skip
    assert sources
    assert all(source.removeprefix("example:") in data["examples"] for source in sources)


def test_a_store_without_pictures_has_no_strip(plan: Plan) -> None:
    opened = in_memory()
    finished(opened, plan, trials=3)
    data = data_of(dashboards.render(opened, plan.study))
    assert data["examples"] == {}
    assert not any(one["drawing"]["layout"]["images"] for one in data["slots"]["bands"] if one["drawing"])


def test_a_picture_that_was_cut_off_is_left_out(plan: Plan) -> None:
    opened = in_memory()
    finished(opened, plan)
    clean = plan.conditions[0].condition_id
    opened.objects.put(f"results/examples/{clean}.png", opened.read_example(clean)[:-1])
    assert set(data_of(dashboards.render(opened, plan.study))["examples"]) == {
        one.condition_id for one in plan.conditions[1:]
    }


def test_a_page_is_little_more_than_plotly(document: str) -> None:
    script = plotly_script()
    assert script == get_plotlyjs()
    assert document.count(script[:1000]) == 1
    assert len(document.encode()) < len(script.encode()) + OWN


def test_a_study_without_results_says_so_and_draws_nothing(empty: Store, plan: Plan) -> None:
    document = dashboards.render(empty, plan.study)
    assert "Nothing of this study has been evaluated yet" in document
    data = data_of(document)
    assert not any(one["drawing"] for slot in data["slots"].values() for one in slot)
    said = {one["missing"] for one in data["slots"]["bands"]}
    assert any("None of the 35 trials trained on gaussian noise" in one and "35 not begun" in one for one in said)


def test_a_study_half_done_draws_what_there_is_and_says_what_is_missing(plan: Plan) -> None:
    opened = in_memory()
    finished(opened, plan, trials=4)
    data = data_of(dashboards.render(opened, plan.study))
    (variant,) = [one for one in data["slots"]["bands"] if one["when"] == {"train": "gaussian_noise", "test": "jpeg"}]
    assert "Not evaluated yet: 22 of 25 ST trials and 10 of 10 DA trials." in variant["text"]["test"]
    notes = {one["name"]: one["note"] for one in variant["families"]}
    assert notes["ST"] == "3 of 25 trials so far"
    (other,) = [one for one in data["slots"]["bands"] if one["when"] == {"train": "rotation", "test": "jpeg"}]
    assert "None of the 6 trials trained on rotation has been evaluated under jpeg yet" in other["missing"]


def test_a_study_without_sweeps_still_has_an_overview(tmp_path: Path) -> None:
    text = re.sub(r"evaluate:.*", "", MADE, flags=re.DOTALL)
    plan = planned(tmp_path, text)
    opened = in_memory()
    finished(opened, plan, text)
    document = dashboards.render(opened, plan.study)
    assert 'id="page-overview"' in document
    assert 'id="page-bands"' not in document


ODD = {
    "no baseline": MADE.replace("  Baseline: {method: standard, from: scratch}\n", "").replace(
        "train: {from: Baseline,", "train: {from: scratch,"
    ),
    "replicates": MADE.replace("{from: Baseline,", "{replicates: 2, from: Baseline,"),
    "a method on undistorted images": MADE.replace("methods:\n", "methods:\n  Long: {method: standard, epochs: 9}\n"),
    "one level": MADE.replace("[90, 30, 5]", "[30]"),
    "a sequence": MADE.replace("distortion: rotation}", "distortion: rotation then gaussian_noise}").replace(
        "{degrees: [30, 60]}", "{degrees: [30, 60]}\n  rotation then gaussian_noise: {}"
    ),
    "no hyperparameters": re.sub(r"  (ST|DA): .*\n", "", MADE).replace("methods: [ST, DA], ", "").replace(
        "methods: [DA], also: {train: gaussian_noise, methods: [ST]}", ""
    ),
}  # fmt: skip
"""What a study may lack, or have too much of."""


@pytest.mark.parametrize("oddity", ODD)
def test_odd_studies_are_drawn_too(tmp_path: Path, oddity: str) -> None:
    plan = planned(tmp_path, ODD[oddity])
    opened = in_memory()
    finished(opened, plan, ODD[oddity])
    drawn = [
        (slot, variant["drawing"])
        for slot, variants in data_of(dashboards.render(opened, plan.study))["slots"].items()
        for variant in variants
        if variant["drawing"]
    ]
    assert drawn
    for drawing in dict(drawn).values():
        as_figure(drawing)


def test_a_page_appears_whole_or_not_at_all(store: Store, plan: Plan, tmp_path: Path, document: str) -> None:
    path = tmp_path / "made.html"
    dashboards.write_page(store, plan.study, path)
    assert path.read_text("utf-8") == document
    assert [one.name for one in tmp_path.iterdir()] == ["made.html"]
    with pytest.raises(OSError, match="its folder does not exist"):
        dashboards.write_page(store, plan.study, tmp_path / "nowhere" / "made.html")


def test_a_dashboard_needs_neither_torch_nor_ray(store: Store, plan: Plan) -> None:
    code = (
        "import sys, dashboards; from study.store import Store; "
        f"dashboards.render(Store.open({store.location!r}, create=False), {plan.study!r}); "
        "print([name for name in ('torch', 'torchvision', 'ray', 'mlflow', 'optuna') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_made_picture_is_what_is_embedded(document: str) -> None:
    (one, *_) = data_of(document)["examples"].values()
    assert base64.b64decode(one.removeprefix("data:image/png;base64,")) == PNG
