"""Laws of every model."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.contracts.pictures import network, random_images
from trainables.models import Change, models

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


class Doubled(Change):
    """Seen, and doubled."""

    def __init__(self, place: int, factor: float) -> None:
        self.place, self.factor, self.shapes = place, factor, []

    def __call__(self, features: Tensor) -> Tensor:
        self.shapes.append(tuple(features.shape))
        return self.factor * features


@pytest.mark.parametrize("name", NAMES)
def test_features_can_be_changed_at_every_place_that_the_network_names(name: str) -> None:
    model, images = network(name, (3, 32, 32)).eval(), random_images(2, 3, 32, 32)
    assert model.places[0] == "input"
    assert len(model.places) == len(model.stages()) == (1 if name == "torchvision" else 4)
    expected = model(images)
    for place in range(len(model.places)):
        same, doubled = Doubled(place, 1.0), Doubled(place, 2.0)
        assert torch.equal(model(images, same), expected)
        assert not torch.equal(model(images, doubled), expected)
        assert len(same.shapes) == 1
        assert same.shapes[0][0] == 2
        if place == 0:
            assert same.shapes == [images.shape]


def test_what_names_no_stages_says_so() -> None:
    with pytest.raises(ValueError, match="features at their input alone; write layers: 0"):
        network("torchvision", (3, 32, 32))(random_images(2, 3, 32, 32), Doubled(1, 2.0))


@pytest.mark.parametrize("name", NAMES)
def test_channels_last_computes_the_same(name: str) -> None:
    model, images = network(name, (3, 32, 32)).eval(), random_images(2, 3, 32, 32)
    expected = model(images)
    last = model.to(memory_format=torch.channels_last)(images.to(memory_format=torch.channels_last))
    torch.testing.assert_close(last, expected, rtol=1e-4, atol=1e-5)


SMALL: dict[str, dict[str, Any]] = {
    "cifar10_quick": {},
    "lenet": {},
    "preact_resnet18": {"width": 4},
    "resnet18": {"width": 4},
    "resnet50": {"width": 4},
    "small_cnn": {"width": 4},
    "torchvision": {"architecture": "resnet18"},
    "wide_resnet": {"depth": 10, "width": 1},
}
"""Parameters at which a network trains in a moment."""


def test_the_laws_know_every_model() -> None:
    assert tuple(SMALL) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_is_one_graph(name: str) -> None:
    """torch can compile it whole, in training too."""
    model, images = network(name, **SMALL[name]), random_images(2, 1, 28, 28)
    torch.compiler.reset()
    found = torch._dynamo.explain(model)(images)
    assert (found.graph_count, found.graph_break_count) == (1, 0)
