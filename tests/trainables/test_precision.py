"""Mixed precision is the network's alone."""

from dataclasses import replace

import torch
from torch import nn

from tests.study.executor.plans import DATA, trial
from trainables.feature_noise import draw_noise
from trainables.fit import Training, build_model, place
from trainables.manifold import ManifoldChange
from trainables.methods import Batch, Loss
from trainables.mixing import draw_mixing
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


def test_a_change_meets_the_features_in_their_precision_and_leaves_it() -> None:
    noise = draw_noise(0.5, 0.5, 0.5, Key(("noise",)))
    seen: list[tuple[torch.dtype, torch.dtype]] = []

    class Seen(ManifoldChange):
        def __call__(self, features: torch.Tensor) -> torch.Tensor:
            changed = super().__call__(features)
            seen.append((features.dtype, changed.dtype))
            return changed

    model = place(build_model(MIXED), MIXED, CPU)
    for number in range(3):
        mixing = draw_mixing(1.0, 2, CPU, Key((number,)))
        assert model(torch.rand(2, 1, 28, 28), Seen(place=number, mixing=mixing, noises=(noise,))).isfinite().all()
    assert seen == [(torch.float32, torch.float32), *[(torch.bfloat16, torch.bfloat16)] * 2]


def test_noisymix_trains_in_mixed_precision_much_as_in_full() -> None:
    losses = []
    for recipe in (RECIPE, MIXED):
        training = Training(replace(recipe, method=Component.of("noisymix"), distortions=()), None, CPU)
        training.advance()
        losses.append((training.epochs[0].loss, *training.epochs[0].terms.values()))
    assert len(losses[0]) == 3
    torch.testing.assert_close(torch.tensor(losses[1]), torch.tensor(losses[0]), rtol=0.05, atol=1e-3)
