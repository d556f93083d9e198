"""The memory of a launch and of its workers over 2,000 short trainings: real ones, each evaluated too.

`python -m tests.benchmarks.memory FILE.html` draws it.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import psutil

from study.launch import LaunchOptions, launch
from study.progress import Event, Progress
from study.spec import load
from study.store import Store
from tests.benchmarks.figures import Figure
from tests.ray_nodes import environment_with_token, head_node

TRIALS = 2_000
WARM = 1_200
"""Trials until every pool and cache has the size that it keeps: the first packing, after two minutes, is among them."""
EVERY = 20
"""Trials between two looks."""
SPEC = f"""\
study: short
title: Short trainings
data: {{name: mnist_5k, train: 60, validation: 20, test: 20}}
model: lenet
train: {{from: scratch, epochs: 1, batch_size: 30, optimizer: {{sgd: {{lr: 0.01}}}}}}
distortions:
  gaussian_noise: {{sigma: [0.3]}}
methods:
  ST: {{method: stability_training, alpha: {{linear: [0.001, 2, {TRIALS}]}}, distortion: gaussian_noise}}
evaluate:
  sweeps:
    gaussian_noise: {{sigma: [0.3], practical: 0.3}}
"""
BOUND = 40.0
"""MiB that a process may grow by from the first look on."""
SLOPE_BOUND = 4.0
"""KiB that a process may grow by for each trial once it is warm: the driver knows 2.7 of each from the beginning."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """Resident memory, in MiB, when so many trials were done."""

    done: int
    driver: float
    workers: Sequence[float]
    """The largest first."""


@dataclass
class Watcher:
    """An observer that looks at the memory."""

    looks: list[Look] = field(default_factory=list)

    def changed(self, progress: Progress) -> None:
        pass

    def happened(self, event: Event, progress: Progress) -> None:
        if event.change == "done" and progress.trials_done % EVERY == 0:
            self.looks.append(_look(progress.trials_done))


def _look(done: int) -> Look:
    here = psutil.Process()
    workers = (_resident(one) for one in here.children(recursive=True) if "StudyTrainable" in "".join(one.cmdline()))
    return Look(done=done, driver=_resident(here), workers=tuple(sorted(workers, reverse=True)))


def _resident(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 2**20


def watched() -> list[Look]:
    with tempfile.TemporaryDirectory(prefix="study-bench-") as name:
        folder = Path(name)
        (folder / "short.yaml").write_text(SPEC)
        watcher = Watcher()
        with head_node(2, environment_with_token(folder)) as address:
            store = Store.open(folder / "store")
            result = launch(load(folder / "short.yaml"), store, LaunchOptions(address=address), watcher)
        assert result.status == "complete"
        return watcher.looks


def measure() -> Iterator[Figure]:
    looks = watched()
    done = [look.done for look in looks]
    grown = {"driver": [look.driver for look in looks], "worker": [look.workers[0] for look in looks]}
    warm = done.index(WARM)
    for who, sizes in grown.items():
        span = f"from trial {done[0]:,} to {done[-1]:,} of a study"
        yield Figure(what=f"a {who}'s growth {span}", ours=sizes[-1] - sizes[0], unit="MiB", bound=BOUND)
        slope = 1024 * float(np.polyfit(done[warm:], sizes[warm:], 1)[0])
        what = f"a {who}'s growth for each trial from the {WARM:,}th on"
        yield Figure(what=what, ours=slope, unit="KiB", bound=SLOPE_BOUND)


def draw(looks: Sequence[Look]) -> go.Figure:
    done = [look.done for look in looks]
    workers = max(len(look.workers) for look in looks)
    figure = go.Figure(go.Scatter(x=done, y=[look.driver for look in looks], name="driver"))
    for i in range(workers):
        sizes = [look.workers[i] if i < len(look.workers) else None for look in looks]
        figure.add_scatter(x=done, y=sizes, name=f"worker {i + 1}")
    figure.update_layout(template="plotly_white", xaxis_title="trials done", yaxis_title="resident memory, MiB")
    figure.update_yaxes(rangemode="tozero")
    return figure


if __name__ == "__main__":
    draw(watched()).write_html(sys.argv[1])
