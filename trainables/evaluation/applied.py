"""One condition applied to images that belong to no data set: what `study distort` and `study preview` show."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.corruptions import SEVERITIES, TABLES, corruptions
from trainables.datasets import Images
from trainables.distortions import distortions
from trainables.evaluation.shown import shown
from trainables.flips import DIFFICULTIES
from trainables.parameters import Parameter, Parameterised, Value
from trainables.perturbations import perturbations
from trainables.recipe import Component, Condition, Family
from trainables.sequence import build

SEVERITY = Parameter(name="severity", type=int, ge=0, le=SEVERITIES, doc="how strong, 0 the image as it is")
DIFFICULTY = Parameter(name="difficulty", type=int, ge=1, le=len(DIFFICULTIES), doc="how strong noise is")
NO_DATA = Component("images of no data set")


@dataclass(frozen=True, kw_only=True)
class Applied:
    """A distortion, corruption or perturbation at one strength."""

    family: Family
    """`sweep` for a distortion."""
    name: str
    parameters: tuple[tuple[str, Value], ...]
    """Its own, the strength not among them."""
    strength: float
    """Level, severity or difficulty."""
    table: int | None = None
    """The side of the images whose published settings are used; None: by the images' size. Not of distortions."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for a strength or table that there is not."""
        described = strength_of(self.family, self.name)
        object.__setattr__(self, "strength", described.convert(self.strength))
        if self.table is not None and self.table not in TABLES:
            raise ValueError(f"settings are published for sides of {', '.join(map(str, TABLES))}; got {self.table}")

    @property
    def label(self) -> str:
        """Its name, with what sets it apart from the benchmark's: `frost (synthetic)`."""
        return corruptions.get(self.name)(**dict(self.parameters)).label if self.family == "corruption" else self.name

    @property
    def condition(self) -> Condition:
        """Its draws are keyed by all that stands here, and by the images' places in their file."""
        described = strength_of(self.family, self.name)
        given = {**dict(self.parameters), described.name: self.strength}
        step = Component.of(self.name, given if self.table is None else {**given, "table": self.table})
        key = hashlib.sha256(repr((self.family, self.name, self.parameters, self.seed)).encode()).hexdigest()
        return Condition(
            condition_id=f"{key[:16]} {self.strength:g}",
            data=NO_DATA,
            split="test",
            family=self.family,
            test_distortion=self.name,
            parameter=described.name,
            level=self.strength,
            steps=(step,),
            seed=self.seed,
        )

    def margin(self) -> int:
        """Pixels that it consumes on every side."""
        return build(self.condition.steps).margin if self.family == "sweep" else 0

    def batches(self, pixels: Tensor, device: torch.device, border: int | None = None) -> Iterator[Tensor]:
        """uint8 [N, C, H, W] → uint8 [n, C, H − 2b, W − 2b] after [n, …] in order; of a perturbation
        [n, T, C, side, side], the centre's frames. b pixels around each image are its border; None: the margin alone.

        What a distortion computes in [0, 1] is rounded to the nearest byte. Raises ValueError where it cannot act on
        such images.
        """
        labels = torch.zeros(len(pixels), dtype=torch.long)
        images = Images(pixels, labels, self.margin() if border is None else border)
        if min(images.shape[1:]) < 1 or self.margin() > images.border:
            raise ValueError(f"{self.name} consumes {self.margin()} px on every side, more than these images have")
        self._check_side(min(images.shape[1:]))
        condition = self.condition
        how = shown(condition)
        for first in range(0, len(images), how.batch):
            found = how.of(condition, images, device, first, min(first + how.batch, len(images)))
            yield found if found.dtype == torch.uint8 else found.mul(255).round_().to(torch.uint8)

    def _check_side(self, side: int) -> None:
        level = strength_of(self.family, self.name)
        if getattr(level, "in_pixels", False) and self.strength > side:
            raise ValueError(f"{level.name} is at most the image's side, {side} px; got {self.strength:g}")


def families(name: str) -> dict[Family, type[Parameterised]]:
    """Family → what is called so in it; attacks, which need a network, are in none."""
    found: dict[Family, type[Parameterised]] = {}
    if name in distortions.names():
        found["sweep"] = distortions.get(name)
    if name in corruptions.names():
        found["corruption"] = corruptions.get(name)
    if name in perturbations.names():
        found["perturbation"] = perturbations.get(name)
    return found


def strength_of(family: Family, name: str) -> Parameter:
    """What the strength of a family's member is."""
    if family != "sweep":
        return SEVERITY if family == "corruption" else DIFFICULTY
    return distortions.get(name).level
