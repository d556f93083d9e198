"""`make bench`: every speed and memory claim, measured here and now. Exit status 1 if a bound does not hold."""

import os
import platform
import sys

from tests.benchmarks import (
    attack,
    augmix,
    corruptions,
    dashboard,
    evaluation,
    memory,
    methods,
    motions,
    orchestration,
    planning,
    pruning,
    quality,
    scale,
    throughput,
    tracking,
)
from tests.benchmarks.figures import show


def main() -> None:
    parts = (
        planning,
        attack,
        augmix,
        corruptions,
        evaluation,
        quality,
        motions,
        methods,
        throughput,
        dashboard,
        orchestration,
        tracking,
        pruning,
        scale,
        memory,
    )
    figures = [figure for part in parts for figure in part.measure()]
    show(figures, f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, no accelerator")
    sys.exit(any(figure.bound is not None and figure.ours > figure.bound for figure in figures))


if __name__ == "__main__":
    main()
