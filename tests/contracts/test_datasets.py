"""Laws of every data set: what it says without touching the disk, and what it says when it is absent."""

from pathlib import Path

import pytest

from trainables.datasets import MissingDataError, datasets
from trainables.parameters import complete, parameters

DOWNLOADED = ("cifar10", "cifar100", "fashion_mnist", "mnist")
BUILT_IN = (*DOWNLOADED, "mnist_5k")


def test_the_laws_know_every_data_set() -> None:
    assert tuple(sorted((*BUILT_IN, "image_folder", "tifs", "tiny_imagenet"))) == datasets.names()


@pytest.mark.parametrize("name", BUILT_IN)
def test_its_shape_is_known_before_it_is_there(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDY_DATA", str(tmp_path / "absent"))
    data = datasets.get(name)(border=2)
    channels, height, width = data.shape
    assert (channels in (1, 3), height, data.border) == (True, width, 2)
    assert len(set(data.class_names)) == len(data.class_names) == (100 if name == "cifar100" else 10)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", DOWNLOADED)
def test_an_absent_one_says_where_it_looked_and_how_to_get_it(name: str, tmp_path: Path) -> None:
    data = datasets.get(name)(root=str(tmp_path))
    with pytest.raises(MissingDataError) as raised:
        data.load("train")
    assert str(tmp_path) in str(raised.value)
    assert f"data: {{name: {name}, download: true}}" in str(raised.value)
    assert "$STUDY_DATA" in str(raised.value)


@pytest.mark.parametrize("name", [*DOWNLOADED, "image_folder", "tifs", "tiny_imagenet"])
def test_whether_it_is_there_is_known_without_loading_all_of_it(name: str, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=str(tmp_path)):
        datasets.get(name)(root=str(tmp_path)).check_files()


@pytest.mark.parametrize("name", DOWNLOADED)
def test_asking_whether_it_is_there_downloads_nothing(name: str, tmp_path: Path) -> None:
    datasets.get(name)(root=str(tmp_path), download=True).check_files()
    assert not list(tmp_path.iterdir())


def test_what_comes_with_a_package_is_there() -> None:
    datasets.get("mnist_5k")().check_files()


@pytest.mark.parametrize("name", [*DOWNLOADED, "tifs", "tiny_imagenet"])
def test_the_folder_is_the_root_then_the_environments_then_data(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUDY_DATA", raising=False)
    assert datasets.get(name)().folder == Path("data")
    monkeypatch.setenv("STUDY_DATA", "/elsewhere")
    assert datasets.get(name)().folder == Path("/elsewhere")
    assert datasets.get(name)(root="/here").folder == Path("/here")


@pytest.mark.parametrize("name", datasets.names())
def test_where_the_files_lie_is_no_part_of_a_trials_identity(name: str) -> None:
    aside = {described.name for described in parameters(datasets.get(name)) if not described.identity}
    assert aside == ({"root", "download"} if name in DOWNLOADED else set() if name in BUILT_IN else {"root"})


@pytest.mark.parametrize("name", [name for name in datasets.names() if name != "mnist_5k"])
def test_with_its_folder_written_out_it_is_the_same_data_set(name: str, tmp_path: Path) -> None:
    """As a plan does it for workers elsewhere."""
    data = datasets.get(name)(root=str(tmp_path))
    assert datasets.get(name)(root=str(data.folder)).folder == data.folder == tmp_path


@pytest.mark.parametrize("name", BUILT_IN)
def test_defaults_suffice(name: str) -> None:
    assert datasets.get(name)(**complete(datasets.get(name), {})) == datasets.get(name)()
