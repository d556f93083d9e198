"""`study launch`: says what changed, shows it running, ends with what came of it."""

import os
import shlex
import sys
import time
from collections import Counter
from collections.abc import Sequence

from study.cli.benchmark_lines import skipped_lines
from study.cli.end_benchmarks import print_benchmarks
from study.cli.end_screen import (
    complete_line,
    diverged_lines,
    failure_lines,
    incomplete_line,
    next_commands,
    nothing_line,
    print_end_table,
    print_next,
)
from study.cli.errors import STOPPED, UNFINISHED, WRONG
from study.cli.front_screen import print_fronts
from study.cli.launch_screen import screen
from study.cli.places import store_suffix
from study.cli.plan_screen import changed_line
from study.cli.planning import as_typed, existing, lacking_of, launch_refusal, outline
from study.cli.terminal import Terminal, facts
from study.cli.terminal import terminal as terminal_of
from study.cli.tracking import Tracked, last_word, tracker_of
from study.launch import LaunchOptions, Result, launch, prepare, refusals, settle
from study.plan import Plan
from study.planning import make_plan
from study.report import Naming, changes, end_table, failures, registered_symbol
from study.spec import Spec, load
from study.standing import fronts, look, newest_failures, practical_cells
from study.store import Store
from study.store.location import store_location
from study.summary import Found, Summary, summarise
from study.tracking.place import Place, place_at
from study.tracking_uri import VARIABLE, shown


def run(source: str, overrides: Sequence[str], store: str | None, options: LaunchOptions, terminal: Terminal) -> int:
    """The whole command; its exit status."""
    return conduct(load(source, overrides), where_it_ran(source, overrides, options), store, options, terminal)


def where_it_ran(source: str, overrides: Sequence[str], options: LaunchOptions) -> str:
    """A spec, its overrides and the cluster, quoted for a shell: what `study launch` is to be given again."""
    address = f" --address {shlex.quote(options.address)}" if options.address is not None else ""
    return as_typed(source, overrides) + address + (" --install" if options.install else "")


def command_typed(suffix: str) -> str:
    """The command of this process, to type again anywhere: with the store that it found, named or not. What it hides
    are credentials in addresses, and nothing else that a path or a value may look like."""
    named = any(word == "--store" or word.startswith("--store=") for word in sys.argv)
    return shlex.join(map(shown, ("study", *sys.argv[1:]))) + ("" if named else suffix)


def conduct(spec: Spec, typed: str | None, store: str | None, options: LaunchOptions, terminal: Terminal) -> int:
    """A launch, with its screen and its end; its exit status. `typed`: as `where_it_ran`; None where the study is the
    store's."""
    began = time.monotonic()
    location, suffix = store_location(store), store_suffix(store)
    lacking = tuple(lacking_of(spec))
    prepared = None if lacking else prepare(spec)
    asked = make_plan(spec, fingerprint="") if prepared is None else prepared.plan
    refused = (*lacking, *(("resources", one) for one in refusals(asked, existing(location), options)))
    if prepared is None or refused:
        _refuse(asked, refused, location, terminal)
        terminal.print(f"Nothing was started or written.  Once that is mended:  {command_typed(suffix)}")
        return WRONG
    opened = Store.open(location)
    place = place_at(opened, spec.tracking or os.environ.get(VARIABLE))
    prepared = settle(prepared, opened, options, lambda line: terminal.print("\n".join(terminal.wrap(line))))
    base = prepared.plan
    plan = opened.with_points(base)
    before = summarise(plan, look(opened, plan))
    _say_changes(opened, plan, before.complete, terminal)
    for line in skipped_lines(one for benchmark in plan.benchmarks for one in benchmark.skipped):
        terminal.print("\n".join(terminal.wrap(f"skipped: {line}")))
    naming = Naming(plan, registered_symbol)
    tracker = tracker_of(opened, plan.study)
    with screen(terminal, naming, location, lambda: str(tracker.state)) as watching:
        result = launch(prepared, opened, options, Tracked(watching, tracker))
    tracker.finish()
    if before.complete and result.status == "complete":
        if place.folder is None:  # `study ui` sees to the store's own
            tracker.catch_up()
        terminal.print("\n".join(terminal.wrap(nothing_line(before, location))))
        return 0
    ending = Ending(opened, opened.with_points(base), terminal, typed, suffix, place)
    status = ending.tell(result, time.monotonic() - began)
    left = last_word(tracker, plan.study, suffix)
    if left is not None:
        terminal.print("\n".join(["", *terminal.wrap(left)]))
    return status


