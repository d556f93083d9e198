"""Laws of launches: append-only, numbered once, and the plan comes back as it was."""

import threading
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.plan import Plan, Resources
from study.store import CorruptObjectError, Store
from study.store.recipes import read_components, read_recipe, write_components, write_recipe
from tests.study.store import small
from trainables.recipe import Component, Parent, Recipe, Scratch, WeightsFile

SPEC = "study: small\ntitle: σ\n"


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store.open(tmp_path if request.param == "local" else f"memory://{uuid4().hex}")


def test_a_plan_comes_back_as_it_was(store: Store) -> None:
    plan = small.plan(sweeps=small.SWEEPS[::-1])
    recorded = store.record_launch(plan, SPEC, {"user": "ada"})
    launch = store.newest_launch("small")
    assert launch is not None
    assert launch.plan == recorded.plan == plan
    assert (launch.number, launch.study, launch.title) == (1, "small", plan.title)
    assert (launch.spec_text, launch.provenance) == (SPEC, {"user": "ada"})


def test_a_plan_without_sweeps_and_with_a_trial_under_two_labels_comes_back(store: Store) -> None:
    twice = replace(small.ST[0], label="ST too", resources=Resources(cpus=2, gpus=0.5))
    plan = small.plan([small.BASELINE, small.ST[0], twice], sweeps=())
    assert store.record_launch(plan, SPEC, {}).plan == plan


def test_the_same_launch_again_adds_nothing(store: Store) -> None:
    first = store.record_launch(small.plan(), SPEC, {"time": 1})
    again = store.record_launch(small.plan(), SPEC, {"time": 2})
    assert (first.number, again.number, again.provenance) == (1, 1, {"time": 1})


@pytest.mark.parametrize(
    ("plan", "spec"),
    [
        (small.plan(trials=[small.BASELINE]), SPEC),
        (small.plan(sweeps=small.SWEEPS[:1]), SPEC),
        (replace(small.plan(), title="Another"), SPEC),
        (replace(small.plan(), kinds=(("rotation", "transformative"),)), SPEC),
        (small.plan(), "study: small # reworded"),
    ],
)
def test_any_change_is_a_new_launch_and_the_newest_counts(store: Store, plan: Plan, spec: str) -> None:
    store.record_launch(small.plan(), SPEC, {})
    assert store.record_launch(plan, spec, {}).number == 2
    newest = store.newest_launch("small")
    assert newest is not None
    assert (newest.plan, newest.spec_text) == (plan, spec)


def test_studies_are_those_that_were_launched(store: Store) -> None:
    assert store.studies() == ()
    for name in ("b", "a"):
        store.record_launch(small.plan(study=name), SPEC, {})
    assert store.studies() == ("a", "b")
    assert store.newest_launch("c") is None


def test_a_record_cut_off_by_a_kill_is_not_there_and_keeps_its_number(store: Store) -> None:
    store.record_launch(small.plan(), SPEC, {})
    store.objects.put("studies/small/launches/2/spec.yaml", b"")
    store.objects.put("studies/half/launches/1/spec.yaml", b"")
    assert store.record_launch(small.plan(trials=[small.BASELINE]), SPEC, {}).number == 3
    assert store.studies() == ("small",)


def test_two_writers_never_take_the_same_number(tmp_path: Path) -> None:
    plans = [small.plan(trials=[trial]) for trial in (small.BASELINE, *small.ST)]
    numbers: list[int] = []

    def write(plan: Plan) -> None:
        numbers.append(Store.open(tmp_path).record_launch(plan, SPEC, {}).number)

    writers = [threading.Thread(target=write, args=(plan,)) for plan in plans]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(numbers) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ["plan.parquet", "conditions.parquet", "provenance.json"])
def test_a_truncated_record_is_named(store: Store, name: str) -> None:
    store.record_launch(small.plan(), SPEC, {"user": "ada"})
    path = f"studies/small/launches/1/{name}"
    store.objects.put(path, store.objects.get(path)[:-9])
    with pytest.raises(CorruptObjectError, match=f"launches/1/{name}: not .*"):
        store.newest_launch("small")


def test_the_symbols_of_papers_are_recorded_beside_the_parameters(store: Store) -> None:
    table = store.record_launch(small.plan(), SPEC, {}).membership
    rows = {row["trial_id"]: row["parameters"] for row in table.to_pylist()}
    said = {
        (one["owner"], one["name"]): one["symbol"] for row in rows.values() for one in row if one["symbol"]
    }  # fmt: skip
    assert said["method", "alpha"] == "α"
    assert said["distortion", "degrees"] == "ρ"
    assert said["attack", "epsilon"] == "ε"


NUMBERS = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))
LISTS = st.lists(NUMBERS, min_size=1, max_size=3).map(tuple)
VALUES = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(), LISTS)
COMPONENTS = st.builds(Component.of, st.text(), st.dictionaries(st.text(), VALUES, max_size=4))
STARTS = st.one_of(
    st.just(Scratch()),
    st.builds(Parent, trial_id=st.text(), role=st.sampled_from(["best", "last"])),
    st.builds(WeightsFile, path=st.text(), fingerprint=st.text()),
)
RECIPES = st.builds(
    lambda length, **fields: Recipe(**length, **fields),
    length=st.one_of(*(st.fixed_dictionaries({name: st.integers(1, 99)}) for name in ("epochs", "iterations"))),
    data=COMPONENTS,
    model=COMPONENTS,
    method=COMPONENTS,
    distortions=st.lists(COMPONENTS, max_size=3).map(tuple),
    start=STARTS,
    batch_size=st.integers(1, 999),
    shuffle=st.booleans(),
    flip=st.booleans(),
    crop=st.integers(0, 9),
    optimizer=COMPONENTS,
    schedule=COMPONENTS,
    select=st.sampled_from(["best_validation", "last"]),
    precision=st.sampled_from(["float32", "bfloat16"]),
    compile=st.booleans(),
    threads=st.integers(1, 8),
    replicate=st.integers(0, 9),
)


@settings(max_examples=50, deadline=None)
@given(RECIPES)
def test_any_recipe_comes_back_with_values_of_the_same_type(recipe: Recipe) -> None:
    again = read_recipe(write_recipe(recipe))
    assert repr(again) == repr(recipe)
    assert read_components(write_components(*recipe.distortions)) == recipe.distortions
