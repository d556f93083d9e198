"""Sequences of registered distortions and attacks."""

import pytest
import torch

from tests.contracts.pictures import network, random_images
from trainables.randomness import Key
from trainables.recipe import Component
from trainables.sequence import build

IMAGES, LABELS = random_images(6, 1, 28, 28), torch.arange(6)
KEY = Key(("test",))


def applied(*steps: tuple[str, dict[str, float]], source: torch.Tensor = IMAGES) -> torch.Tensor:
    sequence = build([Component.of(name, parameters) for name, parameters in steps])
    return sequence.apply(source, LABELS, network(), KEY)


@pytest.mark.parametrize("sigma", [0.0, 0.05, 0.3])
def test_no_rotation_then_noise_is_noise_bit_for_bit(sigma: float) -> None:
    noise = ("gaussian_noise", {"sigma": sigma})
    assert torch.equal(applied(("rotation", {"degrees": 0}), noise), applied(noise))


@pytest.mark.parametrize(
    "identity",
    [
        ("rotation", {"degrees": 0}),
        ("random_crop", {"offset": 0}),
        ("thumbnail", {"size": 28}),
        ("fgsm", {"epsilon": 0}),
    ],
)
def test_an_identity_step_changes_nothing_before_or_after(identity: tuple[str, dict[str, float]]) -> None:
    noise = ("uniform_noise", {"bound": 0.2})
    assert torch.equal(applied(identity, noise), applied(noise))
    if identity[0] != "random_crop":
        assert torch.equal(applied(noise, identity), applied(noise))


def test_noise_comes_last_and_so_stays_white() -> None:
    noise, rotation = ("gaussian_noise", {"sigma": 0.3}), ("rotation", {"degrees": 90})
    assert not torch.equal(applied(noise, rotation), applied(rotation, noise))


def test_a_crop_in_a_sequence_gets_its_margin() -> None:
    sequence = build([Component.of("rotation", {"degrees": 30}), Component.of("random_crop", {"offset": 3})])
    assert (sequence.margin, sequence.name) == (3, "rotation then random_crop")
    assert sequence.apply(random_images(6, 1, 34, 34), LABELS, network(), KEY).shape == IMAGES.shape


def test_a_sequence_with_an_attack_is_an_attack() -> None:
    assert build([Component.of("rotation", {"degrees": 30}), Component.of("fgsm", {"epsilon": 0.1})]).is_attack
    assert not build([Component.of("rotation", {"degrees": 30})]).is_attack
