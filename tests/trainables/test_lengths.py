"""How long a training is, in what order it sees its images, and that it goes on from any point."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.study.executor.plans import trial
from trainables.checkpoint import dump, parse
from trainables.fit import Training
from trainables.recipe import Component, Length, Recipe

CPU = torch.device("cpu")
RECIPE = replace(trial("01").recipe, batch_size=64, select="last")
"""On 200 images: epochs of 64, 64, 64 and 8."""


def counting(iterations: int, **changes: Any) -> Recipe:
    return replace(RECIPE, epochs=None, iterations=iterations, **changes)


def test_the_papers_example() -> None:
    """BANG on MNIST: 10,000 updates of 64 among 50,000 images."""
    recipe = counting(10_000)
    length = recipe.length(50_000)
    assert (length.steps, length.epoch, length.epochs, length.of_epoch(12), length.of_epoch(13)) == (
        10_000, 782, 13, 782, 616,
    )  # fmt: skip
    assert recipe.all_shown(50_000) == 12 * 50_000 + 616 * 64
    assert round(recipe.all_shown(50_000) / 50_000, 2) == 12.79
    assert replace(recipe, shuffle=False).all_shown(50_000) == 640_000


@pytest.mark.parametrize("shuffle", [True, False])
def test_epochs_are_so_many_updates(shuffle: bool) -> None:
    recipe = replace(RECIPE, epochs=3, shuffle=shuffle)
    assert recipe.length(200) == Length(steps=12, epoch=4)
    assert recipe.all_shown(200) == (600 if shuffle else 3 * 256)
    assert replace(recipe, epochs=None, iterations=12).all_shown(200) == recipe.all_shown(200)


def finished(training: Training) -> Training:
    while not training.finished:
        training.advance()
    return training


def weights(training: Training) -> torch.Tensor:
    return torch.cat([weight.flatten() for weight in training.model.parameters()])


def test_whole_epochs_counted_in_iterations_are_the_same_training() -> None:
    by_epochs = finished(Training(replace(RECIPE, epochs=2), None, CPU))
    by_iterations = finished(Training(counting(8), None, CPU))
    assert torch.equal(weights(by_epochs), weights(by_iterations))
    assert by_epochs.epochs == by_iterations.epochs


def test_the_last_epoch_ends_early_and_is_validated_and_kept() -> None:
    training = finished(Training(counting(6), None, CPU))
    assert training.images_seen == 200 + 2 * 64
    assert len(training.epochs) == training.outcome().planned_epochs == training.outcome().selected_epoch == 2
    longer = Training(replace(RECIPE, epochs=2), None, CPU)
    longer.advance()
    until = iter([0.0, 2.0])
    longer.advance(until=1.0, clock=lambda: next(until))
    assert longer.step == 2
    assert torch.equal(weights(longer), weights(training))
    shown = {name: float(total) / 128 for name, total in longer.sums.items()}
    assert training.epochs[1].loss == pytest.approx(shown["loss"])
    assert training.epochs[1].loss < training.epochs[0].loss


def test_the_best_epoch_may_be_the_early_one() -> None:
    training = finished(Training(counting(6, select="best_validation"), None, CPU))
    correct = [epoch.validation_correct for epoch in training.epochs]
    assert training.outcome().selected_epoch == 1 + correct.index(max(correct))


def test_fewer_iterations_than_an_epoch_has() -> None:
    training = finished(Training(counting(1), None, CPU))
    assert (training.images_seen, len(training.epochs)) == (64, 1)


def test_the_share_that_is_done() -> None:
    training, shares = Training(counting(6), None, CPU), []
    while not training.finished:
        shares.append(training.share)
        training.advance(until=0.0, clock=lambda: 1.0)
    assert shares == pytest.approx([0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6])
    assert training.share == 1


def interrupted(recipe: Recipe) -> Training:
    """Saved, thrown away and taken up again after every step."""
    training = Training(recipe, None, CPU)
    while not training.finished:
        training.advance(until=0.0, clock=lambda: 1.0)
        state = parse(dump(training.state()))
        training = Training(recipe, None, CPU)
        training.restore(state)
    return training


CAFFE = Component.of(
    "sgd", {"lr": 0.01, "nesterov": False, "weight_decay": 5e-4, "bias_lr": 2, "momentum_rule": "caffe"}
)
RECIPES = {
    "Caffe's solver": counting(6, optimizer=CAFFE, schedule=Component.of("inverse", {"gamma": 0.1})),
    "in order": counting(6, shuffle=False),
    "cosine, flipped and cropped": replace(RECIPE, epochs=2, schedule=Component.of("cosine"), flip=True, crop=4),
    "milestones": counting(6, schedule=Component.of("multi_step", {"milestones": (3, 5), "unit": "iterations"})),
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_training_goes_on_from_any_step_as_if_nothing_had_been(name: str) -> None:
    whole, pieces = finished(Training(RECIPES[name], None, CPU)), interrupted(RECIPES[name])
    assert torch.equal(weights(pieces), weights(whole))
    assert pieces.epochs == whole.epochs
    assert pieces.outcome() == whole.outcome()


def test_the_schedules_rate_reaches_every_group_at_every_update() -> None:
    recipe = counting(3, optimizer=CAFFE, schedule=Component.of("inverse", {"gamma": 1.0, "power": 1.0}))
    training, rates = Training(recipe, None, CPU), []
    while not training.finished:
        training.advance(until=0.0, clock=lambda: 1.0)
        rates.append([group["lr"] for group in training.optimizer.param_groups])
    expected = [[0.01, 0.02], [0.005, 0.01], [0.01 / 3, 0.02 / 3]]
    assert rates == [pytest.approx(each) for each in expected]
    assert training.epochs[0].learning_rate == pytest.approx(0.01 / 3)


def seen(recipe: Recipe) -> Iterator[list[int]]:
    """The numbers of the images in each batch."""
    training = Training(recipe, None, CPU)
    while not training.finished:
        order = training._order()
        for step in range(training.steps):
            yield order[step * recipe.batch_size : (step + 1) * recipe.batch_size].tolist()
        training.epochs = (*training.epochs, None)  # type: ignore[arg-type]  # as if it had been trained


def test_in_order_is_round_and_round_with_full_batches() -> None:
    batches = list(seen(counting(7, shuffle=False)))
    assert [number for batch in batches for number in batch] == [number % 200 for number in range(7 * 64)]
    assert {len(batch) for batch in batches} == {64}


def test_shuffled_is_a_new_order_every_epoch_and_every_image_once() -> None:
    batches = list(seen(replace(RECIPE, epochs=2)))
    first, second = ([number for batch in each for number in batch] for each in (batches[:4], batches[4:]))
    assert sorted(first) == sorted(second) == list(range(200))
    assert first != second


def test_a_batch_of_more_than_there_are_goes_round_too() -> None:
    (batch,) = seen(counting(1, shuffle=False, batch_size=450))
    assert batch == [number % 200 for number in range(450)]


def test_every_method_sees_the_same_crops() -> None:
    """Also one whose distortion needs a margin around the image."""
    recipe = replace(RECIPE, epochs=1, flip=True, crop=4, data=Component.of("mnist_5k", {"train": 64, "border": 3}))
    moved = replace(
        recipe,
        method=Component.of("stability_training", {"alpha": 1.0}),
        distortions=(Component.of("random_crop", {"offset": 3}),),
    )
    batches = []
    for one in (recipe, moved):
        training = Training(one, None, CPU)
        inner = training.method.loss
        object.__setattr__(
            training.method,
            "loss",
            lambda model, batch, key, inner=inner: batches.append(batch) or inner(model, batch, key),
        )
        training.advance()
    plain, around = batches
    assert torch.equal(plain.images, around.images)
    assert around.source.shape[3] == 34
    assert not torch.equal(plain.images, Training(recipe, None, CPU).train.batch(torch.arange(64)).images)


@pytest.mark.parametrize(
    ("method", "parameters", "seen", "labelled"),
    [("standard", {}, 1, 1), ("data_augmentation", {"p": 1.0}, 1, 1), ("stability_training", {"alpha": 1.0}, 2, 1)],
)
def test_a_training_says_what_it_took(method: str, parameters: dict[str, float], seen: int, labelled: int) -> None:
    noise = () if method == "standard" else (Component.of("gaussian_noise", {"sigma": 0.1}),)
    recipe = counting(6, method=Component.of(method, parameters), distortions=noise)
    outcome = finished(Training(recipe, None, CPU)).outcome()
    shown = recipe.all_shown(200)
    assert shown == 200 + 2 * 64
    assert (outcome.images_seen, outcome.labels_used) == (seen * shown, labelled * shown)


def test_a_training_that_diverges_took_what_it_was_shown_until_then() -> None:
    recipe = counting(12, optimizer=Component.of("sgd", {"lr": 1e9, "momentum": 0.9}))
    training = finished(Training(recipe, None, CPU))
    assert training.diverged_epoch == 1
    assert training.outcome().images_seen == 200
