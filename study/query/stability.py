"""Noise stability: shares of changed answers, of one network and of pairs on the images that both have right.

A network is told on the first images of each class that it has right at all tested stages; a pair on the first that
both have.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Row = dict[str, Any]
Indices = NDArray[np.int64]

SHARES = pa.schema(
    [
        ("trial_id", pa.string()), ("condition_id", pa.string()), ("role", pa.string()), ("stage", pa.int64()),
        ("counts", pa.string()), ("draws", pa.int64()), ("images", pa.int64()), ("per_class", pa.int64()),
        ("fewest", pa.int64()), ("short", pa.string()), ("changed", pa.float64()),
    ]
)  # fmt: skip
"""Of one network at one stage under one strength of noise."""
PAIRS = pa.schema([("baseline_id", pa.string()), *SHARES, ("baseline_changed", pa.float64())])
"""Of two."""


@dataclass(frozen=True)
class Tested:
    """One trial under one condition."""

    rows: tuple[Row, ...]
    """One a stage; the images are the same at all."""

    @cached_property
    def images(self) -> Indices:
        """Indices, ascending; spare ones among them."""
        return np.asarray(self.rows[0]["images"], np.int64)

    @cached_property
    def labels(self) -> Indices:
        return np.asarray(self.rows[0]["labels"], np.int64)

    @cached_property
    def changed(self) -> dict[str, Indices]:
        """Role → of each image, the noisy copies that are not given its label."""
        return {row["role"]: np.asarray(row["changed"], np.int64) for row in self.rows}

    def first(self, among: Indices) -> Indices:
        """The places in `images` of those that are compared: the first of each class that are `among` them."""
        places = np.flatnonzero(np.isin(self.images, among, assume_unique=True))
        chosen: Indices = places[place_in_class(self.labels[places]) < self.rows[0]["per_class"]]
        return chosen


def place_in_class(labels: Indices) -> Indices:
    """How many of its class come before each: 3, 5, 3, 3 → 0, 0, 1, 2."""
    order = np.argsort(labels, kind="stable")
    begins = np.searchsorted(labels[order], labels[order])
    places = np.empty_like(order)
    places[order] = np.arange(len(order)) - begins
    return places


def shares(noise_stability: pa.Table) -> pa.Table:
    """Each trial on its own images, one row a stage and condition."""
    rows = [_share(one, row, one.first(one.images)) for one in _tested(noise_stability).values() for row in one.rows]
    return pa.Table.from_pylist(rows, schema=SHARES)


def pairs(noise_stability: pa.Table, baseline_ids: Iterable[str]) -> pa.Table:
    """Each baseline and each other trial on the images that both have right, one row a stage and condition."""
    found = _tested(noise_stability)
    wanted = frozenset(baseline_ids)
    rows = (
        row
        for (trial_id, condition_id), one in found.items()
        for baseline_id in sorted(wanted - {trial_id})
        if (baseline := found.get((baseline_id, condition_id))) is not None
        for row in _pair(baseline_id, baseline, one)
    )
    return pa.Table.from_pylist(list(rows), schema=PAIRS)


def _tested(table: pa.Table) -> Mapping[tuple[str, str], Tested]:
    """(trial id, condition id) → its stages."""
    rows: dict[tuple[str, str], list[Row]] = {}
    for row in table.to_pylist():
        rows.setdefault((row["trial_id"], row["condition_id"]), []).append(row)
    return {key: Tested(tuple(of_it)) for key, of_it in rows.items()}


def _pair(baseline_id: str, baseline: Tested, one: Tested) -> Iterator[Row]:
    """At each stage that both were tested at."""
    own, other = one.first(baseline.images), baseline.first(one.images)
    for row in one.rows:
        if row["role"] in baseline.changed:
            changed = _mean(baseline.changed[row["role"]][other], row["draws"])
            yield {**_share(one, row, own), "baseline_id": baseline_id, "baseline_changed": changed}


def _share(one: Tested, row: Row, places: Indices) -> Row:
    """On the images at `places`."""
    classes = Counter(one.labels[places].tolist())
    numbers = {label: classes[label] for label in range(row["classes"])}
    return {
        **{name: row[name] for name in SHARES.names if name in row},
        "images": len(places),
        "fewest": min(numbers.values(), default=0),
        "short": _short(numbers, row["per_class"]),
        "changed": _mean(one.changed[row["role"]][places], row["draws"]),
    }


def _mean(changed: Indices, draws: int) -> float | None:
    """The share of noisy copies; None without an image."""
    return None if not len(changed) else float(changed.sum()) / (len(changed) * draws)


def _short(numbers: Mapping[int, int], per_class: int) -> str | None:
    """`class 3 has 63 of 100 images, class 5 71: …`; None where no class has too few."""
    few = {label: number for label, number in numbers.items() if number < per_class}
    if not few:
        return None
    fewest: Sequence[tuple[int, int]] = sorted(few.items(), key=lambda item: item[1])[:2]
    (label, number), *others = fewest
    told = f"class {label} has {number} of {per_class} images"
    told += "".join(f", class {other} {less}" for other, less in others)
    more = f", and {len(few) - len(fewest)} more have too few" if len(few) > len(fewest) else ""
    return f"{told}{more}; lower per_class, or raise spare"
