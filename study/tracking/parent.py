"""A study as the run above its trials' runs: the spec, the plan, how far it is, and its dashboard."""

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from study.tracking.children import is_pruned
from study.tracking.inputs import data_inputs
from study.tracking.records import PARENT, Artifact, RunRecord, Status, params, tags
from study.tracking.source import source
from study.tracking.tables import Tables
from study.tracking_uri import shown

FLAT = ("data", "model", "resources")
"""Sections of a spec of which each line is a param; of the others, each entry is one."""
SHOWN = (*FLAT, "train", "distortions", "methods")
MARKDOWN = re.compile(r"([\\`*_{}\[\]#|])")


def study_run(
    tables: Tables, states: Mapping[str, Status | None], live: bool, page: Callable[[], str] | None
) -> RunRecord:
    """The study's record, given the state of each of its trials; `page` draws the dashboard."""
    status = status_of(states, live)
    began = min((rows.began for rows in tables.rows.values() if rows.began), default=tables.launched)
    ended = max((rows.ended for rows in tables.rows.values() if rows.ended), default=began)
    return RunRecord(
        trial_id=PARENT,
        name=tables.plan.study,
        status=status,
        started=began,
        ended=None if status == "RUNNING" else ended,
        tags=tags(dict(_tags(tables, states))),
        params=params(dict(_params(tables))),
        points=(),
        inputs=data_inputs(tables),
        artifacts=tuple(_artifacts(tables, page)),
        note=_note(tables),
        whole=True,
    )


def status_of(states: Mapping[str, Status | None], live: bool) -> Status:
    """RUNNING while a launch lives, FINISHED once every trial is, FAILED if one has, else KILLED: it was stopped."""
    if live:
        return "RUNNING"
    if all(state == "FINISHED" for state in states.values()):
        return "FINISHED"
    return "FAILED" if "FAILED" in states.values() else "KILLED"


def _tags(tables: Tables, states: Mapping[str, Status | None]) -> Iterator[tuple[str, object]]:
    finished = [trial_id for trial_id, state in states.items() if state == "FINISHED"]
    pruned = [one for one in finished if is_pruned(tables, one)]
    yield "title", tables.plan.title
    yield "trials", f"{len(finished)} of {len(states)}"
    yield "pruned", str(len(pruned)) if pruned else None
    yield "failed", str(list(states.values()).count("FAILED"))
    yield "diverged", str(sum(bool((tables.rows[one].trained or {}).get("diverged")) for one in finished))
    yield "host", tables.launch.provenance.get("host")
    yield from source(tables.launch.provenance).items()


def _params(tables: Tables) -> Iterator[tuple[str, object]]:
    for section in SHOWN:
        yield from _section(section, tables.spec.get(section))
    for sweep in tables.plan.sweeps:
        levels = ", ".join(f"{level:g}" for level in sweep.levels)
        yield f"evaluate.{sweep.test_distortion}", f"{sweep.parameter} {levels}; practical {sweep.practical:g}"
    for benchmark in tables.plan.benchmarks:
        skipped = dict.fromkeys(f"{one.label}: {one.reason}" for one in benchmark.skipped)
        yield f"evaluate.{benchmark.family}s", f"{benchmark.name}; divided by {benchmark.normalizer or 'nothing'}"
        yield f"skipped.{benchmark.family}s", "; ".join(skipped) or None
    yield "conditions", len(tables.plan.conditions)


def _section(name: str, value: object) -> Iterator[tuple[str, object]]:
    """`methods.ST`, `data.train`: the entries of a section, each in one line."""
    if isinstance(value, dict):
        own = value.get("name") if name in FLAT else None
        yield name, own
        yield from ((f"{name}.{key}", _flow(one)) for key, one in value.items() if one != own)
    elif value is not None:
        yield name, _flow(value)


def _flow(value: object) -> str:
    """A part of a spec in one line, without the outermost braces."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_inner(one)}" for key, one in value.items())
    return _inner(value)


def _inner(value: object) -> str:
    if isinstance(value, dict):
        return f"{{{_flow(value)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inner, value))}]"
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def _artifacts(tables: Tables, page: Callable[[], str] | None) -> Iterator[Artifact]:
    yield Artifact.of("spec.yaml", shown(tables.launch.spec_text).encode())
    yield Artifact.of("plan.csv", _plan_csv(tables).encode())
    if page is not None:
        yield Artifact(path=f"{tables.plan.study}.html", key=_state_of(tables), content=lambda: page().encode())


def _state_of(tables: Tables) -> str:
    """Equal while the dashboard would be drawn from the same rows."""
    cells = sorted((one, sorted(rows.cells), rows.trained is not None) for one, rows in tables.rows.items())
    return json.dumps([tables.launch.number, cells])


def _plan_csv(tables: Tables) -> str:
    """One line a trial under a label, in the plan's order."""
    columns = list(dict.fromkeys(_column(entry) for entries in tables.entries.values() for entry in entries))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["trial_id", "label", "method", "train_distortion", *columns, "replicate", "epochs", "iterations", "stage"]
    )
    for trial in tables.plan.trials:
        values = {_column(entry): _value(entry) for entry in tables.entries[trial.trial_id]}
        recipe = trial.recipe
        row: Sequence[object] = (
            trial.trial_id, trial.label, recipe.method.name, trial.train_distortion or "",
            *(values.get(column, "") for column in columns), recipe.replicate, recipe.epochs,
            recipe.iterations, trial.stage,
        )  # fmt: skip
        writer.writerow(row)
    return text.getvalue()


def _column(entry: Mapping[str, Any]) -> str:
    return f"{entry['owner']}.{entry['name']}"


def _value(entry: Mapping[str, Any]) -> str:
    return entry["text"] or "" if entry["number"] is None else f"{entry['number']:.12g}"


def _note(tables: Tables) -> str:
    """The title and where to go on, as Markdown; what a person typed is shown as typed."""
    title = MARKDOWN.sub(r"\\\1", html.escape(tables.plan.title, quote=False))
    study = tables.plan.study
    number = len(tables.trials)
    return (
        f"{title}\n\n{number:,} trial{'s' * (number != 1)}, the runs below this one, each under "
        f"{len(tables.plan.conditions)} test conditions. Kept up to date from the study's tables: "
        f"`study query {study} trials`, `study track {study}`."
    )
