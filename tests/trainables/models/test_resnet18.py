"""ResNet18 beside torchvision's."""

import pytest
import torch
from torch import nn
from torchvision.models import resnet18 as official
from torchvision.transforms.v2 import functional as transforms

from tests.contracts.pictures import network, random_images
from trainables.models.resnet18 import ResNet18
from trainables.residual import IMAGENET_DEVIATION, IMAGENET_MEAN


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    torch.manual_seed(1)
    return official(num_classes=10)


@pytest.fixture(scope="module")
def ours() -> nn.Module:
    return network("resnet18", (3, 64, 64))


def test_names_shapes_and_initial_draws_are_torchvisions(ours: nn.Module, theirs: nn.Module) -> None:
    mine, official_state = ours.state_dict(), theirs.state_dict()
    assert list(mine) == list(official_state)
    assert all(torch.equal(mine[name], official_state[name]) for name in mine)
    count = sum(weights.numel() for weights in ours.parameters())
    assert count == sum(weights.numel() for weights in theirs.parameters()) == 11_181_642


@pytest.mark.parametrize("training", [True, False])
def test_outputs_are_torchvisions_on_normalised_images(ours: nn.Module, theirs: nn.Module, training: bool) -> None:
    images = random_images(2, 3, 64, 64)
    normalised = transforms.normalize(images, list(IMAGENET_MEAN), list(IMAGENET_DEVIATION))
    logits = ours.train(training)(images)
    torch.testing.assert_close(logits, theirs.train(training)(normalised), rtol=1e-4, atol=1e-5)


def test_the_published_size() -> None:
    model = ResNet18().build((3, 224, 224), 1000)
    assert sum(weights.numel() for weights in model.parameters()) == 11_689_512


def test_the_width_scales_every_stage() -> None:
    model = ResNet18(width=8).build((3, 32, 32), 10)
    assert [model.get_submodule(f"layer{stage}.1.conv2").out_channels for stage in (1, 2, 3, 4)] == [8, 16, 32, 64]


def test_grey_images_are_normalised_by_the_mean_over_channels() -> None:
    model = ResNet18(width=4).build((1, 32, 32), 10)
    assert model.conv1.in_channels == 1
    assert model.mean.flatten().tolist() == pytest.approx([sum(IMAGENET_MEAN) / 3])


def test_other_channel_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="resnet18 takes images of 1 or 3 channels; got 4"):
        ResNet18().check((4, 32, 32), 10)
