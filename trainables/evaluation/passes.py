"""How often a network is asked under a condition: what evaluation's speed and cost are counted by."""

from trainables.datasets import split_of
from trainables.evaluation.attacked import attacked_count, attacking
from trainables.evaluation.shown import frames_of
from trainables.fit import data_set
from trainables.recipe import Condition
from trainables.stability_test import StabilityTest


def images_shown(condition: Condition) -> int:
    """Images that a network is shown: every frame of a sequence, every step of an attack, every noisy copy.

    Of attacks roughly, which end when they succeed; of noise stability at most, if it has enough images right.
    """
    data = data_set(condition.data)
    there = len(split_of(data, condition.split))
    if condition.family == "attack":
        return attacked_count(condition) * attacking(condition).attack.passes
    if condition.family == "noise_stability":
        test = StabilityTest.of(condition)
        copied = min(there, len(data.class_names) * (test.per_class + test.spare))
        return len(test.stages) * (there + copied * test.draws)
    return there * frames_of(condition)
