"""Claims: worlds in which all are right, all are wrong, or nothing differs; and what intervals cover."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dashboards.claim_words import MARKS, markdown, rows
from dashboards.claims import claims
from dashboards.page import document
from dashboards.pages import claims as claims_page
from dashboards.paired import Bits
from dashboards.ranges import best_weights, expected_range, range_weights
from dashboards.reading import read_results
from dashboards.redrawn import Bounded, Redrawn, average, exactly, intervals, lowest, ordered, redrawn, weighted
from dashboards.results import Results, strong_level
from dashboards.verdicts import Claim
from study.plan import Plan, PlannedTrial
from tests.dashboards import made
from trainables.recipe import Condition
from trainables.records import Cell

pytestmark = pytest.mark.slow

TEXT = """\
study: claimed
title: Claims that can be checked
data: {name: mnist_5k, train: 200, validation: 100, test: 400}
model: lenet
train: {from: Plain, epochs: 3, batch_size: 50, optimizer: {sgd: {lr: 0.01}}}
distortions:
  gaussian_noise: {sigma: [0.1]}
  thumbnail: {size: [14]}
  fgsm: {epsilon: [0.01, 0.1]}
  rotation: {degrees: [90]}
methods:
  Plain: {method: standard, from: scratch}
  steady: {method: stability_training, alpha: [0.1, 1], distortion: all}
  both ways: {method: stability_training, divergence: symmetric_kl, alpha: [0.1, 1], distortion: rotation}
  copies: {method: data_augmentation, p: [0.5, 1], distortion: all}
  more copies: {method: data_augmentation, p: [0.5, 1], distortion: gaussian_noise, epochs: 6}
  hard: {method: adversarial_training, distortion: fgsm}
evaluate:
  sweeps:
    gaussian_noise: {sigma: [0.1, 0.3], practical: 0.1}
    jpeg: {quality: [30, 5], practical: 30}
    thumbnail: {size: [19, 10], practical: 19}
    fgsm: {epsilon: [0.01, 0.05, 0.1], practical: 0.01}
    rotation: {degrees: [30, 90], practical: 30}
"""
FIGURES = """\
figures:
  1a: {train: gaussian_noise, test: gaussian_noise, methods: [steady, copies, more copies]}
  1b: {train: thumbnail, test: jpeg, methods: [steady, copies]}
  1c: {train: fgsm, test: fgsm, methods: [steady, copies, hard], pick_at: [0.01, 0.05]}
  2a: {train: rotation, test: rotation, methods: [steady, both ways, copies]}
