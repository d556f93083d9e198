"""Identity: what moves an id and what does not."""

import json
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest

from study.identity import Part, TrialIdentity, canonical, condition_id, hashed, part, trial_id, trial_identity
from trainables.evaluation import EVALUATION_REVISION
from trainables.fit import LOOP_REVISION
from trainables.parameters import Parameterised, complete, parameter, parameters
from trainables.recipe import Component, Parent, Recipe, Scratch, WeightsFile

FINGERPRINT = "0123456789abcdef" * 2
RECIPE = Recipe(
    data=Component.of("mnist_5k"),
    model=Component.of("lenet"),
    method=Component.of("stability_training", {"alpha": 0.1}),
    distortions=(Component.of("rotation", {"degrees": 30}), Component.of("gaussian_noise", {"sigma": 0.3})),
    start=Parent(trial_id="0" * 16),
    epochs=3,
    batch_size=128,
    optimizer=Component.of("sgd", {"lr": 0.01}),
    schedule=Component.of("constant"),
)
ROTATION, NOISE = RECIPE.distortions

CHANGES: dict[str, list[Recipe]] = {
    "data": [
        replace(RECIPE, data=Component.of("mnist_5k", {"train": 1000})),
        replace(RECIPE, data=Component.of("mnist")),
    ],
    "model": [
        replace(RECIPE, model=Component.of("lenet", {"dropout": 0.5})),
        replace(RECIPE, model=Component.of("small_cnn")),
    ],
    "method": [
        replace(RECIPE, method=Component.of("stability_training", {"alpha": 0.2})),
        replace(RECIPE, method=Component.of("stability_training", {"alpha": 0.1, "divergence": "l2"})),
        replace(RECIPE, method=Component.of("data_augmentation", {"p": 0.1})),
    ],
    "distortions": [
        replace(RECIPE, distortions=(NOISE, ROTATION)),
        replace(RECIPE, distortions=(ROTATION,)),
        replace(RECIPE, distortions=()),
        replace(RECIPE, distortions=(Component.of("rotation", {"degrees": 31}), NOISE)),
    ],
    "start": [
        replace(RECIPE, start=Scratch()),
        replace(RECIPE, start=Parent(trial_id="1" * 16)),
        replace(RECIPE, start=Parent(trial_id="0" * 16, role="last")),
        replace(RECIPE, start=WeightsFile(path="a.pt", fingerprint="0" * 16)),
    ],
    "epochs": [replace(RECIPE, epochs=4)],
    "shuffle": [replace(RECIPE, shuffle=False)],
    "flip": [replace(RECIPE, flip=True)],
    "crop": [replace(RECIPE, crop=4)],
    "batch_size": [replace(RECIPE, batch_size=64)],
    "optimizer": [
        replace(RECIPE, optimizer=Component.of("sgd", {"lr": 0.02})),
        replace(RECIPE, optimizer=Component.of("sgd", {"lr": 0.01, "nesterov": False})),
    ],
    "schedule": [
        replace(RECIPE, schedule=Component.of("multi_step", {"milestones": (1, 2)})),
        replace(RECIPE, schedule=Component.of("multi_step", {"milestones": (1, 3)})),
        replace(RECIPE, schedule=Component.of("cosine")),
    ],
    "select": [replace(RECIPE, select="last")],
    "precision": [replace(RECIPE, precision="bfloat16")],
    "compile": [replace(RECIPE, compile=True)],
    "threads": [replace(RECIPE, threads=2)],
    "replicate": [replace(RECIPE, replicate=1)],
}
OF_THE_CODE = {"data_fingerprint", "loop_revision"}
"""Fields that no line of a recipe changes: the data's pixels, the code."""
INSTEAD_OF_EPOCHS = "iterations"
OUTSIDE = {"stages"}
"""Fields of a recipe that change no result."""


def id_of(recipe: Recipe, fingerprint: str = FINGERPRINT) -> str:
    return trial_id(trial_identity(recipe, fingerprint))


def test_no_field_is_forgotten() -> None:
    assert {field.name for field in fields(TrialIdentity)} == {*CHANGES, INSTEAD_OF_EPOCHS, *OF_THE_CODE}
    assert {field.name for field in fields(Recipe)} == {*CHANGES, INSTEAD_OF_EPOCHS, *OUTSIDE}


def test_what_is_kept_on_the_way_leaves_the_id_alone() -> None:
    assert id_of(replace(RECIPE, stages=(1, 2))) == id_of(RECIPE)


@pytest.mark.parametrize(("field", "changed"), [(field, one) for field, each in CHANGES.items() for one in each])
def test_every_field_moves_the_id_and_is_the_only_one_that_changed(field: str, changed: Recipe) -> None:
    before, after = trial_identity(RECIPE, FINGERPRINT), trial_identity(changed, FINGERPRINT)
    assert trial_id(before) != trial_id(after)
    differ = {one.name for one in fields(TrialIdentity) if getattr(before, one.name) != getattr(after, one.name)}
    assert differ == {field}


def test_iterations_take_the_place_of_epochs() -> None:
    """A trial of its own, even where it is as many updates: an identity does not know how many images there are."""
    counted = [replace(RECIPE, epochs=None, iterations=number) for number in (71, 72)]
    assert len({id_of(RECIPE), *map(id_of, counted)}) == 3
    told = json.loads(trial_identity(counted[0], FINGERPRINT).json())
    assert told["iterations"] == 71
    assert "epochs" not in told


@pytest.mark.parametrize("lengths", [{"epochs": 3, "iterations": 3}, {"epochs": None}])
def test_a_recipe_counts_one_of_the_two(lengths: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="a training counts epochs or iterations"):
        replace(RECIPE, **lengths)


