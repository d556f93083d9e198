"""Objectives: what a search may make as large as possible. Each is an accuracy, by a name.

    clean                        on undistorted images
    gaussian_noise.practical     under a test distortion of the study at its practical level
    gaussian_noise.mean          the mean over the levels of its sweep
    robust                       the mean over all sweeps of the accuracy at the practical level
    corruptions.mean             the mean over the four corruptions that are kept for validation, at the severities of
                                 the study; the 15 of mCE are never looked at

A search looks at validation images, whose distortions are drawn apart from the test images'; the names mean the same on
both. Accuracies of replicates are averaged.
"""

from collections.abc import Mapping, Sequence

from trainables.recipe import Family

CLEAN = "clean"
ROBUST = "robust"
PRACTICAL = "practical"
MEAN = "mean"
CORRUPTIONS_MEAN = "corruptions.mean"

Place = tuple[Family, str, float | None]
"""(family, test distortion, level) of a condition; the level is None for clean."""
Places = tuple[Place, ...]
"""Of the conditions whose mean an objective is."""


def objective_names(sweeps: Sequence[str], corrupted: bool) -> tuple[str, ...]:
    """Every objective of a study with these sweeps; `corrupted`: and with corruptions."""
    each = tuple(f"{sweep}.{what}" for sweep in sweeps for what in (PRACTICAL, MEAN))
    return (CLEAN, *((ROBUST, *each) if sweeps else ()), *((CORRUPTIONS_MEAN,) if corrupted else ()))


def places(name: str, sweeps: Mapping[str, tuple[Sequence[float], float]], extras: Places) -> Places:
    """What the objective called `name` is the mean of.

    `sweeps` gives each one's levels and its practical level; `extras` the corruptions kept for validation.
    """
    if name == CLEAN:
        return (("clean", CLEAN, None),)
    if name == CORRUPTIONS_MEAN:
        return extras
    if name == ROBUST:
        return tuple(("sweep", sweep, practical) for sweep, (_, practical) in sweeps.items())
    sweep, _, what = name.rpartition(".")
    levels, practical = sweeps[sweep]
    chosen = (practical,) if what == PRACTICAL else levels
    return tuple(("sweep", sweep, level) for level in chosen)
