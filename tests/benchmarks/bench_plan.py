"""How fast a large study is planned, and in how much memory: `python tests/benchmarks/bench_plan.py [trials]`."""

import resource
import sys
import time

from study.planning import make_plan
from study.spec import load


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    started = time.perf_counter()
    spec = load("demo_mnist", [f"methods.ST.alpha={{log: [0.01, 10, {trials // 6}]}}"])
    loaded, before = time.perf_counter(), peak_megabytes()
    plan = make_plan(spec, "0" * 32)
    planned = time.perf_counter()
    print(f"{len(plan.trials):,} trials: loaded in {loaded - started:.1f} s, planned in {planned - loaded:.1f} s")
    print(f"{len(plan.trials) / (planned - loaded):,.0f} trials/s, {peak_megabytes() - before:.0f} MB more at the peak")


if __name__ == "__main__":
    main()
