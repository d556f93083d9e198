"""The data sets that torchvision reads: small files in its formats, and the real MNIST where it is at hand."""

import gzip
import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from trainables.datasets import MissingDataError
from trainables.datasets.cifar10 import CIFAR10
from trainables.datasets.cifar100 import CIFAR100
from trainables.datasets.fashion_mnist import FashionMNIST
from trainables.datasets.mnist import MNIST

DRAW = np.random.default_rng(0)


def write_idx(file: Path, array: np.ndarray) -> None:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">i4").tobytes()
    file.write_bytes(header + array.tobytes())


@pytest.fixture(scope="module")
def grey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MNIST and Fashion-MNIST of 200 training and 60 test images."""
    root = tmp_path_factory.mktemp("grey")
    for name in ("MNIST", "FashionMNIST"):
        folder = root / name / "raw"
        folder.mkdir(parents=True)
        for part, count in (("train", 200), ("t10k", 60)):
            write_idx(folder / f"{part}-images-idx3-ubyte", DRAW.integers(0, 256, (count, 28, 28), dtype=np.uint8))
            write_idx(folder / f"{part}-labels-idx1-ubyte", (np.arange(count) % 10).astype(np.uint8))
    return root


@pytest.fixture
def colour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """CIFAR-10 and CIFAR-100 of 200 training and 60 test images, torchvision's checksums set to theirs."""
    folders = {
        "CIFAR10": ("cifar-10-batches-py", 40, "labels", 10),
        "CIFAR100": ("cifar-100-python", 200, "fine_labels", 100),
    }
    for name, (folder, count, labels, classes) in folders.items():
        official = getattr(torchvision.datasets, name)
        (tmp_path / folder).mkdir()

        def write(file: str, content: dict[str, object], folder: str = folder) -> str:
            packed = pickle.dumps(content)
            (tmp_path / folder / file).write_bytes(packed)
            return hashlib.md5(packed).hexdigest()

        def images(n: int, labels: str = labels, classes: int = classes) -> dict[str, object]:
            return {"data": DRAW.integers(0, 256, (n, 3072), dtype=np.uint8), labels: [i % classes for i in range(n)]}

        train = [[file, write(file, images(count))] for file, _ in official.train_list]
        test = [[file, write(file, images(60))] for file, _ in official.test_list]
        meta = official.meta
        checked = write(meta["filename"], {meta["key"]: [str(i) for i in range(classes)]})
        monkeypatch.setattr(official, "train_list", train)
        monkeypatch.setattr(official, "test_list", test)
        monkeypatch.setattr(official, "meta", {**meta, "md5": checked})
    return tmp_path


@pytest.mark.parametrize("kind", [MNIST, FashionMNIST])
def test_grey_images_are_split_and_balanced(kind: type[MNIST], grey: Path) -> None:
    data = kind(root=str(grey), validation=50)
    sizes = {split: len(data.load(split)) for split in ("train", "validation", "test")}
    assert sizes == {"train": 150, "validation": 50, "test": 60}
    assert data.load("validation").labels.bincount().tolist() == [5] * 10
    assert data.load("train").shape == data.shape == (1, 28, 28)


def test_the_training_file_is_split_without_overlap(grey: Path) -> None:
    data = MNIST(root=str(grey), validation=50)
    images = torch.cat((data.load("train").pixels, data.load("validation").pixels))
    official = torchvision.datasets.MNIST(grey, train=True).data
    assert torch.equal(images.flatten(1).unique(dim=0), official.flatten(1).unique(dim=0))


def test_test_images_keep_the_official_order(grey: Path) -> None:
    official = torchvision.datasets.MNIST(grey, train=False)
    whole = MNIST(root=str(grey), validation=50).load("test")
    assert torch.equal(whole.pixels[:, 0], official.data)
    assert torch.equal(whole.labels, official.targets)
    few = MNIST(root=str(grey), validation=50, test=20).load("test")
    assert few.labels.bincount().tolist() == [2] * 10
    positions = [int((whole.pixels == image).flatten(1).all(1).nonzero()) for image in few.pixels]
    assert positions == sorted(positions)


def test_limits_and_borders(grey: Path) -> None:
    data = MNIST(root=str(grey), validation=20, train=30, border=2)
    assert torch.equal(data.load("train").labels.bincount(), torch.full((10,), 3))
    assert data.load("train").pixels.shape == (30, 1, 32, 32)
    assert data.load("train").shape == (1, 28, 28)
    unlimited = MNIST(root=str(grey), validation=20)
    assert torch.equal(data.load("train").pixels[:, :, 2:-2, 2:-2], unlimited.load("train").pixels[:30])


@pytest.mark.parametrize(("kind", "classes"), [(CIFAR10, 10), (CIFAR100, 100)])
def test_colour_images_are_channels_first(kind: type[CIFAR10], classes: int, colour: Path) -> None:
    data = kind(root=str(colour), validation=100, test=30)
    test = data.load("test")
    assert test.pixels.shape == (30, 3, 32, 32)
    assert test.pixels.is_contiguous()
    assert data.load("validation").labels.bincount(minlength=classes).tolist() == [100 // classes] * classes
    official = getattr(torchvision.datasets, data.source)(colour, train=False)
    everything = kind(root=str(colour), validation=100).load("test")
    assert torch.equal(everything.pixels[0].permute(1, 2, 0), torch.from_numpy(official.data[0]))


def test_a_damaged_file_is_missing_data(colour: Path) -> None:
    (colour / "cifar-10-batches-py" / "test_batch").write_bytes(b"torn")
    with pytest.raises(MissingDataError, match=r"CIFAR-10 is not in .*absent or damaged"):
        CIFAR10(root=str(colour)).load("test")


def test_validating_on_everything_is_refused() -> None:
    with pytest.raises(ValueError, match=r"has 60,000 images; got validation 59,000 and train 2,000"):
        MNIST(validation=59_000, train=2_000)
    with pytest.raises(ValueError, match="has 50,000 images"):
        CIFAR10(validation=50_000)


@pytest.fixture(scope="module")
def real_mnist(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    packed = shared / "data" / "MNIST" / "raw"
    if not packed.is_dir():
        pytest.skip("the real MNIST is not here")
    root = tmp_path_factory.mktemp("mnist")
    (root / "MNIST" / "raw").mkdir(parents=True)
    for file in packed.glob("*.gz"):
        (root / "MNIST" / "raw" / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    return root


def test_the_real_mnist(real_mnist: Path) -> None:
    data = MNIST(root=str(real_mnist))
    sizes = {split: len(data.load(split)) for split in ("train", "validation", "test")}
    assert sizes == {"train": 50_000, "validation": 10_000, "test": 10_000}
    assert data.load("validation").labels.bincount().tolist() == [1_000] * 10
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.load("test").labels.bincount().tolist() == counts


def test_validation_images_that_are_not_held_out_train_too(grey: Path) -> None:
    apart = MNIST(root=str(grey), validation=50)
    shared = MNIST(root=str(grey), validation=50, held_out=False)
    everything = shared.load("train")
    assert len(everything) == 200
    assert torch.equal(shared.load("validation").pixels, apart.load("validation").pixels)
    assert torch.equal(everything.pixels[:50], apart.load("validation").pixels)
    assert torch.equal(everything.pixels[50:], apart.load("train").pixels)
    assert MNIST(train=60_000, held_out=False).train == 60_000
    with pytest.raises(ValueError, match="the training file has 60,000 images; got validation 10,000 and train 60,001"):
        MNIST(train=60_001, held_out=False)
