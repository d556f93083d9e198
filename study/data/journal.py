"""The journal of a build: which images are in the arrays already. A kill loses nothing that it says."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from study.data.chosen import Choice
from study.data.errors import DataError
from study.data.manifest import Manifest, Read, decoder
from trainables.recipe import Split

JOURNAL = "building.jsonl"
LOCK = ".lock"
Known = dict[tuple[Split, int], Read]


@dataclass(frozen=True)
class Journal:
    """A line an image, written as soon as its pixels are; the first line says what is being built."""

    file: TextIO
    known: Known = field(default_factory=dict)
    """What earlier runs have read."""

    def add(self, image: Read) -> None:
        self.file.write(f"{json.dumps(asdict(image), ensure_ascii=False)}\n")
        self.file.flush()


@contextmanager
def journal(out: Path, choice: Choice, whole: Known) -> Iterator[Journal]:
    """Of the build in `out`, which no other process may be at; raises DataError if it is of another set.

    `whole`: what `built` says.
    """
    known = {**whole, **_begun(out, choice)}
    with (out / JOURNAL).open("a", encoding="utf-8") as file:
        if file.tell() == 0:
            file.write(f"{json.dumps(_heading(choice))}\n")
        else:
            file.write("\n")  # ends a line that a kill has cut off
        file.flush()
        yield Journal(file, known)


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Raises DataError while another process builds in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(
                f"--out {out}: another process is building there; wait for it, or name another folder"
            ) from None
        yield


def forget(out: Path) -> None:
    """The set is whole: its manifest says all that the journal does."""
    (out / JOURNAL).unlink(missing_ok=True)


def _heading(choice: Choice) -> dict[str, Any]:
    return {"options": choice.to_json(), "decoder": decoder()}


def built(out: Path, choice: Choice) -> Known:
    """What the manifest of a set that was whole knows; raises DataError if it is another set's."""
    try:
        manifest = Manifest.read(out)
    except (FileNotFoundError, DataError):  # a damaged manifest knows nothing; it will be written anew
        return {}
    _check(out, {"options": dict(manifest.options), "decoder": manifest.decoder}, choice)
    return {(image.split, image.row): image for image in manifest.images}


def _begun(out: Path, choice: Choice) -> Known:
    """What the journal of an earlier run knows; without the line that a kill has cut off."""
    try:
        lines = (out / JOURNAL).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    said = [one for one in map(_parsed, lines) if one is not None]
    if said and "options" in said[0]:
        _check(out, said[0], choice)
    return {(image.split, image.row): image for image in map(_image, said) if image is not None}


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _image(said: dict[str, Any]) -> Read | None:
    try:
        return Read(**said)
    except TypeError:
        return None


def _check(out: Path, there: Mapping[str, Any], choice: Choice) -> None:
    """Raises DataError if what is in `out` was begun with other options."""
    asked = _heading(choice)
    if there["decoder"] != asked["decoder"]:
        raise DataError(
            f"--out {out} was begun with {there['decoder']}, and here is {asked['decoder']}, which may round"
            " otherwise. Go on with that, or name another folder"
        )
    differing = [name for name, value in asked["options"].items() if there["options"].get(name) != value]
    if differing:
        shown = ", ".join(_differs(name, there["options"].get(name), asked["options"][name]) for name in differing)
        raise DataError(f"--out {out} holds a set of other options: {shown}. Name another folder, or remove that one")


def _differs(name: str, there: object, asked: object) -> str:
    return "other classes" if name == "classes" else f"{name} {there}, here {asked}"