"""
NAMES = ("ahead", "narrower", "above", "symmetric", "gaussian", "trade", "transfer")
World = Callable[[PlannedTrial, Condition], float]
"""The share of images that a trial has right under a condition."""


def right(trial: PlannedTrial, condition: Condition) -> float:
    """As the paper says."""
    method, trained, tested = trial.recipe.method, trial.train_distortion, condition.test_distortion
    matched = trained == tested
    if method.name == "standard":
        return 0.60
    if tested == "rotation" and trained != "rotation":
        return 0.61
    if method.name == "adversarial_training":
        return 0.66 if condition.level == 0.01 else 0.62
    if method.name == "data_augmentation":
        return 0.62 + 0.10 * matched - 0.08 * (method.parameters["p"] == 0.5 and trained != "gaussian_noise")
    strong = 0.30 if condition.level == 0.05 else 0.0
    symmetric = 0.06 * (method.parameters["divergence"] == "symmetric_kl")
    return 0.74 + symmetric + 0.10 * (trained == "gaussian_noise") - strong


def wrong(trial: PlannedTrial, condition: Condition) -> float:
    """The reverse of what it says."""
    method, trained, tested = trial.recipe.method, trial.train_distortion, condition.test_distortion
    if method.name == "standard":
        return 0.60
    if tested == "rotation" and trained != "rotation":
        return 0.80
    if method.name == "adversarial_training":
        return 0.66 if condition.level == 0.01 else 0.30
    if method.name == "data_augmentation":
        return 0.80 - 0.10 * (trained == tested)
    symmetric = 0.05 * (method.parameters["divergence"] == "symmetric_kl")
    return 0.58 - symmetric - 0.15 * (method.parameters["alpha"] == 1) - 0.05 * (trained == "gaussian_noise")


def level(_trial: PlannedTrial, _condition: Condition) -> float:
    """Nothing differs."""
    return 0.6


def outcomes(trial: PlannedTrial, condition: Condition, share: float) -> Bits:
    """That share of the images: those that are easy, and that this trial happens to find so."""
    coin = random.Random(f"{trial.trial_id} {condition.condition_id}")
    hard = np.array([image / made.N + coin.random() / 2 for image in range(made.N)])
    return (hard.argsort().argsort() < round(share * made.N)).astype(np.uint8)


def study_of(
    folder: Path, world: World, text: str = TEXT + FIGURES, trials: int | None = None, at_chance: Sequence[str] = ()
) -> Results:
    """The results of a study in that world: of its first `trials`, some labels being at chance."""
    plan, store = made.planned(folder, text), made.in_memory()
    data = {"images": {"train": 200, "test": made.N}, "classes": made.CLASSES}
    store.record_launch(plan, text, {"data": data})
    for trial in plan.unique_trials()[:trials]:
        made.train(store, trial, made.AT_CHANCE if trial.label in at_chance else 0)
        cells = [_cell(trial, one, world, trial.label in at_chance) for one in plan.conditions]
        store.commit_cells(trial.trial_id, plan.conditions, cells)
    return read_results(store, plan.study)


def _cell(trial: PlannedTrial, condition: Condition, world: World, chance: bool) -> Cell:
    bits = outcomes(trial, condition, world(trial, condition))
    return Cell(
        condition_id=condition.condition_id, n=made.N, correct=made.N // made.CLASSES if chance else int(bits.sum()),
        top5_correct=made.N, loss_sum=None, confidence_sum=None, at_chance=chance,
        correct_bits=None if chance else np.packbits(bits).tobytes(),
    )  # fmt: skip


def by_name(results: Results) -> dict[str, Claim]:
    return {claim.told.name: claim for claim in claims(results)}


@pytest.fixture(scope="module")
def borne_out(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return study_of(tmp_path_factory.mktemp("right"), right)


@pytest.fixture(scope="module")
def refuted(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return study_of(tmp_path_factory.mktemp("wrong"), wrong)


def test_every_claim_holds_where_the_paper_is_right(borne_out: Results) -> None:
    assert {name: claim.verdict for name, claim in by_name(borne_out).items()} == dict.fromkeys(NAMES, "holds")


def test_every_claim_fails_where_the_reverse_is_true(refuted: Results) -> None:
    assert {name: claim.verdict for name, claim in by_name(refuted).items()} == dict.fromkeys(NAMES, "fails")


def test_nothing_is_told_where_nothing_differs(tmp_path: Path) -> None:
    found = by_name(study_of(tmp_path, level))
    assert {name: claim.verdict for name, claim in found.items()} == dict.fromkeys(NAMES, "cannot tell")
    for claim in found.values():
        assert claim.estimate is not None
        assert claim.estimate.low < 0 < claim.estimate.high


def test_estimates_are_those_of_the_accuracies(borne_out: Results) -> None:
    found = by_name(borne_out)
    ahead = {part.name: part.estimate.value for part in found["ahead"].parts}
    assert ahead == pytest.approx({
        "1a": 0.84 - 0.72, "1b": 0.74 - 0.58, "1c": 0.74 - 0.68, "2a, steady": 0.74 - 0.68, "2a, both ways": 0.80 - 0.68
    })  # fmt: skip
    assert found["above"].estimate is not None
    assert found["above"].estimate.value == pytest.approx(0.14)
    assert found["symmetric"].estimate is not None
    assert found["symmetric"].estimate.value == pytest.approx(0.06)
    assert [part.estimate.value for part in found["trade"].parts] == pytest.approx([0.74 - 0.66, 0.62 - 0.44])
    (rotation,) = found["transfer"].parts
    assert rotation.estimate.value == pytest.approx(0.5 * 0.20 - 0.01)


def test_pairs_are_equal_in_all_but_what_is_compared(borne_out: Results) -> None:
    found = by_name(borne_out)
    compared = {part.name: part.compared for part in found["ahead"].parts}
    assert compared["1a"].startswith("4 pairs"), "DA of twice the epochs is no match"
    assert compared["1c"].startswith("8 pairs"), "at either epsilon, not across"
    assert found["symmetric"].beside == "2 of 2 pairs ahead"
    assert found["ahead"].beside == "24 of 24 pairs ahead"


def test_without_figures_distortions_that_are_trained_on_and_tested_stand_in(tmp_path: Path) -> None:
    found = by_name(study_of(tmp_path, right, TEXT))
    assert {part.name.split(",")[0] for part in found["ahead"].parts} == {
        "gaussian noise", "thumbnail", "fgsm", "rotation",
    }  # fmt: skip
    assert found["trade"].parts[1].name.endswith("AT above at ε = 0.1"), "the hardest level"


def test_a_claim_says_of_what_it_cannot_be_asked(tmp_path: Path) -> None:
    text = "".join(line for line in TEXT.splitlines(keepends=True) if not line.startswith(("  both", "  hard")))
    found = by_name(study_of(tmp_path, right, text))
    assert found["symmetric"].verdict == found["trade"].verdict == "cannot be asked"
    assert "differ in the divergence alone" in found["symmetric"].left_out[0]
    assert found["trade"].left_out == ("no trial of adversarial_training is trained on an attack that is tested",)
    assert found["ahead"].verdict == "holds"


def test_trials_that_are_missing_are_counted_and_what_is_said_of_all_cannot_hold(tmp_path: Path) -> None:
    found = by_name(study_of(tmp_path, right, trials=6))
    above = found["above"]
    assert (above.verdict, above.unfinished) == ("cannot tell", True)
    assert above.estimate is not None
    assert above.estimate.low > 0, "what there is lies above"
    assert "1c: 3 steady trials not evaluated yet" in above.left_out
    assert found["ahead"].verdict == "cannot be asked"
    assert any("copies trials not evaluated yet" in one for one in found["ahead"].left_out)


def test_what_is_said_of_all_fails_by_one_trial(tmp_path: Path) -> None:
    def but_one(trial: PlannedTrial, condition: Condition) -> float:
        parameters = trial.recipe.method.parameters
        one = parameters.get("alpha") == 1 and trial.train_distortion == "thumbnail"
        return 0.4 if one else right(trial, condition)

    above = by_name(study_of(tmp_path, but_one, trials=6))["above"]
    assert above.verdict == "fails", "also while others are missing"
    assert above.beside == "least: steady α 1, size 14 in 1b"


def test_trials_at_chance_count(tmp_path: Path) -> None:
    found = by_name(study_of(tmp_path, right, at_chance=["both ways"]))
    assert found["above"].verdict == found["symmetric"].verdict == "fails"
    assert found["above"].estimate is not None
    assert found["above"].estimate.value == pytest.approx(0.1 - 0.6)


def test_cells_without_outcomes_are_told_from_those_not_evaluated(borne_out: Results) -> None:
    found = by_name(replace(borne_out, bits={}))
    assert found["ahead"].verdict == "cannot be asked"
    assert any("without image-by-image outcomes" in one for one in found["ahead"].left_out)


def test_a_launch_without_kinds_says_how_to_have_them(borne_out: Results) -> None:
    launch = borne_out.launch
    older = launch.grid.replace_schema_metadata(
        {name: value for name, value in launch.grid.schema.metadata.items() if name != b"kinds"}
    )
    found = by_name(replace(borne_out, launch=replace(launch, grid=older)))
    for name in ("gaussian", "trade", "transfer"):
        assert found[name].left_out[0].endswith("`study launch claimed` records them, and trains nothing")
    assert found["ahead"].verdict == "holds"


def test_equal_results_give_equal_numbers(borne_out: Results) -> None:
    assert rows(claims(borne_out)) == rows(claims(replace(borne_out)))


def test_the_page_tells_verdicts_by_word_and_mark(borne_out: Results, refuted: Results) -> None:
    for results, verdict in ((borne_out, "holds"), (refuted, "fails")):
        page = claims_page.page(results)
        assert page is not None
        assert page.body.count(f'data-verdict="{verdict}">{MARKS[verdict]} {verdict}<') == len(NAMES)  # type: ignore[index]
        assert "How it is decided" in page.body
    assert 'href="#claims"' in document(borne_out)


def test_a_study_that_can_be_asked_nothing_has_no_page(tmp_path: Path) -> None:
    assert claims_page.page(study_of(tmp_path, right, trials=0)) is None


def test_a_table_for_a_readme_has_a_line_a_claim_and_no_html(results: Results) -> None:
    lines = markdown(claims(results)).splitlines()
    assert sum(line.startswith("| ") for line in lines) == len(NAMES) + 2
    assert len({line.count(" | ") for line in lines if line.startswith("| ")}) == 1
    assert "<i>" not in "".join(lines)


# What intervals cover

IMAGES, SAMPLES = 150, 100


def sampled(generator: np.random.Generator, shares: Sequence[float], alike: Sequence[float] = (0.6,)) -> list[Bits]:
    """Outcomes of models on images that are hard for all of them or for none: correlated, with these means.

    `alike`: on which share of the images each model goes with the others, one number for all or one each.
    """
    shared, own = generator.random(IMAGES), generator.random((len(shares), IMAGES))
    follows = generator.random((len(shares), IMAGES)) < np.broadcast_to(alike, len(shares))[:, None]
    place = np.where(follows, shared, own)
    return [(one < share).astype(np.uint8) for one, share in zip(place, shares, strict=True)]


def coverage(
    shares: Sequence[float], differences: Callable[[Redrawn], list[Bounded]], alike: Sequence[float] = (0.6,)
) -> float:
    """The share of samples in which every interval holds its true value."""
    generator = np.random.default_rng(7)
    known = np.array([shares])
    true = [one.observed for one in differences(Redrawn(whole=known, halves=(known, known)))]
    held = 0
    for number in range(SAMPLES):
        found = intervals(differences(redrawn(sampled(generator, shares, alike), str(number))), IMAGES)
        held += all(one.low <= value <= one.high for one, value in zip(found, true, strict=True))
    return held / SAMPLES


@pytest.mark.parametrize("shares", [(0.7, 0.7, 0.7, 0.7), (0.8, 0.75, 0.6, 0.65)])
def test_the_interval_of_a_mean_over_pairs_covers_95_percent(shares: tuple[float, ...]) -> None:
    covered = coverage(shares, lambda a: [exactly(a.whole @ np.array([0.5, 0.5, -0.5, -0.5]))])
    assert 0.90 <= covered <= 0.99


@pytest.mark.parametrize("shares", [(0.7,) * 9, (0.6, 0.8, 0.7, 0.65, 0.75, 0.7, 0.62, 0.78, 0.55)])
def test_simultaneous_intervals_are_all_right_in_95_percent(shares: tuple[float, ...]) -> None:
    """Each by itself would be in 95 %, and all eight in three samples of four."""
    covered = coverage(shares, lambda a: [exactly(a.whole[:, k] - a.whole[:, 0]) for k in range(1, 9)])
    assert 0.90 <= covered <= 0.99


def ranges(a: Redrawn, groups: Sequence[slice], m: int) -> list[Bounded]:
    """Of any `m` trials of each group."""
    found = []
    for group in groups:
        whole, first, second = (list(one[:, group].T) for one in (a.whole, *a.halves))
        found.append(ordered(whole, list(zip(first, second, strict=True)), range_weights(len(whole), m)))
    return found


@pytest.mark.parametrize("shares", [(0.7,) * 15, (*np.linspace(0.6, 0.8, 9), *np.linspace(0.65, 0.75, 6))])
@pytest.mark.parametrize("alike", [(0.6,) * 15, (*(0.97,) * 9, *(0.3,) * 6), (*(0.3,) * 9, *(0.97,) * 6)])
def test_the_interval_of_a_difference_of_ranges_is_right_in_95_percent_at_least(
    shares: tuple[float, ...], alike: tuple[float, ...]
) -> None:
    """Of 9 and of 6 trials, also where one group answers much more alike than the other."""

    def narrower(a: Redrawn) -> list[Bounded]:
        nine, six = ranges(a, (slice(0, 9), slice(9, 15)), 6)
        return [six - nine]

    assert coverage(shares, narrower, alike) >= 0.92


def test_a_mean_over_bands_is_right_in_95_percent_at_least() -> None:
    """Of four bands of the same true width: noise does not average to a verdict."""
    shares, alike = (0.7,) * 32, ((0.97,) * 5 + (0.3,) * 3) * 4

    def narrower(a: Redrawn) -> list[Bounded]:
        bands = [ranges(a, (slice(k, k + 5), slice(k + 5, k + 8)), 3) for k in range(0, 32, 8)]
        return [average([three - five for five, three in bands])]

    assert coverage(shares, narrower, alike) >= 0.92


def test_a_range_lies_between_what_halves_and_what_the_whole_tells() -> None:
    generator = np.random.default_rng(5)
    several = [redrawn(sampled(generator, (0.7, 0.72, 0.75, 0.76)), str(k)) for k in range(200)]
    told = [ranges(one, (slice(0, 4),), 4)[0] for one in several]
    assert np.mean([one.low[0] for one in told]) < 0.06 < np.mean([one.high[0] for one in told])
    assert all(one.high[0] == pytest.approx(one.observed) for one in told)


def test_the_least_of_several_lies_in_what_the_intervals_leave_it() -> None:
    bits = sampled(np.random.default_rng(3), [0.5, 0.8, 0.7])
    several = intervals([exactly(one) for one in redrawn(bits, "least").whole.T], IMAGES)
    found = lowest(several)
    assert (found.low, found.value) == (several[0].low, several[0].value)
    assert found.high == min(one.high for one in several)


def test_models_that_never_differ_on_a_sample_still_may() -> None:
    same = sampled(np.random.default_rng(3), [0.5])[0]
    (found,) = intervals([exactly(redrawn([same, same], "same").whole @ np.array([1.0, -1.0]))], IMAGES)
    assert found.low < 0 < found.high


def test_images_are_redrawn_together_and_in_equal_number() -> None:
    same = sampled(np.random.default_rng(3), [0.5])[0]
    found = redrawn([same, same, 1 - same, np.ones(IMAGES, np.uint8)], "together").whole
    assert (found[:, 0] == found[:, 1]).all()
    assert found[:, 0] + found[:, 2] == pytest.approx(1)
    assert (found[:, 3] == 1).all()
    assert found[0, 0] == same.mean()
    assert found[1:, 0].std() == pytest.approx(np.sqrt(same.mean() * (1 - same.mean()) / IMAGES), rel=0.1)


def test_weights_over_subsets_are_those_of_the_ranges() -> None:
    values = [0.3, 0.1, 0.4, 0.15, 0.9]
    for m in range(1, 6):
        assert float(weighted(np.array([[one] for one in values]), range_weights(5, m))[0]) == pytest.approx(
            expected_range(values, m)
        )
    assert float(np.dot(best_weights(3, 2), [1, 2, 3])) == pytest.approx((2 + 3 + 3) / 3)


def test_the_plan_of_these_studies_is_what_the_tests_count(tmp_path: Path) -> None:
    plan: Plan = made.planned(tmp_path, TEXT + FIGURES)
    assert len(plan.trials) == 1 + 10 + 2 + 10 + 2 + 2


def test_the_high_level_of_an_attack_lies_beyond_the_practical_one(tmp_path: Path) -> None:
    for picked, high in (("[0.01]", 0.1), ("[0.01, 0.05]", 0.05), ("[0.1, 0.05]", 0.1)):
        plan = made.planned(tmp_path, TEXT + FIGURES.replace("[0.01, 0.05]", picked))
        attacked = next(sweep for sweep in plan.sweeps if sweep.test_distortion == "fgsm")
        assert strong_level(plan, attacked) == high
    easier = TEXT.replace("practical: 0.01}", "practical: 0.05}") + FIGURES.replace("[0.01, 0.05]", "[0.01]")
    plan = made.planned(tmp_path, easier)
    assert strong_level(plan, next(one for one in plan.sweeps if one.test_distortion == "fgsm")) == 0.1


def test_nobody_can_tell_while_trials_are_missing_but_of_what_one_refutes(tmp_path: Path) -> None:
    """All but the last trials, some of `copies` among them."""
    found = by_name(study_of(tmp_path, wrong, trials=22))
    unfinished = {name: claim.verdict for name, claim in found.items() if claim.unfinished}
    assert {"ahead", "transfer"} <= set(unfinished)
    assert {verdict for name, verdict in unfinished.items() if name != "above"} <= {"cannot tell", "cannot be asked"}
    assert found["above"].verdict == "fails"


def test_every_replicate_counts(tmp_path: Path) -> None:
    twice = TEXT.replace("alpha: [0.1, 1], distortion: all", "alpha: [0.1, 1], replicates: 2, distortion: all")
    (once,), (again,) = (
        by_name(study_of(tmp_path, right, text + FIGURES))["transfer"].parts for text in (TEXT, twice)
    )  # fmt: skip
    number = int(once.compared.split()[0])
    assert int(again.compared.split()[0]) == number + 8, "two α on each of four noises"
    told = by_name(study_of(tmp_path, right, twice + FIGURES))["transfer"]
    assert told.compared.startswith(f"{number + 8} trials")


def test_gains_are_over_trials_on_undistorted_copies_where_there_are_any(tmp_path: Path) -> None:
    text = TEXT.replace("rotation: {degrees: [90]}", "rotation: {degrees: [0, 90]}") + FIGURES

    def longer(trial: PlannedTrial, condition: Condition) -> float:
        """More epochs alone gain as much as training on noise does."""
        nothing = any(value == 0 for step in trial.recipe.distortions for value in step.parameters.values())
        return 0.61 if nothing else right(trial, condition)

    (rotation,) = by_name(study_of(tmp_path, longer, text))["transfer"].parts
    assert "trials on undistorted copies" in rotation.compared
    assert rotation.estimate.value == pytest.approx(0.5 * (0.80 - 0.61))


def test_what_more_epochs_gain_is_no_transfer(tmp_path: Path) -> None:
    """Noise gains nothing on rotation; twice the epochs do."""

    def longer(trial: PlannedTrial, condition: Condition) -> float:
        return 0.80 if trial.recipe.epochs == 6 else right(trial, condition)

    assert by_name(study_of(tmp_path, longer))["transfer"].verdict == "holds"


def test_the_least_of_many_holds_where_each_by_itself_does(borne_out: Results) -> None:
    above = by_name(borne_out)["above"]
    assert above.estimate is not None
    assert above.estimate.low > min(part.estimate.low for part in above.parts)
    assert above.estimate.high == min(part.estimate.high for part in above.parts)
