"""Where a study's YAML comes from: a path, or the name of a search space shipped with the package."""

import os
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from study.spec.faults import Place, refusal, unknown
from study.spec.reading import MAX_BYTES, decode

SUFFIX = ".yaml"


@dataclass(frozen=True, kw_only=True)
class Source:
    """The text of a study and where it was found."""

    name: str
    """As the user named it, or the shipped file's name."""
    folder: Path
    """What relative paths in it begin at."""
    text: str
    written: bool = True
    """Whether somebody wrote it, whose lines a fault is to name."""


def shipped() -> dict[str, Traversable]:
    """The search spaces of the package by name, without their suffix."""
    found = (file for file in files("search_spaces").iterdir() if file.name.endswith(SUFFIX))
    return {file.name.removesuffix(SUFFIX): file for file in sorted(found, key=lambda file: file.name)}


def find(source: str | Path) -> Source:
    """A file at `source`, else the shipped search space of that name, with or without suffix. Raises SpecError."""
    path = expanded(source)
    name = path.name.removesuffix(SUFFIX)
    for written in (path, path.with_name(f"{name}{SUFFIX}") if name else path):
        if is_file(written):
            return _read(written, str(written), written.resolve().parent)
    if str(path) in (name, f"{name}{SUFFIX}") and name in shipped():
        return _read(shipped()[name], f"{name}{SUFFIX}", Path.cwd())
    raise refusal(Place(file=str(source) or "''"), _missing(path, name))


def _read(file: Path | Traversable, name: str, folder: Path) -> Source:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise refusal(Place(file=name), f"the file cannot be read: {error.strerror}") from None
    return Source(name=name, folder=folder, text=decode(content, Place(file=name)))


def _missing(path: Path, name: str) -> str:
    if is_folder(path):
        return "a study is a YAML file; this is a folder"
    return f"{path.absolute()} is no file, and {unknown('shipped search space', name, tuple(shipped()))}"


def expanded(path: str | Path) -> Path:
    """The path with `~` written out, where there is such a user; Path's own raises where there is none."""
    return Path(os.path.expanduser(path))  # noqa: PTH111


def is_file(path: Path) -> bool:
    """Whether there is a file; no for what cannot be a path at all, where Path's own question raises."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Whether there is a folder; no for what cannot be a path at all."""
    return os.path.isdir(path)  # noqa: PTH112
