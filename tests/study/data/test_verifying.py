"""Verification finds every fault in a built set, and each by name."""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.data.errors import DataError
from study.data.manifest import Manifest
from study.data.verifying import Verified, verify
from tests.study.data.conftest import IMAGES, WNIDS, Counting, built, contents
from trainables.datasets import MissingDataError
from trainables.datasets.tifs import TIFS
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
        (
            lambda out: _edited(out, classes=[[wnid, f"Name of {wnid}"] for wnid in WNIDS]),
            "tifs.json: its names of classes are not those of the manifest",
        ),
    ],
)
def test_each_fault_is_named(out: Path, harm: Callable[[Path], object], said: str) -> None:
    harm(out)
    found = verified(out)
    assert any(said in fault for fault in found.faults), found.faults
    assert (found.accepted, found.barred) == (False, True)
    assert Index.read(out).changed(out) == f"its last verification found faults: {len(found.faults)}"
    assert verified(out).faults == found.faults


@pytest.mark.parametrize(
    ("harm", "read"),
    [
        (lambda out: _flip(out, "validation", 3), 1),
        (lambda out: _edited(out, mean=[0.5, 0.5, 0.5]), 0),
        (lambda out: _edited(out, classes=[[wnid, wnid] for wnid in WNIDS]), 0),
    ],
)
def test_what_verification_finds_the_next_build_mends(
    tree: Path, out: Path, harm: Callable[[Path], object], read: int
) -> None:
    """Though its files have the lengths and times that they had."""
    before, index = contents(out), Index.read(out)
    harm(out)
    assert Index.read(out).changed(out) is None
    assert verified(out).faults
    with pytest.raises(MissingDataError, match="its last verification found faults: 1"):
        TIFS(root=str(out)).check_files()
    mended = built(tree, out)
    assert (mended.read, mended.was_whole) == (read, False)
    assert verified(out).faults == ()
    TIFS(root=str(out)).check_files()
    assert contents(out) == before
    assert replace(Index.read(out), files={}) == replace(index, files={})


def test_arrays_that_were_copied_anew_are_accepted_once_they_are_verified(out: Path) -> None:
    index = Index.read(out)
    _flip(out, "test", 1)
    assert verified(out).barred
    _flip(out, "test", 1)
    assert verified(out).accepted
    assert Index.read(out) == index


def test_faults_are_told_where_the_index_cannot_be_written(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def put(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    _flip(out, "test", 1)
    monkeypatch.setattr("study.store.objects.LocalObjects.put", put)
    found = verified(out)
    assert (len(found.faults), found.barred) == (1, False)


def test_a_class_that_the_manifest_names_otherwise_is_mended(tree: Path, out: Path) -> None:
    """Though its fingerprint, of labels, does not know of it."""
    manifest = Manifest.read(out)
    wrong = (replace(manifest.images[0], wnid=WNIDS[2]), *manifest.images[1:])
    (out / "manifest.parquet").write_bytes(replace(manifest, images=wrong).to_parquet())
    assert verified(out).faults == (f"manifest.parquet, train, row 0: {WNIDS[2]} is not class 0",)
    assert built(tree, out).read == 1
    assert verified(out).faults == ()


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


def test_a_manifest_of_another_version_is_written_anew(tree: Path, out: Path) -> None:
    index, table = Index.read(out), pq.read_table(out / "manifest.parquet")
    older = {**(table.schema.metadata or {}), b"version": b"1"}
    pq.write_table(table.replace_schema_metadata(older), out / "manifest.parquet")
    with pytest.raises(DataError, match=r"is no manifest of version 2, .* Build the set again into the same folder"):
        verified(out)
    assert built(tree, out).index.fingerprint == index.fingerprint
    assert verified(out).faults == ()


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
