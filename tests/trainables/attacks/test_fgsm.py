"""FGSM."""

import torch
from torch.nn import functional as F

from tests.contracts.pictures import network, random_images
from trainables.attacks.fgsm import FGSM, input_gradient
from trainables.randomness import Key

IMAGES, LABELS = random_images(5, 1, 28, 28), torch.arange(5)


def attacked(epsilon: float, **settings: bool) -> torch.Tensor:
    return FGSM(**settings).apply(IMAGES, LABELS, network("lenet"), epsilon, Key(("test",)).generator())


def test_every_pixel_with_a_gradient_takes_the_whole_step() -> None:
    step = attacked(0.1, clamp=False) - IMAGES
    moved = step.abs() > 0
    assert moved.float().mean() > 0.99
    torch.testing.assert_close(step[moved].abs(), torch.full_like(step[moved], 0.1), rtol=0, atol=1e-6)


def test_clamping_is_clipping_the_unclamped() -> None:
    assert torch.equal(attacked(0.4), attacked(0.4, clamp=False).clamp(0, 1))
    assert attacked(0.4, clamp=False).min() < 0


def test_an_image_is_attacked_alone_as_in_its_batch() -> None:
    model = network("lenet").eval()
    together = input_gradient(IMAGES, LABELS, model)
    alone = torch.cat([input_gradient(IMAGES[i : i + 1], LABELS[i : i + 1], model) for i in range(5)])
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-6)


def test_the_direction_is_that_of_the_loss() -> None:
    model = network("lenet").eval()
    pixels = IMAGES.clone().requires_grad_()
    F.cross_entropy(model(pixels), LABELS).backward()
    expected = IMAGES + 0.1 * pixels.grad.sign()
    torch.testing.assert_close(attacked(0.1), expected.clamp(0, 1), rtol=0, atol=1e-6)


def test_a_pixel_without_a_gradient_stays() -> None:
    images = torch.full((1, 1, 2, 2), 0.5)
    blind = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 3))
    with torch.no_grad():
        blind[1].weight[:, 1] = 0
    moved = FGSM().apply(images, torch.tensor([0]), blind, 0.25, Key(("test",)).generator()) != images
    assert moved.flatten().tolist() == [True, False, True, True]
