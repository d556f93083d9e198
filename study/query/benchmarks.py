"""What the views of benchmarks need besides a study's tables: the benchmarks' parts, and AlexNet's rates."""

from collections.abc import Iterator, Mapping
from functools import cache

import pyarrow as pa

from trainables import alexnet
from trainables.normalisation import MAIN_CORRUPTIONS, MAIN_PERTURBATIONS

Row = Mapping[str, object]

SEVERITIES = 5

MAIN = pa.schema([("family", pa.string()), ("name", pa.string()), ("place", pa.int64())])
"""What the means are over, in the paper's order."""
ERRORS = pa.schema(
    [
        ("name", pa.string()),
        ("severity", pa.float64()),
        ("error", pa.float64()),
        ("clean_error", pa.float64()),
        ("by_severity", pa.bool_()),
    ]
)
"""AlexNet's. `by_severity` false: only the mean over the five is known, and stands at each."""
FLIPS = pa.schema([("name", pa.string()), ("flip_probability", pa.float64()), ("top5_distance", pa.float64())])
"""AlexNet's at difficulty 1."""


@cache
def benchmark_tables() -> Mapping[str, pa.Table]:
    """The tables `main`, `alexnet_errors` and `alexnet_flips`."""
    return {
        "main": pa.Table.from_pylist(list(_main()), MAIN),
        "alexnet_errors": pa.Table.from_pylist(list(_errors()), ERRORS),
        "alexnet_flips": pa.Table.from_pylist(list(_flips()), FLIPS),
    }


def _main() -> Iterator[Row]:
    for family, names in (("corruption", MAIN_CORRUPTIONS), ("perturbation", MAIN_PERTURBATIONS)):
        for place, name in enumerate(names):
            yield {"family": family, "name": name, "place": place}


def _errors() -> Iterator[Row]:
    for name, mean in alexnet.PRINTED_CORRUPTION_ERRORS.items():
        known = alexnet.CORRUPTION_ERRORS.get(name)
        for severity, error in enumerate(known or (mean,) * SEVERITIES, start=1):
            told = {"error": error, "clean_error": alexnet.CLEAN_ERROR, "by_severity": known is not None}
            yield {"name": name, "severity": severity, **told}


def _flips() -> Iterator[Row]:
    for name, probability in alexnet.FLIP_PROBABILITIES.items():
        yield {"name": name, "flip_probability": probability, "top5_distance": alexnet.TOP5_DISTANCES[name]}
