"""Laws of every training method."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from study.plan import BASELINE_METHODS
from tests.contracts.pictures import digits, network
from tests.contracts.waiting import Watched
from trainables.attacks import attacks
from trainables.corruptions import corruptions
from trainables.distortions import Distortion
from trainables.methods import Batch, Method, methods
from trainables.optimizers import SGD
from trainables.perturbations import perturbations
from trainables.randomness import Key
from trainables.recipe import Component
from trainables.sequence import build

NOISE, FGSM = Component.of("gaussian_noise", {"sigma": 0.3}), Component.of("fgsm", {"epsilon": 0.1})
TYPICAL: dict[str, tuple[dict[str, float], Component | None]] = {
    "standard": ({}, None),
    "stability_training": ({"alpha": 1.0}, NOISE),
    "data_augmentation": ({"p": 0.5}, NOISE),
    "adversarial_training": ({"mu": 0.5}, FGSM),
    "augmix": ({}, None),
    "cutmix": ({"probability": 1.0}, None),
    "manifold_mixup": ({}, None),
    "mixup": ({}, None),
    "noise_injection": ({}, None),
    "noisy_feature_mixup": ({}, None),
    "noisymix": ({}, None),
    "triplet_ranking": ({"dimensions": 10}, None),
    "feature_stability": ({"dimensions": 10, "alpha": 0.3}, NOISE),
    "bang": ({"beta": 1.0, "epsilon": 0.815, "ratio": 0.5}, None),
}
NEUTRAL: dict[str, dict[str, float]] = {
    "stability_training": {"alpha": 0.0},
    "data_augmentation": {"p": 0.0},
    "adversarial_training": {"mu": 1.0},
    "augmix": {"jsd_weight": 0.0, "depth": 0},
    "cutmix": {"probability": 0.0},
    "manifold_mixup": {"alpha": 0.0},
    "mixup": {"alpha": 0.0},
    "noise_injection": {"additive": 0.0, "multiplicative": 0.0},
    "noisy_feature_mixup": {"alpha": 0.0},
    "noisymix": {"alpha": 0.0, "jsd_weight": 0.0, "augmix": False},
    "feature_stability": {"alpha": 0.0},
    "bang": {"beta": 1.0, "epsilon": 0.0},
}
PLAIN = {"feature_stability": "triplet_ranking"}
"""What the neutral setting equals, where that is not `standard`."""
PASSES = {"stability_training": 2, "adversarial_training": 2, "feature_stability": 2, "augmix": 3, "noisymix": 3}
NAMES = tuple(name for name, kind in methods.all().items() if kind.trains)
ATTACKED = [
    name for name, kind in methods.all().items() if kind.trains_on_distortion and "attack" in kind.distortion_kinds
]
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
    assert {*NEUTRAL, *BASELINE_METHODS} == set(NAMES)
    assert {methods.get(name).label for name in NAMES} == {
        "Baseline", "ST", "DA", "AT", "AugMix", "CutMix", "Manifold Mixup", "Mixup", "Noise", "NFM", "NoisyMix",
        "Triplet", "FS", "BANG",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_can_be_fitted(name: str) -> None:
    model = network("lenet")
    losses = trained(typical(name), model, steps=40)
    assert losses[-1] < 0.8 * losses[0]
    with torch.no_grad():
        loss, correct = typical(name).task.validate(model.eval(), [(batch().images, batch().labels)])
    assert loss < {"accuracy": 1.5, "triplet ranking score": 0.05}[methods.get(name).measure]
    assert correct > 0.7 * 32


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", NEUTRAL)
def test_the_neutral_setting_is_the_baselines_training_bit_for_bit(name: str, model: str) -> None:
    _, distortion = TYPICAL[name]
    neutral, standard = network(model, **MODELS[model]), network(model, **MODELS[model])
    losses = trained(made(name, NEUTRAL[name], *([distortion] if distortion else [])), neutral, steps=5)
    assert losses == trained(made(PLAIN.get(name, "standard"), {}), standard, steps=5)
    for key, value in standard.state_dict().items():
        assert torch.equal(neutral.state_dict()[key], value)


@pytest.mark.parametrize("name", NAMES)
def test_the_key_alone_decides(name: str) -> None:
    method, model, shown = typical(name), network("lenet").train(), batch()
    method.prepare(model)
    first = method.loss(model, shown, Key(("a",))).total
    torch.manual_seed(99)
    assert torch.equal(method.loss(model, shown, Key(("a",))).total, first)
    if name not in ("standard", "bang") and (method.distortion is None or not method.distortion.is_attack):
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


@pytest.mark.parametrize("name", NAMES)
def test_a_method_says_how_often_it_passes_an_image(name: str) -> None:
    method = typical(name)
    attacked = method.distortion is not None and method.distortion.is_attack
    assert methods.get(name).passes == method.forward_passes() == PASSES.get(name, 1)
    assert passed(method) == PASSES.get(name, 1) + attacked


@pytest.mark.parametrize("name", NEUTRAL)
def test_a_pass_that_is_not_made_is_not_counted(name: str) -> None:
    _, distortion = TYPICAL[name]
    neutral = made(name, NEUTRAL[name], *([distortion] if distortion else []))
    assert passed(neutral) == neutral.forward_passes() == neutral.labelled_passes() == 1


def passed(method: Method) -> float:
    """Forward passes that a step makes over each image, those of an attack included."""
    model, shown, rows = network("lenet").train(), batch(), []
    model.conv2.register_forward_hook(lambda _layer, inputs, _out: rows.append(len(inputs[0])))
    method.prepare(model)
    method.loss(model, shown, Key(("a",)))
    return sum(rows) / len(shown.labels)


@pytest.mark.parametrize("name", NAMES)
def test_only_adversarial_training_compares_more_than_one_pass_with_the_labels(name: str) -> None:
    assert typical(name).labelled_passes() == (2 if name == "adversarial_training" else 1)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_method_shows_is_a_corruption_or_a_perturbation(name: str) -> None:
    assert {*typical(name).shows()} <= {*corruptions.names(), *perturbations.names()}


@pytest.mark.parametrize("name", NAMES)
def test_a_step_never_waits_for_the_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # On a CPU, and there only, a distortion looks at its result.
    monkeypatch.setattr(Distortion, "apply", lambda self, images, level, key: self.distort(images, level, key))
    method, model, shown = typical(name), network("lenet").train(), batch()
    method.prepare(model)
    with Watched() as watched:
        method.loss(model, shown, Key(("a",))).total.backward()
    assert watched.seen == []


def test_the_watch_sees_what_waits() -> None:
    values = torch.arange(4.0)
    with Watched() as watched:
        float(values.sum())
        values[values > 1]
    assert watched.seen == ["_local_scalar_dense", "index by a mask"]


@pytest.mark.parametrize("attack", attacks.names())
@pytest.mark.parametrize("name", ATTACKED)
def test_a_method_that_trains_on_attacks_trains_on_each(name: str, attack: str) -> None:
    parameters, _ = TYPICAL[name]
    method = made(name, parameters, Component.of(attack, {"epsilon": 0.1}))
    losses = trained(method, network("small_cnn", width=4), steps=10)
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", ["stability_training", "data_augmentation", "feature_stability"])
def test_a_distortion_with_a_margin_takes_it_from_the_source(name: str) -> None:
    shown = batch(8)
    bordered = Batch(images=shown.images, labels=shown.labels, source=F.pad(shown.images, (3, 3, 3, 3)))
    parameters, _ = TYPICAL[name]
    method = made(name, parameters, Component.of("random_crop", {"offset": 3}))
    assert method.loss(network("lenet").train(), bordered, Key(("a",))).total.isfinite()
