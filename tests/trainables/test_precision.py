"""Mixed precision is the network's alone."""

from dataclasses import replace

import torch
from torch import nn

from tests.study.executor.plans import DATA, trial
from trainables.fit import Training, build_model, place
from trainables.methods import Batch, Loss
from trainables.randomness import Key
from trainables.recipe import Component

RECIPE = replace(
    trial("01").recipe,
    data=DATA,
    method=Component.of("data_augmentation", {"p": 1.0}),
    distortions=(Component.of("rotation", {"degrees": 30.0}),),
)
MIXED = replace(RECIPE, precision="bfloat16")
CPU = torch.device("cpu")


def test_layers_compute_in_bfloat16_and_logits_are_float32() -> None:
    model = place(build_model(MIXED), MIXED, CPU)
    seen: list[torch.dtype] = []
    model.conv2.register_forward_hook(lambda _layer, _inputs, output: seen.append(output.dtype))
    logits = model(torch.rand(2, 1, 28, 28))
    assert (seen, logits.dtype) == ([torch.bfloat16], torch.float32)


def test_images_are_distorted_and_losses_taken_in_float32() -> None:
    distorted: list[torch.Tensor] = []

    def record(training: Training) -> None:
        inner = training.method

        class Recorded(type(inner)):  # type: ignore[misc]
            def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
                assert not torch.is_autocast_enabled("cpu")
                recording = nn.Module()
                recording.forward = lambda images: (distorted.append(images), model(images))[1]  # type: ignore[method-assign]
                return super().loss(recording, batch, key)

        training.method = Recorded(**{name: getattr(inner, name) for name in ("p", "distortion")})

    for recipe in (RECIPE, MIXED):
        training = Training(recipe, None, CPU)
        record(training)
        training.advance()
    whole, mixed = distorted[: len(distorted) // 2], distorted[len(distorted) // 2 :]
    assert all(torch.equal(one, other) for one, other in zip(whole, mixed, strict=True))
