"""One trial: what it is and what came of it (`show`), and how it came about (`why`)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from study.cli.launch_screen import ID_DIGITS
from study.cli.numbers import clock, size, with_error
from study.cli.places import Place
from study.cli.terminal import Column, Terminal, count, facts, lay_out
from study.machines import machine_of
from study.plan import PlannedTrial
from study.report import Naming, Share, ancestors, figure, hyperparameters
from study.standing import look
from study.store import Store
from study.store.attempts import in_order
from study.summary import Found, states_of
from trainables.recipe import Component, Family, Parent, Recipe, Scratch, Start

HANG = 18


def print_trial(store: Store, places: Sequence[Place], terminal: Terminal) -> None:
    """`study show`."""
    trial = places[0].trial
    _print_title(places, terminal)
    terminal.print()
    for line in facts(_recipe(trial.recipe), terminal, hang=HANG):
        terminal.print(line)
    for line in facts(_result(store, trial), terminal, hang=HANG):
        terminal.print(line)
    terminal.print()
    for line in _cells(store, places[0], terminal):
        terminal.print(line)


def _print_title(places: Sequence[Place], terminal: Terminal) -> None:
    trial, naming = places[0].trial, Naming(places[0].launch.plan)
    said = [trial.trial_id, trial.label, trial.train_distortion or "undistorted images", hyperparameters(naming, trial)]
    terminal.print("    ".join(part for part in said if part))
    members = ", ".join(f"{place.launch.study} (as {_labels(place)})" for place in places)
    terminal.print("\n".join(terminal.wrap(f"in {members}", 2, 2)))


def _labels(place: Place) -> str:
    return ", ".join(one.label for one in place.launch.plan.trials if one.trial_id == place.trial.trial_id)


def _recipe(recipe: Recipe) -> Iterator[tuple[str, str]]:
    yield "data", _component(recipe.data)
    yield "model", _component(recipe.model)
    yield "method", _component(recipe.method)
    if recipe.distortions:
        yield "trained on", " then ".join(map(_component, recipe.distortions))
    yield "starts from", _start(recipe.start)
    schedule = _component(recipe.schedule)
    yield (
        "training",
        ", ".join(_training(recipe)),
    )
    yield "optimizer", f"{_component(recipe.optimizer)}; schedule {schedule}"
    compiled = ", compiled" if recipe.compile else ""
    yield "computing", f"{recipe.precision}{compiled}, {count(recipe.threads, 'thread')}, replicate {recipe.replicate}"


def _training(recipe: Recipe) -> Iterator[str]:
    yield count(recipe.epochs, "epoch") if recipe.epochs else count(recipe.iterations or 0, "iteration")
    yield f"batches of {recipe.batch_size}{'' if recipe.shuffle else ' in order'}"
    if recipe.flip:
        yield "flipped half of the time"
    if recipe.crop:
        yield f"shifted by up to {recipe.crop} px"
    yield f"keeps the {recipe.select} epoch"


def _component(component: Component) -> str:
    given = ", ".join(f"{name} {figure(value)}" for name, value in component.items if value is not None)
    return f"{component.name} ({given})" if given else component.name


def _start(start: Start) -> str:
    if isinstance(start, Scratch):
        return "random weights"
    if isinstance(start, Parent):
        return f"the {start.role} epoch of {start.trial_id[:ID_DIGITS]}: study show {start.trial_id[:ID_DIGITS]}"
    return f"{start.path} (SHA-256 {start.fingerprint[:ID_DIGITS]}…)"


def _result(store: Store, trial: PlannedTrial) -> Iterator[tuple[str, str]]:
    rows = store.read("trials", {trial.trial_id}).to_pylist()
    if not rows:
        yield "result", f"not trained yet; study why {trial.trial_id[:ID_DIGITS]} says why"
        return
    yield "result", _outcome(rows[0])
    place = f"{store.location}/trials/{trial.trial_id}"
    for attempt, role in store.list_checkpoints(trial.trial_id):
        if role in ("best", "last"):
            yield f"{role} weights", f"{place}/{attempt}/{role}.ckpt"
    if stages := store.kept_stages(trial.trial_id).get(trial.trial_id):
        told = ", ".join(map(str, sorted(stages)))
        yield "stages", f"weights after {told} {trial.recipe.counts}: {place}/*/stage-*.ckpt"


def _outcome(row: Mapping[str, Any]) -> str:
    parts = []
    if row["selected_epoch"] is not None:
        share = Share(correct=row["validation_correct"], n=row["validation_n"])
        parts.append(f"epoch {row['selected_epoch']} kept: {with_error(share)} % of {share.n:,} validation images")
    if row["diverged"]:
        parts.append(f"diverged in epoch {row['diverged_epoch']}{'' if parts else ': counts at chance'}")
    return "; ".join((*parts, f"{row['parameter_count']:,} parameters"))


def _cells(store: Store, place: Place, terminal: Terminal) -> list[str]:
    """Accuracy under every condition of the study, a line a sweep."""
    rows = store.read("evaluations", {place.trial.trial_id}).to_pylist()
    kept = [row for row in rows if row["role"] in ("best", "stages")]
    shares = {row["condition_id"]: Share(correct=row["correct"], n=row["n"]) for row in kept}
    if not shares:
        return ["  not evaluated yet"]
    tested = {one.condition_id for one in place.launch.plan.conditions if one.split == "test"}
    n = max((share.n for one, share in shares.items() if one in tested), default=0)
    table = lay_out(
        (Column("tested on"), Column("level"), Column(""), Column(f"{place.launch.plan.measure} %", "right")),
        [[terminal.text(cell) for cell in row] for row in _cell_rows(place, shares, n)],
        terminal.width,
    )
    return [table.header, *table.lines, "", *terminal.wrap(f"on {n:,} test images, ± one standard error", 2, 2)]


SHARE_OF: Mapping[Family, str] = {
    "perturbation": "right in every frame", "attack": "right, and still right attacked",
    "noise_stability": "right at all stages, without noise",
}  # fmt: skip
"""What the share is of, where it is no accuracy."""


def _cell_rows(place: Place, shares: Mapping[str, Share], n: int) -> Iterator[list[str]]:
    plan = place.launch.plan
    practical = {sweep.condition_ids[sweep.levels.index(sweep.practical)] for sweep in plan.sweeps}
    for condition in plan.conditions:
        one = condition.condition_id
        level = "" if condition.level is None else f"{condition.parameter} {figure(condition.level)}"
        accuracy = with_error(shares[one]) if one in shares else "not yet"
        mark = "● practical" if one in practical else SHARE_OF.get(condition.family, "")
        mark = mark if condition.split == "test" else "validation"
        if one in shares and shares[one].n != n and condition.split == "test":
            mark = f"{mark}, {shares[one].n:,} images".removeprefix(", ")
        yield [condition.test_distortion, level, mark, accuracy]


def print_why(store: Store, places: Sequence[Place], terminal: Terminal) -> None:
    """`study why`."""
    _print_title(places, terminal)
    terminal.print()
    for line in facts(_lineage(store, places), terminal, hang=HANG):
        terminal.print(line)
    attempts = in_order(store.read("attempts", {places[0].trial.trial_id}).to_pylist())
    terminal.print()
    told = f"{count(len(attempts), 'attempt')}, each time by its host's clock in UTC"
    terminal.print(f"  {told if attempts else 'It was never attempted.'}")
    for row in attempts:
        print_attempt(row, terminal)


def _lineage(store: Store, places: Sequence[Place]) -> Iterator[tuple[str, str]]:
    place = places[0]
    yield "state", _state(store, place)
    for parent in ancestors(place.launch.plan, place.trial):
        yield (
            "parent",
            f"{parent.trial_id[:ID_DIGITS]}  {parent.label}: {_state(store, Place(trial=parent, launch=place.launch))}",
        )
    if isinstance(place.trial.recipe.start, Scratch):
        yield "parent", "none: it starts from random weights"
    for one in places:
        yield from _provenance(one)


def _state(store: Store, place: Place) -> str:
    found = look(store, place.launch.plan)
    state = states_of(place.launch.plan, found)[place.trial.trial_id]
    missing = len(place.launch.plan.conditions) - len(found.evaluated.get(place.trial.trial_id, ()))
    if state == "done" and place.trial.trial_id in found.diverged:
        state = "diverged, which is a result: kept, counted in the bands, not retried"
    words = {
        "left": "not started", "blocked": "blocked: a parent of it failed", "held": "held by another launch",
        "pruned": _pruned(place, found),
    }  # fmt: skip
    said = words.get(state, state)
    return f"{said}, {count(missing, 'evaluation')} missing" if state == "done" and missing > 0 else said


def _pruned(place: Place, found: Found) -> str:
    """How far it came, and that it may yet be finished."""
    epochs, of = found.pruned.get(place.trial.trial_id, 0), place.trial.recipe.epochs or 0
    return (
        f"pruned after {epochs:,} of {count(of, 'epoch')}: others of {place.trial.label} did better on validation "
        "images; a study that wants it without pruning trains it to its end from there"
    )


def _provenance(place: Place) -> Iterator[tuple[str, str]]:
    known = place.launch.provenance
    code = known.get("code") or {}
    commit = str(code.get("commit") or "unknown commit")[:12] + (" with local changes" if code.get("dirty") else "")
    yield (
        f"launch {place.launch.number}",
        f"of {place.launch.study}: {known.get('user', '?')} on {known.get('host', '?')}, {known.get('time', '?')}",
    )
    yield "command", str(known.get("command", "?"))
    yield "code", commit
    versions = known.get("versions") or {}
    yield "versions", ", ".join(f"{name} {version}" for name, version in versions.items() if version)


def print_attempt(row: Mapping[str, Any], terminal: Terminal) -> None:
    """A line, then the error with its traceback."""
    memory = f", peak {size(row['peak_memory'])}" if row["peak_memory"] else ""
    head = (
        f"{row['started']:%Y-%m-%d %H:%M:%S}  {row['unit']:<8}  {row['status']}"
        f"{': ' + row['failure_class'] if row['failure_class'] else ''}, {clock(row['seconds'])} on {row['host']} "
        f"({machine_of(row) or row['device']}{memory})"
    )
    terminal.print("\n".join(terminal.wrap(head, 4, 6)))
    said = "\n".join(filter(None, (row["error"], row["traceback"]))) if row["status"] == "lost" else None
    for line in (said or row["traceback"] or row["error"] or "").rstrip().splitlines():
        terminal.print(f"      {line}")
