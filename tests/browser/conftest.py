"""A headless Chromium with the made study's page open, watched for errors and requests."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

import dashboards
from study.plan import Plan
from study.store import Store
from tests.dashboards.made import finished, planned

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
READY = "html[data-ready=yes]"
WIDE, NARROW = {"width": 1400, "height": 1000}, {"width": 400, "height": 800}


@dataclass
class Watched:
    """A page, and what it said and asked for."""

    page: Page
    file: Path
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.file.as_uri()

    def open(self, choices: str = "") -> None:
        """Afresh, with these choices in its address."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.address}#{choices}" if choices else self.address)
        self.ready()

    def ready(self) -> None:
        self.page.wait_for_selector(READY, state="attached")

    def choose(self, name: str, value: str) -> None:
        self.page.select_option(f"[data-choice={name}]", value)
        self.ready()

    def chosen(self) -> dict[str, str]:
        """What stands in the address."""
        said: dict[str, str] = self.page.evaluate("Object.fromEntries(new URLSearchParams(location.hash.slice(1)))")
        return said

    def shown(self, slot: str) -> list[str]:
        """The names of the traces that show."""
        names: list[str] = self.page.evaluate(
            """slot => document.querySelector(`[data-slot="${slot}"] .plot`).data
                .filter((trace) => trace.visible === true).map((trace) => trace.name)""",
            slot,
        )
        return names


@pytest.fixture(scope="session")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return planned(tmp_path_factory.mktemp("spec"))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, plan: Plan) -> Store:
    opened = Store.open(tmp_path_factory.mktemp("store"))
    finished(opened, plan)
    return opened


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory, store: Store, plan: Plan) -> Path:
    path = tmp_path_factory.mktemp("page") / "made.html"
    dashboards.write_page(store, plan.study, path)
    return path


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium")
    assert found is not None, "these tests need Debian's chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def watched(chromium: Browser, file: Path) -> Iterator[Watched]:
    """The page as it opens at 1400 px. At the end: no complaint, and nothing asked for but itself."""
    context = chromium.new_context(viewport=WIDE, accept_downloads=True)  # type: ignore[arg-type]
    seen = Watched(page=context.new_page(), file=file)

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            seen.complaints.append(message.text)

    seen.page.on("console", said)
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.open()
    yield seen
    context.close()
    assert seen.complaints == []
    own = (seen.address, "data:", "blob:", "about:")
    assert [url for url in seen.requests if not url.startswith(own)] == []
