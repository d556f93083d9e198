"""Objectives: what a search may make as large as possible. Each is an accuracy, by a name.

    clean                        on undistorted images
    gaussian_noise.practical     under a test distortion of the study at its practical level
    gaussian_noise.mean          the mean over the levels of its sweep
    robust                       the mean over all sweeps of the accuracy at the practical level

A search looks at validation images, whose distortions are drawn apart from the test images'; the names mean the same on
both. Accuracies of replicates are averaged.
"""

from collections.abc import Mapping, Sequence

CLEAN = "clean"
ROBUST = "robust"
PRACTICAL = "practical"
MEAN = "mean"

Places = tuple[tuple[str, float | None], ...]
"""(test distortion, level) of the conditions whose mean an objective is; the level is None for clean."""


def objective_names(sweeps: Sequence[str]) -> tuple[str, ...]:
    """Every objective of a study with these sweeps."""
    each = tuple(f"{sweep}.{what}" for sweep in sweeps for what in (PRACTICAL, MEAN))
    return (CLEAN, *((ROBUST, *each) if sweeps else ()))


def places(name: str, sweeps: Mapping[str, tuple[Sequence[float], float]]) -> Places:
    """What the objective called `name` is the mean of; `sweeps` gives each one's levels and its practical level."""
    if name == CLEAN:
        return ((CLEAN, None),)
    if name == ROBUST:
        return tuple((sweep, practical) for sweep, (_, practical) in sweeps.items())
    sweep, _, what = name.rpartition(".")
    levels, practical = sweeps[sweep]
    return ((sweep, practical),) if what == PRACTICAL else tuple((sweep, level) for level in levels)
