"""Laws of every attack."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.contracts.pictures import network, random_images
from tests.contracts.test_models import SMALL
from tests.contracts.waiting import Watched
from trainables.attacks import Attack, attacks
from trainables.randomness import Key

VARIANTS: dict[str, tuple[str, dict[str, object]]] = {
    "fgsm": ("fgsm", {}),
    "pgd": ("pgd", {"steps": 4}),
    "pgd from the image": ("pgd", {"steps": 3, "random_start": False}),
    "pgd l2": ("pgd", {"steps": 4, "norm": "l2"}),
}
"""What the laws are tried on: every attack, PGD in its forms."""
NAMES = tuple(VARIANTS)
LEVELS = (0.0, 0.01, 0.3)
IMAGES = random_images(8, 1, 28, 28)
LABELS = torch.arange(8)


def made(name: str) -> Attack:
    attack, parameters = VARIANTS[name]
    return attacks.get(attack)(**parameters)


def sweep(name: str, model: nn.Module, images: Tensor = IMAGES) -> tuple[Tensor, ...]:
    return made(name).sweep(images, LABELS, model, LEVELS, Key(("law",)).generator())


def size(change: Tensor, norm: str) -> Tensor:
    """Of the largest change of an image."""
    return change.abs().max() if norm == "linf" else change.flatten(1).norm(dim=1).max()


def test_the_laws_know_every_attack() -> None:
    assert {attack for attack, _ in VARIANTS.values()} == set(attacks.names())


@pytest.mark.parametrize("name", NAMES)
def test_the_result_lies_in_the_ball_and_in_the_cube(name: str) -> None:
    for level, attacked in zip(LEVELS, sweep(name, network()), strict=True):
        assert attacked.shape == IMAGES.shape
        assert attacked.dtype == IMAGES.dtype
        assert not attacked.requires_grad
        assert size(attacked - IMAGES, getattr(made(name), "norm", "linf")) <= level + 1e-6
        assert attacked.min() >= 0
        assert attacked.max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_the_identity_level_changes_nothing(name: str) -> None:
    assert made(name).level.is_identity(LEVELS[0], 28)
    assert torch.equal(sweep(name, network())[0], IMAGES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_it_was(name: str, training: bool) -> None:
    model = network().train(training)
    F.cross_entropy(model(IMAGES), LABELS).backward()
    gradients = [weight.grad.clone() for weight in model.parameters() if weight.grad is not None]
    state = {key: value.clone() for key, value in model.state_dict().items()}
    sweep(name, model)
    assert all(module.training is training for module in model.modules())
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert len(gradients) == len(list(model.parameters()))
    assert all(torch.equal(weight.grad, old) for weight, old in zip(model.parameters(), gradients, strict=True))
    assert all(weight.requires_grad for weight in model.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_no_gradient_appears_where_none_was(name: str) -> None:
    model = network()
    sweep(name, model)
    assert all(weight.grad is None for weight in model.parameters())
    assert not IMAGES.requires_grad


@pytest.mark.parametrize("name", NAMES)
def test_a_sweep_is_its_levels_one_by_one(name: str) -> None:
    model = network()
    for level, attacked in zip(LEVELS, sweep(name, model), strict=True):
        alone = made(name).apply(IMAGES, LABELS, model, level, Key(("law",)).generator())
        assert torch.equal(attacked, alone)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_it_works_where_gradients_are_off(name: str, mode: type) -> None:
    model = network()
    expected = sweep(name, model)[-1]
    with mode():
        assert torch.equal(sweep(name, model, IMAGES.clone())[-1], expected)


@pytest.mark.parametrize("name", NAMES)
def test_the_generator_alone_decides(name: str) -> None:
    model = network("lenet", dropout=0.5).train()
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = sweep(name, model)[-1]
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert torch.equal(sweep(name, model)[-1], first)


@pytest.mark.parametrize("name", NAMES)
def test_a_sweep_never_waits_for_the_device(name: str) -> None:
    model = network()
    with Watched() as watched:
        sweep(name, model)
    assert watched.seen == []


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_rises(name: str) -> None:
    model = network().eval()
    clean, small, _ = (F.cross_entropy(model(attacked), LABELS).item() for attacked in sweep(name, model))
    assert small > clean


@pytest.mark.parametrize("model", tuple(SMALL))
@pytest.mark.parametrize("name", NAMES)
def test_a_network_in_bfloat16_is_attacked_in_single_precision(name: str, model: str) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        _, attacked, _ = sweep(name, network(model, **SMALL[model]))
    assert attacked.dtype == torch.float32
    assert 0 < size(attacked - IMAGES, getattr(made(name), "norm", "linf")) <= LEVELS[1] + 1e-6
