"""Pictures of images, and the one of a test image that evaluation shows."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from trainables.evaluation import evaluate
from trainables.evaluation.sets import DistortedSets
from trainables.pictures import SIDE, png
from trainables.recipe import Component, Condition, Recipe


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_small_image_keeps_its_pixels(channels: int) -> None:
    image = torch.rand(channels, 20, 28)
    shown = np.asarray(opened(png(image))).reshape(20, 28, channels)
    assert (shown == image.mul(255).round().byte().movedim(0, 2).numpy()).all()
    assert png(image) == png(image.clone())


def test_a_large_image_is_averaged_over_areas() -> None:
    image = torch.rand(3, 2 * SIDE, SIDE)
    shown = opened(png(image))
    assert shown.size == (SIDE // 2, SIDE)
    mean = image[:, :2, :2].mean((1, 2)).mul(255).round().int().tolist()
    assert list(shown.getpixel((0, 0))) == mean  # type: ignore[arg-type]


DIGITS = Component.of("mnist_5k", {"train": 50, "validation": 50, "test": 120, "border": 0})


def condition(name: str, *steps: Component, family: str = "sweep") -> Condition:
    return Condition(
        condition_id=f"c-{name}", data=DIGITS, split="test", family=family,  # type: ignore[arg-type]
        test_distortion=name, parameter=steps[0].items[-1][0] if steps else None, level=None, steps=steps,
    )  # fmt: skip


def test_evaluation_shows_the_first_test_image_under_every_condition_once() -> None:
    recipe = Recipe(
        data=DIGITS, model=Component.of("lenet", {"dropout": 0.0}), method=Component.of("standard"), epochs=1,
        batch_size=50, optimizer=Component.of("sgd", {"lr": 0.01}), schedule=Component.of("constant"),
    )  # fmt: skip
    from trainables.fit import build_model

    noise, attack = (
        Component.of("gaussian_noise", {"sigma": 0.3}),
        Component.of("fgsm", {"clamp": True, "epsilon": 0.1}),
    )
    conditions = [
        condition("clean", family="clean"), condition("gaussian_noise", noise), condition("fgsm", attack),
        condition("gaussian_noise then fgsm", noise, attack),
    ]  # fmt: skip
    seen: dict[str, torch.Tensor] = {}
    weights = build_model(recipe).state_dict()

    def look(one: Condition, image: torch.Tensor) -> None:
        assert one.condition_id not in seen
        seen[one.condition_id] = image.clone()

    cells = list(evaluate(recipe, weights, conditions, DistortedSets(2**28), look=look))
    assert list(seen) == [cell.condition_id for cell in cells]
    assert all(image.shape == (1, 28, 28) for image in seen.values())
    clean = seen["c-clean"]
    assert float((seen["c-fgsm"] - clean).abs().max()) == pytest.approx(0.1)
    assert float((seen["c-gaussian_noise"] - clean).std()) > 0.1
    assert cells == list(evaluate(recipe, weights, conditions, DistortedSets(2**28)))
