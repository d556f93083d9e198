"""ResNet50 beside torchvision's."""

import pytest
import torch
from torch import nn
from torchvision.models import resnet50 as official
from torchvision.transforms.v2 import functional as transforms

from tests.contracts.pictures import network, random_images
from trainables.models.resnet50 import ResNet50
from trainables.residual import IMAGENET_DEVIATION, IMAGENET_MEAN


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    torch.manual_seed(1)
    return official(num_classes=10)


@pytest.fixture(scope="module")
def ours() -> nn.Module:
    return network("resnet50", (3, 64, 64))


def test_names_shapes_and_initial_draws_are_torchvisions(ours: nn.Module, theirs: nn.Module) -> None:
    mine, official_state = ours.state_dict(), theirs.state_dict()
    assert list(mine) == list(official_state)
    assert all(torch.equal(mine[name], official_state[name]) for name in mine)


@pytest.mark.parametrize("training", [True, False])
def test_outputs_are_torchvisions_on_normalised_images(ours: nn.Module, theirs: nn.Module, training: bool) -> None:
    images = random_images(2, 3, 64, 64)
    normalised = transforms.normalize(images, list(IMAGENET_MEAN), list(IMAGENET_DEVIATION))
    logits = ours.train(training)(images)
    torch.testing.assert_close(logits, theirs.train(training)(normalised), rtol=1e-4, atol=1e-5)


def test_the_published_size() -> None:
    with torch.device("meta"):
        model = ResNet50().build((3, 224, 224), 1000)
    assert sum(weights.numel() for weights in model.parameters()) == 25_557_032


def test_the_features_between_the_stages_are_torchvisions() -> None:
    model, shapes = ResNet50(width=8).build((3, 64, 64), 10).eval(), []
    features = model.normalise(random_images(2, 3, 64, 64))
    for stage in model.stages()[:3]:
        features = stage(features)
        shapes.append(tuple(features.shape[1:]))
    assert shapes == [(32, 16, 16), (64, 8, 8), (128, 4, 4)]


def test_other_channel_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="resnet50 takes images of 1 or 3 channels; got 4"):
        ResNet50().check((4, 32, 32), 10)
