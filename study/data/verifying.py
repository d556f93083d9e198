"""`study data verify`: a built set examined from its arrays to its index."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from study.data.building import Observer, index_of
from study.data.errors import DataError
from study.data.examining import examine
from study.data.manifest import MANIFEST, Manifest
from study.store.objects import LocalObjects
from trainables.tifs_files import INDEX, AbsentError, Index, UnusableError


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What was found."""

    index: Index
    faults: tuple[str, ...]
    """In words, each with its file and row."""
    accepted: bool
    """True where the set is whole, and the index had other times, or faults, which it has no more."""
    barred: bool
    """True where there are faults and the index says so now: no study uses the set until it is built again."""


def verify(folder: Path, workers: int, observer: Observer) -> Verified:
    """Raises DataError where there is no set, or none whose manifest and index can be read."""
    index, manifest = _index(folder), _manifest(folder)
    observer.begins("verifying", len(manifest.images))
    found = examine(folder, manifest, workers, lambda: observer.done("read"))
    faults = (*found.faults, *_differing(index, manifest))
    if found.statistics is None:
        return _refused(folder, index, faults)
    afresh = index_of(folder, manifest, index.classes, found.statistics)
    faults = (*faults, *_unlike(index, afresh))
    if faults:
        return _refused(folder, index, faults)
    return Verified(index=index, faults=(), accepted=_accepted(folder, index, afresh), barred=False)


def _index(folder: Path) -> Index:
    try:
        return Index.read(folder)
    except AbsentError as error:
        raise DataError(
            f"{folder} holds no whole set ({error}): build it, or go on building it, with"
            f" study data tifs --imagenet DIR --out {folder}"
        ) from error
    except UnusableError as error:
        raise DataError(
            f"{folder}: {error}. Build the set again into the same folder, which keeps its images"
        ) from error


def _manifest(folder: Path) -> Manifest:
    try:
        return Manifest.read(folder)
    except FileNotFoundError as error:
        raise DataError(
            f"{folder} has no {MANIFEST}, without which nothing tells what its images should be: copy it from where the"
            " set was built, or build it again"
        ) from error


def _differing(index: Index, manifest: Manifest) -> Iterator[str]:
    """What the index says otherwise than the manifest."""
    if index.fingerprint != manifest.fingerprint:
        yield f"{INDEX}: its fingerprint is {index.fingerprint}, and that of the manifest {manifest.fingerprint}"
    if dict(index.options) != dict(manifest.options):
        yield f"{INDEX}: its options are not those of the manifest"
    wnids = [wnid for wnid, _ in index.classes]
    if wnids != manifest.options.get("classes"):
        yield f"{INDEX}: its classes are not those of the manifest"
    elif tuple(name for _, name in index.classes) != manifest.names:
        yield f"{INDEX}: its names of classes are not those of the manifest"
    for image in manifest.images:
        if image.label >= len(wnids) or wnids[image.label] != image.wnid:
            yield f"{MANIFEST}, {image.split}, row {image.row}: {image.wnid} is not class {image.label}"


def _unlike(index: Index, afresh: Index) -> Iterator[str]:
    """What the index says otherwise than the arrays."""
    for name in ("images", "mean", "std", "test_names"):
        if getattr(index, name) != getattr(afresh, name):
            yield f"{INDEX}: its {name} are not what the arrays and the manifest give"


def _refused(folder: Path, index: Index, faults: tuple[str, ...]) -> Verified:
    """With an index that says so, if it can be written: plans and launches read no pixels, and would use the set."""
    try:
        LocalObjects(folder).put(INDEX, replace(index, faults=len(faults)).to_json().encode())
    except OSError:  # as on a mount that is read only; the caller tells it
        return Verified(index=index, faults=faults, accepted=False, barred=False)
    return Verified(index=index, faults=faults, accepted=False, barred=True)


def _accepted(folder: Path, index: Index, afresh: Index) -> bool:
    """Whether the index, of a set that is whole, now says other times, or no faults any more."""
    if index == afresh:
        return False
    try:
        LocalObjects(folder).put(INDEX, afresh.to_json().encode())
    except OSError as error:
        raise DataError(
            f"{folder}: every pixel is as it was built, but {INDEX} says other times of the arrays, or faults, and"
            f" cannot be written ({error.strerror}). Copy the set with its times (cp -a, rsync -t)"
        ) from error
    return True
