"""A build equals plain PIL, whatever interrupts it, and names what it cannot read."""

import io
import json
import math
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from study.data.arrays import ROW_BYTES, PixelArray
from study.data.building import build, tifs_pixels
from study.data.chosen import Choice, rows
from study.data.errors import DataError, IncompleteError
from study.data.ilsvrc import Tree
from study.data.journal import locked
from study.data.manifest import Manifest
from study.data.parallel import in_parallel
from tests.study.data.conftest import CHOICE, IMAGES, WNIDS, Counting, built, contents, small_tree
from tests.study.data.tree import encoded, lay_out, photographs, validation_name
from trainables.tifs_files import Index, UnusableError


def reference(file: Path) -> NDArray[np.uint8]:
    """Shorter side to 256, bilinear; the centre of 256 × 256: [3, 256, 256]."""
    with Image.open(file) as image:
        whole = image.convert("RGB")
    w, h = whole.size
    size = (256, math.floor(256 * h / w)) if w <= h else (math.floor(256 * w / h), 256)
    scaled = np.array(whole.resize(size, Image.Resampling.BILINEAR))
    top, left = (size[1] - 256) // 2, (size[0] - 256) // 2
    return scaled[top : top + 256, left : left + 256].transpose(2, 0, 1)


def check_against_reference(tree: Path, out: Path) -> None:
    """Every pixel, label and statistic, from the files that the manifest names."""
    manifest, index = Manifest.read(out), Index.read(out)
    pixels = {split: np.load(out / f"{split}.npy") for split in ("train", "validation", "test")}
    labels = {split: np.load(out / f"{split}_labels.npy") for split in pixels}
    assert Counter(image.split for image in manifest.images) == {split: len(one) for split, one in pixels.items()}
    for image in manifest.images:
        assert np.array_equal(pixels[image.split][image.row], reference(tree / image.source)), image.source
        assert index.classes[labels[image.split][image.row]][0] == image.wnid
    seen = pixels["train"][:, :, 16:240, 16:240] / 255
    assert np.allclose(index.mean, seen.mean((0, 2, 3)), rtol=0, atol=1e-12)
    assert np.allclose(index.std, seen.std((0, 2, 3)), rtol=0, atol=1e-12)


def test_a_build_equals_plain_pil(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = built(tree, out)
    assert found.read == IMAGES
    assert found.index == Index.read(out)
    check_against_reference(tree, out)
    assert sorted(contents(out)) == [
        "manifest.parquet", "test.npy", "test_labels.npy", "train.npy", "train_labels.npy", "validation.npy",
        "validation_labels.npy",
    ]  # fmt: skip


def test_a_second_run_reads_nothing(tree: Path, tmp_path: Path) -> None:
    first = built(tree, tmp_path / "out")
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").iterdir() if file.name != ".lock"}
    observer = Counting()
    again = built(tree, tmp_path / "out", observer=observer)
    assert (again.index, again.read, observer.outcomes) == (first.index, 0, Counter())
    assert {file: file.stat().st_mtime_ns for file in before} == before


def _odd_files() -> Iterator[tuple[str, bytes, tuple[int, int, int]]]:
    """Kind, file, and the colour that it should have."""
    size = (300, 260)
    yield "grey", encoded(Image.new("L", size, 90)), (90, 90, 90)
    yield "CMYK", encoded(Image.new("CMYK", size, (0, 255, 255, 0))), (255, 0, 0)
    yield "PNG", encoded(Image.new("RGBA", size, (10, 200, 30, 128)), "PNG"), (10, 200, 30)
    palette = Image.new("P", size, 1)
    palette.putpalette([0, 0, 0, 40, 50, 60])
    yield "palette", encoded(palette, "PNG"), (40, 50, 60)


@pytest.mark.parametrize(("data", "colour"), [odd[1:] for odd in _odd_files()], ids=[odd[0] for odd in _odd_files()])
def test_whatever_kind_of_file_becomes_rgb(data: bytes, colour: tuple[int, int, int]) -> None:
    pixels = np.frombuffer(tifs_pixels(data, Path("x.JPEG")), np.uint8).reshape(3, -1)
    assert np.abs(pixels.astype(int) - np.array(colour)[:, None]).max() <= 2


def test_exif_orientations_are_left_alone(tmp_path: Path) -> None:
    image, exif = Image.linear_gradient("L").resize((256, 400)), Image.Exif()
    exif[0x0112] = 6
    written = io.BytesIO()
    image.save(written, "JPEG", exif=exif)
    pixels = np.frombuffer(tifs_pixels(written.getvalue(), tmp_path), np.uint8).reshape(3, 256, 256)
    assert pixels[0, 0].mean() < pixels[0, -1].mean()


@pytest.mark.parametrize("data", [b"", b"no image", encoded(Image.effect_noise((400, 300), 60))[:-2000]])
def test_a_part_of_a_file_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"train/x\.JPEG cannot be read as an image") as raised:
        tifs_pixels(data, Path("train/x.JPEG"))
    assert "BytesIO" not in str(raised.value)


