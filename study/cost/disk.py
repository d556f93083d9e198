"""Bytes that a study will leave on a disk."""

from collections import Counter
from functools import cache

import torch

from study.cost.timings import image_count
from study.plan import Plan
from study.stages import tests_stages
from trainables.evaluation.passes import copied_images
from trainables.fit import data_set, task_of
from trainables.models import models
from trainables.recipe import Component, Recipe

FLOAT_BYTES = 4
COPIES = 1
"""Of the weights that a finished trial keeps, besides those of stages."""
FILE_BYTES = 9_000
"""Of a small Parquet file: schema, column descriptions and statistics."""
FILES = 5
"""Tables that a finished trial has a file in."""
CELL_BYTES = 60
"""Of a row of `evaluations`, packed."""
COUNT_BYTES = 2
"""Of what is counted of one image at one stage, with its index and class."""


def parameter_count(recipe: Recipe) -> int:
    """Numbers in the network's state, counted without memory for them."""
    data = data_set(recipe.data)
    described = models.get(recipe.model.name)(**recipe.model.parameters)
    outputs = task_of(recipe.method).outputs(len(data.class_names))
    with torch.device("meta"):
        network = described.build(data.shape, outputs)
    return sum(tensor.numel() for tensor in network.state_dict().values())


def checkpoint_bytes(plan: Plan) -> int:
    """Of the weights that its trials keep."""
    recipes = {_shape(trial.recipe): trial.recipe for trial in plan.trials}
    counted: Counter[tuple[Component, Component, int]] = Counter()
    for trial in plan.unique_trials():
        counted[_shape(trial.recipe)] += COPIES + len(trial.recipe.stages)
    return sum(FLOAT_BYTES * parameter_count(recipes[key]) * number for key, number in counted.items())


def _shape(recipe: Recipe) -> tuple[Component, Component, int]:
    """Equal for recipes of one network."""
    return recipe.data, recipe.model, _outputs(recipe.method)


@cache
def _outputs(method: Component) -> int:
    """Of its network, as if there were one class."""
    return task_of(method).outputs(1)


def table_bytes(plan: Plan) -> int:
    """Of its tables: files, rows, and a bit an image in `predictions`."""
    trials = len(plan.unique_trials())
    cells = trials * len(plan.conditions) * CELL_BYTES
    bits = trials * sum(image_count(one.data, one.split) for one in plan.conditions) // 8
    parts = {"perturbation", "attack", "noise_stability"} & {one.family for one in plan.conditions}
    files = FILES + (plan.measure != "accuracy") + len(parts)  # near-duplicates, flips, attacks, noise stability
    noise = trials * COUNT_BYTES * sum(map(copied_images, filter(tests_stages, plan.conditions)))
    return trials * files * FILE_BYTES + cells + bits + noise
