"""`make bench`: every speed and memory claim, measured here and now. Exit status 1 if a bound does not hold."""

import os
import platform
import sys

from tests.benchmarks import attack, dashboard, orchestration, planning
from tests.benchmarks.figures import show


def main() -> None:
    figures = [*planning.measure(), *attack.measure(), *dashboard.measure(), *orchestration.measure()]
    show(figures, f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, no accelerator")
    sys.exit(any(figure.bound is not None and figure.ours > figure.bound for figure in figures))


if __name__ == "__main__":
    main()
