"""Weights from elsewhere: however they were saved, the network is the same; and what is not the same is told."""

from typing import Any

import pytest
import torch
from torchvision import models as official

from trainables.fit import Training
from trainables.models import models
from trainables.recipe import Component, Recipe, WeightsFile
from trainables.weights import differences, fitted

SHAPE = (3, 32, 32)


def network() -> torch.nn.Module:
    torch.manual_seed(3)
    return models.get("torchvision")(architecture="squeezenet1_1").build(SHAPE, 10)


@pytest.mark.parametrize(
    "saved",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": state, "optimizer": {}},
        lambda state: {"state_dict": {f"module.{name}": value for name, value in state.items()}},
        lambda state: {f"_orig_mod.module.{name}": value for name, value in state.items()},
        lambda state: {f"network.{name}": value for name, value in state.items()},
    ],
)
def test_a_network_is_read_however_it_was_saved(saved: Any) -> None:
    torch.manual_seed(4)
    theirs, ours = official.squeezenet1_1(num_classes=10).eval(), network().eval()
    ours.load_state_dict(dict(fitted(saved(theirs.state_dict()), ours.state_dict())))
    images = torch.rand(2, *SHAPE)
    mean, deviation = (torch.tensor(one)[:, None, None] for one in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    assert torch.equal(ours(images), theirs((images - mean) / deviation))


def test_weights_of_the_networks_own_names_are_left_as_they_are() -> None:
    state = network().state_dict()
    assert fitted(state, state) is state
    assert differences(state, state, 10) == ()


def test_what_takes_no_step_keeps_the_weights_it_came_with() -> None:
    data = Component.of("mnist_5k", {"train": 50, "validation": 40, "test": 30, "border": 0})
    recipe = Recipe(
        data=data,
        model=Component.of("lenet", {"dropout": 0.0}),
        method=Component.of("pretrained"),
        start=WeightsFile(path="peer.pt", fingerprint="f"),
        epochs=0,
        batch_size=1,
        optimizer=Component.of("sgd", {"lr": 1.0}),
        schedule=Component.of("constant"),
        select="last",
    )
    torch.manual_seed(5)
    peer = {
        name: torch.randn_like(value) / 10
        for name, value in Training(recipe, None, torch.device("cpu")).model.state_dict().items()
    }
    training = Training(recipe, {"state_dict": peer}, torch.device("cpu"))
    outcome, kept = training.outcome(), training.kept_weights()
    assert training.finished
    assert training.share == 1
    assert kept is not None
    assert all(torch.equal(kept[name], peer[name]) for name in peer)
    assert (outcome.selected_epoch, outcome.diverged_epoch, outcome.epochs, outcome.images_seen) == (0, None, (), 0)
    with torch.no_grad():
        images, labels = training.validation.batch(torch.arange(40)).images, training.validation.labels
        right = int((training.model.eval()(images).argmax(1) == labels).sum())
    assert outcome.validation_correct == right
