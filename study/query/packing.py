"""Packing: lists of named values into one struct column, so that SQL can say `method.alpha`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

OWNERS = ("method", "distortion", "attack")

USUAL_TERM = "clean"
"""Stands in `terms` before any epoch is there: a struct needs a field."""

BOOLEANS = ("true", "false")
"""How the store writes them down, whose hyperparameters are numbers or texts."""

Entry = Mapping[str, Any]
"""One hyperparameter: a row of `study.store.schemas.PARAMETER`."""


def packed(table: pa.Table) -> pa.Table:
    """`table` with `method`, `distortion` and `attack` structs in place of its method's name and its parameters."""
    parameters: list[list[Entry]] = table["parameters"].to_pylist()
    methods: list[str] = table["method"].to_pylist()
    rest = table.drop_columns(["method", "parameters"])
    for owner in OWNERS:
        owned = [[entry for entry in entries if entry["owner"] == owner] for entries in parameters]
        names = methods if owner == "method" else [_names(entries) for entries in owned]
        rest = rest.append_column(owner, _struct(names, owned))
    return rest


def _names(entries: Sequence[Entry]) -> str | None:
    """`rotation then gaussian_noise`; None if there are none."""
    return " then ".join(dict.fromkeys(entry["component"] for entry in entries)) or None


def _struct(names: Sequence[str | None], rows: Sequence[Sequence[Entry]]) -> pa.StructArray:
    """A field `name`, and one for each parameter that any row has; empty where a row does not have it."""
    fields = {"name": pa.array(names, pa.string())}
    for field in sorted({entry["name"] for entries in rows for entry in entries}):
        values = [next((entry for entry in entries if entry["name"] == field), None) for entries in rows]
        fields[field] = _values(values)
    return pa.StructArray.from_arrays(list(fields.values()), names=list(fields))


def _values(entries: Sequence[Entry | None]) -> pa.Array:
    """Numbers, unless any is a text; true and false where every one is."""
    told = [entry for entry in entries if entry is not None]
    if told and all(entry["text"] in BOOLEANS for entry in told):
        return pa.array([None if entry is None else entry["text"] == "true" for entry in entries], pa.bool_())
    if any(entry["text"] is not None for entry in told):
        return pa.array([None if entry is None else _text(entry) for entry in entries], pa.string())
    return pa.array([None if entry is None else entry["number"] for entry in entries], pa.float64())


def _text(entry: Entry) -> str | None:
    return entry["text"] if entry["number"] is None else f"{entry['number']:.12g}"


def packed_terms(epochs: pa.Table) -> pa.Table:
    """`epochs` with its named terms as a struct, a field for each that any epoch has."""
    terms = [{term["name"]: term["value"] for term in one} for one in epochs["terms"].to_pylist()]
    names = sorted({name for one in terms for name in one}) or [USUAL_TERM]
    values = [pa.array([one.get(name) for one in terms], pa.float64()) for name in names]
    place = epochs.schema.get_field_index("terms")
    return epochs.set_column(place, "terms", pa.StructArray.from_arrays(values, names=names))


def described(membership: pa.Table) -> pa.Array:
    """`α 0.316, σ 0.3`: for each trial, what tells it from others of its label.

    That is the method's parameters that vary under the label, and the numbers of its training distortions.
    """
    labels: list[str] = membership["label"].to_pylist()
    parameters: list[list[Entry]] = membership["parameters"].to_pylist()
    varied = _varied(zip(labels, parameters, strict=True))
    texts = [_described(entries, varied[label]) for label, entries in zip(labels, parameters, strict=True)]
    return pa.array(texts, pa.string())


def _varied(rows: Iterable[tuple[str, Sequence[Entry]]]) -> dict[str, frozenset[str]]:
    """Label → the method's parameters that take more than one value under it."""
    seen: dict[str, dict[str, set[Any]]] = {}
    for label, entries in rows:
        values = seen.setdefault(label, {})
        for entry in entries:
            if entry["owner"] == "method":
                values.setdefault(entry["name"], set()).add((entry["number"], entry["text"]))
    return {label: frozenset(name for name, found in names.items() if len(found) > 1) for label, names in seen.items()}


def _described(entries: Sequence[Entry], varied: frozenset[str]) -> str:
    told = (
        one for one in entries if (one["name"] in varied if one["owner"] == "method" else one["number"] is not None)
    )
    return ", ".join(f"{one['symbol'] or one['name']} {_short(one)}" for one in told)


def _short(entry: Entry) -> str:
    """Three significant digits, but every digit of a whole number."""
    number: float | None = entry["number"]
    if number is None:
        return str(entry["text"])
    return f"{number:.0f}" if number == round(number) and abs(number) < 1e6 else f"{number:.3g}"
