"""golden_metrics.json once more: the views over the tables give what the pure functions do."""

from collections.abc import Mapping

import pytest
import torch

from study.plan import ALEXNET
from study.query import Tables
from tests.golden.ledger import Check, Golden
from tests.golden.metric_checks import cell
from tests.study.query import benchmarked
from tests.study.query.benchmarked import Corrupted
from trainables.corruption_errors import Counted
from trainables.records import Flips

IMAGES, PAIRS = 10_000, 100_000
"""The file's rates are whole shares of these."""
NETWORK, BASELINE = benchmarked.trial("network", "Network"), benchmarked.trial("baseline", "Baseline")


def views_of_predictions(golden: Golden) -> None:
    case = golden["ce_case_predictions"]
    labels = torch.tensor(case["labels"])
    store, plan = benchmarked.empty_store(), _plan_of(case["network"]["corrupted"], "Baseline")
    for trial in (NETWORK, BASELINE):
        predictions = case[trial.trial_id]
        corrupted = {
            name: [cell(labels, torch.tensor(one)) for one in predictions["corrupted"][name]]
            for name in predictions["corrupted"]
        }
        clean = cell(labels, torch.tensor(predictions["clean"]))
        benchmarked.commit_errors(store, plan, trial, clean, corrupted)
    _errors_are(case["expected"], benchmarked.launched(store, plan))


def views_against_alexnet(golden: Golden) -> None:
    case = golden["ce_case_alexnet"]
    errors = case["network_errors"]
    store, plan = benchmarked.empty_store(), _plan_of(errors, ALEXNET)
    corrupted: Corrupted = {name: [_counted(error) for error in errors[name]] for name in errors}
    benchmarked.commit_errors(store, plan, NETWORK, _counted(case["network_clean"]), corrupted)
    _errors_are(case["expected_with_6digit_normalisers"], benchmarked.launched(store, plan))


def views_of_flips(golden: Golden) -> None:
    case = golden["mfr_case"]
    store = benchmarked.empty_store()
    plan = benchmarked.plan("perturbation", dict.fromkeys(case["flip_prob"], (None,)), [NETWORK], ALEXNET)
    moved = {name: (_flips(case["flip_prob"][name], case["ut5d"][name]),) for name in case["flip_prob"]}
    benchmarked.commit_flips(store, plan, NETWORK, moved)
    tables = benchmarked.launched(store, plan)
    rows = tables.sql("flip_rates").to_pylist()
    _same(case["flip_rate"], {row["perturbation"]: row["flip_rate"] for row in rows})
    _same(case["t5d"], {row["perturbation"]: row["t5d"] for row in rows})
    (mean,) = tables.sql("mfr").to_pylist()
    case.equals("mFR", mean["mfr"])
    case.equals("mT5D", mean["mt5d"])


def _plan_of(names: Mapping[str, object], normalizer: str) -> benchmarked.Plan:
    return benchmarked.plan("corruption", dict.fromkeys(names, range(1, 6)), [NETWORK, BASELINE], normalizer)


def _counted(error: float) -> Counted:
    return Counted(n=IMAGES, correct=IMAGES - round(error * IMAGES))


def _flips(probability: float, distance: float) -> Flips:
    return Flips(
        difficulty=1,
        sequences=IMAGES,
        pairs=PAIRS,
        flips=round(probability * PAIRS),
        top5_distance_sum=round(distance * PAIRS),
        zipf_distance_sum=0.0,
    )


def _errors_are(expected: Golden, tables: Tables) -> None:
    rows = tables.sql("FROM ce WHERE label = 'Network'").to_pylist()
    _same(expected["CE"], {row["corruption"]: row["ce"] for row in rows})
    _same(expected["relative_CE"], {row["corruption"]: row["relative_ce"] for row in rows})
    (mean,) = tables.sql("FROM mce WHERE label = 'Network'").to_pylist()
    expected.equals("mCE", mean["mce"])
    expected.equals("relative_mCE", mean["relative_mce"])


def _same(expected: Mapping[str, float], found: Mapping[str, float]) -> None:
    assert dict(expected) == pytest.approx(found, rel=1e-9)
    assert expected.keys() == found.keys()


CHECKS: tuple[Check, ...] = (views_of_predictions, views_against_alexnet, views_of_flips)
