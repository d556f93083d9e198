"""`study data tifs`: from a tree of ImageNet to a set of arrays that is whole, or to the names of what it lacks.

Pixels go into arrays of full length, each image to its own row, and then into the journal; so a build may be killed at
any moment, and the next run reads only what the journal lacks. What earlier runs read is believed if the file is the
same and the pixels in the array have the hash that was written. The index, without which there is no set, comes last.
"""

import io
import shutil
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol

import numpy as np

from study.data.arrays import ROW_BYTES, PixelArray
from study.data.chosen import SPLITS, Choice, Row, rows
from study.data.errors import DataError, IncompleteError
from study.data.examining import Statistics, examine
from study.data.ilsvrc import Tree
from study.data.journal import Journal, Known, built, forget, journal, locked
from study.data.manifest import MANIFEST, Manifest, Read, digest, manifest_of
from study.data.parallel import in_parallel
from study.store.objects import LocalObjects
from trainables.photographs import centre, opened
from trainables.recipe import Split
from trainables.tifs_files import INDEX, SIDE, Index, Stamp, UnusableError, labels_file, pixels_file

FAULTS = "unreadable.txt"
"""In the folder that is built: every image that the last run could not read."""
SHOWN = 20
"""Of those, so many in the error itself."""
LONGEST = 100
"""Times its shorter side that a photograph's longer side may be: 26 MB of memory, once it is scaled."""

Phase = Literal["reading images", "verifying"]
Outcome = Literal["read", "kept", "unreadable"]


class Observer(Protocol):
    """Who is told how far a build is."""

    def begins(self, phase: Phase, images: int) -> None: ...

    def done(self, outcome: Outcome) -> None:
        """One image more."""


@dataclass(frozen=True, kw_only=True)
class Built:
    """How a build ended, when it ended well."""

    index: Index
    read: int
    """Images that this run read."""
    was_whole: bool
    """Before this run, which then left everything as it was."""


@dataclass(frozen=True)
class Unreadable:
    """An image that is not there or cannot be read."""

    row: Row
    reason: str


def build(imagenet: Path, out: Path, choice: Choice, workers: int, observer: Observer) -> Built:
    """Raises DataError before anything is read, IncompleteError after everything is that can be.

    A whole set needs no lock, so that it may be where nothing can be written.
    """
    with _files(f"--imagenet {imagenet}"):
        tree = Tree(imagenet)
        wanted = rows(choice, tree)
    with _files(f"--out {out}"):
        found = _whole(out, tree, wanted, choice)
        if found is not None:
            return Built(index=found, read=0, was_whole=True)
        with locked(out):
            return _built_from(tree, out, wanted, choice, workers, observer)


def _built_from(
    tree: Tree, out: Path, wanted: Sequence[Row], choice: Choice, workers: int, observer: Observer
) -> Built:
    """In a folder that is locked; raises as `build` does."""
    before = built(out, choice)
    _check_sources(out, tree, wanted, before, workers)
    with journal(out, choice, before) as kept:
        (out / INDEX).unlink(missing_ok=True)
        _check_room(out, wanted)
        images, read = _read_all(tree, out, wanted, kept, workers, observer)
        index = _finished(out, manifest_of(choice, images), choice, workers, observer)
    forget(out)
    return Built(index=index, read=read, was_whole=False)


@contextmanager
def _files(place: str) -> Iterator[None]:
    """What goes wrong with a folder speaks to the user; images are told by name elsewhere."""
    try:
        yield
    except OSError as error:
        named = f" {error.filename}:" if error.filename else ""
        raise DataError(
            f"{place}:{named} {error.strerror or error}. Once that is mended, the same command goes on from there"
        ) from error


def _whole(out: Path, tree: Tree, wanted: Sequence[Row], choice: Choice) -> Index | None:
    """The index, if the set is whole, of these options, and made of the very files that are wanted."""
    try:
        index, manifest = Index.read(out), Manifest.read(out)
    except (UnusableError, FileNotFoundError, DataError):
        return None
    if index.options != choice.to_json() or index.fingerprint != manifest.fingerprint or index.changed(out):
        return None
    known = {(image.split, image.row): image for image in manifest.images}
    return index if all(_known(tree, row, known) is not None for row in wanted) else None


def _known(tree: Tree, row: Row, known_rows: Known) -> Read | None:
    """What was read for a row by an earlier run, from the same file as now."""
    known = known_rows.get((row.split, row.row))
    if known is None:
        return None
    try:
        now = (tree.root / row.source).stat()
    except OSError:
        return None
    return known if known.is_of(row, now.st_size, now.st_mtime_ns) else None


