"""The views of benchmarks say what the pure functions do, and no mean hides what it is over."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from study.plan import ALEXNET, Plan, PlannedTrial
from study.query import Tables
from study.store import Store
from tests.study.query import benchmarked
from tests.study.query.benchmarked import Corrupted, commit_errors, commit_flips, empty_store, launched, trial
from tests.study.store import small
from trainables import alexnet, corruption_errors
from trainables.corruption_errors import Counted, NetworkErrors
from trainables.normalisation import MAIN_CORRUPTIONS, MAIN_PERTURBATIONS, mean_over, ratios
from trainables.recipe import Parent
from trainables.records import Flips

NAMES = (*MAIN_CORRUPTIONS, "spatter", "saturate")
EVERY = dict.fromkeys(NAMES, range(1, 6))
BASE, OTHER = trial("base", "Baseline"), trial("other", "Other")
CLEAN = {"base": Counted(n=1000, correct=900), "other": Counted(n=1000, correct=870)}


def rows(tables: Tables, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tables.sql(sql).to_pylist()
    return found


def drawn(seed: int, names: Sequence[str] = NAMES) -> Corrupted:
    draws = random.Random(seed)
    return {name: [Counted(n=1000, correct=draws.randrange(100, 850)) for _ in range(5)] for name in names}


def studied(normalizer: str | None, *counted: tuple[PlannedTrial, Corrupted]) -> Tables:
    """A study of all severities of NAMES."""
    store, plan = empty_store(), benchmarked.plan("corruption", EVERY, [one for one, _ in counted], normalizer)
    for one, corrupted in counted:
        commit_errors(store, plan, one, CLEAN.get(one.trial_id, CLEAN["base"]), corrupted)
    return launched(store, plan)


@pytest.mark.parametrize("normalizer", ["Baseline", ALEXNET])
def test_ce_and_mce_are_what_the_functions_of_counts_give(normalizer: str) -> None:
    tables = studied(normalizer, (BASE, drawn(1)), (OTHER, drawn(2)))
    networks = {
        one.trial_id: NetworkErrors.of(CLEAN[one.trial_id], drawn(seed)) for one, seed in ((BASE, 1), (OTHER, 2))
    }
    normal = networks["base"] if normalizer == "Baseline" else corruption_errors.ALEXNET
    for trial_id, network in networks.items():
        found = {row["corruption"]: row for row in rows(tables, f"FROM ce WHERE trial_id = '{trial_id}'")}
        expected = corruption_errors.corruption_errors(network, normal)
        relative = corruption_errors.relative_corruption_errors(network, normal)
        assert {name: row["ce"] for name, row in found.items()} == pytest.approx(expected)
        assert {name: row["relative_ce"] for name, row in found.items()} == pytest.approx(relative)
        assert {name: row["error"] for name, row in found.items()} == pytest.approx(dict(network.corrupted))
        (mean,) = rows(tables, f"FROM mce WHERE trial_id = '{trial_id}'")
        assert mean["mce"] == pytest.approx(mean_over(MAIN_CORRUPTIONS, expected))
        assert mean["relative_mce"] == pytest.approx(mean_over(MAIN_CORRUPTIONS, relative))
        assert mean["mean_error"] == pytest.approx(mean_over(MAIN_CORRUPTIONS, network.corrupted))
        assert (mean["corruptions"], mean["severities"], mean["normalizer"]) == ("15 of 15", 5, normalizer)


def test_the_normaliser_by_itself_is_one() -> None:
    tables = studied("Baseline", (BASE, drawn(1)))
    assert {row["ce"] for row in rows(tables, "ce")} == {1.0}
    (mean,) = rows(tables, "mce")
    assert (mean["mce"], mean["relative_mce"]) == pytest.approx((1, 1))


@pytest.mark.parametrize("costs", [(4, -8, -1, 7, -2), (9, -7, -1, -6, 5), (3, 0, 0, 0, 0)])
def test_what_costs_the_normaliser_nothing_has_no_relative_error(costs: Sequence[int]) -> None:
    for_free = [Counted(n=1000, correct=900 + more) for more in costs]
    tables = studied("Baseline", (BASE, {**drawn(1), "fog": for_free}), (OTHER, drawn(2)))
    relative = [row["relative_ce"] for row in rows(tables, "FROM ce WHERE corruption = 'fog'")]
    assert relative == [None, None]
    means = rows(tables, "mce")
    assert {(row["relative_mce"], row["no_relative_ce"]) for row in means} == {(None, "fog")}
    network = NetworkErrors.of(CLEAN["base"], {"fog": for_free})
    assert math.isnan(corruption_errors.relative_corruption_errors(network, network)["fog"])


def test_extras_are_in_no_mean() -> None:
    worse = {name: row if name in MAIN_CORRUPTIONS else drawn(9)[name] for name, row in drawn(2).items()}
    before, after = (
        rows(studied("Baseline", (BASE, drawn(1)), (OTHER, other)), "FROM mce WHERE label = 'Other'")
        for other in (drawn(2), worse)
    )
    assert before == after
    extra = rows(studied("Baseline", (BASE, drawn(1))), "SELECT corruption FROM ce WHERE extra")
    assert extra == [{"corruption": "spatter"}, {"corruption": "saturate"}]


def test_means_are_also_told_without_what_was_seen_and_without_noise() -> None:
    inherited = replace(
        small.trial("child", "Child", small.stability(1.0), start=Parent(trial_id="st")), shown=("fog", "shear")
    )
    parent = replace(small.trial("st", "ST", small.stability(1.0)), shown=("gaussian_noise",))
    tables = studied("Baseline", (BASE, drawn(1)), (parent, drawn(2)), (inherited, drawn(3)))
    for trial_id, seen in (("base", []), ("st", ["gaussian_noise"]), ("child", ["gaussian_noise", "fog"])):
        found = {row["corruption"]: row for row in rows(tables, f"FROM ce WHERE trial_id = '{trial_id}'")}
        assert [name for name, row in found.items() if row["seen"]] == seen
        (mean,) = rows(tables, f"FROM mce WHERE trial_id = '{trial_id}'")
        main = {name: found[name]["ce"] for name in MAIN_CORRUPTIONS}
        assert mean["seen"] == (", ".join(seen) or None)
        assert mean["mce_without_seen"] == pytest.approx(mean_over([one for one in main if one not in seen], main))
        noiseless = [one for one in main if not one.endswith("noise")]
        assert (len(noiseless), mean["mce_without_noise"]) == (12, pytest.approx(mean_over(noiseless, main)))


def test_without_a_baseline_only_the_error_is_there() -> None:
    tables = studied(None, (OTHER, drawn(2)))
    (mean,) = rows(tables, "mce")
    assert [mean[name] for name in ("mce", "relative_mce", "mce_without_seen", "normalizer")] == [None] * 4
    assert mean["mean_error"] == pytest.approx(
        mean_over(MAIN_CORRUPTIONS, NetworkErrors.of(CLEAN["other"], drawn(2)).corrupted)
    )
    assert {row["ce"] for row in rows(tables, "ce")} == {None}


def partly(normalizer: str, names: dict[str, int], of_base: dict[str, int]) -> Tables:
    """Corruptions with how many severities each trial was tested at."""
    store = empty_store()
    plan = benchmarked.plan(
        "corruption", {name: range(1, many + 1) for name, many in names.items()}, [BASE, OTHER], normalizer
    )
    for one, there in ((BASE, of_base), (OTHER, names)):
        counted = {name: drawn(3)[name][:many] for name, many in there.items()}
        commit_errors(store, plan, one, CLEAN[one.trial_id], counted)
    return launched(store, plan)


def test_a_mean_says_what_it_lacks() -> None:
    names = {name: 5 for name in NAMES if name not in ("frost", "snow")} | {"fog": 3}
    (mean,) = rows(partly("Baseline", names, names), "FROM mce WHERE label = 'Other'")
    assert (mean["corruptions"], mean["severities"], mean["mce"]) == ("13 of 15: without snow, frost", 3, 1.0)
    (fog,) = rows(partly("Baseline", names, names), "FROM ce WHERE label = 'Other' AND corruption = 'fog'")
    assert (fog["severities"], fog["ce"]) == (3, 1.0)


def test_where_the_normaliser_lacks_a_cell_there_is_no_ratio_and_no_mean() -> None:
    names = {"fog": 5, "contrast": 5}
    tables = partly("Baseline", names, {"fog": 4, "contrast": 5})
    found = {row["corruption"]: row["ce"] for row in rows(tables, "FROM ce WHERE label = 'Other'")}
    assert found == {"fog": None, "contrast": 1.0}
    (mean,) = rows(tables, "FROM mce WHERE label = 'Other'")
    assert (mean["mce"], mean["corruptions"][:7]) == (None, "2 of 15")


def test_alexnet_has_each_severity_of_the_main_ones_and_the_sum_alone_of_the_extra_ones() -> None:
    tables = partly(ALEXNET, {"fog": 3, "spatter": 3, "saturate": 5}, {})
    found = {row["corruption"]: row["ce"] for row in rows(tables, "FROM ce WHERE label = 'Other'")}
    errors = [one.error for one in drawn(3)["fog"][:3]]
    assert found["fog"] == pytest.approx(sum(errors) / sum(alexnet.CORRUPTION_ERRORS["fog"][:3]))
    assert found["spatter"] is None
    assert found["saturate"] is not None


def test_images_that_came_about_in_another_way_are_divided_by_nothing() -> None:
    store, plan = empty_store(), benchmarked.plan("corruption", EVERY, [BASE, OTHER], "Baseline")
    commit_errors(store, plan, BASE, CLEAN["base"], drawn(1), "one codec")
    commit_errors(store, plan, OTHER, CLEAN["other"], drawn(2), "another codec")
    tables = launched(store, plan)
    assert {row["label"]: row["mce"] for row in rows(tables, "mce")} == {"Baseline": pytest.approx(1), "Other": None}
    assert {row["rendering"] for row in rows(tables, "mce")} == {"one codec", "another codec"}


def test_replicates_of_the_normaliser_count_by_their_mean() -> None:
    again = trial("again", "Baseline", replicate=1)
    tables = studied("Baseline", (BASE, drawn(1)), (again, drawn(4)))
    sums = {seed: sum(one.error for one in drawn(seed)["fog"]) for seed in (1, 4)}
    (row,) = rows(tables, "FROM ce WHERE trial_id = 'again' AND corruption = 'fog'")
    assert row["ce"] == pytest.approx(2 * sums[4] / (sums[1] + sums[4]))


def test_a_label_called_alexnet_is_that_label() -> None:
    tables = studied(ALEXNET, (trial("base", ALEXNET), drawn(1)))
    assert {row["ce"] for row in rows(tables, "ce")} == {1.0}


FRAMES = {1: 300, 2: 290, 3: 280}
"""Difficulty → pairs."""
MOTIONS = (*MAIN_PERTURBATIONS, "shear")


def moved(seed: int, classes_known: bool = True) -> dict[str, list[Flips]]:
    draws = random.Random(seed)
    return {
        name: [
            Flips(
                difficulty=difficulty,
                sequences=10,
                pairs=pairs,
                flips=draws.randrange(20, 200),
                top5_distance_sum=draws.randrange(200, 2000) if classes_known else None,
                zipf_distance_sum=0.0,
            )
            for difficulty, pairs in FRAMES.items()
        ]
        for name in MOTIONS
    }


def in_motion(normalizer: str | None, classes_known: bool = True) -> Tables:
    store = empty_store()
    plan = benchmarked.plan("perturbation", dict.fromkeys(MOTIONS, (None,)), [BASE, OTHER], normalizer)
    for seed, one in enumerate((BASE, OTHER)):
        commit_flips(store, plan, one, moved(seed, classes_known))
    return launched(store, plan)


def at(seed: int, difficulty: int, measure: str) -> dict[str, float]:
    return {name: getattr(row[difficulty - 1], measure) for name, row in moved(seed).items()}


@pytest.mark.parametrize("difficulty", FRAMES)
@pytest.mark.parametrize("normalizer", ["Baseline", ALEXNET])
def test_flip_rates_and_their_means_are_what_the_functions_give(normalizer: str, difficulty: int) -> None:
    tables = in_motion(normalizer)
    each = rows(tables, f"FROM flip_rates WHERE label = 'Other' AND difficulty = {difficulty}")
    (mean,) = rows(tables, f"FROM mfr WHERE label = 'Other' AND difficulty = {difficulty}")
    published = {"flip_probability": alexnet.FLIP_PROBABILITIES, "top5_distance": alexnet.TOP5_DISTANCES}
    for measure, ratio, name in (("flip_probability", "flip_rate", "mfr"), ("top5_distance", "t5d", "mt5d")):
        network = at(1, difficulty, measure)
        assert {row["perturbation"]: row[measure] for row in each} == pytest.approx(network)
        found = {row["perturbation"]: row[ratio] for row in each}
        assert mean[f"mean_{measure}"] == pytest.approx(mean_over(MAIN_PERTURBATIONS, network))
        if normalizer == ALEXNET and difficulty > 1:
            assert (set(found.values()), mean[name]) == ({None}, None)
        else:
            normal = at(0, difficulty, measure) if normalizer == "Baseline" else published[measure]
            assert found == pytest.approx(ratios(network, normal))
            assert mean[name] == pytest.approx(mean_over(MAIN_PERTURBATIONS, found))
    assert mean["perturbations"] == "10 of 10"


def test_below_five_classes_flips_are_told_and_distances_are_not() -> None:
    (mean, *_) = rows(in_motion("Baseline", classes_known=False), "FROM mfr WHERE label = 'Other' AND difficulty = 1")
    assert (mean["mt5d"], mean["mean_top5_distance"]) == (None, None)
    assert mean["mfr"] is not None


def test_a_mean_is_at_difficulties_that_all_were_tested_at() -> None:
    store = empty_store()
    plan = benchmarked.plan("perturbation", {"rotate": (None,), "tilt": (None,)}, [BASE], "Baseline")
    flips = moved(0)
    commit_flips(store, plan, BASE, {"rotate": flips["rotate"], "tilt": flips["tilt"][:1]})
    (mean,) = rows(launched(store, plan), "mfr")
    assert (mean["difficulty"], mean["perturbations"][:7]) == (1, "2 of 10")
    assert len(rows(launched(store, plan), "flip_rates")) == 4


def test_what_the_normaliser_never_flips_under_is_named() -> None:
    store = empty_store()
    plan = benchmarked.plan("perturbation", {"rotate": (None,), "tilt": (None,)}, [BASE], "Baseline")
    flips = moved(0)
    still = tuple(replace(one, flips=0) for one in flips["tilt"])
    commit_flips(store, plan, BASE, {"rotate": flips["rotate"], "tilt": still})
    means = rows(launched(store, plan), "mfr")
    assert {(row["mfr"], row["no_flip_rate"]) for row in means} == {(None, "tilt")}


def test_trials_say_what_their_training_took(store_of_two: tuple[Store, Plan]) -> None:
    tables = launched(*store_of_two)
    assert rows(tables, "SELECT DISTINCT images_seen, labels_used FROM trials") == [
        {"images_seen": 18000, "labels_used": 9000}
    ]
    assert rows(tables, "SELECT DISTINCT images_seen, labels_used FROM mce") == [
        {"images_seen": 18000, "labels_used": 9000}
    ]


@pytest.fixture
def store_of_two() -> tuple[Store, Plan]:
    store, plan = empty_store(), benchmarked.plan("corruption", {"fog": (1,)}, [BASE, OTHER], "Baseline")
    for one in (BASE, OTHER):
        commit_errors(store, plan, one, CLEAN[one.trial_id], {"fog": drawn(1)["fog"][:1]})
    return store, plan