def test_everything_that_cannot_be_read_is_named_and_mending_it_reads_only_that(tree: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    built(tree, whole)
    used = [image for image in Manifest.read(whole).images if image.split != "test"]
    truncated, garbage = (tree / image.source for image in (used[3], used[-1]))
    missing = tree / "val" / WNIDS[1] / f"{validation_name(2)}.JPEG"
    before = {file: file.read_bytes() for file in (truncated, garbage, missing)}
    times = {file: file.stat().st_mtime_ns for file in before}
    truncated.write_bytes(before[truncated][:-100])
    garbage.write_bytes(b"garbage")
    missing.unlink()
    missing.symlink_to("nowhere")
    observer = Counting()
    with pytest.raises(IncompleteError) as raised:
        built(tree, out, observer=observer)
    said = str(raised.value)
    assert "3 of 30 images cannot be read" in said
    assert observer.outcomes == {("reading images", "read"): IMAGES - 3, ("reading images", "unreadable"): 3}
    named = (out / "unreadable.txt").read_text().splitlines()
    assert [line.split(" cannot")[0].split(":")[0] for line in named] == [*map(str, (truncated, garbage, missing))]
    for line in named:
        assert line in said
    with pytest.raises(UnusableError):
        Index.read(out)
    missing.unlink()
    for file, data in before.items():
        file.write_bytes(data)
        os.utime(file, ns=(times[file], times[file]))
    observer = Counting()
    assert built(tree, out, observer=observer).read == 3
    assert observer.outcomes["reading images", "kept"] == IMAGES - 3
    assert contents(out) == contents(whole)


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.study.data.conftest import Counting, built

def at(phase, done):
    if phase == sys.argv[3] and done == int(sys.argv[4]):
        os.kill(os.getpid(), signal.SIGKILL)

built(Path(sys.argv[1]), Path(sys.argv[2]), observer=Counting(at))
"""


def killed(tree: Path, out: Path, phase: str, done: int) -> None:
    run = subprocess.run([sys.executable, "-c", KILLED, str(tree), str(out), phase, str(done)], check=False, timeout=60)
    assert run.returncode == -signal.SIGKILL
    with pytest.raises(UnusableError):
        Index.read(out)


def test_killed_at_any_moment_it_goes_on_and_the_result_is_that_of_an_undisturbed_build(
    tree: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    killed(tree, out, "reading images", 7)
    killed(tree, out, "reading images", 20)
    killed(tree, out, "verifying", 5)
    observer = Counting()
    assert built(tree, out, observer=observer).read == 0
    assert observer.outcomes["reading images", "kept"] == IMAGES
    built(tree, tmp_path / "whole")
    assert contents(out) == contents(tmp_path / "whole")


def stop(at: int) -> Counting:
    def interrupt(phase: str, done: int) -> None:
        if done == at:
            raise KeyboardInterrupt

    return Counting(interrupt)


def stopped(tree: Path, out: Path, at: int) -> int:
    """How many images an interrupted build has in its journal."""
    with pytest.raises(KeyboardInterrupt):
        built(tree, out, observer=stop(at))
    return len((out / "building.jsonl").read_text().splitlines()) - 1


def test_ctrl_c_keeps_what_is_read(tree: Path, tmp_path: Path) -> None:
    there = stopped(tree, tmp_path / "out", 11)
    assert 11 <= there < IMAGES
    assert built(tree, tmp_path / "out").read == IMAGES - there


def test_a_line_that_a_kill_has_cut_off_is_no_image(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    there = stopped(tree, out, 9)
    journal = out / "building.jsonl"
    journal.write_bytes(journal.read_bytes()[:-40])
    assert built(tree, out).read == IMAGES - there + 1
    check_against_reference(tree, out)


def test_pixels_that_the_disk_lost_are_read_again(tree: Path, tmp_path: Path) -> None:
    """As after a power failure: the journal knows the image, and the array has other bytes."""
    out = tmp_path / "out"
    there = stopped(tree, out, 9)
    with (out / "train.npy").open("r+b") as file:
        file.seek(128 + 5)
        file.write(b"lost")
    assert built(tree, out).read == IMAGES - there + 1
    check_against_reference(tree, out)


def test_a_file_that_changed_between_two_runs_of_a_build_is_read_again(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    there = stopped(tree, out, 9)
    image = json.loads((out / "building.jsonl").read_text().splitlines()[4])
    (tree / image["source"]).write_bytes(encoded(Image.new("RGB", (30, 30), (1, 2, 3))))
    assert built(tree, out).read == IMAGES - there + 1
    check_against_reference(tree, out)


def _drop_test_image(tree: Path) -> str:
    (tree / "val" / WNIDS[1] / f"{validation_name(2)}.JPEG").unlink()
    return f"--imagenet {tree} gives another now. Images that differ: 1\n  val/{WNIDS[1]}/{validation_name(2)}.JPEG"


def _change_image(tree: Path) -> str:
    source = rows(CHOICE, Tree(tree))[4].source
    (tree / source).write_bytes(encoded(Image.new("RGB", (30, 30), (1, 2, 3))))
    return f"\n  {source}: was changed\n"


def _add_test_image(tree: Path) -> str:
    (tree / "val" / WNIDS[0] / "another.JPEG").write_bytes(encoded(Image.new("RGB", (30, 30), (1, 2, 3))))
    return f"\n  val/{WNIDS[0]}/another.JPEG: was not taken then\n"


def _drop_train_image(tree: Path) -> str:
    """Another is taken in its place."""
    source = rows(CHOICE, Tree(tree))[4].source
    (tree / source).unlink()
    return f"Images that differ: 2\n  {source}: is not there\n"


@pytest.mark.parametrize("change", [_drop_test_image, _change_image, _add_test_image, _drop_train_image])
def test_a_whole_set_is_not_made_another_when_the_tree_changes(
    tree: Path, tmp_path: Path, change: Callable[[Path], str]
) -> None:
    out = tmp_path / "out"
    built(tree, out)
    before, index = contents(out), Index.read(out)
    said = change(tree)
    with pytest.raises(DataError, match="Put them back as they were, or build another set with another --out") as found:
        built(tree, out)
    assert said in str(found.value)
    assert (contents(out), Index.read(out)) == (before, index)


def test_of_a_tree_of_which_much_is_gone_the_first_images_are_named(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    built(tree, out)
    for row in rows(CHOICE, Tree(tree)):
        (tree / row.source).write_bytes(b"other")
    with pytest.raises(DataError, match="Images that differ: 30\n") as found:
        built(tree, out)
    assert str(found.value).count(": was changed\n") == 20
    assert "\n  and 10 more\nPut them back" in str(found.value)


def test_a_tree_whose_files_were_copied_without_their_times_still_makes_the_same_set(
    tree: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    before = built(tree, out)
    for row in rows(CHOICE, Tree(tree)):
        os.utime(tree / row.source, (1, 1))
    after = built(tree, out)
    assert (after.was_whole, after.index.fingerprint) == (False, before.index.fingerprint)
    assert built(tree, out).was_whole


def test_an_array_of_another_length_is_replaced_and_who_has_it_mapped_keeps_it(tmp_path: Path) -> None:
    file = tmp_path / "test.npy"
    longer = PixelArray.open(file, 2)
    longer.write(1, b"\2" * ROW_BYTES)
    longer.close()
    with file.open("rb") as old:
        shorter = PixelArray.open(file, 1)
        shorter.write(0, b"\1" * ROW_BYTES)
        shorter.close()
        assert os.fstat(old.fileno()).st_size == 128 + 2 * ROW_BYTES  # or reading it would end this process
        assert (np.memmap(old, np.uint8, "r", 128 + ROW_BYTES) == 2).all()
    assert (np.load(file) == 1).all()


def test_a_whole_set_may_lie_where_nothing_can_be_written(tree: Path, tmp_path: Path) -> None:
    """Nor is anything written where it could be, as for root: not even a lock."""
    out = tmp_path / "out"
    built(tree, out)
    (out / ".lock").unlink()
    out.chmod(0o555)
    try:
        assert built(tree, out).was_whole
    finally:
        out.chmod(0o755)
    assert not (out / ".lock").exists()


def test_a_photograph_too_long_for_memory_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def scaled(*_: object) -> None:
        raise AssertionError("it was scaled")

    assert len(tifs_pixels(encoded(Image.new("RGB", (300, 3)), "PNG"), Path("long.png"))) == ROW_BYTES
    monkeypatch.setattr(Image.Image, "resize", scaled)
    said = r"train/x\.JPEG cannot be read as a photograph \(30,000 × 1 px: one side is more than 100 times the other\)"
    for size in ((30_000, 1), (1, 30_000)):
        with pytest.raises(ValueError, match=said if size[1] == 1 else r"\(1 × 30,000 px"):
            tifs_pixels(encoded(Image.new("RGB", size), "PNG"), Path("train/x.JPEG"))


def test_a_whole_set_in_which_something_changed_is_mended(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    before = built(tree, out)
    with (out / "test.npy").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\0")
    (out / "train_labels.npy").unlink()
    os.utime(out / "test.npy", (1, 1))
    after = built(tree, out)
    assert (after.read, after.index.fingerprint) == (1, before.index.fingerprint)
    check_against_reference(tree, out)


def test_another_set_is_not_built_over_one_that_is_there(tree: Path, tmp_path: Path) -> None:
    whole, begun = tmp_path / "whole", tmp_path / "begun"
    built(tree, whole)
    stopped(tree, begun, 3)
    fewer = replace(CHOICE, classes=CHOICE.classes[1:])
    for out in (whole, begun):
        before = contents(out)
        with pytest.raises(DataError, match="holds a set of other options: fold 0, here 1"):
            built(tree, out, replace(CHOICE, fold=1))
        with pytest.raises(DataError, match="other options: other classes"):
            built(tree, out, fewer)
        assert contents(out) == before
    assert Index.read(whole)


def test_pixels_of_two_decoders_are_not_mixed(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    stopped(tree, out, 3)
    monkeypatch.setattr("study.data.journal.decoder", lambda: "Pillow 99")
    with pytest.raises(DataError, match=r"was begun with Pillow .*, and here is Pillow 99"):
        built(tree, out)


def test_two_builds_at_once_are_refused(tree: Path, tmp_path: Path) -> None:
    with locked(tmp_path / "out"), pytest.raises(DataError, match="another process is building there"):
        built(tree, tmp_path / "out")


def test_a_full_disk_is_known_beforehand(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = IMAGES * 3 * 256 * 256 - 1

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    with pytest.raises(DataError, match=r"0\.0 GB more are written there, and 0\.0 GB are free"):
        built(tree, tmp_path / "out")
    Usage.free += 1
    assert built(tree, tmp_path / "out").read == IMAGES


def test_a_disk_that_fills_up_meanwhile_stops_the_build(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, write = tmp_path / "out", os.pwrite
    written: list[int] = []

    def pwrite(descriptor: int, data: bytes, offset: int) -> int:
        written.append(offset)
        return write(descriptor, data[: 1000 if len(written) == 15 else None], offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with pytest.raises(DataError, match=r"No space left on device\. Once that is mended, the same command goes on"):
        built(tree, out)
    monkeypatch.undo()
    assert 0 < built(tree, out).read < IMAGES
    check_against_reference(tree, out)


def test_a_disk_that_keeps_other_bytes_is_told(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def damage(phase: str, done: int) -> None:
        if (phase, done) == ("reading images", IMAGES):
            with (out / "validation.npy").open("r+b") as file:
                file.seek(-1, os.SEEK_END)
                file.write(b"\0")

    with pytest.raises(DataError, match=r"validation.npy, row 5: not the pixels of train/.* that were written"):
        built(tree, out, observer=Counting(damage))
    assert built(tree, out).read == 1


def test_the_fingerprint_knows_the_options_and_not_the_place(tmp_path: Path) -> None:
    trees = [small_tree(tmp_path / "a"), small_tree(tmp_path / "b", "kaggle")]
    one, same = (built(tree, tmp_path / f"out{number}") for number, tree in enumerate(trees))
    assert one.index.fingerprint == same.index.fingerprint
    other = built(trees[0], tmp_path / "fold", replace(CHOICE, fold=1))
    assert other.index.fingerprint != one.index.fingerprint


def test_images_ahead_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with the set."""
    handed: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10_000):
            handed.append(number)
            yield number

    answers = in_parallel(lambda number: number, items(), 2)
    first = {next(answers) for _ in range(10)}
    assert len(handed) < 100
    answers.close()
    assert len(first) == 10
    assert sorted(in_parallel(lambda number: number * 2, range(500), 3)) == list(range(0, 1000, 2))


