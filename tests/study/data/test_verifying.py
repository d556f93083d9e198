"""Verification finds every fault in a built set, and each by name."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.data.errors import DataError
from study.data.manifest import Manifest
from study.data.verifying import Verified, verify
from tests.study.data.conftest import IMAGES, Counting, built
from trainables.tifs_files import Index


@pytest.fixture
def out(tree: Path, tmp_path: Path) -> Path:
    built(tree, tmp_path / "out")
    return tmp_path / "out"


def verified(out: Path) -> Verified:
    observer = Counting()
    found = verify(out, 2, observer)
    assert observer.phase == "verifying"
    return found


def test_a_whole_set_has_no_faults(out: Path) -> None:
    before = (out / "tifs.json").read_bytes()
    observer = Counting()
    found = verify(out, 2, observer)
    assert (found.faults, found.accepted) == ((), False)
    assert observer.outcomes == {("verifying", "read"): IMAGES}
    assert (out / "tifs.json").read_bytes() == before


def _flip(out: Path, split: str, row: int) -> None:
    """The lowest bit of one byte, with the file's time as it was."""
    file = out / f"{split}.npy"
    times = file.stat()
    with file.open("r+b") as opened:
        opened.seek(128 + row * 3 * 256 * 256 + 100_000)
        (byte,) = opened.read(1)
        opened.seek(-1, os.SEEK_CUR)
        opened.write(bytes([byte ^ 1]))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def _wrong_label(out: Path) -> None:
    labels = np.load(out / "test_labels.npy")
    labels[7] = 0
    np.save(out / "test_labels.npy", labels)


def _edited(out: Path, **changed: object) -> None:
    said = json.loads((out / "tifs.json").read_text())
    (out / "tifs.json").write_text(json.dumps({**said, **changed}))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda out: _flip(out, "validation", 3), "validation.npy, row 3: not the pixels of train/"),
        (lambda out: (out / "train.npy").unlink(), "train.npy: No such file or directory"),
        (lambda out: (out / "test_labels.npy").unlink(), "test_labels.npy: "),
        (lambda out: np.save(out / "test_labels.npy", np.zeros(3)), "no array of 12 int64; got float64 of shape (3,)"),
        (lambda out: np.save(out / "test.npy", np.zeros((12, 3, 9, 9), np.uint8)), "test.npy: no array of 12 images"),
        (lambda out: os.truncate(out / "train.npy", 1000), "train.npy: no array of 12 images, 3 × 256 × 256"),
        (_wrong_label, "test_labels.npy, row 7: the manifest's label is 1; got 0"),
        (
            lambda out: _edited(out, fingerprint="0" * 32),
            "tifs.json: its fingerprint is 00000000000000000000000000000000",
        ),
        (lambda out: _edited(out, mean=[0.5, 0.5, 0.5]), "tifs.json: its mean are not what"),
        (lambda out: _edited(out, images={"train": 12}), "tifs.json: its images are not what"),
        (lambda out: _edited(out, options={}), "tifs.json: its options are not those of the manifest"),
        (lambda out: _edited(out, classes=[["n01443537", "a"], ["n01443538", "b"]]), "tifs.json: its classes are not"),
    ],
)
def test_each_fault_is_named(out: Path, harm: Callable[[Path], object], said: str) -> None:
    before = (out / "tifs.json").read_bytes()
    harm(out)
    found = verified(out)
    assert any(said in fault for fault in found.faults), found.faults
    assert not found.accepted
    if b'"mean"' in before and "tifs.json" not in said:
        assert (out / "tifs.json").read_bytes() == before


def test_every_fault_is_told_at_once(out: Path) -> None:
    _flip(out, "train", 2)
    _flip(out, "train", 9)
    _flip(out, "test", 11)
    _wrong_label(out)
    found = verified(out)
    assert [fault.split(":")[0] for fault in found.faults] == [
        "test_labels.npy, row 7", "train.npy, row 2", "train.npy, row 9", "test.npy, row 11",
    ]  # fmt: skip


def test_a_changed_manifest_is_known_by_its_fingerprint(out: Path) -> None:
    table = pq.read_table(out / "manifest.parquet")
    hashes = table["pixels_hash"].to_pylist()
    hashes[0] = "0" * 32
    place = table.schema.get_field_index("pixels_hash")
    changed = table.set_column(place, table.schema.field(place), pa.array(hashes))
    pq.write_table(changed.replace_schema_metadata(table.schema.metadata), out / "manifest.parquet")
    with pytest.raises(DataError, match=r"manifest.parquet was changed: its rows give the fingerprint [0-9a-f]{32}"):
        verified(out)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("tifs.json", None, "holds no whole set (there is no tifs.json)"),
        ("tifs.json", "{", "tifs.json cannot be read"),
        ("tifs.json", "{}", "tifs.json is of version None, and this installation reads 1"),
        ("tifs.json", '{"version": 1}', "tifs.json is damaged: KeyError('fingerprint')"),
        ("manifest.parquet", None, "has no manifest.parquet, without which nothing tells"),
        ("manifest.parquet", "PAR1", "manifest.parquet is no whole Parquet file"),
    ],
)
def test_what_is_no_set_is_refused(out: Path, name: str, text: str | None, said: str) -> None:
    (out / name).unlink()
    if text is not None:
        (out / name).write_text(text)
    with pytest.raises(DataError) as raised:
        verified(out)
    assert said in str(raised.value)


def test_a_copy_without_its_times_is_accepted_once_it_is_verified(out: Path) -> None:
    for file in out.glob("*.npy"):
        os.utime(file, (1, 1))
    assert Index.read(out).changed(out) == "train.npy was changed, or copied without its times, after it was built"
    assert verified(out).accepted
    assert Index.read(out).changed(out) is None
    assert not verified(out).accepted


def test_the_manifest_says_what_its_columns_mean(out: Path) -> None:
    schema = pq.read_schema(out / "manifest.parquet")
    assert schema.field("source_modified").metadata[b"unit"] == b"ns"
    assert all(field.metadata[b"meaning"] for field in schema)
    assert schema.metadata[b"fingerprint"].decode() == Manifest.read(out).fingerprint == Index.read(out).fingerprint
    assert b"Pillow" in schema.metadata[b"decoder"]
