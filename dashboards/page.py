"""The page: every section, the figures' data and Plotly's script in one HTML file that asks nothing of any network."""

import base64
import errno
import gzip
import html
import json
import os
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from dashboards import palette
from dashboards.pages import pages
from dashboards.pages.overview import standing_line
from dashboards.parts import Page, paragraph
from dashboards.reading import read_results
from dashboards.results import Results
from dashboards.wording import count
from study.store import Store

ASSETS = files("dashboards.assets")
SCRIPTS = ("state.js", "traces.js", "captions.js", "ends.js", "slots.js", "legend.js", "tables.js", "page.js")
"""One after another, they are the body of one function: what begins the page is in the last."""
EMPTY = "Nothing of this study has been evaluated yet, so there is nothing to draw. `study launch {study}` goes on."


def render(store: Store, study: str) -> str:
    """The study's dashboard as one HTML document, as of its newest launch; raises QueryError if there is none.

    Equal stores give equal documents.
    """
    return document(read_results(store, study))


def write_page(store: Store, study: str, path: str | os.PathLike[str]) -> None:
    """`render` into a file, which appears as a whole; raises OSError where it cannot be written."""
    _write(Path(path), render(store, study).encode())


def _write(path: Path, content: bytes) -> None:
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "its folder does not exist", str(path))
    descriptor, temporary = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    """Of this process; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def document(results: Results) -> str:
    """The HTML of a study whose results have been read."""
    shown = list(pages(results))
    empty = "" if results.cells else EMPTY.format(study=results.launch.study)
    name = html.escape(results.launch.study)
    return Template(_asset("page.html")).substitute(
        study=name,
        title=html.escape(results.launch.title),
        facts=html.escape(_facts(results)),
        empty=paragraph(empty, "missing"),
        nav="".join(f'<a href="#{one.name}" data-page="{one.name}">{html.escape(one.nav)}</a>' for one in shown),
        pages="".join(f'<section id="page-{one.name}" class="page">{one.body}</section>' for one in shown),
        style=_asset("page.css"),
        script="\n".join(map(_asset, SCRIPTS)),
        data=packed(_data(results, shown)),
        plotly=plotly_script(),
    )


def plotly_script() -> str:
    """The whole of plotly.js, as the installed Plotly ships it."""
    return (files("plotly") / "package_data" / "plotly.min.js").read_text("utf-8")


def _asset(name: str) -> str:
    return (ASSETS / name).read_text("utf-8")


def _facts(results: Results) -> str:
    """`37 trials · none failed · none diverged · lenet · 1,500 test images · commit 4541615`"""
    parts = [standing_line(results), results.plan.expected().trials[0].recipe.model.name]
    parts += [count(results.n, "test image")] if results.n else []
    code = results.launch.provenance.get("code") or {}
    parts += [f"commit {code['commit'][:8]}"] if code.get("commit") else []
    return " · ".join(parts)


def _data(results: Results, shown: list[Page]) -> dict[str, Any]:
    return {
        "study": results.launch.study,
        "baseline": results.baseline_label,
        "slots": {slot.name: [one.to_json() for one in slot.variants] for page in shown for slot in page.slots},
        "choices": {
            choice.name: {"default": choice.default, "values": [value for value, _ in choice.options]}
            for page in shown
            for choice in page.choices
        },
        "trials": {
            one.trial_id: [one.label, one.train_distortion, one.in_brackets] for one in reversed(results.trials)
        },
        "examples": {condition: data_uri(png) for condition, png in sorted(results.examples.items())},
        "dark": palette.DARK,
    }  # fmt: skip


def data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def packed(data: Mapping[str, Any]) -> str:
    """JSON, compressed (traces of a study are much alike: to a tenth), in base64: nothing in it can end its element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
