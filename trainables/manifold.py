"""Manifold mixing: features mixed and made noisy at one place of a network, drawn anew for every step.

Verma et al. 2019 (mixing), Lim et al. 2022 (noise), Erichson et al. 2024 (several views of the same images).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainables.feature_noise import FeatureNoise, draw_noise
from trainables.mixing import Mixing
from trainables.models import Change
from trainables.parameters import Parameterised, parameter
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True, eq=False)
class ManifoldChange(Change):
    """Mixing, then noise."""

    place: int
    mixing: Mixing | None = None
    noises: tuple[FeatureNoise, ...] = ()
    """One for each view: equal parts of the batch, one after the other. Empty: no noise."""

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def __call__(self, features: Tensor) -> Tensor:
        """Outside of a compiled network: its draws differ from step to step."""
        if self.mixing is not None:
            features = self.mixing.mixed(features)
        if self.noises:
            views = features.chunk(len(self.noises))
            features = torch.cat([noise(view) for noise, view in zip(self.noises, views, strict=True)])
        return features


@dataclass(frozen=True, kw_only=True)
class NoisyPlace(Parameterised):
    """What the methods of Lim et al. 2022 share: the noise's levels, and where in the network it may act."""

    additive: float = parameter(
        default=0.4,
        ge=0,
        doc="level of the additive noise, in the network's own units: of normalised images, or of a stage's output",
        source="Lim et al. 2022, their code, CIFAR: 0.4; ImageNet: 0.1",
    )
    multiplicative: float = parameter(
        default=0.2,
        ge=0,
        doc="level of the multiplicative noise",
        source="Lim et al. 2022, their code, CIFAR: 0.2; ImageNet: 0.1",
    )
    manifold: bool = parameter(
        default=True,
        doc="features of the places up to `layers`; else the input alone",
        source="Lim et al. 2022, their code: true",
    )
    layers: int = parameter(
        default=3,
        ge=0,
        le=3,
        doc="the last place that is drawn: 0 the input, k the output of stage k",
        source="Lim et al. 2022, their code, residual networks: 3",
    )

    def change(self, key: Key, mixing: Mixing | None = None) -> ManifoldChange:
        """A step's: its place and the strength of its noise drawn."""
        noise = draw_noise(self.additive, self.multiplicative, 0.0, key.child("noise", 0))
        return ManifoldChange(
            place=draw_place(self.layers if self.manifold else 0, key), mixing=mixing, noises=(noise,)
        )


def draw_place(layers: int, key: Key) -> int:
    """Uniform over 0 … layers: the input and the outputs of the first stages."""
    return int(key.child("place").host().randint(layers + 1))


def predicted(model: nn.Module, images: Tensor, change: Change | None) -> Tensor:
    """The logits of `images`, the features changed on their way."""
    logits: Tensor = model(images) if change is None else model(images, change)
    return logits
