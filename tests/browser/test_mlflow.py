"""MLflow's own pages over a study's runs, as `study ui` serves them: what the README says one can do there."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from study.store import Store
from tests.study.hand_made import TEXT, TRIALS, finished, small_plan

pytestmark = pytest.mark.browser

LABEL = "<b>ST</b>"
SECONDS = 30_000
"""In milliseconds: what MLflow's pages may take to fill."""


@pytest.fixture(scope="module")
def link(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page that `study ui` names, of a finished study with a label like an HTML tag."""
    folder = tmp_path_factory.mktemp("served")
    text = TEXT.replace("  ST:", f"  {LABEL}:")
    finished(Store.open(folder / "study-store"), small_plan(folder, text), text)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "study.cli", "ui", "--port", str(port)], cwd=folder, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout as said:
        named = next(found[0] for line in said if (found := re.search(r"http://\S+/#/experiments/\S+", line)))
        yield named
        process.send_signal(signal.SIGINT)
        process.wait(30)


@pytest.fixture
def page(chromium: Browser, link: str) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1600, "height": 1000})
    opened = context.new_page()
    opened.set_default_timeout(SECONDS)
    opened.goto(link)
    close = opened.get_by_label("Close").first
    close.click()  # an assistant that nobody asked for
    yield opened
    context.close()


def names(page: Page) -> list[str]:
    """Of the runs in the table, from the top."""
    return [text for text in page.locator("a[href*='/runs/']").all_inner_texts() if " · " in text or text == "Baseline"]


def test_every_trial_is_in_one_list_when_it_opens(page: Page) -> None:
    expect(page.get_by_text(f"{TRIALS + 1} matching runs")).to_be_visible(timeout=SECONDS)
    assert len(names(page)) == TRIALS
    assert names(page)[-1] == "Baseline", "the lowest clean accuracy"
    assert any(name.startswith(f"{LABEL} · ") for name in names(page)), "a label is text, whatever it looks like"


def test_hyperparameters_and_accuracies_are_columns_when_it_opens(page: Page) -> None:
    for name in ("hp.alpha", "hp.sigma", "test.clean"):
        expect(page.locator(f".ag-header-cell[col-id='metrics.`{name}`']")).to_be_visible(timeout=SECONDS)


def test_a_filter_of_the_readme_finds_its_trials(page: Page) -> None:
    page.get_by_placeholder("metrics.rmse").fill("metrics.hp.alpha > 0.5")
    page.keyboard.press("Enter")
    expect(page.get_by_text("3 matching runs")).to_be_visible(timeout=SECONDS)
    assert len(names(page)) == 3
    assert all("α 1" in name for name in names(page))


def test_runs_are_grouped_by_label(page: Page) -> None:
    page.get_by_role("button", name="Group by").first.click()
    page.get_by_text("label", exact=True).last.click()
    for group in (LABEL, "DA", "Baseline"):
        expect(page.get_by_text(f"Group: {group}").first).to_be_visible(timeout=SECONDS)


def test_a_runs_page_tells_its_story(page: Page) -> None:
    page.get_by_text("DA · gaussian_noise · σ 0.3").first.click()
    for said in (
        "data_augmentation",
        "mnist_5k",
        "gaussian_noise",
        "distortion.sigma",
        "test.gaussian_noise.practical",
    ):
        expect(page.get_by_text(said).first).to_be_visible(timeout=SECONDS)
    page.goto(f"{page.url.partition('?')[0]}/artifacts")
    page.get_by_text("evaluations.csv").first.click()
    expect(page.get_by_text("standard_error")).to_be_visible(timeout=SECONDS)
    page.get_by_text("curves.svg").first.click()
    picture = page.locator("img[src^='blob:'], img[src^='data:image/svg'], svg:has-text('tested on jpeg')").first
    expect(picture).to_be_visible(timeout=SECONDS)
