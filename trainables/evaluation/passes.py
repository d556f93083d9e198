"""How often a network is asked under a condition: what evaluation's speed and cost are counted by."""

from trainables.datasets import split_of
from trainables.evaluation.attacked import attacked_count, attacking
from trainables.evaluation.shown import frames_of
from trainables.fit import data_set
from trainables.noise_stability import StabilityTest
from trainables.recipe import Condition


def images_shown(condition: Condition) -> int:
    """Images that a network is shown: every frame of a sequence, every step of an attack, every noisy copy.

    Of attacks roughly, which end when they succeed; of noise stability at most, if it has enough images right.
    """
    data = data_set(condition.data)
    there = len(split_of(data, condition.split))
    if condition.family == "attack":
        return attacked_count(condition) * attacking(condition).attack.passes
    if condition.family == "noise_stability":
        return (
            len(StabilityTest.of(condition).stages) * there
            + copied_images(condition) * StabilityTest.of(condition).draws
        )
    return there * frames_of(condition)


def copied_images(condition: Condition) -> int:
    """Images of a condition of noise stability of which noisy copies are made, one at each stage a time, at most."""
    data, test = data_set(condition.data), StabilityTest.of(condition)
    chosen = len(data.class_names) * (test.per_class + test.spare)
    return len(test.stages) * min(len(split_of(data, condition.split)), chosen)
