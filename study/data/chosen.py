"""Which images a set consists of: by seed, the same from the same names on every machine."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from study.data.classes import Classes, tiny_imagenet
from study.data.errors import DataError
from study.data.ilsvrc import Tree
from trainables.recipe import Split

SEED = 20190
"""Of the order in which a class's training images are taken."""
PER_CLASS, VALIDATION, TEST = 500, 50, 50
"""Images of a class (Laermann et al. 2019, §4.1): 450 train and 50 validate; 50 of the official validation test."""
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The options of a build that decide which images it takes."""

    classes: Classes
    per_class: int = PER_CLASS
    """Training images taken of each class."""
    validation: int = VALIDATION
    """Of those, how many validate."""
    fold: int = 0
    """Which part of those taken validates, 0 … per_class / validation − 1."""

    def __post_init__(self) -> None:
        if not 1 <= self.validation < self.per_class:
            raise DataError(
                f"--val lies in [1, {self.per_class - 1}], so that of {self.per_class} images of a class some train;"
                f" got {self.validation}"
            )
        if not 0 <= self.fold < self.folds:
            raise DataError(
                f"--fold lies in [0, {self.folds - 1}]: {self.per_class} images of a class are {self.folds} times"
                f" {self.validation}; got {self.fold}"
            )

    @property
    def folds(self) -> int:
        return self.per_class // self.validation

    @property
    def whole(self) -> bool:
        """Whether it is the published set, not a reduced one."""
        return (self.classes, self.per_class, self.validation) == (tiny_imagenet(), PER_CLASS, VALIDATION)

    def to_json(self) -> dict[str, object]:
        return {
            "classes": [wnid for wnid, _ in self.classes], "per_class": self.per_class, "validation": self.validation,
            "fold": self.fold, "seed": SEED,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Row:
    """One image of the set, before it is read."""

    split: Split
    row: int
    """In its split's array."""
    label: int
    wnid: str
    source: str
    """Its file, from the tree's root."""


def rows(choice: Choice, tree: Tree) -> list[Row]:
    """Every image of the set, by split, class and name; raises DataError where a class has too few."""
    wnids = [wnid for wnid, _ in choice.classes]
    trained, tested = tree.trained(wnids), tree.tested(wnids)
    short = [f"{wnid} ({len(files)})" for wnid, files in trained.items() if len(files) < choice.per_class]
    if short:
        raise DataError(
            f"--imagenet {tree.root}: {choice.per_class} training images of each class are taken, and {len(short)}"
            f" of {len(wnids)} classes have fewer: {', '.join(short)}. Unpack the whole of"
            " ILSVRC2012_img_train.tar, or build a reduced set with --per-class"
        )
    if choice.whole:
        check_tested(tested, tree)
    return list(_placed(choice, trained, tested))


def check_tested(tested: dict[str, list[str]], tree: Tree) -> None:
    """Raises DataError, naming each class without ImageNet's 50 validation images, and them, where a list does."""
    odd = [f"{wnid} ({len(files)})" for wnid, files in tested.items() if len(files) != TEST]
    if odd:
        absent = tree.absent(tested)
        named = f" Missing, of those listed: {', '.join(absent)}." if absent else ""
        raise DataError(
            f"--imagenet {tree.root}: ImageNet has {TEST} validation images of each class, and here {len(odd)} of"
            f" {len(tested)} classes have another number: {', '.join(odd)}.{named} Unpack the whole of"
            " ILSVRC2012_img_val.tar"
        )


def _placed(choice: Choice, trained: dict[str, list[str]], tested: dict[str, list[str]]) -> Iterator[Row]:
    count: Counter[Split] = Counter()
    for split in SPLITS:
        for label, (wnid, _) in enumerate(choice.classes):
            for source in tested[wnid] if split == "test" else of_class(choice, split, trained[wnid]):
                yield Row(split=split, row=count[split], label=label, wnid=wnid, source=source)
                count[split] += 1


def of_class(choice: Choice, split: Split, files: Sequence[str]) -> list[str]:
    """A class's training files that are in `split`, by name."""
    taken = sorted(files, key=_rank)[: choice.per_class]
    first = choice.fold * choice.validation
    validating = taken[first : first + choice.validation]
    return sorted(validating) if split == "validation" else sorted(set(taken) - set(validating))


def _rank(source: str) -> bytes:
    """Where a file stands in its class's order: drawn from the seed and the name alone, so no other file moves it."""
    return hashlib.blake2b(f"{SEED}/{PurePosixPath(source).stem}".encode(), digest_size=16).digest()
