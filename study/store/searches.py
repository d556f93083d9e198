"""Searches: what each is, and what it has drawn. With the result tables, all that its history is rebuilt from."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from study.plan import Drawn, Objective, Open, PlannedTrial, Search
from study.store.errors import CorruptObjectError
from study.store.objects import Objects
from study.store.plans import membership_row, read_resources, trial_of, write_resources
from study.store.recipes import read_components, read_recipe, write_components, write_recipe
from study.store.rows import Row

AGAIN = "Restore it, or delete it and those with higher numbers, and launch again: they are drawn anew"


@dataclass(frozen=True, kw_only=True)
class Point:
    """A drawn point and its trials."""

    drawn: Drawn
    rows: tuple[Row, ...]
    """Of the membership, without a position."""

    @property
    def trials(self) -> tuple[PlannedTrial, ...]:
        return tuple(map(trial_of, self.rows))


def write_searches(searches: Sequence[Search]) -> bytes:
    return json.dumps([_plain(search) for search in searches], indent=1).encode()


def read_searches(data: bytes) -> tuple[Search, ...]:
    """Raises ValueError, KeyError or TypeError if they are not what `write_searches` wrote."""
    return tuple(map(_search, json.loads(data)))


def _plain(search: Search) -> dict[str, Any]:
    return {
        **asdict(search),
        "templates": [write_recipe(template) for template in search.templates],
        "sampler": write_components(search.sampler),
        "resources": write_resources(search.resources),
    }


def _search(read: dict[str, Any]) -> Search:
    (sampler,) = read_components(read["sampler"])
    return Search(
        **{
            **read,
            "templates": tuple(map(read_recipe, read["templates"])),
            "space": tuple(Open(**{**one, "values": tuple(one["values"])}) for one in read["space"]),
            "sampler": sampler,
            "objectives": tuple(
                Objective(name=one["name"], validation=tuple(one["validation"]), test=tuple(one["test"]))
                for one in read["objectives"]
            ),
            "resources": read_resources(read["resources"]),
        }
    )


def record_point(objects: Objects, study: str, drawn: Drawn, trials: Sequence[PlannedTrial]) -> None:
    """Write down what was drawn, before any of it runs: from then on the trials are the study's."""
    rows = [{**membership_row(0, trial), "position": None} for trial in trials]
    body = {**asdict(drawn), "trials": rows}
    objects.put(_name(study, drawn.search_id, drawn.number), json.dumps(body, ensure_ascii=False).encode())


def read_points(objects: Objects, study: str, search: Search) -> Iterator[Point]:
    """The points of a search from the first on, as many as it asks for and has drawn; raises CorruptObjectError."""
    there = set(objects.children(_folder(study, search.search_id)))
    for number in range(search.points):
        name = _name(study, search.search_id, number)
        if name.rpartition("/")[2] not in there:
            return
        yield _point(objects.get(name), objects.address(name))


def _point(data: bytes, address: str) -> Point:
    try:
        read = json.loads(data)
        rows = tuple({"shown": [], **row} for row in read.pop("trials"))  # older records do not say
        listed = {name: tuple(map(_pair, read[name])) for name in ("parameters", "told")}
        return Point(drawn=Drawn(**{**read, **listed, "trial_ids": tuple(read["trial_ids"])}), rows=rows)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptObjectError(address, f"not a whole record of a drawn point ({error})", AGAIN) from error


def _pair(read: Sequence[Any]) -> tuple[Any, Any]:
    first, second = read
    return first, second


def _folder(study: str, search_id: str) -> str:
    return f"studies/{study}/searches/{search_id}"


def _name(study: str, search_id: str, number: int) -> str:
    return f"{_folder(study, search_id)}/{number:06}.json"
