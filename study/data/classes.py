"""Classes: WordNet ids with names. Those of Tiny ImageNet come with the package."""

import re
from importlib import resources
from pathlib import Path

from study.data.errors import DataError

Classes = tuple[tuple[str, str], ...]
"""WordNet id and name of each, by id: the order of labels."""
WNID = re.compile(r"n\d{8}")


def tiny_imagenet() -> Classes:
    """The 200 of Tiny ImageNet (Stanford's CS231n, 2015), each with the first of its words."""
    return _read(resources.files(__package__).joinpath("tiny_imagenet_classes.txt").read_text("utf-8"), "its classes")


def classes_of(file: Path) -> Classes:
    """Of a list, a class a line: its id, then, if it is to have another name than Tiny ImageNet's or its id, a name."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"--classes {file} cannot be read: {error}") from error
    return _read(text, str(file), dict(tiny_imagenet()))


def _read(text: str, place: str, names: dict[str, str] | None = None) -> Classes:
    """Raises DataError naming the first line that is wrong."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        wnid, _, name = line.strip().replace("\t", " ", 1).partition(" ")
        if not WNID.fullmatch(wnid):
            raise DataError(f"{place}:{number}: a class is a WordNet id like n02124075, got {wnid!r}")
        if wnid in found:
            raise DataError(f"{place}:{number}: {wnid} stands there twice; remove one")
        found[wnid] = name.split(",")[0].strip() or (names or {}).get(wnid, wnid)
    if len(found) < 2:
        raise DataError(f"{place}: a data set has two classes or more, a line each; got {len(found)}")
    return tuple(sorted(found.items()))