def test_what_the_work_raises_is_raised() -> None:
    def fail(number: int) -> int:
        raise OSError(number)

    with pytest.raises(OSError, match="0"):
        list(in_parallel(fail, range(3), 1))


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 classes × 12 upscaled images, and 60 full-size photographs."""
    data = shared / "data"
    for part in ("tiny_imagenet_subset", "imagenet_samples"):
        if not (data / part).is_dir():
            pytest.skip(f"{part} is not here")
    return lay_out(tmp_path_factory.mktemp("real"), photographs(data, 12, 3), "devkit")


def test_full_size_photographs_equal_plain_pil(real: Path) -> None:
    found = [file for file in sorted((real / "train").rglob("*.JPEG")) if not file.stem.rpartition("_")[2].isdigit()]
    assert len(found) == 60
    for file in found:
        assert np.array_equal(
            np.frombuffer(tifs_pixels(file.read_bytes(), file), np.uint8), reference(file).reshape(-1)
        )


def test_real_photographs(real: Path, shared: Path, tmp_path: Path) -> None:
    """A reduced set with grey and CMYK files in it, a corrupted file, an interrupted build and a second run."""
    names = (shared / "data" / "tiny_imagenet_subset" / "classes.txt").read_text().splitlines()
    choice = Choice(
        classes=tuple(sorted((line.split("\t")[0], line.split("\t")[1]) for line in names)), per_class=12, validation=3
    )
    out, wnid = tmp_path / "out", names[0].split("\t")[0]
    taken = rows(choice, Tree(real))
    corrupted, grey, cmyk = (real / row.source for row in taken[:3])
    with Image.open(grey) as image:
        grey.write_bytes(encoded(image.convert("L")))
    with Image.open(cmyk) as image:
        cmyk.write_bytes(encoded(image.convert("CMYK")))
    sound = corrupted.read_bytes()
    corrupted.write_bytes(sound[: len(sound) // 2])
    with pytest.raises(KeyboardInterrupt):
        build(real, out, choice, 2, Quiet(40))
    with pytest.raises(IncompleteError, match=f"1 of 300 images cannot be read:\n  {corrupted}"):
        build(real, out, choice, 2, Quiet())
    corrupted.write_bytes(sound)
    assert build(real, out, choice, 2, Quiet()).read == 1
    assert build(real, out, choice, 2, Quiet()).read == 0
    check_against_reference(real, out)
    pixels = np.load(out / "train.npy", mmap_mode="r")
    assert len(pixels) == 180
    assert (pixels[1, 0] == pixels[1, 1]).all()
    assert wnid in dict(Index.read(out).classes)


class Quiet:
    """Counts, and stops where it is told to."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.count = 0

    def begins(self, phase: str, images: int) -> None:
        self.count = 0

    def done(self, outcome: str) -> None:
        self.count += 1
        if self.count == self.at:
            raise KeyboardInterrupt
