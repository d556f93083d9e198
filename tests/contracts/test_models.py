"""Laws of every model."""

import pytest
import torch

from tests.contracts.pictures import network, random_images
from trainables.models import models

NAMES = models.names()
SHAPES = ((1, 28, 28), (3, 32, 32), (3, 64, 48))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", SHAPES)
def test_images_become_logits(name: str, shape: tuple[int, int, int]) -> None:
    models.get(name)().check(shape, 10)
    model = network(name, shape)
    images = random_images(4, *shape)
    for training in (True, False):
        logits = model.train(training)(images)
        assert logits.shape == (4, 10)
        assert logits.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides_the_weights(name: str) -> None:
    first, second = network(name).state_dict(), network(name).state_dict()
    assert list(first) == list(second)
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("name", NAMES)
def test_weights_travel_as_a_state_dict(name: str) -> None:
    trained, fresh = network(name), network(name)
    for weight in trained.parameters():
        torch.nn.init.normal_(weight, std=0.05)
    fresh.load_state_dict(trained.state_dict())
    images = random_images(2, 1, 28, 28)
    assert torch.equal(fresh.eval()(images), trained.eval()(images))


@pytest.mark.parametrize("name", NAMES)
def test_the_input_keeps_its_values(name: str) -> None:
    images = random_images(2, 1, 28, 28)
    before = images.clone()
    network(name)(images)
    assert torch.equal(images, before)


@pytest.mark.parametrize("name", NAMES)
def test_channels_last_computes_the_same(name: str) -> None:
    model, images = network(name, (3, 32, 32)).eval(), random_images(2, 3, 32, 32)
    expected = model(images)
    last = model.to(memory_format=torch.channels_last)(images.to(memory_format=torch.channels_last))
    torch.testing.assert_close(last, expected, rtol=1e-4, atol=1e-5)
