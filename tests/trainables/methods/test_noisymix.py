"""NoisyMix's family: what its switches leave, and what each is made of."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.contracts.pictures import network
from trainables.augmix import AugMixViews
from trainables.image_ops import to_unit
from trainables.losses import jensen_shannon
from trainables.methods import Batch, Loss, cutmix, described, methods
from trainables.methods.cutmix import Box, box_around
from trainables.mixing import draw_mixing
from trainables.models import Change
from trainables.randomness import Key
from trainables.recipe import Component

PIXELS = torch.randint(0, 256, (12, 3, 32, 32), generator=torch.Generator().manual_seed(0))
IMAGES, LABELS = to_unit(PIXELS.to(torch.uint8)), torch.arange(12) % 10
BATCH = Batch(images=IMAGES, labels=LABELS, source=IMAGES)
KEYS = [Key(("test", number)) for number in range(8)]
CPU = torch.device("cpu")


def loss(name: str, key: Key, model: nn.Module | None = None, **parameters: float) -> Loss:
    """On fresh weights, in train mode."""
    network_given = model if model is not None else network("small_cnn", (3, 32, 32), width=4)
    return methods.get(name)(**parameters).loss(network_given.train(), BATCH, key)


class Watched(nn.Module):
    """A network that keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = network("small_cnn", (3, 32, 32), width=4)
        self.images: list[Tensor] = []
        self.changes: list[Change | None] = []

    def forward(self, images: Tensor, change: Change | None = None) -> Tensor:
        self.images.append(images)
        self.changes.append(change)
        return self.inner(images, change)


