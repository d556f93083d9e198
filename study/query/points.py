"""Points: what each search drew and what it came to, as a table."""

from collections.abc import Sequence

import pyarrow as pa

from study.front import PointResult, point_results
from study.objectives import CLEAN
from study.plan import Plan


def points(plan: Plan | None, evaluations: pa.Table) -> pa.Table:
    """One row a point, search by search; without rows for a study that searches nothing."""
    results = () if plan is None else point_results(plan, _accuracies(evaluations))
    names = sorted({one.name for result in results for one in result.search.objectives}) or [CLEAN]
    return pa.table(
        {
            "position": pa.array(range(len(results)), pa.int64()),
            "label": pa.array([one.search.label for one in results], pa.string()),
            "train_distortion": pa.array([one.search.train_distortion for one in results], pa.string()),
            "number": pa.array([one.drawn.number for one in results], pa.int64()),
            "front": pa.array([one.front for one in results], pa.bool_()),
            "validation": _struct(names, results, "validation"),
            "test": _struct(names, results, "test"),
            "trials": pa.array([len(one.drawn.trial_ids) for one in results], pa.int64()),
            "trial_id": pa.array([one.drawn.trial_ids[0] for one in results], pa.string()),
        }
    )


def _accuracies(evaluations: pa.Table) -> dict[tuple[str, str], float]:
    rows = evaluations.select(["trial_id", "condition_id", "role", "correct", "n"]).to_pylist()
    return {(row["trial_id"], row["condition_id"]): row["correct"] / row["n"] for row in rows if row["role"] == "best"}


def _struct(names: Sequence[str], results: Sequence[PointResult], split: str) -> pa.StructArray:
    """A field an objective: `robust`, `gaussian_noise_practical`."""
    rows = [_by_name(result, split) for result in results]
    fields = [pa.array([row.get(name) for row in rows], pa.float64()) for name in names]
    return pa.StructArray.from_arrays(fields, names=[field_name(name) for name in names])


def _by_name(result: PointResult, split: str) -> dict[str, float]:
    values = result.validation if split == "validation" else result.test
    return dict(zip((one.name for one in result.search.objectives), values or (), strict=False))


def field_name(objective: str) -> str:
    """An objective as a field that SQL takes without quotes: `gaussian_noise_practical`."""
    return objective.replace(".", "_").replace(" ", "_")