def _check_sources(out: Path, tree: Tree, wanted: Sequence[Row], before: Known, workers: int) -> None:
    """Raises DataError if a set that was whole would become another: trials name it, and processes have it mapped."""
    differing = list(_differing(tree, wanted, before, workers)) if before else []
    if not differing:
        return
    more = f"\n  and {len(differing) - SHOWN:,} more" if len(differing) > SHOWN else ""
    raise DataError(
        f"--out {out} holds a set that was built whole, and --imagenet {tree.root} gives another now. Images that"
        f" differ: {len(differing):,}\n"
        + "\n".join(f"  {reason}" for reason in differing[:SHOWN])
        + f"{more}\nPut them back as they were, or build another set with another --out; this one is left as it is"
    )


def _differing(tree: Tree, wanted: Sequence[Row], before: Known, workers: int) -> Iterator[str]:
    """How the images of a set that was whole differ from those wanted now, first those that are gone."""
    had, now = {_identity(image): image for image in before.values()}, {_identity(row): row for row in wanted}
    for identity, image in had.items():
        if identity not in now:
            there = (tree.root / image.source).exists()
            yield f"{image.source}: {'another is taken in its place' if there else 'is not there'}"
    both = (row for identity, row in now.items() if identity in had)
    changed = dict(in_parallel(lambda row: (row.source, _change(tree, row, had[_identity(row)])), both, workers))
    yield from (f"{source}: {change}" for source, change in sorted(changed.items()) if change is not None)
    yield from (f"{row.source}: was not taken then" for identity, row in now.items() if identity not in had)


def _identity(image: Row | Read) -> tuple[bool, int, str]:
    """What stays of an image when others come or go, or when the tree is laid out otherwise."""
    return image.split == "test", image.label, PurePosixPath(image.source).name


def _change(tree: Tree, row: Row, before: Read) -> str | None:
    """What became of an image's file; None where it has the same bytes, and the same use."""
    if row.split != before.split:
        return f"in {before.split} then, in {row.split} now"
    file = tree.root / row.source
    try:
        found = file.stat()
        if before.is_of(row, found.st_size, found.st_mtime_ns):
            return None
        same = found.st_size == before.source_bytes and digest(file.read_bytes()) == before.source_hash
    except FileNotFoundError:
        return "is not there"
    except OSError as error:
        return f"{error.strerror}"
    return None if same else "was changed"


def _check_room(out: Path, wanted: Sequence[Row]) -> None:
    there = sum(file.stat().st_blocks * 512 for file in map(out.joinpath, map(pixels_file, SPLITS)) if file.is_file())
    lacking = len(wanted) * ROW_BYTES - there
    free = shutil.disk_usage(out).free
    if lacking > free:
        raise DataError(
            f"--out {out}: {lacking / 1e9:.1f} GB more are written there, and {free / 1e9:.1f} GB are free. Make room,"
            " or name a folder elsewhere"
        )


def _read_all(
    tree: Tree, out: Path, wanted: Sequence[Row], kept: Journal, workers: int, observer: Observer
) -> tuple[list[Read], int]:
    """Every image into its row, and how many of them this run read; raises IncompleteError naming all it cannot."""
    images: dict[tuple[Split, int], Read] = {}
    unreadable: list[Unreadable] = []
    with ExitStack() as stack, warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="PIL")  # of broken EXIF, which is left alone
        arrays = {split: _array(out, split, wanted, stack) for split in SPLITS}
        observer.begins("reading images", len(wanted))
        read = 0
        placed = in_parallel(lambda row: _placed(tree, row, arrays, kept), wanted, workers)
        for found, outcome in stack.enter_context(closing(placed)):  # before the arrays are closed
            if isinstance(found, Unreadable):
                unreadable.append(found)
            else:
                images[found.split, found.row] = found
                if outcome == "read":
                    kept.add(found)
                    read += 1
            observer.done(outcome)
    _tell(out, unreadable, wanted)
    return [images[row.split, row.row] for row in wanted], read


def _array(out: Path, split: Split, wanted: Sequence[Row], stack: ExitStack) -> PixelArray:
    array = PixelArray.open(out / pixels_file(split), Counter(row.split for row in wanted)[split])
    stack.callback(array.close, durable=True)
    return array


