"""Mixing and noise inside a network."""

from collections import Counter

import pytest
import torch
from torch import nn
from torch._dynamo.utils import counters

from tests.contracts.pictures import network, random_images
from trainables.feature_noise import draw_noise
from trainables.fit import FORMS
from trainables.manifold import ManifoldChange, draw_place, predicted
from trainables.mixing import draw_mixing
from trainables.randomness import Key

KEY = Key(("test",))
CPU = torch.device("cpu")
IMAGES = random_images(6, 3, 32, 32)


def change(place: int, step: int = 0, count: int = 2) -> ManifoldChange:
    key = KEY.child(step)
    noises = tuple(draw_noise(0.5, 0.5, 0.5, key.child(view)) for view in range(3))
    return ManifoldChange(place=place, mixing=draw_mixing(1.0, count, CPU, key), noises=noises)


def test_places_are_uniform() -> None:
    drawn = Counter(draw_place(3, KEY.child(number)) for number in range(2_000))
    assert sorted(drawn) == [0, 1, 2, 3]
    assert all(abs(count - 500) < 5 * 20 for count in drawn.values())
    assert {draw_place(0, KEY.child(number)) for number in range(20)} == {0}


def test_features_are_mixed_and_then_made_noisy_view_by_view() -> None:
    drawn, features = change(0), random_images(6, 3, 8, 8)
    mixed = drawn.mixing.mixed(features)
    for view, noise in enumerate(drawn.noises):
        rows = slice(2 * view, 2 * view + 2)
        assert torch.equal(drawn(features)[rows], noise(mixed[rows]))
    noisy = ManifoldChange(place=0, noises=drawn.noises)(torch.ones(6, 3, 8, 8)).chunk(3)
    assert not torch.equal(noisy[0], noisy[1])


@pytest.mark.parametrize("place", range(4))
def test_the_change_acts_on_the_features_of_its_place(place: int) -> None:
    model, drawn = network("small_cnn", (3, 32, 32), width=4).eval(), change(place)
    features = model.normalise(IMAGES)
    for number, stage in enumerate(model.stages()):
        features = stage(drawn(features) if number == place else features)
    assert torch.equal(predicted(model, IMAGES, drawn), features)
    assert not torch.equal(predicted(model, IMAGES, None), features)


def epoch(model: nn.Module, number: int) -> Counter[str]:
    """Three batches at each place, the last one smaller, and an evaluation; what torch counted of its compiling."""
    counters.clear()
    model.train()
    for step in range(12):
        images = IMAGES[:3] if step >= 8 else IMAGES
        model(images, change(step % 4, step + 100 * number, len(images) // 3)).sum().backward()
    with torch.no_grad():
        model.eval()(IMAGES[:4])
    return Counter(counters["stats"])


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # torch's own, as it traces
def test_a_compiled_network_is_not_compiled_again_for_another_steps_draws() -> None:
    torch.compiler.reset()
    plain, model = (network("small_cnn", (3, 32, 32), width=4) for _ in range(2))
    model.compile(backend="eager", recompile_limit=FORMS)
    first = epoch(model, 0)["unique_graphs"]
    assert 8 <= first <= 2 * 4 * 2 + 1  # before and after each place, for either size, and the evaluation
    assert epoch(model, 1)["unique_graphs"] == 0
    plain.load_state_dict(model.state_dict())
    assert torch.equal(model(IMAGES, change(2)), plain.eval()(IMAGES, change(2)))
    torch.compiler.reset()
