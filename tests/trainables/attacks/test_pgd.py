"""PGD against FGSM, against its own steps, and against what its parameters rule out."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.contracts.pictures import digits, network, random_images
from trainables.attacks.fgsm import FGSM, input_gradient
from trainables.attacks.pgd import PGD
from trainables.distortions import Level
from trainables.optimizers import SGD
from trainables.randomness import Key
from trainables.recipe import Component
from trainables.sequence import build

DIGITS = digits(count=100)
IMAGES, LABELS = DIGITS.pixels / 255, DIGITS.labels
EPSILON = 0.1


def generator() -> torch.Generator:
    return Key(("pgd",)).generator()


def attacked(attack: PGD | FGSM, model: nn.Module, level: float = EPSILON) -> Tensor:
    return attack.apply(IMAGES, LABELS, model, level, generator())


@pytest.fixture(scope="module")
def trained() -> nn.Module:
    """LeNet after 40 steps on 100 digits: nearly all of them right."""
    model = network("lenet").train()
    optimizer = SGD(lr=0.02, momentum=0.9).build(model)
    for _ in range(40):
        optimizer.zero_grad()
        F.cross_entropy(model(IMAGES), LABELS).backward()
        optimizer.step()
    assert (model.eval()(IMAGES).argmax(1) == LABELS).float().mean() > 0.95
    return model


def losses(model: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return F.cross_entropy(model.eval()(images), LABELS, reduction="none")


@pytest.mark.parametrize("random_start", [True, False])
def test_it_finds_a_higher_loss_than_fgsm(random_start: bool, trained: nn.Module) -> None:
    stronger = losses(trained, attacked(PGD(random_start=random_start), trained))
    weaker = losses(trained, attacked(FGSM(), trained))
    assert stronger.sum() > 1.05 * weaker.sum()
    assert (stronger >= weaker).float().mean() > 0.9


def test_more_steps_find_a_higher_loss(trained: nn.Module) -> None:
    found = [losses(trained, attacked(PGD(steps=steps, random_start=False), trained)).sum() for steps in (1, 3, 10)]
    assert found == sorted(found)


def test_one_whole_step_from_the_image_is_fgsm(trained: nn.Module) -> None:
    one = PGD(steps=1, step_size=1, random_start=False)
    for level in (0.0, 0.03, 0.3):
        assert torch.equal(attacked(one, trained, level), attacked(FGSM(), trained, level))


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_step_is_the_equation(norm: str, trained: nn.Module) -> None:
    """Two steps of half the level from the image, written out."""
    level = 0.1 if norm == "linf" else 1.5
    shown = IMAGES
    for _ in range(2):
        gradient = input_gradient(shown, LABELS, trained)
        lengths = gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        change = shown + 0.7 * level * (gradient.sign() if norm == "linf" else gradient / lengths) - IMAGES
        if norm == "linf":
            change = change.clamp(-level, level)
        else:
            change = change * (level / change.flatten(1).norm(dim=1)).clamp(max=1).view(-1, 1, 1, 1)
        shown = (IMAGES + change).clamp(0, 1)
    found = attacked(PGD(steps=2, step_size=0.7, norm=norm, random_start=False), trained, level)
    torch.testing.assert_close(found, shown, rtol=0, atol=1e-5)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_start_is_uniform_in_the_ball(norm: str) -> None:
    """Steps of next to no length leave the start: the share within radius r is r to the power of the dimension."""
    grey = torch.full((4000, 1, 2, 2), 0.5)
    still = PGD(steps=1, step_size=1e-9, norm=norm)
    start = still.apply(grey, torch.zeros(4000).long(), Flat(), 0.4, generator()) - grey
    sizes = start.abs() / 0.4 if norm == "linf" else (start.flatten(1).norm(dim=1) / 0.4) ** 4
    shares = torch.tensor([(sizes < r).float().mean() for r in (0.25, 0.5, 0.75)])
    torch.testing.assert_close(shares, torch.tensor([0.25, 0.5, 0.75]), rtol=0, atol=0.03)
    assert start.mean().abs() < 0.01


class Flat(nn.Module):
    """Two logits, each the mean of the image under a weight."""

    def forward(self, images: Tensor) -> Tensor:
        means = images.mean(dim=(1, 2, 3))
        return torch.stack((means, -means), dim=1)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_no_gradient_is_taken_outside_the_cube(norm: str) -> None:
    model, seen = network("small_cnn", width=4), []
    model.register_forward_hook(lambda _network, images, _logits: seen.append(images[0]))
    PGD(steps=3, norm=norm).sweep(IMAGES.round(), LABELS, model, (0.3, 5.0 if norm == "l2" else 1.0), generator())
    assert len(seen) == 6
    assert all(images.min() >= 0 and images.max() <= 1 for images in seen)


def test_every_level_starts_at_the_same_draw_scaled() -> None:
    grey, labels = torch.full((3, 1, 4, 4), 0.5), torch.zeros(3).long()
    few, many = PGD(steps=1, step_size=1e-9).sweep(grey, labels, Flat(), (0.1, 0.4), generator())
    torch.testing.assert_close(4 * (few - grey), many - grey, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_an_image_without_a_gradient_stays_where_it_starts(norm: str) -> None:
    class Constant(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.mean(dim=(1, 2, 3))[:, None] * torch.zeros(1, 10)

    images = random_images(3, 1, 8, 8)
    unmoved = PGD(norm=norm, random_start=False).apply(images, torch.arange(3), Constant(), 0.2, generator())
    torch.testing.assert_close(unmoved, images, rtol=0, atol=1e-7)


class Counted(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.passes = model, 0

    def forward(self, images: Tensor) -> Tensor:
        self.passes += 1
        return self.model(images)


@pytest.mark.parametrize(("random_start", "expected"), [(True, 2 * 3), (False, 1 + 2 * 2)])
def test_a_sweep_passes_no_more_often_than_it_must(random_start: bool, expected: int) -> None:
    """Level 0 passes never; from the image, all levels share their first gradient."""
    model = Counted(network("small_cnn", width=4))
    PGD(steps=3, random_start=random_start).sweep(IMAGES[:4], LABELS[:4], model, (0, 0.1, 0.2), generator())
    assert model.passes == expected


def test_under_bfloat16_autocast_images_stay_in_single_precision(trained: nn.Module) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = attacked(PGD(steps=2), trained)
    assert found.dtype == torch.float32
    assert (found - IMAGES).abs().max() <= EPSILON + 1e-6


def test_it_names_its_practical_level_as_the_paper_writes_it() -> None:
    level: Level = PGD.level
    assert level.practical == 8 / 255
    assert not level.is_identity(level.practical, 32)


@pytest.mark.parametrize("epsilon", [1.5, 8])
def test_an_epsilon_in_bytes_is_refused_where_it_measures_pixels(epsilon: float) -> None:
    with pytest.raises(ValueError, match=r"epsilon lies in \[0, 1\] where norm is linf, such as 8/255; got"):
        build([Component.of("pgd", {"epsilon": epsilon})])
    assert build([Component.of("pgd", {"epsilon": epsilon, "norm": "l2"})]).is_attack
