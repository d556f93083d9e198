"""The manifest: where every image of a built set came from, and the hashes by which it is checked. One Parquet file."""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import PIL
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import features

from study.data.chosen import Choice, Row
from study.data.errors import DataError
from study.store.schemas import Column, Table
from trainables.recipe import Split

MANIFEST = "manifest.parquet"
TABLE = Table(
    name="tifs",
    version=2,
    key=("split", "row"),
    columns=(
        Column(name="split", type=pa.string(), meaning="train, validation or test"),
        Column(name="row", type=pa.int64(), meaning="place in the split's array, from 0"),
        Column(name="label", type=pa.int64(), meaning="class: place among the set's WordNet ids, from 0"),
        Column(name="wnid", type=pa.string(), meaning="class: WordNet id"),
        Column(name="source", type=pa.string(), meaning="file, from the root of the ImageNet tree"),
        Column(name="source_bytes", type=pa.int64(), unit="bytes", meaning="length of the file"),
        Column(name="source_modified", type=pa.int64(), unit="ns", meaning="when the file was changed, since 1970"),
        Column(name="source_hash", type=pa.string(), meaning="BLAKE2b of the file, 128 bits: `b2sum -l 128 FILE`"),
        Column(name="pixels_hash", type=pa.string(), meaning="BLAKE2b of the pixels, [3, 256, 256] uint8, 128 bits"),
    ),
)


def digest(data: Any) -> str:
    """BLAKE2b of bytes, 128 bits, 32 hex digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Read:
    """One image of the set, read and in its array."""

    split: Split
    row: int
    label: int
    wnid: str
    source: str
    source_bytes: int
    source_modified: int
    source_hash: str
    pixels_hash: str

    def is_of(self, row: Row, size: int, modified: int) -> bool:
        """Whether it was read for `row`, from the file that `row` names, as that is now."""
        read = (self.label, self.wnid, self.source, self.source_bytes, self.source_modified)
        return read == (row.label, row.wnid, row.source, size, modified)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Of a whole set."""

    options: Mapping[str, Any]
    """As `Choice.to_json`."""
    names: tuple[str, ...]
    """Of the classes, in label order. They change no result, and so not the fingerprint."""
    decoder: str
    images: Sequence[Read]
    """By split, train first, and row."""

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the options, and of every image's pixels, label and split: 32 hex digits."""
        hashed = hashlib.blake2b(json.dumps(["tifs", 1, self.options], sort_keys=True).encode(), digest_size=16)
        for image in self.images:
            hashed.update(f"\n{image.split} {image.row} {image.label} {image.pixels_hash}".encode())
        return hashed.hexdigest()

    def to_parquet(self) -> bytes:
        """Equal sets give equal bytes."""
        said = {
            "options": json.dumps(self.options), "names": json.dumps(self.names), "decoder": self.decoder,
            "fingerprint": self.fingerprint,
        }  # fmt: skip
        schema = TABLE.schema.with_metadata({**TABLE.schema.metadata, **said})
        written = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(list(map(asdict, self.images)), schema=schema), written, compression="zstd")
        return written.getvalue()

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Raises FileNotFoundError, and DataError on a file that is damaged or whose own fingerprint does not fit."""
        file = folder / MANIFEST
        try:
            table = pq.ParquetFile(pa.BufferReader(file.read_bytes())).read(use_threads=False)
        except FileNotFoundError:
            raise
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{file} is no whole Parquet file ({error})") from error
        said = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        if not table.schema.equals(TABLE.schema) or said.get("version") != str(TABLE.version):
            raise DataError(
                f"{file} is no manifest of version {TABLE.version}, which this installation reads. Build the set again"
                " into the same folder, which reads every image anew"
            )
        images = [Read(**row) for row in table.to_pylist()]
        found = cls(
            options=json.loads(said["options"]), names=tuple(json.loads(said["names"])), decoder=said["decoder"],
            images=images,
        )  # fmt: skip
        if found.fingerprint != said["fingerprint"]:
            raise DataError(
                f"{file} was changed: its rows give the fingerprint {found.fingerprint}, and {said['fingerprint']} was"
                " written. Build the set again into the same folder"
            )
        return found


def manifest_of(choice: Choice, images: Iterable[Read]) -> Manifest:
    names = tuple(name for _, name in choice.classes)
    return Manifest(options=choice.to_json(), names=names, decoder=decoder(), images=tuple(images))


def decoder() -> str:
    """What turns files into pixels: other versions may round otherwise."""
    turbo = features.version("libjpeg_turbo")
    return f"Pillow {PIL.__version__}, {f'libjpeg-turbo {turbo}' if turbo else 'libjpeg'}"