def _placed(tree: Tree, row: Row, arrays: dict[Split, PixelArray], kept: Journal) -> tuple[Read | Unreadable, Outcome]:
    """One image, in its row: as it is there already, or read."""
    known = _known(tree, row, kept.known)
    if known is not None and digest(arrays[row.split].read(row.row)) == known.pixels_hash:
        return known, "kept"
    file = tree.root / row.source
    try:
        data, found = file.read_bytes(), file.stat()
        pixels = tifs_pixels(data, file)
    except OSError as error:
        return Unreadable(row, f"{file}: {error.strerror}"), "unreadable"
    except ValueError as error:
        return Unreadable(row, str(error)), "unreadable"
    arrays[row.split].write(row.row, pixels)
    return Read(
        split=row.split, row=row.row, label=row.label, wnid=row.wnid, source=row.source, source_bytes=found.st_size,
        source_modified=found.st_mtime_ns, source_hash=digest(data), pixels_hash=digest(pixels),
    ), "read"  # fmt: skip


def tifs_pixels(data: bytes, file: Path) -> bytes:
    """[3, 256, 256], uint8: the centre of a photograph whose shorter side is scaled to 256 px (Laermann et al., §4.1).

    The longer side is rounded down, as torchvision's Resize rounds it. Raises ValueError, naming the file.
    """
    image = opened(io.BytesIO(data), file)
    if max(image.size) > LONGEST * min(image.size):
        raise ValueError(
            f"{file} cannot be read as a photograph ({image.width:,} × {image.height:,} px: one side is more than"
            f" {LONGEST} times the other): mend or remove it"
        )
    width, height = (length * SIDE // min(image.size) for length in image.size)
    return centre(image, width, height, SIDE).tobytes()


def _tell(out: Path, unreadable: Sequence[Unreadable], wanted: Sequence[Row]) -> None:
    """Raises IncompleteError if there is an image that cannot be read; all of them are in a file, too."""
    if not unreadable:
        (out / FAULTS).unlink(missing_ok=True)
        return
    place = {(row.split, row.row): number for number, row in enumerate(wanted)}
    reasons = [one.reason for one in sorted(unreadable, key=lambda one: place[one.row.split, one.row.row])]
    LocalObjects(out).put(FAULTS, "".join(f"{reason}\n" for reason in reasons).encode())
    more = f"\n  and {len(reasons) - SHOWN:,} more" if len(reasons) > SHOWN else ""
    raise IncompleteError(
        f"{len(reasons):,} of {len(wanted):,} images cannot be read:\n"
        + "\n".join(f"  {reason}" for reason in reasons[:SHOWN])
        + f"{more}\nAll are named in {out / FAULTS}. The others are in {out}: once these are mended, the same command"
        " reads only them"
    )


def _finished(out: Path, manifest: Manifest, choice: Choice, workers: int, observer: Observer) -> Index:
    """Labels, verification, manifest, and last the index; raises DataError if the disk kept other pixels."""
    for split in SPLITS:
        labels = io.BytesIO()
        np.save(labels, np.array([image.label for image in manifest.images if image.split == split], dtype=np.int64))
        LocalObjects(out).put(labels_file(split), labels.getvalue())
    observer.begins("verifying", len(manifest.images))
    found = examine(out, manifest, workers, lambda: observer.done("read"))
    if found.statistics is None:
        raise DataError(
            f"--out {out} does not hold what was written to it:\n"
            + "\n".join(f"  {fault}" for fault in found.faults)
            + "\nThe same command writes it again; if that does not help, the disk is damaged"
        )
    LocalObjects(out).put(MANIFEST, manifest.to_parquet())
    index = index_of(out, manifest, choice.classes, found.statistics)
    LocalObjects(out).put(INDEX, index.to_json().encode())
    return index


def index_of(out: Path, manifest: Manifest, classes: tuple[tuple[str, str], ...], statistics: Statistics) -> Index:
    """Of arrays that are whole."""
    files = [name(split) for split in SPLITS for name in (pixels_file, labels_file)]
    tested = (PurePosixPath(image.source).stem for image in manifest.images if image.split == "test")
    wnids = (image.wnid for image in manifest.images if image.split == "test")
    return Index(
        fingerprint=manifest.fingerprint,
        options=manifest.options,
        classes=classes,
        images=dict(Counter(image.split for image in manifest.images)),
        mean=statistics.mean,
        std=statistics.std,
        test_names=tuple(f"{wnid}/{name}" for wnid, name in zip(wnids, tested, strict=True)),
        files={name: Stamp.of(out / name) for name in files},
    )
