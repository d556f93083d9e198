"""`study data`: what it prints, how it exits."""

import errno
import os
import re
import signal
from pathlib import Path

import pytest

from study.cli import building
from study.cli.building import BuildingScreen
from study.cli.terminal import terminal
from tests.study.cli.conftest import Type
from tests.study.data.conftest import WNIDS, small_tree

OPTIONS = ("--imagenet", "imagenet", "--out", "out", "--classes", "classes.txt", "--per-class", "6", "--val", "2")


@pytest.fixture
def imagenet(tmp_path: Path) -> Path:
    """./imagenet and ./classes.txt"""
    (tmp_path / "classes.txt").write_text("\n".join(WNIDS))
    return small_tree(tmp_path / "imagenet", "kaggle")


@pytest.mark.usefixtures("imagenet")
def test_a_set_is_built_once(study: Type) -> None:
    first, again = study("data", "tifs", *OPTIONS), study("data", "tifs", *OPTIONS)
    assert (first.exit_code, again.exit_code) == (0, 0), first.stderr
    assert "out is whole: 12 train, 6 validation, 12 test images of 3 classes" in first.stdout
    assert "reading images: 30 of 30 (100%)" in first.stdout
    assert "30 images read in 0:0" in first.stdout
    assert "to describe the set; resnet18 normalises by ImageNet's own, whatever the set" in first.stdout
    assert f"data: {{name: tifs, root: {Path('out').absolute()}}}" in first.stdout
    assert "it was whole before: nothing was read" in again.stdout
    printed = [re.search(r"fingerprint +([0-9a-f]{32})", answer.stdout) for answer in (first, again)]
    assert printed[0] is not None
    assert printed[1] is not None
    assert printed[0][1] == printed[1][1]


@pytest.mark.usefixtures("imagenet")
def test_a_whole_set_verifies_and_a_damaged_one_exits_with_1(study: Type) -> None:
    study("data", "tifs", *OPTIONS)
    assert study("data", "verify", "out").exit_code == 0
    os.utime("out/train.npy", (1, 1))
    assert "its arrays were copied or touched since it was built" in study("data", "verify", "out").stdout
    with Path("out/train.npy").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\1\2")
    answer = study("data", "verify", "out")
    assert answer.exit_code == 1
    assert "train.npy: no array of 12 images" in answer.stderr
    assert "out is not whole: 1 fault.  Build it again into the same folder" in answer.stderr
    assert "Until then, no study uses it" in answer.stderr
    mended = study("data", "tifs", *OPTIONS)
    assert mended.exit_code == 0
    assert "12 images read in" in mended.stdout
    assert study("data", "verify", "out").exit_code == 0


@pytest.mark.usefixtures("imagenet")
def test_faults_where_the_index_cannot_be_written_are_told_with_what_that_means(
    study: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    study("data", "tifs", *OPTIONS)
    Path("out/train.npy").write_bytes(b"")

    def put(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("study.store.objects.LocalObjects.put", put)
    answer = study("data", "verify", "out")
    assert answer.exit_code == 1
    assert "name it in no study: tifs.json, which cannot be written, still calls it whole" in answer.stderr


def test_a_set_whose_labels_alone_were_damaged_was_not_whole(study: Type, imagenet: Path) -> None:
    assert imagenet.is_dir()
    study("data", "tifs", *OPTIONS)
    Path("out/test_labels.npy").unlink()
    mended = study("data", "tifs", *OPTIONS)
    assert "0 images read in" in mended.stdout
    assert "it was whole before" not in mended.stdout


def test_a_whole_set_whose_tree_has_changed_is_left_alone(study: Type, imagenet: Path) -> None:
    study("data", "tifs", *OPTIONS)
    (missing,) = imagenet.rglob("ILSVRC2012_val_00000003.JPEG")
    missing.unlink()
    answer = study("data", "tifs", *OPTIONS)
    assert answer.exit_code == 2
    assert "ILSVRC2012_val_00000003.JPEG: is not there" in answer.stderr
    assert study("data", "verify", "out").exit_code == 0


def test_an_image_that_cannot_be_read_exits_with_1(study: Type, imagenet: Path) -> None:
    (damaged,) = imagenet.rglob("ILSVRC2012_val_00000003.JPEG")
    damaged.write_bytes(b"none")
    answer = study("data", "tifs", *OPTIONS)
    assert answer.exit_code == 1
    assert "1 of 30 images cannot be read:" in answer.stderr
    assert "ILSVRC2012_val_00000003.JPEG cannot be read as an image" in answer.stderr
    assert "the same command reads only them" in answer.stderr
    assert study("data", "verify", "out").exit_code == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--imagenet", "nowhere", "--out", "out"), "How to get ImageNet (ILSVRC2012)"),
        ((*OPTIONS, "--fold", "3"), "--fold lies in [0, 2]"),
        (
            ("--imagenet", "imagenet", "--out", "classes.txt", *OPTIONS[4:]),
            "--out classes.txt: classes.txt: File exists",
        ),
        (("--imagenet", "imagenet", "--out", "out"), "has no images of 197 of 200 classes"),
    ],
)
@pytest.mark.usefixtures("imagenet")
def test_what_cannot_be_done_exits_with_2_and_makes_nothing(study: Type, options: tuple[str, ...], said: str) -> None:
    answer = study("data", "tifs", *options)
    assert answer.exit_code == 2
    assert said in answer.stderr
    assert not Path("out").exists()


@pytest.mark.usefixtures("imagenet")
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_hand_it_says_how_to_go_on(
    study: Type, asked: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = BuildingScreen.done

    def stopping(self: BuildingScreen, outcome: building.Outcome) -> None:
        done(self, outcome)
        if self.outcomes.total() == 10:
            signal.raise_signal(asked)

    with monkeypatch.context() as patched:
        patched.setattr(BuildingScreen, "done", stopping)
        answer = study("data", "tifs", *OPTIONS)
    assert answer.exit_code == 130
    assert "Stopped.  10 of 30 images are in out: the same command goes on from there." in answer.stdout
    again = study("data", "tifs", *OPTIONS)
    assert again.exit_code == 0
    assert int(re.findall(r"(\d+) images? read", again.stdout)[0]) <= 20


def test_in_a_pipe_a_line_comes_each_minute_and_each_twentieth(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("study.cli.building.time.monotonic", lambda: clock[0])
    with building._progress(terminal()) as screen:
        screen.begins("reading images", 1000)
        for number in range(100):  # 10 s an image: a line a minute
            clock[0] += 10
            screen.done("unreadable" if number == 3 else "read")
    slow = capsys.readouterr().out.splitlines()
    assert slow[0] == "reading images: 6 of 1,000 (1%), 0 images/s, about 2:45:40 left, 1 cannot be read"
    assert len(slow) == 16
    with building._progress(terminal()) as screen:
        screen.begins("verifying", 1000)
        for _ in range(1000):  # 20 a second: a line each 5 s, which is more than a twentieth
            clock[0] += 0.05
            screen.done("read")
    fast = capsys.readouterr().out.splitlines()
    assert fast[0] == "verifying: 101 of 1,000 (10%), 20 images/s, about 0:45 left"
    assert len(fast) == 9
