"""Launches: what a study consisted of each time it was launched. Append-only.

The membership is the newest plan, with the points that its searches have drawn.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pyarrow as pa

from study.plan import Plan, Pruning, Search
from study.store.errors import CorruptObjectError
from study.store.files import decode, write
from study.store.objects import Objects
from study.store.plans import conditions, membership, plan_of, prunings, trial_of
from study.store.rows import Row
from study.store.rungs import read_pruned
from study.store.schemas import CONDITIONS, MEMBERSHIP
from study.store.searches import Point, read_points, read_searches, write_searches

PROVENANCE = "provenance.json"
AGAIN = "Delete its launch folder and launch the study again"


@dataclass(frozen=True, kw_only=True, eq=False)
class Launch:
    """One launch of one study, as tables; `plan` is the study as it was planned, and as far as it was drawn."""

    number: int
    """1 the first."""
    spec_text: str
    """YAML, after overrides."""
    provenance: Mapping[str, Any]
    grid: pa.Table
    """One row a trial of a grid under a label, in the plan's order: `study.store.schemas.MEMBERSHIP`."""
    conditions: pa.Table
    """In the plan's order: `study.store.schemas.CONDITIONS`."""
    searches: tuple[Search, ...]
    points: tuple[Point, ...]
    """Drawn so far, by any launch of the same searches."""
    pruned: Mapping[str, int]
    """Trial id → the epochs that it was trained for, of those that the launch gave up."""

    @property
    def study(self) -> str:
        return str(self.grid.schema.metadata[b"study"].decode())

    @property
    def title(self) -> str:
        return str(self.grid.schema.metadata[b"title"].decode())

    @property
    def prunings(self) -> tuple[Pruning, ...]:
        return prunings(self.grid)

    @cached_property
    def membership(self) -> pa.Table:
        """`grid`, then a row for each trial of each drawn point that is not there yet under its label."""
        rows = _fresh(self.points)
        placed = [{**row, "position": position} for position, row in enumerate(rows, start=len(self.grid))]
        return pa.concat_tables([self.grid, pa.Table.from_pylist(placed, schema=self.grid.schema)])

    @cached_property
    def plan(self) -> Plan:
        """The plan that was recorded, with the points drawn so far."""
        plan = plan_of(self.membership, self.conditions)
        return replace(plan, searches=self.searches, drawn=tuple(point.drawn for point in self.points))

    def repeats(self, other: "Launch") -> bool:
        """Whether both are of one plan and one spec."""
        same = all(
            mine.equals(others) and mine.schema.metadata == others.schema.metadata
            for mine, others in ((self.grid, other.grid), (self.conditions, other.conditions))
        )
        told = [(one.title, one.spec_text, one.searches) for one in (self, other)]
        return same and told[0] == told[1]


def record(objects: Objects, plan: Plan, spec_text: str, provenance: Mapping[str, Any]) -> Launch:
    """Append a launch of a plan without drawn points, or give back the newest if it was of the same plan and spec."""
    assert not plan.drawn
    newest = read_newest(objects, plan.study)
    launch = Launch(
        number=newest.number + 1 if newest is not None else 1,
        spec_text=spec_text,
        provenance=dict(provenance),
        grid=membership(plan),
        conditions=conditions(plan),
        searches=plan.searches,
        points=(),
        pruned={},
    )
    return newest if newest is not None and newest.repeats(launch) else _append(objects, launch)


def _append(objects: Objects, launch: Launch) -> Launch:
    """Write it under the first free number, the provenance last: without it, a launch is not there."""
    while not objects.create(f"{_folder(launch.study, launch.number)}/spec.yaml", launch.spec_text.encode()):
        launch = replace(launch, number=launch.number + 1)  # taken by another writer, perhaps one that was killed
    folder = _folder(launch.study, launch.number)
    objects.put(f"{folder}/conditions.parquet", write(launch.conditions, compression="zstd"))
    objects.put(f"{folder}/plan.parquet", write(launch.grid, compression="zstd"))
    if launch.searches:
        objects.put(f"{folder}/searches.json", write_searches(launch.searches))
    objects.put(f"{folder}/{PROVENANCE}", json.dumps(launch.provenance, indent=1).encode())
    return replace(launch, points=_points(objects, launch.study, launch.searches))


def read_newest(objects: Objects, study: str) -> Launch | None:
    """The newest finished record; None if the study was never launched here."""
    names = objects.children(f"studies/{study}/launches")
    numbers = sorted((int(name) for name in names if name.isdigit()), reverse=True)
    whole = (number for number in numbers if objects.exists(f"{_folder(study, number)}/{PROVENANCE}"))
    number = next(whole, None)
    return None if number is None else _read(objects, study, number)


def read_all(objects: Objects, study: str) -> tuple[Launch, ...]:
    """Every finished record, the oldest first."""
    numbers = sorted(int(name) for name in objects.children(f"studies/{study}/launches") if name.isdigit())
    whole = (number for number in numbers if objects.exists(f"{_folder(study, number)}/{PROVENANCE}"))
    return tuple(_read(objects, study, number) for number in whole)


def read_provenances(objects: Objects, study: str) -> tuple[dict[str, Any], ...]:
    """Of every finished record, the oldest first."""
    numbers = sorted(int(name) for name in objects.children(f"studies/{study}/launches") if name.isdigit())
    names = (f"{_folder(study, number)}/{PROVENANCE}" for number in numbers)
    return tuple(_provenance(objects, name) for name in names if objects.exists(name))


def _provenance(objects: Objects, name: str) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads(objects.get(name))
    except ValueError as error:
        raise CorruptObjectError(objects.address(name), f"not whole JSON ({error})", AGAIN) from error
    return known


def _read(objects: Objects, study: str, number: int) -> Launch:
    folder = _folder(study, number)
    plan, tested = f"{folder}/plan.parquet", f"{folder}/conditions.parquet"
    searches = _searches(objects, f"{folder}/searches.json")
    return Launch(
        number=number,
        spec_text=objects.get(f"{folder}/spec.yaml").decode(),
        provenance=_provenance(objects, f"{folder}/{PROVENANCE}"),
        grid=decode(MEMBERSHIP, objects.get(plan), objects.address(plan)),
        conditions=decode(CONDITIONS, objects.get(tested), objects.address(tested)),
        searches=searches,
        points=_points(objects, study, searches),
        pruned=read_pruned(objects, study, number),
    )


def with_points(objects: Objects, plan: Plan) -> Plan:
    """The plan with what its searches have drawn so far, in this launch or an earlier one."""
    points = _points(objects, plan.study, plan.searches)
    trials = map(trial_of, _fresh(points))
    return replace(plan, trials=(*plan.trials, *trials), drawn=tuple(point.drawn for point in points))


def _fresh(points: Sequence[Point]) -> list[Row]:
    """The rows of all points; of points that are the same trial under the same label, the first one's."""
    return list({(row["label"], row["trial_id"]): row for point in reversed(points) for row in point.rows}.values())[
        ::-1
    ]


def _searches(objects: Objects, name: str) -> tuple[Search, ...]:
    data = objects.get_if_present(name)
    try:
        return () if data is None else read_searches(data)
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptObjectError(objects.address(name), f"not a whole list of searches ({error})", AGAIN) from error


def _points(objects: Objects, study: str, searches: Sequence[Search]) -> tuple[Point, ...]:
    return tuple(point for search in searches for point in read_points(objects, study, search))


def _folder(study: str, number: int) -> str:
    return f"studies/{study}/launches/{number}"
