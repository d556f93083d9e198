"""Launches: what a study consisted of each time it was launched. Append-only; the newest plan is the membership."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pyarrow as pa

from study.plan import Plan
from study.store.errors import CorruptObjectError
from study.store.files import decode, write
from study.store.objects import Objects
from study.store.plans import conditions, membership, plan_of
from study.store.schemas import CONDITIONS, MEMBERSHIP

PROVENANCE = "provenance.json"
AGAIN = "Delete its launch folder and launch the study again"


@dataclass(frozen=True, kw_only=True, eq=False)
class Launch:
    """One launch of one study, as tables; `plan` is the study as it was planned."""

    number: int
    """1 the first."""
    spec_text: str
    """YAML, after overrides."""
    provenance: Mapping[str, Any]
    membership: pa.Table
    """One row a trial under a label, in the plan's order: `study.store.schemas.MEMBERSHIP`."""
    conditions: pa.Table
    """In the plan's order: `study.store.schemas.CONDITIONS`."""

    @property
    def study(self) -> str:
        return str(self.membership.schema.metadata[b"study"].decode())

    @property
    def title(self) -> str:
        return str(self.membership.schema.metadata[b"title"].decode())

    @cached_property
    def plan(self) -> Plan:
        """Equal to the plan that was recorded."""
        return plan_of(self.membership, self.conditions)

    def repeats(self, other: "Launch") -> bool:
        """Whether both are of one plan and one spec."""
        same = self.membership.equals(other.membership) and self.conditions.equals(other.conditions)
        return same and (self.title, self.spec_text) == (other.title, other.spec_text)


def record(objects: Objects, plan: Plan, spec_text: str, provenance: Mapping[str, Any]) -> Launch:
    """Append a launch, or give back the newest if it was of the same plan and spec."""
    newest = read_newest(objects, plan.study)
    launch = Launch(
        number=newest.number + 1 if newest is not None else 1,
        spec_text=spec_text,
        provenance=dict(provenance),
        membership=membership(plan),
        conditions=conditions(plan),
    )
    return newest if newest is not None and newest.repeats(launch) else _append(objects, launch)


def _append(objects: Objects, launch: Launch) -> Launch:
    """Write it under the first free number, the provenance last: without it, a launch is not there."""
    while not objects.create(f"{_folder(launch.study, launch.number)}/spec.yaml", launch.spec_text.encode()):
        launch = replace(launch, number=launch.number + 1)  # taken by another writer, perhaps one that was killed
    folder = _folder(launch.study, launch.number)
    objects.put(f"{folder}/conditions.parquet", write(launch.conditions, compression="zstd"))
    objects.put(f"{folder}/plan.parquet", write(launch.membership, compression="zstd"))
    objects.put(f"{folder}/{PROVENANCE}", json.dumps(launch.provenance, indent=1).encode())
    return launch


def read_newest(objects: Objects, study: str) -> Launch | None:
    """The newest finished record; None if the study was never launched here."""
    names = objects.children(f"studies/{study}/launches")
    numbers = sorted((int(name) for name in names if name.isdigit()), reverse=True)
    whole = (number for number in numbers if objects.exists(f"{_folder(study, number)}/{PROVENANCE}"))
    number = next(whole, None)
    return None if number is None else _read(objects, study, number)


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
    return Launch(
        number=number,
        spec_text=objects.get(f"{folder}/spec.yaml").decode(),
        provenance=_provenance(objects, f"{folder}/{PROVENANCE}"),
        membership=decode(MEMBERSHIP, objects.get(plan), objects.address(plan)),
        conditions=decode(CONDITIONS, objects.get(tested), objects.address(tested)),
    )


def _folder(study: str, number: int) -> str:
    return f"studies/{study}/launches/{number}"
