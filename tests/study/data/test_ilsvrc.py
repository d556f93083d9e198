"""Every layout gives the same images; what is missing is named, with how to get ImageNet."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from study.data.chosen import rows
from study.data.errors import DataError
from study.data.ilsvrc import Tree
from tests.study.data.conftest import CHOICE, TESTED, WNIDS, small_tree
from tests.study.data.tree import Layout, validation_name

LAYOUTS: tuple[Layout, ...] = ("folders", "devkit", "kaggle")
DEVKIT = Path("ILSVRC2012_devkit_t12") / "data"


def listed(root: Path) -> list[tuple[str, int, str, bytes]]:
    return [
        (row.split, row.label, Path(row.source).name, (root / row.source).read_bytes())
        for row in rows(CHOICE, Tree(root))
    ]


def test_every_layout_gives_the_same_images(tmp_path: Path) -> None:
    found = [listed(small_tree(tmp_path / layout, layout)) for layout in LAYOUTS]
    assert found[0] == found[1] == found[2]
    assert [sum(split == one for split, *_ in found[0]) for one in ("train", "validation", "test")] == [12, 6, 12]


def test_kaggles_inner_folder_will_do(tmp_path: Path) -> None:
    root = small_tree(tmp_path / "kaggle", "kaggle")
    assert listed(root) == listed(root / "ILSVRC" / "Data" / "CLS-LOC")


def test_the_devkit_may_be_moved(tmp_path: Path) -> None:
    root = small_tree(tmp_path / "tree", "devkit")
    before = listed(root)
    for file in (root / DEVKIT).iterdir():
        shutil.move(file, root / "val" / file.name)
    assert listed(root) == before


def test_droppings_are_no_images(tree: Path) -> None:
    before = listed(tree)
    for name in ("._n01443537_0.JPEG", "notes.txt"):
        (tree / "train" / WNIDS[0] / name).write_bytes(b"")
    assert listed(tree) == before


def _drop_class(root: Path) -> None:
    for wnid in WNIDS[1:]:
        shutil.rmtree(root / "train" / wnid)
    (root / "train" / f"{WNIDS[1]}.tar").write_bytes(b"")


def _drop_images(root: Path) -> None:
    for file in list((root / "train" / WNIDS[2]).iterdir())[:4]:
        file.unlink()


def _odd_solution(root: Path) -> None:
    (root / "LOC_val_solution.csv").write_text("ImageId,PredictionString\nILSVRC2012_val_00000001,cat 1 2 3 4\n")


def _odd_byte(root: Path) -> None:
    (root / "LOC_val_solution.csv").write_bytes(b"ImageId,PredictionString\nILSVRC2012_val_00000001,n0144\xff353 1\n")


def _endless_line(root: Path) -> None:
    (root / "LOC_val_solution.csv").write_text('ImageId,PredictionString\n"' + "n01443537 1 2 3 4 " * 10_000)


def _odd_truth(root: Path) -> None:
    (root / DEVKIT / "ILSVRC2012_validation_ground_truth.txt").write_text("1\n2\n77\n")


@pytest.mark.parametrize(
    ("layout", "harm", "said"),
    [
        ("folders", shutil.rmtree, ("there are no folders train and val in", "ILSVRC/Data/CLS-LOC")),
        ("folders", lambda root: shutil.rmtree(root / "val"), ("there are no folders train and val in",)),
        ("folders", _drop_class, (f"2 of 3 classes: {WNIDS[1]}, {WNIDS[2]} (their archives are there, not yet",)),
        ("folders", lambda root: shutil.rmtree(root / "val" / WNIDS[0]), (f"no images of 1 of 3 classes: {WNIDS[0]}",)),
        ("folders", _drop_images, (f"have fewer: {WNIDS[2]} (5)", "--per-class")),
        ("devkit", lambda root: shutil.rmtree(root / DEVKIT), ("neither LOC_val_solution.csv", "meta.mat of the dev")),
        ("devkit", lambda root: (root / DEVKIT / "meta.mat").unlink(), ("nor meta.mat beside",)),
        ("devkit", lambda root: (root / DEVKIT / "meta.mat").write_bytes(b"none"), ("is not the devkit's (t12)",)),
        ("devkit", _odd_truth, ("ground_truth.txt:3: a line is an id that", "got '77'")),
        ("kaggle", _odd_byte, ("LOC_val_solution.csv is no CSV file in UTF-8: 'utf-8' codec", "Download it again")),
        ("kaggle", _endless_line, ("LOC_val_solution.csv is no CSV file in UTF-8: field larger",)),
        ("kaggle", _odd_solution, ("LOC_val_solution.csv:2: a line is IMAGE,WNID", "00001,cat 1 2 3 4'")),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, layout: Layout, harm: Callable[[Path], object], said: tuple[str, ...]
) -> None:
    root = small_tree(tmp_path / "tree", layout)
    harm(root)
    with pytest.raises(DataError) as raised:
        rows(CHOICE, Tree(root))
    for words in (*said, str(root)):
        assert words in str(raised.value)


@pytest.mark.parametrize("layout", ["folders", "devkit"])
def test_without_imagenet_the_error_says_how_to_get_it(tmp_path: Path, layout: Layout) -> None:
    root = small_tree(tmp_path / "tree", layout)
    shutil.rmtree(root / ("train" if layout == "folders" else DEVKIT))
    with pytest.raises(DataError) as raised:
        rows(CHOICE, Tree(root))
    for words in (
        "image-net.org", "ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar", "ILSVRC2012_devkit_t12.tar.gz",
        'tar -xf "$t"', "imagenet-object-localization-challenge", "LOC_val_solution.csv",
    ):  # fmt: skip
        assert words in str(raised.value)


def test_a_listed_image_that_is_not_there_stays_listed(tmp_path: Path) -> None:
    """So that the build can name it."""
    root = small_tree(tmp_path / "tree", "devkit")
    (root / "val" / f"{validation_name(1)}.JPEG").unlink()
    found = Tree(root).tested(WNIDS)
    assert [len(files) for files in found.values()] == [TESTED] * 3
    assert any(f"val/{validation_name(1)}.JPEG" in files for files in found.values())
