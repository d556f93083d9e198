"""How fast a large study is planned, and in how much memory."""

import resource
import time
from collections.abc import Iterator

from study.planning import make_plan
from study.spec import load
from tests.benchmarks.figures import Figure

TRIALS = 100_000


def measure() -> Iterator[Figure]:
    started = time.perf_counter()
    spec = load("demo_mnist", [f"methods.ST.alpha={{log: [0.01, 10, {TRIALS // 6}]}}"])
    loaded, before = time.perf_counter(), _peak_megabytes()
    plan = make_plan(spec, "0" * 32)
    planned = time.perf_counter()
    what = f"{len(plan.trials):,} trials"
    yield Figure(what=f"{what}: the spec loaded", ours=loaded - started, unit="s")
    yield Figure(what=f"{what}: planned", ours=planned - loaded, unit="s", bound=15)
    yield Figure(what=f"{what}: more memory at the peak", ours=_peak_megabytes() - before, unit="MB", bound=300)


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
