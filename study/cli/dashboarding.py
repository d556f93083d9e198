"""`study dashboard`: the study's page into a file, and before the reader's eyes."""

import os
import sys
import webbrowser
from pathlib import Path

import dashboards
from study.cli.errors import CommandError
from study.cli.numbers import size
from study.cli.places import open_store, store_suffix, study_name
from study.cli.terminal import Terminal
from study.store import Store

HAS_SCREEN = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
"""On Linux, one of these is set where a browser can show something."""


def write_dashboard(study: str, store: str | None, output: Path | None, opens: bool, terminal: Terminal) -> None:
    """The whole command; raises CommandError where there is nothing to show or nowhere to write."""
    opened = open_store(store)
    name = study_name(study, opened)
    _check_evaluated(opened, name, store)
    path = Path(f"{name}.html") if output is None else output.expanduser()
    try:
        dashboards.write_page(opened, name, path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}; name another file with -o") from None
    terminal.print(f"{path}    {size(path.stat().st_size)}, needs no network")
    if opens and terminal.live and has_browser():
        webbrowser.open(path.absolute().as_uri())


def _check_evaluated(store: Store, study: str, given: str | None) -> None:
    launch = store.newest_launch(study)
    ids = {trial.trial_id for trial in launch.plan.trials} if launch is not None else set()
    if not any(store.committed().evaluated.get(trial_id) for trial_id in ids):
        raise CommandError(
            f"nothing of {study} has been evaluated yet, so a dashboard would be empty: `study status {study}"
            f"{store_suffix(given)}` says how far it is, `study launch {study}{store_suffix(given)}` goes on"
        )


def has_browser() -> bool:
    """Whether a window can open: not over a plain ssh, where `webbrowser` would take over the terminal."""
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in HAS_SCREEN)
