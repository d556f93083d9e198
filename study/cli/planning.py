"""Commands about a spec that run nothing: plan, validate, spec."""

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import typer

from study.cli.benchmark_lines import skipped_lines
from study.cli.errors import CommandError
from study.cli.numbers import duration
from study.cli.pilot_screen import pilot_screen
from study.cli.places import store_suffix
from study.cli.plan_screen import cautions, print_outline, print_plan, refused_here
from study.cli.terminal import Terminal, count
from study.cli.terminal import terminal as terminal_of
from study.cost import Cost, cost, history, on_gpu, pilot
from study.doctor import store_writable
from study.fitting import here, largest, less, unfit
from study.plan import Plan
from study.planning import WAY_OUT, absent_weights, check_test_images, check_weights, data_set, make_plan, skipped
from study.report import Naming, plan_table, registered_symbol
from study.spec import Spec, load, shipped
from study.spec.grid import distinct
from study.standing import look
from study.store import Store, StoreError
from study.store.location import store_location
from study.store.objects import open_objects
from study.summary import Found, Summary, summarise
from trainables.datasets import MissingDataError

MEASURED = "one trial a kind, one evaluation and some images of every condition, measured just now in"


def planned(spec: Spec) -> Plan:
    """The plan of a spec. Reads the data, whose fingerprint is part of every trial's identity, and files of weights."""
    check_weights(spec)
    check_test_images(spec)
    return make_plan(spec, data_set(spec).fingerprint())


def show_plan(
    source: str, overrides: Sequence[str], store: str | None, *, as_json: bool, with_pilot: bool, terminal: Terminal
) -> None:
    """`study plan`."""
    spec = load(source, overrides)
    lacking = tuple(said for _, said in lacking_of(spec))
    if with_pilot:
        _check_pilot(spec, lacking)
    if lacking:
        _show_outline(spec, lacking, as_json=as_json, terminal=terminal)
        return
    plan = planned(spec)
    location = store_location(store)
    opened = existing(location)
    drawn = opened.with_points(plan) if opened is not None else plan
    found = look(opened, drawn) if opened is not None else Found(evaluated={})
    summary = summarise(drawn, found)
    expected = _piloted(drawn, found) if with_pilot else _from_history(drawn, found, opened)
    if as_json:
        told = {**_told(spec, plan, summary), "cost": expected.to_json()}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    naming = Naming(plan, registered_symbol)
    table = plan_table(plan, naming)
    print_plan(plan, table, summary, expected, terminal, location)
    terminal.print()
    refused = launch_refusal(location)
    if refused is not None:
        terminal.print("\n".join(terminal.wrap(f"warning: a launch would refuse this store: {refused}")))
        terminal.print()
    done = "Nothing was run" if not with_pilot else "Nothing was kept"
    typed = as_typed(source, overrides)
    where = "To run it" if expected.workers else "To run it where it fits"
    terminal.print(f"{done}.  {where}:  study launch {typed}{store_suffix(store)}")


def _told(spec: Spec, plan: Plan, summary: Summary) -> dict[str, Any]:
    """What is told as JSON whether all is here or not; `unfit`: why its trials do not fit on this machine."""
    unfitting = list(unfit(plan, [here()], local=True))
    return {**summary.to_json(), "skipped": list(skipped_lines(skipped(spec))), "unfit": unfitting}


def _check_pilot(spec: Spec, lacking: Sequence[str]) -> None:
    """Raises CommandError with all that a pilot lacks here: images, weights, a GPU."""
    if lacking:
        lacking = (f"a pilot trains, and not all that it takes is here: {' '.join(lacking)}",)
    plan = make_plan(spec, fingerprint="")
    need = largest(plan)
    if need.gpus and not on_gpu():
        flags = less(plan, need, [here()])
        why = "a pilot times trials on what they ask for, a GPU, and this machine has none"
        lacking = (*lacking, f"{why}: give {flags} to plan for CPUs, or run it where the GPUs are")
    if lacking:
        raise CommandError("\n".join(lacking))


