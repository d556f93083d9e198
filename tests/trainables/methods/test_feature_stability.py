"""Feature stability: its loss, its network, and a training from its start to its cells."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import autograd, nn

from tests.contracts.pictures import network, random_images
from trainables.evaluation import evaluate
from trainables.evaluation.sets import DistortedSets
from trainables.fit import Training, build_model, fit
from trainables.losses import l2
from trainables.methods import Batch, methods
from trainables.randomness import Key
from trainables.recipe import Component, Condition, Parent, Recipe
from trainables.records import Cell, Outcome, State
from trainables.sequence import build
from trainables.triplets import distances, drawn, embeddings, hinge

IMAGES, LABELS = random_images(24, 1, 28, 28), torch.arange(24) % 4
BATCH = Batch(images=IMAGES, labels=LABELS, source=IMAGES)
KEY = Key(("test",))
NOISE = Component.of("gaussian_noise", {"sigma": 0.3})
DATA = Component.of("mnist_5k", {"train": 200, "validation": 100, "test": 230, "border": 0})
BUDGET = 2**26


def recipe(method: str = "feature_stability", **parameters: float) -> Recipe:
    stable = {"alpha": 0.3} if method == "feature_stability" else {}
    return Recipe(
        data=DATA,
        model=Component.of("small_cnn", {"width": 4}),
        method=Component.of(method, {"dimensions": 16, "margin": 0.1, **stable, **parameters}),
        distortions=(NOISE,) if stable else (),
        epochs=2,
        batch_size=40,
        optimizer=Component.of("sgd", {"lr": 0.05, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0}),
        schedule=Component.of("constant"),
    )


def condition(name: str, *steps: Component) -> Condition:
    return Condition(
        condition_id=name, data=DATA, split="test", family="sweep", test_distortion=name, parameter=None, level=None,
        steps=steps,
    )  # fmt: skip


class Kept:
    """A sink in memory."""

    def __init__(self, start: State | None = None) -> None:
        self.start, self.last, self.weights, self.outcome = start, None, None, None

    def load_last(self) -> State | None:
        return self.last

    def save_last(self, state: State) -> None:
        self.last = state

    def keep_stage(self, stage: int, weights: State) -> None:
        raise AssertionError("no stage is to be kept")

    def load_start(self, start: Parent) -> State | None:
        return self.start

    def commit_training(self, outcome: Outcome, weights: State | None) -> None:
        self.outcome, self.weights = outcome, weights


@pytest.fixture(scope="module")
def trained() -> Kept:
    sink = Kept()
    fit(recipe(), sink)
    return sink


def cells(weights: State | None, conditions: Sequence[Condition], of: Recipe | None = None) -> list[Cell]:
    return list(evaluate(of or recipe(), weights, conditions, DistortedSets(BUDGET)))


def test_the_loss_is_the_hinge_and_the_weighed_distance() -> None:
    model = network("lenet").train()
    method = methods.get("feature_stability")(alpha=0.3, margin=0.2, dimensions=10, distortion=build([NOISE]))
    loss = method.loss(model, BATCH, KEY)
    clean = embeddings(model(IMAGES))
    copies = embeddings(model(build([NOISE]).apply(IMAGES, LABELS, model, KEY.child("distortion"))))
    uniform = torch.rand(2, 24, generator=KEY.child("triplets").generator(), dtype=torch.float64)
    triplets = drawn(LABELS, uniform)
    near, far = distances(clean, clean[triplets.positives]), distances(clean, clean[triplets.negatives])
    torch.testing.assert_close(loss.terms["ranking"], hinge(near, far, 0.2).mean())
    torch.testing.assert_close(loss.terms["stability"], l2(clean, copies))
    expected = hinge(near, far, 0.2).mean() + 0.3 * l2(clean, copies)
    torch.testing.assert_close(loss.total, expected)
    weights = list(model.parameters())
    for ours, theirs in zip(autograd.grad(loss.total, weights), autograd.grad(expected, weights), strict=True):
        torch.testing.assert_close(ours, theirs)  # through both branches


def test_a_batch_without_a_triplet_has_no_ranking_loss_and_a_finite_gradient() -> None:
    model = network("lenet").train()
    alone = Batch(images=IMAGES[:3], labels=torch.tensor([1, 1, 1]), source=IMAGES[:3])
    loss = methods.get("triplet_ranking")(dimensions=10).loss(model, alone, KEY).total
    assert loss == 0
    loss.backward()
    assert all(weight.grad.isfinite().all() for weight in model.parameters())


def test_images_without_a_triplet_are_left_out_of_the_mean() -> None:
    model = network("lenet").eval()
    method = methods.get("triplet_ranking")(dimensions=10, margin=2)
    labels = torch.tensor([0, 0, 1, 1, 2])
    losses = method.loss(model, Batch(images=IMAGES[:5], labels=labels, source=IMAGES[:5]), KEY).total
    uniform = torch.rand(2, 5, generator=KEY.child("triplets").generator(), dtype=torch.float64)
    triplets, clean = drawn(labels, uniform), embeddings(model(IMAGES[:5]))
    near, far = distances(clean, clean[triplets.positives]), distances(clean, clean[triplets.negatives])
    torch.testing.assert_close(losses, hinge(near, far, 2)[:4].mean())


@pytest.mark.parametrize("name", ["lenet", "resnet18", "small_cnn"])
def test_any_network_gives_embeddings(name: str) -> None:
    model = build_model(replace(recipe(dimensions=7), model=Component.of(name)))
    assert model(IMAGES[:2]).shape == (2, 7)


def test_it_compiles_without_a_break_in_its_own_lines() -> None:
    """The network is compiled, as `compile: true` does it; the loss is that of the network as it is."""
    method = methods.get("feature_stability")(alpha=0.3, dimensions=10, distortion=build([NOISE]))
    plain, compiled = network("small_cnn", width=4).train(), network("small_cnn", width=4).train()
    compiled.compile(backend="eager", fullgraph=True)
    torch.testing.assert_close(method.loss(compiled, BATCH, KEY).total, method.loss(plain, BATCH, KEY).total)


def test_training_learns_to_rank(trained: Kept) -> None:
    untrained = build_model(recipe()).state_dict()
    before, after = (cells(weights, [condition("clean")])[0] for weights in (untrained, trained.weights))
    assert after.correct > before.correct + 10
    assert after.n == before.n == 230
    last = trained.outcome.epochs[-1]
    assert set(last.terms) == {"ranking", "stability"}
    assert 0.6 * 100 < last.validation_correct <= last.validation_n == 100
    assert 0 <= last.validation_loss < 0.1 + 2


def test_interrupted_in_mid_epoch_it_ends_the_same(trained: Kept) -> None:
    first = Training(recipe(), None, torch.device("cpu"))
    first.advance(until=0, clock=lambda: 1.0)
    again = Training(recipe(), None, torch.device("cpu"))
    again.restore(first.state())
    while not again.finished:
        again.advance()
    assert again.outcome() == trained.outcome


def test_it_starts_from_what_ranking_alone_was_trained_to(trained: Kept) -> None:
    parent = Kept()
    fit(recipe("triplet_ranking"), parent)
    child = Kept(parent.weights)
    fit(replace(recipe(alpha=0.0), start=Parent(trial_id="parent"), epochs=1), child)
    continued = Training(replace(recipe("triplet_ranking"), epochs=1), parent.weights, torch.device("cpu"))
    continued.advance()
    assert child.outcome == continued.outcome()


def test_a_condition_draws_its_triplets_whatever_else_is_evaluated(trained: Kept) -> None:
    shown = [condition("clean"), condition("noisy", NOISE), condition("noisy again", NOISE)]
    together = cells(trained.weights, shown)
    assert together == [cell for one in reversed(shown) for cell in cells(trained.weights, [one])][::-1]
    clean, noisy, again = together
    assert noisy.correct_bits != again.correct_bits
    assert all(one.found == 230 for one in clean.near_duplicates)
    assert noisy.near_duplicates[0].found < 230
    assert clean.loss_sum is not None


def test_one_that_never_was_finite_counts_half_of_the_triplets() -> None:
    (cell,) = cells(None, [condition("noisy", NOISE)])
    assert (cell.n, cell.correct, cell.at_chance, cell.near_duplicates) == (230, 115, True, ())


def test_an_attack_on_embeddings_is_refused(trained: Kept) -> None:
    attacked = condition("fgsm", Component.of("fgsm", {"epsilon": 0.1}))
    with pytest.raises(ValueError, match="fgsm is about class logits, and feature_stability trains embeddings"):
        cells(trained.weights, [attacked])


def test_mixed_precision_measures_distances_in_single_precision() -> None:
    model = build_model(recipe())
    assert isinstance(model, nn.Module)
    (cell,) = cells(model.state_dict(), [condition("clean")], replace(recipe(), precision="bfloat16"))
    assert all(one.found == cell.n for one in cell.near_duplicates)
