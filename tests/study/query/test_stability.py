"""Noise stability in views: shares on a network's own images and on those of a pair, as a plain loop has them."""

from dataclasses import replace
from uuid import uuid4

import pytest

from study.plan import Plan
from study.query import Tables, open_tables
from study.store import Store
from tests.study.store import small
from trainables.noise_stability import NAME, StabilityTest
from trainables.recipe import Condition
from trainables.records import Cell, NoiseStability

TEST = StabilityTest(sigma=40.0, draws=10, per_class=2, spare=1, stages=(1, 3), counts="epochs")
LABELS = [0, 1, 0, 1, 0, 0, 1, 1, 0, 1]
"""Of ten images of two classes."""
RIGHT = {"base": (0, 1, 3, 4, 5, 6), "st-0": (0, 1, 2, 3, 4, 7), "st-1": (2, 9)}


def plan() -> Plan:
    base = small.plan()
    noise = Condition(
        condition_id="noise", data=base.conditions[0].data, split="test", family=NAME, test_distortion=NAME,
        parameter="sigma", level=TEST.sigma, steps=(TEST.step(),),
    )  # fmt: skip
    return replace(base, conditions=(*base.conditions, noise))


def changed(trial_id: str, stage: int, image: int) -> int:
    return (len(trial_id) * 3 + 5 * stage + 7 * image) % 11


def rows(trial_id: str) -> tuple[NoiseStability, ...]:
    images = RIGHT[trial_id]
    return tuple(
        NoiseStability(
            stage=stage, counts="epochs", draws=10, classes=2, per_class=2, images=images,
            labels=tuple(LABELS[one] for one in images), changed=tuple(changed(trial_id, stage, one) for one in images),
        )
        for stage in TEST.stages
    )  # fmt: skip


@pytest.fixture
def tables() -> Tables:
    store, planned = Store.open(f"memory://{uuid4().hex}"), plan()
    small.run(store, small.plan(), dict.fromkeys(RIGHT, 500))
    store.record_launch(planned, "study: small", {"time": "2026-01-01T12:00:00+00:00"})
    for trial_id, images in RIGHT.items():
        cell = Cell(
            condition_id="noise", n=10, correct=len(images), top5_correct=None, loss_sum=None, confidence_sum=None,
            at_chance=False, correct_bits=b"\0\0", noise_stability=rows(trial_id),
        )  # fmt: skip
        store.commit_cells(trial_id, planned.conditions, [cell], "stages")
    return open_tables(store, planned.study)


def first_two(images: list[int]) -> list[int]:
    """Of each class."""
    before = [sum(LABELS[other] == LABELS[one] for other in images[:place]) for place, one in enumerate(images)]
    return [one for one, number in zip(images, before, strict=True) if number < 2]


def share(trial_id: str, stage: int, images: list[int]) -> float:
    return sum(changed(trial_id, stage, one) for one in images) / (10 * len(images))


def test_a_network_is_told_on_the_first_of_each_class_that_it_has_right(tables: Tables) -> None:
    found = tables.sql("FROM noise_stability").to_pylist()
    assert [(row["trial_id"], row["stage"]) for row in found] == [
        (trial_id, stage) for trial_id in RIGHT for stage in TEST.stages
    ]
    for row in found:
        images = first_two(list(RIGHT[row["trial_id"]]))
        assert row["images"] == len(images)
        assert row["changed"] == pytest.approx(share(row["trial_id"], row["stage"], images))
        assert (row["role"], row["sigma"], row["draws"]) == (f"stage-{row['stage']}", 40.0, 10)
    assert {row["trial_id"]: row["short"] for row in found} == {
        "base": None,
        "st-0": None,
        "st-1": "class 0 has 1 of 2 images, class 1 1; lower per_class, or raise spare",
    }


def test_a_pair_is_told_on_the_first_of_each_class_that_both_have_right(tables: Tables) -> None:
    found = {(row["trial_id"], row["stage"]): row for row in tables.sql("FROM stability_pairs").to_pylist()}
    assert list(found) == [(trial_id, stage) for trial_id in ("st-0", "st-1") for stage in TEST.stages]
    common = first_two(sorted(set(RIGHT["base"]) & set(RIGHT["st-0"])))
    assert common == [0, 1, 3, 4]
    for stage in TEST.stages:
        row = found["st-0", stage]
        own, other = share("st-0", stage, common), share("base", stage, common)
        assert (row["baseline_id"], row["images"], row["fewest"], row["short"]) == ("base", 4, 2, None)
        assert (row["changed"], row["baseline_changed"]) == (pytest.approx(own), pytest.approx(other))
        assert row["difference"] == pytest.approx(own - other)
    nothing = found["st-1", 1]
    assert (nothing["images"], nothing["fewest"], nothing["changed"], nothing["difference"]) == (0, 0, None, None)
    assert nothing["short"].startswith("class 0 has 0 of 2 images")


def test_any_two_can_be_compared_image_by_image(tables: Tables) -> None:
    (row,) = tables.sql(
        "SELECT sum(a.changed) AS a, sum(b.changed) AS b, count(*) AS images FROM noise_images AS a "
        "JOIN noise_images AS b USING (image, condition_id, role) "
        "WHERE a.trial_id = 'st-0' AND b.trial_id = 'st-1' AND a.stage = 3"
    ).to_pylist()
    assert row == {"a": changed("st-0", 3, 2), "b": changed("st-1", 3, 2), "images": 1}


def test_a_cell_of_stages_is_no_cell_of_the_kept_weights(tables: Tables) -> None:
    found = tables.sql("FROM evaluations WHERE family = 'noise_stability'").to_pylist()
    assert {(row["trial_id"], row["role"], row["correct"]) for row in found} == {
        (trial_id, "stages", len(images)) for trial_id, images in RIGHT.items()
    }
