"""The losses of the training methods, term by term."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.contracts.pictures import network, random_images
from trainables.attacks import attacks
from trainables.distortions import distortions
from trainables.losses import DIVERGENCES
from trainables.methods import Batch, methods
from trainables.methods.data_augmentation import DataAugmentation
from trainables.randomness import Key
from trainables.recipe import Component
from trainables.sequence import build, find

IMAGES, LABELS = random_images(64, 1, 28, 28), torch.arange(64) % 10
BATCH = Batch(images=IMAGES, labels=LABELS, source=IMAGES)
KEY = Key(("test",))
NOISE = build([Component.of("gaussian_noise", {"sigma": 0.3})])
ATTACK = build([Component.of("fgsm", {"epsilon": 0.1})])


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return network("lenet").train()


def noisy(model: nn.Module) -> torch.Tensor:
    return NOISE.apply(IMAGES, LABELS, model, KEY.child("distortion"))


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_stability_training_weighs_the_divergence_with_alpha(divergence: str, model: nn.Module) -> None:
    loss = methods.get("stability_training")(alpha=0.3, divergence=divergence, distortion=NOISE).loss(model, BATCH, KEY)
    stability = DIVERGENCES[divergence](model(IMAGES), model(noisy(model)))
    torch.testing.assert_close(loss.terms["clean"], F.cross_entropy(model(IMAGES), LABELS))
    torch.testing.assert_close(loss.terms["stability"], stability)
    torch.testing.assert_close(loss.total, loss.terms["clean"] + 0.3 * stability)


def test_stability_training_passes_twice_in_train_mode() -> None:
    normed = network("small_cnn", width=4).train()
    methods.get("stability_training")(alpha=1, distortion=NOISE).loss(normed, BATCH, KEY)
    assert int(normed.stage1[1].num_batches_tracked) == 2


def test_with_concatenate_stability_training_passes_once_with_twice_the_images() -> None:
    normed, images = network("small_cnn", width=4).train(), []
    normed.register_forward_hook(lambda _model, shown, _logits: images.append(len(shown[0])))
    methods.get("stability_training")(alpha=1, concatenate=True, distortion=NOISE).loss(normed, BATCH, KEY)
    assert images == [2 * len(IMAGES)]
    assert int(normed.stage1[1].num_batches_tracked) == 1


def test_concatenating_matters_to_batch_norm_alone() -> None:
    apart = methods.get("stability_training")(alpha=0.3, distortion=NOISE)
    together = replace(apart, concatenate=True)
    for name, same in (("lenet", True), ("small_cnn", False)):
        shown = network(name).train()
        losses = together.loss(shown, BATCH, KEY).total, apart.loss(shown, BATCH, KEY).total
        assert torch.allclose(*losses, rtol=1e-5) is same


@pytest.mark.parametrize("concatenate", [False, True])
@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_a_detached_clean_branch_is_a_fixed_target(divergence: str, concatenate: bool, model: nn.Module) -> None:
    method = methods.get("stability_training")(
        alpha=0.3, divergence=divergence, detach_clean=True, concatenate=concatenate, distortion=NOISE
    )
    loss = method.loss(model, BATCH, KEY).total
    target = model(IMAGES).detach()
    expected = F.cross_entropy(model(IMAGES), LABELS) + 0.3 * DIVERGENCES[divergence](target, model(noisy(model)))
    torch.testing.assert_close(loss, expected)
    weights = list(model.parameters())
    gradients = zip(torch.autograd.grad(loss, weights), torch.autograd.grad(expected, weights), strict=True)
    for found, wanted in gradients:
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"detach_clean": True}, {"concatenate": True}])
def test_stability_training_takes_every_distortion_attack_and_sequence(
    options: dict[str, bool], model: nn.Module
) -> None:
    bordered = Batch(images=IMAGES, labels=LABELS, source=F.pad(IMAGES, (2, 2, 2, 2)))
    levels = {"jpeg": 20, "thumbnail": 10, "rotation": 40, "random_crop": 2}
    steps = {
        name: Component.of(name, {find(name).level.name: levels.get(name, 0.2)})
        for name in (*distortions.names(), *attacks.names())
    }
    assert {"uniform_noise", "gaussian_noise", "fgsm"} < set(steps)
    trained_on = [*([one] for one in steps.values()), [steps["rotation"], steps["gaussian_noise"]]]
    for components in trained_on:
        sequence = build(components)
        shown = bordered if sequence.margin else BATCH
        method = methods.get("stability_training")(alpha=2.0, distortion=sequence, **options)
        loss = method.loss(model, shown, KEY)
        distorted = sequence.apply(shown.source, LABELS, model, KEY.child("distortion"))
        expected = DIVERGENCES["kl"](model(IMAGES), model(distorted))
        assert expected > 0
        torch.testing.assert_close(loss.terms["stability"], expected, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(loss.total.detach(), loss.terms["clean"] + 2 * loss.terms["stability"])


def test_augmentation_replaces_each_image_by_its_own_coin(model: nn.Module) -> None:
    method = DataAugmentation(p=0.3, distortion=NOISE)
    replaced = method.replaced(BATCH, KEY)
    assert 0 < replaced.sum() < 40
    shown = torch.where(replaced[:, None, None, None], noisy(model), IMAGES)
    torch.testing.assert_close(method.loss(model, BATCH, KEY).total, F.cross_entropy(model(shown), LABELS))


def test_augmentation_with_certainty_shows_only_distorted_images(model: nn.Module) -> None:
    loss = DataAugmentation(p=1, distortion=NOISE).loss(model, BATCH, KEY)
    assert torch.equal(loss.total, F.cross_entropy(model(noisy(model)), LABELS))
    assert torch.equal(loss.total, loss.terms["augmented"])


def test_a_larger_p_replaces_more_of_the_same_images() -> None:
    few, many = (DataAugmentation(p=p, distortion=NOISE).replaced(BATCH, KEY) for p in (0.2, 0.7))
    assert (few <= many).all()
    assert few.sum() < many.sum()


@pytest.mark.parametrize("mu", [0.0, 0.3, 0.5, 1.0])
def test_adversarial_training_weighs_both_terms(mu: float, model: nn.Module) -> None:
    loss = methods.get("adversarial_training")(mu=mu, distortion=ATTACK).loss(model, BATCH, KEY)
    clean = F.cross_entropy(model(IMAGES), LABELS)
    attacked = ATTACK.apply(IMAGES, LABELS, model, KEY)
    distorted = F.cross_entropy(model(attacked), LABELS)
    torch.testing.assert_close(loss.total, mu * clean + (1 - mu) * distorted)
    assert set(loss.terms) == {name for name, weight in (("clean", mu), ("distorted", 1 - mu)) if weight}


def test_adversarial_training_without_clean_images_is_augmentation(model: nn.Module) -> None:
    adversarial = methods.get("adversarial_training")(mu=0, distortion=ATTACK).loss(model, BATCH, KEY)
    augmented = DataAugmentation(p=1, distortion=ATTACK).loss(model, BATCH, KEY)
    assert torch.equal(adversarial.total, augmented.total)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("stability_training", {"alpha": -1}, "alpha.* must be at least 0; got -1"),
        ("stability_training", {"alpha": 1, "divergence": "js"}, "divergence is one of kl, symmetric_kl"),
        ("data_augmentation", {"p": 1.5}, r"p, the probability that an image is distorted, lies in \[0, 1\]; got 1.5"),
        ("adversarial_training", {"mu": 2}, r"mu.* \[0, 1\]; got 2"),
    ],
)
def test_parameters_out_of_range_are_named(name: str, parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        methods.get(name)(**parameters)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("stability_training", {"alpha": 1}),
        ("stability_training", {"alpha": 1, "concatenate": True}),
        ("adversarial_training", {"mu": 0.5}),
        ("adversarial_training", {"mu": 0}),
        ("data_augmentation", {"p": 1}),
    ],
)
def test_an_attack_meets_the_network_as_the_last_step_left_it(name: str, parameters: dict[str, float]) -> None:
    """Batch norm's running statistics, by which it is attacked, are those before the clean pass."""
    model = network("small_cnn", width=4).train()
    expected = ATTACK.apply(IMAGES, LABELS, deepcopy(model), KEY.child("distortion"))
    shown: list[torch.Tensor] = []
    model.register_forward_hook(lambda network, images, _: shown.append(images[0]) if network.training else None)
    methods.get(name)(distortion=ATTACK, **parameters).loss(model, BATCH, KEY)
    assert torch.equal(shown[-1][-len(IMAGES) :], expected)
