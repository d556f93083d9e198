"""golden_metrics.json: corruption errors, flips and distances of rankings.

Expected values come from the released functions of ImageNet-P, and from the paper's formulas in float64.
"""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from tests.golden.ledger import Check, Golden, double
from trainables import alexnet
from trainables.corruption_errors import (
    ALEXNET,
    Counted,
    NetworkErrors,
    corruption_errors,
    relative_corruption_errors,
)
from trainables.flips import Flips, FlipTally, top5_distance, zipf_distance
from trainables.normalisation import MAIN_CORRUPTIONS, MAIN_PERTURBATIONS, mean_over, ratios

PRINTED = NetworkErrors(clean=alexnet.CLEAN_ERROR, corrupted=alexnet.PRINTED_CORRUPTION_ERRORS)


def normalisers(golden: Golden) -> None:
    table = golden["alexnet"]
    assert dict(table["mean_corruption_error_paper"]) == alexnet.PRINTED_CORRUPTION_ERRORS
    same(table["mean_corruption_error_6digit_augmix"], {name: ALEXNET.corrupted[name] for name in MAIN_CORRUPTIONS})
    assert table["clean_error_paper"] == alexnet.CLEAN_ERROR
    assert dict(table["flip_prob_paper"]) == alexnet.FLIP_PROBABILITIES
    assert dict(table["ut5d_paper"]) == alexnet.TOP5_DISTANCES


def examples_of_distances(golden: Golden) -> None:
    examples = golden["sigma_examples"]
    assert [example["source"].split()[0] for example in examples] == ["paper"] * 8 + ["random"] * 12
    for example in examples:
        sigma = torch.tensor(example["sigma"])
        assert top5_distance(sigma) == example["top5"]
        example.equals("zipf", zipf_distance(sigma))


def sequences(golden: Golden) -> None:
    assert len(golden["sequence_cases"]) == 6
    for case in golden["sequence_cases"]:
        logits = double(case["logits"])
        assert logits.shape[2] == case["num_classes"]
        (noise,) = counted(logits, from_first=True)
        as_published(case["noise"], noise)
        temporal = {str(found.difficulty): found for found in counted(logits, from_first=False)}
        assert temporal.keys() == case["temporal"].keys()
        for difficulty, found in temporal.items():
            as_published(case["temporal"][difficulty], found)


def a_thousand_classes(golden: Golden) -> None:
    case = golden["rank_case_1000"]
    logits = -double(case["ranks"])
    (noise,), (temporal, *_) = counted(logits, from_first=True), counted(logits, from_first=False)
    for kind, found in (("noise", noise), ("temporal", temporal)):
        case.equals(f"{kind}_top5", found.top5_distance)
        case.equals(f"{kind}_zipf", found.zipf_distance)


def flip_rates(golden: Golden) -> None:
    case = golden["mfr_case"]
    for measure, published, rate, mean in (
        ("flip_prob", alexnet.FLIP_PROBABILITIES, "flip_rate", "mFR"),
        ("ut5d", alexnet.TOP5_DISTANCES, "t5d", "mT5D"),
    ):
        found = ratios(dict(case[measure]), published)
        same(case[rate], found)
        case.equals(mean, mean_over(MAIN_PERTURBATIONS, found))


def corruption_errors_of_predictions(golden: Golden) -> None:
    case = golden["ce_case_predictions"]
    network, baseline = (judged(case, who) for who in ("network", "baseline"))
    errors_are(case["expected"], network, baseline)


def corruption_errors_against_alexnet(golden: Golden) -> None:
    case = golden["ce_case_alexnet"]
    errors = case["network_errors"]
    network = NetworkErrors(
        clean=case["network_clean"], corrupted={name: sum(errors[name]) / len(errors[name]) for name in errors}
    )
    errors_are(case["expected_with_paper_normalisers"], network, PRINTED)
    errors_are(case["expected_with_6digit_normalisers"], network, ALEXNET)


def judged(case: Golden, who: str) -> NetworkErrors:
    """A network's errors from its predictions; the file's rates are the same."""
    labels, predictions = torch.tensor(case["labels"]), case[who]
    cells = {
        name: [cell(labels, torch.tensor(guess)) for guess in predictions["corrupted"][name]]
        for name in predictions["corrupted"]
    }
    clean = cell(labels, torch.tensor(predictions["clean"]))
    case.equals(f"{who}_clean", clean.error)
    for name, row in cells.items():
        case[f"{who}_errors"].equals(name, double([one.error for one in row]))
    return NetworkErrors.of(clean, cells)


def cell(labels: Tensor, predictions: Tensor) -> Counted:
    return Counted(n=len(labels), correct=int((labels == predictions).sum()))


def errors_are(expected: Golden, network: NetworkErrors, baseline: NetworkErrors) -> None:
    for name, found in (
        ("CE", corruption_errors(network, baseline)),
        ("relative_CE", relative_corruption_errors(network, baseline)),
    ):
        same(expected[name], found)
        expected.equals("mCE" if name == "CE" else "relative_mCE", mean_over(MAIN_CORRUPTIONS, found))


def counted(logits: Tensor, from_first: bool) -> tuple[Flips, ...]:
    """Of all sequences, one batch a sequence."""
    tally = FlipTally(from_first)
    for one in torch.split(logits, 1):
        tally.add(one)
    return tally.counts()


def as_published(expected: Golden, found: Flips) -> None:
    expected.equals("flip_prob", found.flip_probability)
    expected.equals("top5", found.top5_distance)
    expected.equals("zipf", found.zipf_distance)


def same(expected: Mapping[str, float], found: Mapping[str, float]) -> None:
    assert dict(expected) == pytest.approx(found, rel=1e-9, abs=1e-11)
    assert expected.keys() == found.keys()


CHECKS: tuple[Check, ...] = (
    normalisers,
    examples_of_distances,
    sequences,
    a_thousand_classes,
    flip_rates,
    corruption_errors_of_predictions,
    corruption_errors_against_alexnet,
)
