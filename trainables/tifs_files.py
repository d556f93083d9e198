"""The files of Tiny ImageNet Full-Sized as `study data tifs` builds them: arrays, and the index that is written last.

`{train,validation,test}.npy` hold pixels, [N, 3, 256, 256], uint8, RGB; `{…}_labels.npy` their labels, [N], int64: rows
by WordNet id and file name. `tifs.json` is there only where the arrays are whole. No torch: the builder uses it too.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

INDEX = "tifs.json"
VERSION = 1
"""Of the index's form."""
SIDE = 256
"""Of an image at rest, px: the shorter side is scaled to it, and the centre cut out (Laermann et al. 2019, §4.1)."""
CROP = 224
"""Of the image that a network sees, px, which is cut out at use."""


class UnusableError(ValueError):
    """A set that cannot be used; says why, in words that go on a sentence about its folder."""


class AbsentError(UnusableError):
    """There is no index: nothing was built here, or a build has not come to its end."""


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What tells cheaply that a file is still the one that was written."""

    octets: int
    modified: int
    """Whole seconds: archives and some file systems keep no more."""

    @classmethod
    def of(cls, file: Path) -> "Stamp":
        """Raises OSError."""
        found = file.stat()
        return cls(octets=found.st_size, modified=int(found.st_mtime))


@dataclass(frozen=True, kw_only=True)
class Index:
    """What `tifs.json` says."""

    fingerprint: str
    """Of every pixel, label and split, and of the options of the build: 32 hex digits."""
    options: Mapping[str, Any]
    """How images were chosen."""
    classes: tuple[tuple[str, str], ...]
    """WordNet id and name, in label order."""
    images: Mapping[str, int]
    """In each split."""
    mean: tuple[float, ...]
    """Of each channel, in [0, 1], over the central 224 px of the training images."""
    std: tuple[float, ...]
    test_names: tuple[str, ...]
    """WNID/NAME of each test image, without suffix."""
    files: Mapping[str, Stamp]
    """The arrays by name."""
    faults: int = 0
    """That `study data verify` found; a set with any is not used until it is built again, or verified as whole."""

    def to_json(self) -> str:
        return json.dumps({"version": VERSION, **asdict(self)}, indent=1, ensure_ascii=False)

    @classmethod
    def read(cls, folder: Path) -> "Index":
        """Raises AbsentError where there is none, UnusableError on one that is damaged or of another version."""
        try:
            said = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise AbsentError(f"there is no {INDEX}") from None
        except (OSError, ValueError) as error:
            raise UnusableError(f"{INDEX} cannot be read: {error}") from error
        if not isinstance(said, dict) or (version := said.pop("version", None)) != VERSION:
            found = version if isinstance(said, dict) else None
            raise UnusableError(f"{INDEX} is of version {found}, and this installation reads {VERSION}")
        try:
            return cls(
                fingerprint=str(said["fingerprint"]),
                options=dict(said["options"]),
                classes=tuple((str(wnid), str(name)) for wnid, name in said["classes"]),
                images={str(split): int(count) for split, count in said["images"].items()},
                mean=tuple(map(float, said["mean"])),
                std=tuple(map(float, said["std"])),
                test_names=tuple(map(str, said["test_names"])),
                files={str(name): Stamp(**stamp) for name, stamp in said["files"].items()},
                faults=int(said.get("faults", 0)),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnusableError(f"{INDEX} is damaged: {error!r}") from error

    def changed(self, folder: Path) -> str | None:
        """Which array is absent, or not the one that was written, by its length and time, or that there are faults.

        None if all seems whole.
        """
        if self.faults:
            return f"its last verification found faults: {self.faults:,}"
        for name, stamp in self.files.items():
            try:
                found = Stamp.of(folder / name)
            except OSError as error:
                return f"{name}: {error.strerror}"
            if found.octets != stamp.octets:
                return f"{name} has {found.octets:,} bytes, and {stamp.octets:,} were written"
            if found.modified != stamp.modified:
                return f"{name} was changed, or copied without its times, after it was built"
        return None


def pixels_file(split: str) -> str:
    return f"{split}.npy"


def labels_file(split: str) -> str:
    return f"{split}_labels.npy"
