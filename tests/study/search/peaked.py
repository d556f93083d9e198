"""A search without training: accuracies that follow from the drawn point, and the plans to search over them."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from study.plan import Plan, Search
from study.planning import make_plan
from study.spec import Spec, load, shipped
from trainables.parameters import Value
from trainables.recipe import Condition, Recipe

FINGERPRINT = "0123456789abcdef" * 2
SEARCH = shipped()["search_mnist"].read_text(encoding="utf-8")
IMAGES = 500


def spec(folder: Path, *replaced: tuple[str, str]) -> Spec:
    """The shipped search with each first text replaced by the second."""
    return load(written(folder, *replaced))


def written(folder: Path, *replaced: tuple[str, str]) -> Path:
    text = SEARCH
    for old, new in replaced:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = folder / "my_search.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def plan(folder: Path, *replaced: tuple[str, str]) -> Plan:
    return make_plan(spec(folder, *replaced), FINGERPRINT)


def accuracy(recipe: Recipe, condition: Condition) -> float:
    """More noise in training helps under noise and costs on clean images; the method's parameter has an optimum."""
    sigma = float(recipe.distortions[0].parameters["sigma"] or 0) if recipe.distortions else 0.0  # type: ignore[arg-type]
    own = [float(value) for _, value in recipe.method.items if isinstance(value, (int, float))]
    off = abs(math.log10((own[0] if own else 0.0) + 0.01))
    share = 0.97 - 0.2 * sigma if condition.family == "clean" else 0.5 + 0.6 * sigma
    return round(IMAGES * max(0.0, share - 0.1 * off)) / IMAGES


def accuracies(recipe: Recipe, plan: Plan) -> dict[str, float]:
    return {condition.condition_id: accuracy(recipe, condition) for condition in plan.conditions}


def objectives(search: Search, point: Mapping[str, Value], plan: Plan) -> tuple[float, ...]:
    """What Optuna would be told of a point."""
    from study.planning import drawn_trials

    known = [accuracies(trial.recipe, plan) for trial in drawn_trials(search, point)]
    return tuple(
        _mean([of[condition] for of in known for condition in objective.validation]) for objective in search.objectives
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
