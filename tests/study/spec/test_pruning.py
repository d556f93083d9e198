"""`prune:`: what a study may say of it, and what is refused before anything is trained."""

import pytest

from study.planning import make_plan
from study.spec import SpecError
from tests.study.launches.tiny import TEXT, spec

ASHA = "prune: {asha: {min_epochs: 1, reduction_factor: 3}}, "


def with_prune(line: str, text: str = TEXT) -> str:
    return text.replace("train: {", f"train: {{{line}")


def test_every_label_but_those_that_say_otherwise_is_pruned_and_no_trial_is_another() -> None:
    own = with_prune(ASHA).replace("{method: data_augmentation,", "{method: data_augmentation, prune: none,")
    plan = make_plan(spec(own), "data")
    assert [(one.label, one.min_epochs, one.reduction_factor) for one in plan.prunings] == [
        ("Baseline", 1, 3), ("ST", 1, 3),
    ]  # fmt: skip
    assert [one.trial_id for one in plan.trials] == [one.trial_id for one in make_plan(spec(TEXT), "data").trials]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("prune: {asha: {min_epochs: 2}}, ", "methods.ST.prune: min_epochs lies below the epochs of the training, 2, "),
        ("prune: asha, ", "min_epochs must be given"),
        ("prune: {asha: {min_epochs: 0}}, ", "train.prune.asha.min_epochs"),
        ("prune: {asha: {min_epochs: 1, reduction_factor: 1}}, ", "train.prune.asha.reduction_factor"),
        ("prune: {ahsa: {min_epochs: 1}}, ", "did you mean 'asha'?"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_its_place(line: str, said: str) -> None:
    with pytest.raises(SpecError) as refused:
        spec(with_prune(line))
    assert said in str(refused.value)


def test_a_training_by_iterations_has_no_rungs() -> None:
    with pytest.raises(SpecError, match="compared after whole epochs, and this training counts iterations"):
        spec(with_prune(ASHA, TEXT.replace("epochs: 2, batch_size", "iterations: 20, batch_size")))


def test_where_validation_images_train_too_nothing_is_pruned_on_them() -> None:
    told = with_prune(ASHA + "select: last, ").replace(
        "data: {name: mnist_5k, train: 200, validation: 100, test: 100}", "data: {name: mnist, held_out: false}"
    )
    with pytest.raises(SpecError, match="held_out: false trains on the validation images, and pruning chooses on them"):
        spec(told)
