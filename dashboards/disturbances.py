"""Corruptions and perturbations in the order and by the kinds in which their papers print them."""

from collections.abc import Mapping
from dataclasses import dataclass

from dashboards.wording import spoken

KINDS: Mapping[str, tuple[str, ...]] = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
    "motion": ("translate", "rotate", "tilt", "scale"),
}
"""Hendrycks and Dietterich 2019, Tables 1 and 3; what is in none of them is extra."""
EXTRA, EXTRAS = "extra", ("speckle_noise", "gaussian_blur", "spatter", "saturate", "shear")
WORDS = (" noise", " blur", " transform", " compression")
"""What a heading above says, or a reader knows."""


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """One corruption or perturbation of a benchmark."""

    name: str
    """As the YAML names it."""
    label: str
    """As its results are shown: `frost (synthetic)`."""
    extra: bool
    """Kept for validation: in no mean."""

    @property
    def kind(self) -> str:
        """noise, blur, weather, digital, motion or extra"""
        found = (kind for kind, names in KINDS.items() if self.name in names)
        return EXTRA if self.extra else next(found, EXTRA)

    @property
    def spoken(self) -> str:
        return spoken(self.label)

    @property
    def short(self) -> str:
        """`gaussian` below the heading `noise`; an extra one's whole name."""
        text = self.spoken
        for word in () if self.extra else WORDS:
            text = text.replace(word, "")
        return text


def in_order(tests: tuple[Disturbance, ...]) -> tuple[Disturbance, ...]:
    """Kind by kind, extra ones last."""
    kinds = (*KINDS, EXTRA)
    return tuple(sorted(tests, key=lambda one: (kinds.index(one.kind), _place(one))))


def _place(one: Disturbance) -> int:
    names = KINDS.get(one.kind, EXTRAS)
    return names.index(one.name) if one.name in names else len(names)
