"""The losses of the training methods, term by term."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.contracts.pictures import network, random_images
from trainables.losses import DIVERGENCES
from trainables.methods import Batch, methods
from trainables.methods.data_augmentation import DataAugmentation
from trainables.randomness import Key
from trainables.recipe import Component
from trainables.sequence import build

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
