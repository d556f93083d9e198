"""One study's runs kept equal to its tables: all of them, or those that changed."""

import html
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from study.tracking.children import child, status_of
from study.tracking.curves import Renderers
from study.tracking.exporter import Change, Exporter, Tally
from study.tracking.identity import store_id
from study.tracking.parent import study_run
from study.tracking.server import Server
from study.tracking.tables import Tables

Told = Callable[[int, int], None]
"""Is told how many runs have been brought up to date, of how many."""


@dataclass
class Sync:
    """A study's tables and its runs on one server. Whoever has it holds the lease `tracking/<study>`."""

    tables: Tables
    server: Server
    renderers: Renderers
    exporter: Exporter = field(init=False)

    def __post_init__(self) -> None:
        self.exporter = Exporter(self.server, self.tables.plan.study, store_id(self.tables.store, self.server.shared))

    def everything(self, running: Mapping[str, int], live: bool, told: Told = lambda _done, _of: None) -> Tally:
        """Bring every run up to date. `running`: trial id → when it began, in milliseconds; `live`: whether a launch
        is at work. Raises TrackingError and CorruptObjectError."""
        self.tables.read()
        self.exporter.open()
        tally = self.some(self.tables.trials, running, live, told)
        strays = self.exporter.strays(self.tables.trials)
        for trial_id in strays:
            self.exporter.remove(trial_id)
        return replace(tally, removed=len(strays))

    def some(
        self, trial_ids: Collection[str], running: Mapping[str, int], live: bool, told: Told = lambda _done, _of: None
    ) -> Tally:
        """Bring the runs of these trials, whose tables have been read, and the study's own up to date."""
        states = {one: status_of(self.tables, one, one in running, live) for one in self.tables.trials}
        ensured = self.exporter.ensure(study_run(self.tables, states, True, None))
        if ensured == "replaced":
            trial_ids = self.tables.trials  # the others name the run that is gone as their parent
        tally = Tally()
        with ThreadPoolExecutor(self.server.at_once) as several:
            for done, change in enumerate(several.map(lambda one: self._trial(one, running, live), trial_ids)):
                told(done + 1, len(trial_ids))
                tally = tally if change is None else tally.and_one(change)
        page = None if live or self.renderers.page is None else self._page
        brought = self.exporter.bring(study_run(self.tables, states, live, page))
        return tally.and_one(brought if ensured == "unchanged" else ensured)

    def _trial(self, trial_id: str, running: Mapping[str, int], live: bool) -> Change | None:
        """None for a trial that never began."""
        record = child(self.tables, trial_id, self.renderers, running, live)
        if record is not None:
            return self.exporter.bring(record)
        return "put right" if self.exporter.interrupt(trial_id) else None

    def _page(self) -> str:
        """The dashboard, or why there is none yet."""
        assert self.renderers.page is not None
        try:
            return self.renderers.page(self.tables.store, self.tables.plan.study)
        except ValueError as reason:
            return f"<!doctype html><meta charset=utf-8><p>This page cannot be drawn yet: {html.escape(str(reason))}"
