"""The residual networks beside torchvision's."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
import torchvision.models
from torch import nn
from torchvision.transforms.v2 import functional as transforms

from tests.contracts.pictures import network, random_images
from trainables.models.resnet18 import ResNet18
from trainables.models.resnet50 import ResNet50
from trainables.residual import IMAGENET_DEVIATION, IMAGENET_MEAN


@dataclass(frozen=True, kw_only=True)
class Published:
    """A network of torchvision's, and its size with 1,000 classes."""

    name: str
    ours: type[ResNet18 | ResNet50]
    theirs: Callable[..., nn.Module]
    weights: int
    stages: tuple[int, int, int]
    """Channels after each stage of a network of width 8."""


PUBLISHED = (
    Published(
        name="resnet18",
        ours=ResNet18,
        theirs=torchvision.models.resnet18,
        weights=11_689_512,
        stages=(8, 16, 32),
    ),
    Published(
        name="resnet50",
        ours=ResNet50,
        theirs=torchvision.models.resnet50,
        weights=25_557_032,
        stages=(32, 64, 128),
    ),
)


@pytest.fixture(scope="module", params=PUBLISHED, ids=lambda published: published.name)
def published(request: pytest.FixtureRequest) -> Published:
    found: Published = request.param
    return found


@pytest.fixture(scope="module")
def theirs(published: Published) -> nn.Module:
    torch.manual_seed(1)
    return published.theirs(num_classes=10)


@pytest.fixture(scope="module")
def ours(published: Published) -> nn.Module:
    return network(published.name, (3, 64, 64))


def test_names_shapes_and_initial_draws_are_torchvisions(ours: nn.Module, theirs: nn.Module) -> None:
    mine, official = ours.state_dict(), theirs.state_dict()
    assert list(mine) == list(official)
    assert all(torch.equal(mine[name], official[name]) for name in mine)


@pytest.mark.parametrize("training", [True, False])
def test_outputs_are_torchvisions_on_normalised_images(ours: nn.Module, theirs: nn.Module, training: bool) -> None:
    images = random_images(2, 3, 64, 64)
    normalised = transforms.normalize(images, list(IMAGENET_MEAN), list(IMAGENET_DEVIATION))
    logits = ours.train(training)(images)
    torch.testing.assert_close(logits, theirs.train(training)(normalised), rtol=1e-4, atol=1e-5)


def test_the_published_size(published: Published) -> None:
    with torch.device("meta"):
        model = published.ours().build((3, 224, 224), 1000)
    assert sum(weights.numel() for weights in model.parameters()) == published.weights


def test_the_features_between_the_stages_are_torchvisions(published: Published) -> None:
    model, shapes = published.ours(width=8).build((3, 64, 64), 10).eval(), []
    features = model.normalise(random_images(2, 3, 64, 64))
    for stage in model.stages()[:3]:
        features = stage(features)
        shapes.append(tuple(features.shape[1:]))
    assert shapes == [(channels, side, side) for channels, side in zip(published.stages, (16, 8, 4), strict=True)]


def test_the_width_scales_every_stage() -> None:
    model = ResNet18(width=8).build((3, 32, 32), 10)
    assert [model.get_submodule(f"layer{stage}.1.conv2").out_channels for stage in (1, 2, 3, 4)] == [8, 16, 32, 64]


def test_grey_images_are_normalised_by_the_mean_over_channels() -> None:
    model = ResNet18(width=4).build((1, 32, 32), 10)
    assert model.conv1.in_channels == 1
    assert model.mean.flatten().tolist() == pytest.approx([sum(IMAGENET_MEAN) / 3])


def test_other_channel_counts_are_refused(published: Published) -> None:
    with pytest.raises(ValueError, match=f"{published.name} takes images of 1 or 3 channels; got 4"):
        published.ours().check((4, 32, 32), 10)