def test_all_changes_have_ids_of_their_own() -> None:
    every = [RECIPE, *(one for each in CHANGES.values() for one in each)]
    assert len({id_of(recipe) for recipe in every}) == len(every)


@pytest.mark.parametrize("field", [field.name for field in fields(TrialIdentity)])
def test_every_field_is_hashed(field: str) -> None:
    identity = trial_identity(RECIPE, FINGERPRINT)
    other: dict[type, Any] = {
        str: "other",
        int: 99,
        bool: None,
        type(None): 7,
        Part: Part("other", (), 1),
        tuple: (),
        Parent: Scratch(),
    }
    changed = replace(identity, **{field: other[type(getattr(identity, field))]})
    assert trial_id(changed) != trial_id(identity)


@pytest.mark.parametrize("field", ["data", "model", "method", "optimizer", "schedule"])
def test_a_raised_revision_moves_the_id(field: str) -> None:
    identity = trial_identity(RECIPE, FINGERPRINT)
    raised = replace(identity, **{field: replace(getattr(identity, field), revision=99)})
    assert trial_id(raised) != trial_id(identity)


def test_what_changes_no_result_moves_no_id() -> None:
    same = [
        replace(RECIPE, data=Component.of("mnist_5k", {"train": 3000})),
        replace(RECIPE, method=Component.of("stability_training", {"alpha": 0.1 + 1e-15, "divergence": "kl"})),
        replace(RECIPE, distortions=(Component.of("rotation", {"degrees": 30.0}), NOISE)),
        replace(RECIPE, optimizer=Component.of("sgd", {"lr": 0.01, "momentum": 0.9, "bias_lr": 1})),
    ]
    assert {id_of(recipe) for recipe in same} == {id_of(RECIPE)}


def test_where_data_and_weights_lie_moves_no_id() -> None:
    here, there = (
        replace(RECIPE, data=Component.of("cifar10", {"root": root, "download": True})) for root in ("a", "b")
    )
    assert id_of(here) == id_of(there)
    first, second = (replace(RECIPE, start=WeightsFile(path=path, fingerprint="f")) for path in ("a", "b"))
    assert id_of(first) == id_of(second)


def test_identity_defaults_are_left_out() -> None:
    told = json.loads(trial_identity(RECIPE, FINGERPRINT).json())
    assert {"precision", "compile", "iterations", "shuffle", "flip", "crop"}.isdisjoint(told)
    assert json.loads(trial_identity(replace(RECIPE, compile=True), FINGERPRINT).json())["compile"] is True


@dataclass(frozen=True, kw_only=True)
class First(Parameterised):
    """A component as it began."""

    kept: float = parameter(default=1.0)


@dataclass(frozen=True, kw_only=True)
class Grown(First):
    """The same with a parameter added later, whose default is what was done before."""

    added: float = parameter(default=2.0, identity_default=2.0)
    folder: str = parameter(default="here", identity=False)


def test_a_parameter_at_its_identity_default_is_left_out() -> None:
    first, grown = (part("grown", kind, parameters(kind), complete(kind, {})) for kind in (First, Grown))
    assert first == grown
    given = part("grown", Grown, parameters(Grown), complete(Grown, {"added": 3}))
    assert given.parameters == (("added", 3.0), ("kept", 1.0))


def test_the_identity_is_canonical_json() -> None:
    text = trial_identity(RECIPE, FINGERPRINT).json()
    assert canonical(json.loads(text)) == text
    assert len(trial_id(trial_identity(RECIPE, FINGERPRINT))) == 16


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0), (0.1, 0.1 + 1e-14), (0.0, -0.0), ({"b": 1, "a": 2}, {"a": 2.0, "b": 1.0}), ((1, 2), (1.0, 2.0)),
    ],
)  # fmt: skip
def test_equal_values_have_one_form(one: object, other: object) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), ("1", 1), (0.1, 0.1000000000011), (None, "null")])
def test_unequal_values_have_two(one: object, other: object) -> None:
    assert canonical(one) != canonical(other)


CONDITION: dict[str, Any] = {
    "data": Component.of("mnist_5k"),
    "fingerprint": FINGERPRINT,
    "split": "test",
    "family": "sweep",
    "steps": (NOISE,),
    "seed": 0,
    "precision": "float32",
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("data", Component.of("mnist_5k", {"test": 100})),
        ("fingerprint", "f"),
        ("split", "validation"),
        ("steps", ()),
        ("steps", (ROTATION, NOISE)),
        ("steps", (Component.of("gaussian_noise", {"sigma": 0.31}),)),
        ("seed", 1),
        ("precision", "bfloat16"),
    ],
)
def test_every_field_of_a_condition_moves_its_id(field: str, value: object) -> None:
    assert condition_id(**CONDITION) != condition_id(**{**CONDITION, field: value})


def test_every_revision_moves_a_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    before = condition_id(**CONDITION)
    monkeypatch.setattr("study.identity.EVALUATION_REVISION", EVALUATION_REVISION + 1)
    assert condition_id(**CONDITION) != before


def test_the_loop_s_revision_moves_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    before = id_of(RECIPE)
    monkeypatch.setattr("study.identity.LOOP_REVISION", LOOP_REVISION + 1)
    assert id_of(RECIPE) != before


def test_golden_ids() -> None:
    """Ids that are in somebody's store. A change here means a `revision` was raised, or a mistake."""
    assert id_of(RECIPE) == "980e6732ea250940"
    assert condition_id(**CONDITION) == "d660d918a468f5c1"
    assert hashed("") == "e3b0c44298fc1c14"