SWITCHED = {
    "noisymix without alpha is augmix": (
        ("noisymix", {"alpha": 0}), ("augmix", {}),
    ),
    "noisymix without alpha and divergence is augmix without": (
        ("noisymix", {"alpha": 0, "jsd_weight": 0}), ("augmix", {"jsd_weight": 0}),
    ),
    "of all operations too": (
        ("noisymix", {"alpha": 0, "all_operations": True}), ("augmix", {"all_operations": True}),
    ),
    "noisymix of one plain view without sparsity is noisy feature mixup": (
        ("noisymix", {"jsd_weight": 0, "augmix": False, "sparsity": 0}),
        ("noisy_feature_mixup", {"additive": 0.5, "multiplicative": 0.5}),
    ),
    "at the input alone too": (
        ("noisymix", {"jsd_weight": 0, "augmix": False, "sparsity": 0, "manifold": False}),
        ("noisy_feature_mixup", {"additive": 0.5, "multiplicative": 0.5, "manifold": False}),
    ),
    "full sparsity is no noise": (
        ("noisymix", {"sparsity": 1}), ("noisymix", {"additive": 0, "multiplicative": 0}),
    ),
    "noisy feature mixup without noise is manifold mixup": (
        ("noisy_feature_mixup", {"additive": 0, "multiplicative": 0, "alpha": 2, "layers": 2}), ("manifold_mixup", {}),
    ),
    "no manifold is no layer beyond the input": (
        ("noisymix", {"manifold": False}), ("noisymix", {"layers": 0}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SWITCHED)
def test_a_switch_leaves_the_rest_as_it_is_bit_for_bit(case: str) -> None:
    (name, parameters), (other, others) = SWITCHED[case]
    for key in KEYS:
        assert torch.equal(loss(name, key, **parameters).total, loss(other, key, **others).total)
    assert not torch.equal(loss(name, KEYS[0]).total, loss("standard", KEYS[0]).total)


@pytest.mark.parametrize("name", ["mixup", "manifold_mixup"])
def test_a_share_of_one_is_standard_training(name: str) -> None:
    key = next(key for key in KEYS if draw_mixing(1e-8, 12, CPU, key).share == 1)
    assert torch.equal(loss(name, key, alpha=1e-8).total, loss("standard", key).total)


def test_noise_injection_is_the_authors_noisy_feature_mixup_with_a_vanishing_alpha() -> None:
    key = next(key for key in KEYS if draw_mixing(1e-8, 12, CPU, key).share == 1)
    assert torch.equal(loss("noisy_feature_mixup", key, alpha=1e-8).total, loss("noise_injection", key).total)


def test_manifold_mixup_at_the_input_is_mixup() -> None:
    for key in KEYS:
        mixed = loss("manifold_mixup", key, alpha=1, layers=0).total
        torch.testing.assert_close(mixed, loss("mixup", key).total, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["noisymix", "augmix"])
def test_three_views_are_the_images_and_two_augmix_views_in_one_pass(name: str) -> None:
    model = Watched()
    told = loss(name, KEYS[0], model)
    views = AugMixViews().of(IMAGES, 2, KEYS[0].child("augmix"))
    assert [len(shown) for shown in model.images] == [36]
    assert all(torch.equal(*pair) for pair in zip(model.images[0].split(12), (IMAGES, *views), strict=True))
    assert int(model.inner.stage1[1].num_batches_tracked) == 1
    torch.testing.assert_close(
        told.total, told.terms["mixed" if name == "noisymix" else "clean"] + 12 * told.terms["jsd"]
    )


def test_the_divergence_counts_with_its_weight() -> None:
    one, three = (loss("augmix", KEYS[0], jsd_weight=weight) for weight in (1, 3))
    assert torch.equal(one.terms["jsd"], three.terms["jsd"])
    torch.testing.assert_close(three.total - one.total, 2 * one.terms["jsd"])
    assert one.terms["jsd"] > 1e-6


def test_without_divergence_one_augmix_view_is_shown() -> None:
    model = Watched()
    loss("noisymix", KEYS[0], model, jsd_weight=0)
    assert torch.equal(model.images[0], AugMixViews().of(IMAGES, 1, KEYS[0].child("augmix"))[0])


@pytest.mark.parametrize("name", ["noisymix", "augmix"])
@pytest.mark.parametrize("jsd_weight", [0, 12])
def test_views_of_all_operations_are_shown_where_asked(name: str, jsd_weight: int) -> None:
    model, count = Watched(), 2 if jsd_weight else 1
    loss(name, KEYS[0], model, jsd_weight=jsd_weight, all_operations=True)
    views = AugMixViews(all_operations=True).of(IMAGES, count, KEYS[0].child("augmix"))
    assert torch.equal(model.images[0][-12 * count :], torch.cat(views))
    assert not torch.equal(torch.cat(views), torch.cat(AugMixViews().of(IMAGES, count, KEYS[0].child("augmix"))))


def test_without_augmix_three_copies_are_compared_that_differ_by_noise() -> None:
    model = Watched()
    told = loss("noisymix", KEYS[0], model, augmix=False)
    assert torch.equal(model.images[0], IMAGES.repeat(3, 1, 1, 1))
    assert told.terms["jsd"] > 1e-6
    silent = loss("noisymix", KEYS[0], augmix=False, additive=0, multiplicative=0)
    assert abs(silent.terms["jsd"]) < 1e-6


@pytest.mark.parametrize(("scaling", "expected"), [(True, (1, 2, 3)), (False, (1, 1, 1))])
def test_additive_noise_grows_with_the_view(scaling: bool, expected: tuple[int, ...]) -> None:
    plain, scaled = Watched(), Watched()
    loss("noisymix", KEYS[0], plain, view_scaling=False)
    loss("noisymix", KEYS[0], scaled, view_scaling=scaling)
    pairs = list(zip(plain.changes[0].noises, scaled.changes[0].noises, strict=True))
    assert [after.additive / before.additive for before, after in pairs] == pytest.approx(expected)
    assert all(before.multiplicative == after.multiplicative for before, after in pairs)
    assert len({before.additive for before, _ in pairs}) == 3


def test_the_terms_are_the_mixed_cross_entropy_and_the_divergence() -> None:
    logits = torch.randn(36, 10, generator=torch.Generator().manual_seed(1))
    mixing = draw_mixing(1.0, 12, CPU, KEYS[0])
    told = methods.get("noisymix")(jsd_weight=3).compared(logits, LABELS, mixing)
    first, second = F.cross_entropy(logits[:12], LABELS), F.cross_entropy(logits[:12], LABELS[mixing.order])
    torch.testing.assert_close(told.terms["mixed"], mixing.share * first + (1 - mixing.share) * second)
    torch.testing.assert_close(told.terms["jsd"], jensen_shannon(*logits.split(12)))
    torch.testing.assert_close(told.total, told.terms["mixed"] + 3 * told.terms["jsd"])


@pytest.mark.parametrize(("name", "layers"), [("noisymix", 3), ("manifold_mixup", 2), ("noise_injection", 1)])
def test_every_place_up_to_the_last_layer_is_drawn(name: str, layers: int) -> None:
    model = Watched()
    for number in range(40):
        loss(name, Key(("place", number)), model, layers=layers)
    assert {change.place for change in model.changes} == set(range(layers + 1))


def test_cutmix_pastes_a_box_and_weighs_labels_by_its_area() -> None:
    for key in KEYS:
        model = Watched()
        told = loss("cutmix", key, model, probability=1)
        shown = model.images[0]
        pasted = (shown != IMAGES).any(dim=1).any(dim=0)
        box = pasted.nonzero()
        assert not len(box) or bool(pasted[box[:, 0].min() : box[:, 0].max(), box[:, 1].min() : box[:, 1].max()].all())
        partner = [
            next(j for j in range(12) if torch.equal(shown[i][:, pasted], IMAGES[j][:, pasted])) for i in range(12)
        ]
        share = 1 - float(pasted.double().mean())
        logits = network("small_cnn", (3, 32, 32), width=4).train()(shown)
        expected = share * F.cross_entropy(logits, LABELS) + (1 - share) * F.cross_entropy(logits, LABELS[partner])
        torch.testing.assert_close(told.total, expected)
        assert torch.equal(shown[:, :, ~pasted], IMAGES[:, :, ~pasted])


def test_cutmix_mixes_as_many_batches_as_it_says() -> None:
    model, plain = Watched(), 0
    for number in range(240):
        loss("cutmix", Key(("coin", number)), model, probability=0.25)
        plain += model.images[-1] is IMAGES
    assert 180 - 20 < plain < 180 + 20  # three standard deviations


def test_the_centre_of_a_box_is_uniform_over_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    centres: list[tuple[int, int]] = []

    def noted(row: int, column: int, share: float, height: int, width: int) -> Box:
        centres.append((row, column))
        return box_around(row, column, share, height, width)

    monkeypatch.setattr(cutmix, "box_around", noted)
    for number in range(160):
        loss("cutmix", Key(("centre", number)), probability=1)
    places = torch.tensor(centres).double()
    assert 0 <= places.min() <= 1
    assert 30 <= places.max() <= 31
    assert (places.mean(0) - 15.5).abs().max() < 3 * 9.23 / 160**0.5
    assert (places.std(0) - 9.23).abs().max() < 1.5
    assert places.T.corrcoef()[0, 1].abs() < 0.25


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_box_is_the_rest_of_the_share_where_it_fits(share: float) -> None:
    box = box_around(50, 50, share, 100, 100)
    assert box.outside(100, 100) == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("name", ["noisymix", "augmix"])
def test_passes_follow_the_divergence(name: str) -> None:
    assert described(Component.of(name)).forward_passes() == 3
    assert described(Component.of(name, {"jsd_weight": 0.0})).forward_passes() == 1


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("noisymix", {"layers": 4}, r"layers.* \[0, 3\]; got 4"),
        ("noisymix", {"sparsity": 1.1}, r"sparsity.* \[0, 1\]; got 1.1"),
        ("noisymix", {"severity": 0}, r"severity.* \[0.1, 10\]; got 0"),
        ("augmix", {"depth": -2}, r"depth.* \[-1, 10\]; got -2"),
        ("cutmix", {"alpha": 0}, r"alpha.* must be above 0; got 0"),
    ],
)
def test_parameters_out_of_range_are_named(name: str, parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        methods.get(name)(**parameters)