def _refuse(plan: Plan, refused: Sequence[tuple[str, str]], location: str, terminal: Terminal) -> None:
    """What it would do, and all that stands in its way, each with its way out."""
    outline(plan, summarise(plan, Found(evaluated={})), (), terminal)
    unkept = launch_refusal(location)
    whole = (*refused, *([("store", unkept)] if unkept is not None else []))
    errors = terminal_of(error=True)
    errors.print(f"{plan.study} cannot be launched here:")
    errors.print("\n".join(facts(whole, errors)))


def _say_changes(store: Store, plan: Plan, complete: bool, terminal: Terminal) -> None:
    newest = store.newest_launch(plan.study)
    line = changed_line(changes(newest.plan, plan), complete) if newest is not None else None
    if line is not None:
        terminal.print("\n".join(terminal.wrap(line)))


class Ending:
    """What is printed when a launch is over."""

    def __init__(
        self, store: Store, plan: Plan, terminal: Terminal, typed: str | None, suffix: str, runs: Place
    ) -> None:
        self.store = store
        self.plan = plan
        self.naming = Naming(plan, registered_symbol)
        self.terminal = terminal
        self.typed = typed
        self.suffix = suffix
        self.runs = runs

    def tell(self, result: Result, seconds: float) -> int:
        """Says how it ended; the exit status."""
        summary = summarise(self.plan, look(self.store, self.plan))
        if result.status == "stopped":
            return self._stopped(summary, result.stopped_by)
        if result.status == "complete":
            self._complete(summary, seconds)
            return 0
        self._incomplete(summary, result)
        unfinished = summary.trials.failed or summary.trials.held or result.failures or result.blocked
        return UNFINISHED if unfinished else 0

    def _complete(self, summary: Summary, seconds: float) -> None:
        self.terminal.print("\n".join(self.terminal.wrap(complete_line(summary, seconds))))
        if summary.trials.diverged:
            self.terminal.print("\n".join(diverged_lines(summary.trials.diverged, self.terminal)))
        self._table()
        commands = next_commands(
            self.plan.study,
            self.typed,
            self.suffix,
            searched=bool(self.plan.searches),
            families={condition.family for condition in self.plan.conditions},
            runs=self._elsewhere(),
        )
        print_next(self.terminal, tuple(commands))

    @property
    def _spec(self) -> str:
        """Its YAML, as far as it is known."""
        return self.typed or f"{self.plan.study}.yaml"

    def _elsewhere(self) -> str | None:
        """The address of runs that are not in a database of the store's own."""
        return None if self.runs.folder is not None else str(self.runs)

    def _table(self) -> None:
        table = end_table(self.plan, practical_cells(self.store, self.plan))
        if table.rows:
            self.terminal.print()
            print_end_table(table, self.naming, self.terminal, self.plan.study, self.suffix)
        print_benchmarks(self.store, self.plan, self.terminal)
        if self.plan.searches:
            self.terminal.print()
            print_fronts(self.plan, fronts(self.store, self.plan), self.naming, self.terminal)

    def _stopped(self, summary: Summary, by: str) -> int:
        self.terminal.print("\n".join(self.terminal.wrap(incomplete_line(summary))))
        asked = f", as {by.partition(',')[0]} asked" if " on " in by else ""
        self.terminal.print(f"Stopped{asked}.  To go on from here:  {command_typed(self.suffix)}")
        return STOPPED

    def _incomplete(self, summary: Summary, result: Result) -> None:
        self.terminal.print("\n".join(self.terminal.wrap(incomplete_line(summary))))
        if summary.trials.diverged:
            self.terminal.print("\n".join(diverged_lines(summary.trials.diverged, self.terminal)))
        found = failures(self.plan, newest_failures(self.store, self.plan))
        for line in failure_lines(found, self.naming, self.terminal, self._spec, self.suffix):
            self.terminal.print(line)
        for reason, number in Counter(result.blocked.values()).items():
            self.terminal.print("\n".join(self.terminal.wrap(f"{'blocked':<10}{number:<4}{reason}", 2, 16)))
        if not found and not summary.trials.held:
            retrain = " --retrain" if summary.retrain else ""
            self.terminal.print(f"  To go on:  study launch {self._spec}{self.suffix}{retrain}")
        self._table()
