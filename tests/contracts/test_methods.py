"""Laws of every training method."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.contracts.pictures import digits, network
from trainables.methods import Batch, Method, methods
from trainables.optimizers import SGD
from trainables.randomness import Key
from trainables.recipe import Component
from trainables.sequence import build

NOISE, FGSM = Component.of("gaussian_noise", {"sigma": 0.3}), Component.of("fgsm", {"epsilon": 0.1})
TYPICAL: dict[str, tuple[dict[str, float], Component | None]] = {
    "standard": ({}, None),
    "stability_training": ({"alpha": 1.0}, NOISE),
    "data_augmentation": ({"p": 0.5}, NOISE),
    "adversarial_training": ({"mu": 0.5}, FGSM),
    "bang": ({"beta": 1.0, "epsilon": 0.815, "ratio": 0.5}, None),
}
NEUTRAL: dict[str, dict[str, float]] = {
    "stability_training": {"alpha": 0.0},
    "data_augmentation": {"p": 0.0},
    "adversarial_training": {"mu": 1.0},
    "bang": {"beta": 1.0, "epsilon": 0.0},
}
NAMES = methods.names()
MODELS = {"lenet": {"dropout": 0.5}, "small_cnn": {"width": 4}}


def made(name: str, parameters: dict[str, float], *distortions: Component) -> Method:
    return methods.get(name)(**parameters, distortion=build(distortions) if distortions else None)


def typical(name: str) -> Method:
    parameters, distortion = TYPICAL[name]
    return made(name, parameters, *([distortion] if distortion else []))


def batch(count: int = 32) -> Batch:
    images = digits(count=count)
    pixels = images.pixels / 255
    return Batch(images=pixels, labels=images.labels, source=pixels)


def trained(method: Method, model: nn.Module, steps: int) -> list[Tensor]:
    """Train on one batch in place; the losses."""
    optimizer, shown, losses = SGD(lr=0.01).build(model), batch(), []
    method.prepare(model)
    model.train()
    for step in range(steps):
        torch.manual_seed(step)  # dropout
        loss = method.loss(model, shown, Key(("step", step)))
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
        losses.append(loss.total.detach())
    return losses


def test_the_laws_know_every_method() -> None:
    assert tuple(sorted(TYPICAL)) == NAMES
    assert {*NEUTRAL, "standard"} == set(NAMES)
    assert {methods.get(name).label for name in NAMES} == {"Baseline", "ST", "DA", "AT", "BANG"}


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_can_be_fitted(name: str) -> None:
    model = network("lenet")
    losses = trained(typical(name), model, steps=40)
    assert losses[-1] < 0.8 * losses[0]
    shown = batch()
    assert F.cross_entropy(model.eval()(shown.images), shown.labels) < 1.5


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", NEUTRAL)
def test_the_neutral_setting_is_standard_training_bit_for_bit(name: str, model: str) -> None:
    _, distortion = TYPICAL[name]
    neutral, standard = network(model, **MODELS[model]), network(model, **MODELS[model])
    losses = trained(made(name, NEUTRAL[name], *([distortion] if distortion else [])), neutral, steps=5)
    assert losses == trained(made("standard", {}), standard, steps=5)
    for key, value in standard.state_dict().items():
        assert torch.equal(neutral.state_dict()[key], value)


@pytest.mark.parametrize("name", NAMES)
def test_the_key_alone_decides(name: str) -> None:
    method, model, shown = typical(name), network("lenet").train(), batch()
    method.prepare(model)
    first = method.loss(model, shown, Key(("a",))).total
    torch.manual_seed(99)
    assert torch.equal(method.loss(model, shown, Key(("a",))).total, first)
    if method.distortion is not None and not method.distortion.is_attack:
        assert not torch.equal(method.loss(model, shown, Key(("b",))).total, first)


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_reaches_every_weight_and_its_terms_reach_none(name: str) -> None:
    method, model = typical(name), network("lenet").train()
    method.prepare(model)
    loss = method.loss(model, batch(), Key(("a",)))
    assert loss.terms
    assert all(term.shape == () and not term.requires_grad for term in loss.terms.values())
    loss.total.backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in model.parameters())
    assert model.training


@pytest.mark.parametrize("name", NAMES)
def test_a_method_that_trains_on_a_distortion_says_so(name: str) -> None:
    assert methods.get(name).trains_on_distortion == (TYPICAL[name][1] is not None)
    assert methods.get(name).passes == (2 if name in ("stability_training", "adversarial_training") else 1)


@pytest.mark.parametrize("name", ["stability_training", "data_augmentation"])
def test_a_distortion_with_a_margin_takes_it_from_the_source(name: str) -> None:
    shown = batch(8)
    bordered = Batch(images=shown.images, labels=shown.labels, source=F.pad(shown.images, (3, 3, 3, 3)))
    parameters, _ = TYPICAL[name]
    method = made(name, parameters, Component.of("random_crop", {"offset": 3}))
    assert method.loss(network("lenet").train(), bordered, Key(("a",))).total.isfinite()
