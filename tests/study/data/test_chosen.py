"""Which images are taken: by seed and name alone; folds cut what is taken into parts."""

import hashlib
from pathlib import Path

import pytest

from study.data.chosen import Choice, check_tested, of_class
from study.data.classes import classes_of, tiny_imagenet
from study.data.errors import DataError
from study.data.ilsvrc import Tree
from tests.study.data.tree import validation_name

WNIDS = [wnid for wnid, _ in tiny_imagenet()]
FILES = [f"train/n01443537/n01443537_{n}.JPEG" for n in range(732)]


def test_of_500_images_a_tenth_validates_and_folds_share_none() -> None:
    folds = [Choice(classes=tiny_imagenet(), fold=fold) for fold in range(10)]
    validating = [of_class(one, "validation", FILES) for one in folds]
    assert {len(files) for files in validating} == {50}
    taken = {file for files in validating for file in files}
    assert len(taken) == 500
    for one, held_out in zip(folds, validating, strict=True):
        assert of_class(one, "train", FILES) == sorted(taken - set(held_out))


def test_the_choice_is_the_same_everywhere() -> None:
    found = of_class(Choice(classes=tiny_imagenet()), "validation", FILES)
    assert hashlib.sha256("\n".join(found).encode()).hexdigest()[:16] == "1c6a2be1d7839d0c"
    assert found == of_class(Choice(classes=tiny_imagenet()), "validation", FILES[::-1])


def test_a_reduced_set_is_a_part_of_a_larger_one() -> None:
    few, more = (Choice(classes=tiny_imagenet(), per_class=n, validation=10) for n in (50, 100))
    taken = [{*of_class(one, "train", FILES), *of_class(one, "validation", FILES)} for one in (few, more)]
    assert taken[0] < taken[1]
    assert [len(files) for files in taken] == [50, 100]


def test_the_200_classes_are_tiny_imagenets(shared: Path) -> None:
    official = (shared / "data" / "tiny_imagenet_wnids.txt").read_text().split()
    assert [wnid for wnid, _ in tiny_imagenet()] == sorted(official)
    assert len(dict(tiny_imagenet())) == len({name for _, name in tiny_imagenet()}) == 200
    assert dict(tiny_imagenet())["n02124075"] == "Egyptian cat"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fold": 10}, "--fold lies in [0, 9]: 500 images of a class are 10 times 50; got 10"),
        ({"fold": -1}, "--fold lies in [0, 9]"),
        ({"validation": 500}, "--val lies in [1, 499]"),
        ({"validation": 0}, "--val lies in [1, 499]"),
        ({"per_class": 12, "validation": 5, "fold": 2}, "--fold lies in [0, 1]"),
    ],
)
def test_options_out_of_range(options: dict[str, int], said: str) -> None:
    with pytest.raises(DataError) as raised:
        Choice(classes=tiny_imagenet(), **options)
    assert said in str(raised.value)


def test_the_published_set_needs_50_validation_images_of_each_class(tmp_path: Path) -> None:
    for folder in ("train", "val"):
        (tmp_path / folder).mkdir()
    names = {wnid: [f"{validation_name(200 * n + at)}.JPEG" for n in range(50)] for at, wnid in enumerate(WNIDS)}
    tested = {wnid: [f"val/{wnid}/{name}" for name in of_class] for wnid, of_class in names.items()}
    check_tested(tested, Tree(tmp_path))
    missing = Path(tested["n02124075"].pop()).stem
    said = r"1 of 200 classes have another number: n02124075 \(49\)\."
    with pytest.raises(DataError, match=rf"{said} Unpack the whole of ILSVRC2012_img_val\.tar"):
        check_tested(tested, Tree(tmp_path))
    listed = [f"{Path(name).stem},{wnid} 1 2 3 4" for wnid, of_class in names.items() for name in of_class]
    (tmp_path / "LOC_val_solution.csv").write_text("\n".join(["ImageId,PredictionString", *listed]))
    with pytest.raises(DataError, match=rf"{said} Missing, of those listed: {missing} of n02124075\. Unpack"):
        check_tested(tested, Tree(tmp_path))
    assert Choice(classes=tiny_imagenet(), fold=3).whole
    assert not Choice(classes=tiny_imagenet(), per_class=100).whole


def test_a_list_of_classes(tmp_path: Path) -> None:
    file = tmp_path / "classes.txt"
    file.write_text("n04067472\n\nn01440764\ttench, Tinca tinca\nn99999999\n")
    assert classes_of(file) == (("n01440764", "tench"), ("n04067472", "reel"), ("n99999999", "n99999999"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("n04067472\ncat\n", ":2: a class is a WordNet id like n02124075, got 'cat'"),
        ("n04067472\nn04067472\n", ":2: n04067472 stands there twice"),
        ("n04067472\n", "two classes or more, a line each; got 1"),
        (None, "cannot be read"),
    ],
)
def test_a_faulty_list_of_classes(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "classes.txt"
    if text is not None:
        file.write_text(text)
    with pytest.raises(DataError) as raised:
        classes_of(file)
    assert said in str(raised.value)
    assert str(file) in str(raised.value)
