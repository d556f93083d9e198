"""A small tree, and a way to build from it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from study.data.building import Built, Outcome, Phase, build
from study.data.chosen import Choice
from tests.study.data.tree import Layout, generated, lay_out

WNIDS = ("n01443537", "n02124075", "n04067472")
"""Goldfish, Egyptian cat, reel."""
CHOICE = Choice(classes=tuple((wnid, f"name of {wnid}") for wnid in WNIDS), per_class=6, validation=2)
TRAINED, TESTED = 9, 4
"""Images of each class in the small tree: more than are taken, and all that test."""
IMAGES = len(WNIDS) * (6 + TESTED)


@dataclass
class Counting:
    """Counts outcomes by phase; `at` is told before each."""

    at: Callable[[Phase, int], None] = lambda phase, done: None
    phase: Phase = "reading images"
    outcomes: Counter[tuple[Phase, Outcome]] = field(default_factory=Counter)

    def begins(self, phase: Phase, images: int) -> None:
        assert images == IMAGES
        self.phase = phase

    def done(self, outcome: Outcome) -> None:
        self.outcomes[self.phase, outcome] += 1
        self.at(self.phase, sum(n for (phase, _), n in self.outcomes.items() if phase == self.phase))


def small_tree(root: Path, layout: Layout = "folders") -> Path:
    return lay_out(root, generated(WNIDS, TRAINED, TESTED), layout)


def built(tree: Path, out: Path, choice: Choice = CHOICE, observer: Counting | None = None) -> Built:
    return build(tree, out, choice, 2, observer or Counting())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return small_tree(tmp_path / "imagenet")


def contents(out: Path) -> dict[str, bytes]:
    """Every file of a set but its index, which says times."""
    return {file.name: file.read_bytes() for file in out.iterdir() if file.name not in ("tifs.json", ".lock")}