def lacking_of(spec: Spec) -> Iterator[tuple[str, str]]:
    """(what, in words) of the images and the weights that a study needs and that are not here."""
    try:
        data_set(spec).check_files()
    except MissingDataError as missing:
        yield "data", str(missing)
    for path in absent_weights(spec):
        yield "weights", f"There is no file of weights at {path}; {WAY_OUT}"


def _show_outline(spec: Spec, lacking: Sequence[str], *, as_json: bool, terminal: Terminal) -> None:
    """What a study consists of, as far as that is known without its images or weights: its ids stand for nothing."""
    plan = make_plan(spec, fingerprint="")
    summary = summarise(plan, Found(evaluated={}))
    if as_json:
        told = {**_told(spec, plan, summary), "lacking": lacking}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    outline(plan, summary, (*(("not here", one) for one in lacking), *refused_here(plan)), terminal)
    terminal.print("Nothing was run.  How long it takes, and what is in a store, is known once all is here.")


def outline(plan: Plan, summary: Summary, further: Iterable[tuple[str, str]], terminal: Terminal) -> None:
    """The screen of a plan that cannot run here yet, and a blank line."""
    print_outline(plan, plan_table(plan, Naming(plan, registered_symbol)), summary, further, terminal)
    terminal.print()


def as_typed(source: str, overrides: Sequence[str]) -> str:
    """A spec and its overrides, quoted for a shell."""
    return shlex.join((source, *(word for one in overrides for word in ("--set", one))))


def existing(location: str) -> Store | None:
    """The store there; None where there is none yet, or can be none."""
    try:
        return Store.open(location, create=False)
    except (ValueError, OSError):
        return None


def launch_refusal(location: str) -> str | None:
    """Why a launch could not keep its results there; None if it could, as far as can be seen without making a store."""
    try:
        open_objects(location)
    except StoreError as error:
        return str(error)
    check = store_writable(location)
    return f"{check.finding}; {check.way_out}" if check.verdict == "fail" else None


def _piloted(plan: Plan, found: Found) -> Cost:
    with pilot_screen(terminal_of(error=True)) as watching:
        measured = pilot(plan, watching)
    told = f"{MEASURED} {duration(measured.seconds)} on {measured.device}"
    return cost(plan, found, measured.timings, told, measured.making, measured.trial_bytes)


def _from_history(plan: Plan, found: Found, store: Store | None) -> Cost:
    timings = () if store is None else history(store)
    return cost(plan, found, timings, "from units of the same kind in this store")


def validated(source: str, overrides: Sequence[str]) -> str:
    """`study validate`: one line for a sound spec, one more if its data is not here; a faulty one raises SpecError."""
    spec = load(source, overrides)
    labels = count(len(spec.methods), "label")
    sound = f"{source} is sound: {spec.study}, {labels}.  `study plan {source}` shows what it will do."
    points = ((method.label, component, method.train) for method in spec.methods for component in distinct(method))
    for label, caution in cautions(points):
        sound += f"\nnote: {label}: {caution}"
    for line in skipped_lines(skipped(spec)):
        sound += f"\nskipped: {line}"
    for path in absent_weights(spec):
        sound += f"\nwarning: its weights cannot be used yet: there is no file at {path}"
    try:
        data_set(spec).check_files()
    except (ValueError, OSError) as error:
        return f"{sound}\nwarning: its data cannot be used yet: {error}"
    if not absent_weights(spec):
        check_weights(spec)
    check_test_images(spec)
    return sound


def shipped_text(name: str | None) -> str:
    """A shipped search space's YAML; without a name, the names."""
    if name is None:
        return "".join(f"{one}.yaml\n" for one in shipped())
    found = shipped().get(name.removesuffix(".yaml"))
    if found is None:
        raise CommandError(f"no search space called {name!r} is shipped; there are {', '.join(shipped())}")
    return found.read_text(encoding="utf-8")
