"""PGD, projected gradient descent: FGSM's step, several times, each brought back into the ball around the image."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from trainables.attacks import Attack
from trainables.attacks.fgsm import input_gradient
from trainables.distortions import Level
from trainables.parameters import parameter

Norm = Literal["linf", "l2"]


@dataclass(frozen=True, kw_only=True)
class PGD(Attack):
    """x⁰ = x + u, xᵗ⁺¹ = Π(xᵗ + α d(∂L/∂xᵗ)): Madry et al. 2018, Eq. in Section 2.1, for the network in eval mode.

    u is uniform in the ball of radius ε, d the sign (`linf`) or the direction of an image's gradient (`l2`), Π the
    projection onto the ball, then onto [0, 1]; L is the cross-entropy. α = `step_size` × ε, so that the levels of one
    sweep are one attack at several strengths. The start is the same draw at every level, scaled. One step of size 1
    from the image itself is FGSM.
    """

    level: ClassVar[Level] = Level(
        name="epsilon",
        ge=0,
        unit="pixels in [0, 1]",
        symbol="ε",
        doc="largest change of a pixel (linf, where it lies in [0, 1]), or length of the change of an image (l2)",
        source="Madry et al. 2018, Section 5: 8/255 on CIFAR-10, 0.3 on MNIST, both linf; practical level the former",
        identity_level=0,
        practical=8 / 255,
        log_axis=True,
    )
    summary: ClassVar[str] = "Several steps along the input gradient, projected onto the ball of ε (Madry et al. 2018)"

    steps: int = parameter(
        default=10, ge=1, unit="steps", doc="gradients taken", source="Madry et al. 2018, Section 5: 7 to 40"
    )
    step_size: float = parameter(
        default=0.25,
        gt=0,
        unit="ε",
        doc="length of a step, as a share of the level",
        source="Madry et al. 2018, Section 5: 2 of 8 on CIFAR-10, 0.01 of 0.3 on MNIST",
    )
    norm: Norm = parameter(
        default="linf", doc="what ε measures", source="Madry et al. 2018: linf (Section 5), l2 (Section 6)"
    )
    random_start: bool = parameter(
        default=True,
        doc="begin at a random point of the ball; if false, at the image",
        source="Madry et al. 2018, Section 4: random starts",
    )

    def check_level(self, level: float) -> None:
        if self.norm == "linf" and level > 1:
            raise ValueError(f"epsilon lies in [0, 1] where norm is linf, such as 8/255; got {level:g}")

    def craft(
        self, images: Tensor, labels: Tensor, model: nn.Module, levels: tuple[float, ...], generator: torch.Generator
    ) -> tuple[Tensor, ...]:
        start = self.start(images, generator) if self.random_start else None
        first = None if self.random_start or not any(levels) else input_gradient(images, labels, model)
        return tuple(
            self.from_start(level, images, labels, model, start, first) if level else images for level in levels
        )

    def start(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """A point of the unit ball for each image, uniform in it: [N, C, H, W]."""
        if self.norm == "linf":
            unit = torch.rand(images.shape, generator=generator, device=images.device, dtype=images.dtype)
            return unit.mul_(2).sub_(1)
        normal = torch.randn(images.shape, generator=generator, device=images.device, dtype=images.dtype)
        direction = _directions(normal)
        radius = torch.rand(len(images), generator=generator, device=images.device, dtype=images.dtype)
        return direction * radius.pow_(1 / direction[0].numel()).view(-1, 1, 1, 1)

    def from_start(
        self,
        level: float,
        images: Tensor,
        labels: Tensor,
        model: nn.Module,
        start: Tensor | None,
        first: Tensor | None = None,
    ) -> Tensor:
        """The attack at one level from `start`, or from the images with their gradient `first`."""
        attacked = images if start is None else torch.add(images, start, alpha=level).clamp_(0, 1)
        gradient = first
        for _ in range(self.steps):
            gradient = input_gradient(attacked, labels, model) if gradient is None else gradient
            moved = torch.add(attacked, self._direction(gradient), alpha=self.step_size * level)
            attacked, gradient = self._projected(moved, images, level), None
        return attacked

    def _direction(self, gradient: Tensor) -> Tensor:
        return gradient.sign() if self.norm == "linf" else _directions(gradient)

    def _projected(self, moved: Tensor, images: Tensor, level: float) -> Tensor:
        """The nearest point of the ball, then of the cube, which leads no further from the image."""
        if self.norm == "linf":
            return moved.clamp(images - level, images + level).clamp_(0, 1)
        change = moved - images
        return torch.addcmul(images, change, level / _lengths(change).clamp_min(level)).clamp_(0, 1)


def _lengths(changes: Tensor) -> Tensor:
    """L2, [N, 1, 1, 1]."""
    lengths: Tensor = torch.linalg.vector_norm(changes, dim=(1, 2, 3), keepdim=True)
    return lengths


def _directions(changes: Tensor) -> Tensor:
    """Each image's change at length 1; one of length 0 stays 0."""
    scaled = changes / changes.abs().amax(dim=(1, 2, 3), keepdim=True).clamp_min(torch.finfo(changes.dtype).tiny)
    return scaled / _lengths(scaled).clamp_min(torch.finfo(changes.dtype).tiny)
