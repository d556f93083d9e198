"""Laws of triplets, of their ranking, and of near-duplicates."""

import pytest
import torch
from torch import Tensor

from trainables.randomness import Key
from trainables.tasks import THRESHOLDS, Classification, Ranking, near_duplicates
from trainables.triplets import drawn, embeddings, fixed_others, fixed_triplets, hinge, uniform_by_chunk

LABELS = torch.tensor([2, 0, 1, 0, 2, 2, 1, 0])
KEY = Key(("triplets",))


def vectors(n: int, seed: int, dimensions: int = 3) -> Tensor:
    return torch.randn(n, dimensions, generator=torch.Generator().manual_seed(seed))


def test_a_positive_is_another_image_of_the_class_and_a_negative_one_of_another_class() -> None:
    for seed in range(50):
        uniform = torch.rand(2, len(LABELS), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        triplets = drawn(LABELS, uniform)
        assert triplets.whole.all()
        assert (LABELS[triplets.positives] == LABELS).all()
        assert (triplets.positives != torch.arange(len(LABELS))).all()
        assert (LABELS[triplets.negatives] != LABELS).all()


def test_every_possible_triplet_is_as_likely_as_any_other() -> None:
    draws = 4000
    found = [drawn(LABELS, uniform_by_chunk(len(LABELS), KEY.child(draw))) for draw in range(draws)]
    for name, partners in (("positives", {4, 5}), ("negatives", {1, 2, 3, 6, 7})):
        counts = torch.bincount(torch.stack([getattr(one, name)[0] for one in found]), minlength=len(LABELS)) / draws
        for image in range(len(LABELS)):
            expected = 1 / len(partners) if image in partners else 0
            assert abs(counts[image] - expected) < 0.03


def test_the_ends_of_the_draw_stay_in_their_range() -> None:
    almost_one = torch.full((2, 8), 1 - 2**-53, dtype=torch.float64)
    for uniform in (torch.zeros(2, 8, dtype=torch.float64), almost_one):
        triplets = drawn(LABELS, uniform)
        assert (triplets.positives != torch.arange(8)).all()
        assert (LABELS[triplets.negatives] != LABELS).all()


@pytest.mark.parametrize(
    ("labels", "whole"),
    [([0, 0, 1], [True, True, False]), ([3, 3, 3], [False] * 3), ([0, 1, 2], [False] * 3), ([5], [False])],
)
def test_an_image_without_a_triplet_is_marked(labels: list[int], whole: list[bool]) -> None:
    assert drawn(torch.tensor(labels), torch.rand(2, len(labels), dtype=torch.float64)).whole.tolist() == whole


def test_a_test_set_without_a_triplet_for_every_image_is_refused() -> None:
    with pytest.raises(ValueError, match=r"two or more images of each, in every split; labels without a triplet: 1, 4"):
        fixed_triplets(torch.tensor([0, 0, 4, 1, 2, 2]), KEY)


def test_a_chunk_draws_alike_however_many_follow_it() -> None:
    assert torch.equal(uniform_by_chunk(250, KEY)[:, :200], uniform_by_chunk(200, KEY))


def test_another_image_is_any_but_the_image_itself() -> None:
    others = torch.stack([fixed_others(4, KEY.child(draw)) for draw in range(2000)])
    assert (others != torch.arange(4)).all()
    counts = torch.bincount(others[:, 1], minlength=4) / 2000
    torch.testing.assert_close(counts, torch.tensor([1 / 3, 0, 1 / 3, 1 / 3]), rtol=0, atol=0.05)


def test_the_hinge_asks_for_a_margin() -> None:
    near, far = torch.tensor([0.5, 0.5, 0.5]), torch.tensor([0.7, 0.55, 0.4])
    torch.testing.assert_close(hinge(near, far, 0.1), torch.tensor([0.0, 0.05, 0.2]))


def test_embeddings_have_unit_length_and_a_gradient_where_there_is_none() -> None:
    outputs = vectors(5, 0).requires_grad_()
    torch.testing.assert_close(embeddings(outputs).norm(dim=1), torch.ones(5))
    zero = torch.zeros(1, 3, requires_grad=True)
    (gradient,) = torch.autograd.grad(embeddings(zero).sum(), zero)
    assert gradient.isfinite().all()


def test_the_score_counts_queries_nearer_to_their_positive() -> None:
    outputs, shown = vectors(8, 1), vectors(8, 2)
    tally = Ranking(3, 0.1).tally("condition", lambda: outputs)
    assert tally.empty
    tally.add(shown[:5], LABELS[:5])
    tally.add(shown[5:], LABELS[5:])
    cell = tally.cell()
    clean, queries = embeddings(outputs), embeddings(shown)
    triplets = fixed_triplets(LABELS, Key(("condition", "triplets")))
    correct, loss = [], 0.0
    for i in range(8):
        near = float((queries[i] - clean[triplets.positives[i]]).norm())
        far = float((queries[i] - clean[triplets.negatives[i]]).norm())
        correct.append(near < far)
        loss += max(0, 0.1 + near - far)
    assert (cell.n, cell.correct) == (8, sum(correct))
    assert cell.correct_bits == bytes([sum(bit << (7 - i) for i, bit in enumerate(correct))])
    assert cell.loss_sum == pytest.approx(loss, abs=1e-5)
    assert (cell.top5_correct, cell.confidence_sum, cell.at_chance) == (None, None, False)


def test_embeddings_that_are_all_one_score_nothing() -> None:
    one = torch.ones(8, 3)
    tally = Ranking(3, 0.1).tally("condition", lambda: one)
    tally.add(one, LABELS)
    assert tally.cell().correct == 0


def test_an_embedding_that_is_not_finite_is_wrong_and_near_to_none() -> None:
    outputs = vectors(8, 1)
    tally = Ranking(3, 0.1).tally("condition", lambda: outputs)
    tally.add(torch.full((8, 3), torch.nan), LABELS)
    cell = tally.cell()
    assert (cell.correct, cell.loss_sum) == (0, None)
    assert all((one.found, one.false_alarms) == (0, 0) for one in cell.near_duplicates)


def test_near_duplicates_are_the_pairs_within_each_threshold() -> None:
    clean, shown = embeddings(vectors(40, 3)), embeddings(vectors(40, 3) + 0.2 * vectors(40, 4))
    found = near_duplicates(shown, clean, KEY)
    other = fixed_others(40, KEY.child("others"))
    assert tuple(one.threshold for one in found) == THRESHOLDS
    for one in found:
        assert one.pairs == 40
        assert one.found == sum(float((shown[i] - clean[i]).norm()) <= one.threshold for i in range(40))
        assert one.false_alarms == sum(float((shown[i] - clean[other[i]]).norm()) <= one.threshold for i in range(40))
    middle = next(one for one in found if one.threshold == 0.3)
    assert 0 < middle.found < 40
    assert middle.false_alarms < middle.found


def test_undistorted_copies_are_all_found_and_the_largest_threshold_takes_everything() -> None:
    clean = embeddings(vectors(40, 3))
    found = near_duplicates(clean, clean, KEY)
    assert all(one.found == 40 for one in found)
    assert found[0].false_alarms < 40
    assert (THRESHOLDS[-1], found[-1].false_alarms) == (2.0, 40)


def test_guessing_gets_half_of_the_triplets_and_its_share_of_the_classes() -> None:
    assert Ranking(3, 0.1).at_chance(1500, 10) == (750, None)
    assert Classification().at_chance(1500, 10) == (150, 750)
    assert (Ranking(3, 0.1).outputs(10), Classification().outputs(10)) == (3, 10)


def test_an_output_of_length_0_takes_its_gradient_as_it_is() -> None:
    """A black image in a network without biases, say. Others are divided by their length, and so are gradients."""
    outputs = torch.tensor([[3.0, 4.0], [0.0, 0.0]], requires_grad=True)
    found = embeddings(outputs)
    assert torch.equal(found, torch.nn.functional.normalize(outputs, dim=1))
    found.backward(torch.tensor([[1.0, 0.0], [2.0, -1.0]]))
    torch.testing.assert_close(outputs.grad, torch.tensor([[0.128, -0.096], [2.0, -1.0]]))
