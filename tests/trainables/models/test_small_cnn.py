"""The small convolutional network."""

import pytest
import torch

from tests.contracts.pictures import network, random_images
from trainables.models.small_cnn import SmallCNN


@pytest.mark.parametrize("width", [4, 32])
def test_the_width_scales_every_stage(width: int) -> None:
    model = network("small_cnn", (3, 32, 32), width=width)
    convolutions = [layer for layer in model.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [width, 2 * width, 4 * width]


def test_it_keeps_running_statistics() -> None:
    model = network("small_cnn").train()
    model(random_images(8, 1, 28, 28))
    assert int(model.stage1[1].num_batches_tracked) == 1


def test_tiny_images_are_refused() -> None:
    SmallCNN().check((1, 8, 8), 10)
    with pytest.raises(ValueError, match="small_cnn takes images of at least 8 × 8 px; got 8 × 7"):
        SmallCNN().check((1, 8, 7), 10)
