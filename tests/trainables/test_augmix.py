"""AugMix views."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tests.contracts.test_image_ops import augmix_by_pillow
from trainables.augmix import LEAST, NOTHING, AugMixViews, mixture
from trainables.augmix_operations import OPERATIONS
from trainables.image_ops import to_unit
from trainables.randomness import Key

KEY = Key(("test",))


def images(count: int = 24, channels: int = 3, side: int = 32) -> Tensor:
    drawn = torch.randint(0, 256, (count, channels, side, side), generator=torch.Generator().manual_seed(0))
    return to_unit(drawn.to(torch.uint8))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "views",
    [AugMixViews(), AugMixViews(severity=8, width=2, depth=5), AugMixViews(severity=10, all_operations=True)],
    ids=["usual", "strong", "all"],
)
def test_a_view_is_what_pillow_makes_of_the_same_draws(views: AugMixViews, channels: int) -> None:
    shown = images(channels=channels)
    for number, view in enumerate(views.of(shown, 2, KEY)):
        draws = views.draw(len(shown), KEY.child("view", number))
        for image in range(len(shown)):
            pixels = shown[image].mul(255).round().to(torch.uint8).permute(1, 2, 0).numpy()
            original = Image.fromarray(pixels.squeeze(2) if channels == 1 else pixels)
            mixed = np.zeros(pixels.shape)
            for chain in range(views.width):
                changed = original
                for step in np.flatnonzero(draws.operation[image, chain] != NOTHING):
                    place = (image, chain, step)
                    name = OPERATIONS[draws.operation[place]]
                    changed = augmix_by_pillow(name, changed, draws.level[place], draws.sign[place])
                mixed += draws.weights[image, chain] * np.asarray(changed, dtype=np.float64).reshape(pixels.shape)
            expected = (1 - draws.share[image]) * pixels + draws.share[image] * mixed
            np.testing.assert_allclose(view[image].permute(1, 2, 0).numpy(), expected / 255, atol=1e-6)


def test_a_view_does_not_depend_on_its_neighbours() -> None:
    shown = images(40)
    whole = AugMixViews().of(shown, 2, KEY)
    others = torch.cat((shown[:5], 1 - shown[5:9]))
    for view, alone in zip(whole, AugMixViews().of(others, 2, KEY), strict=True):
        assert torch.equal(alone[:5], view[:5])
        assert not torch.equal(alone[5:], view[5:9])


def test_views_and_steps_differ_and_the_key_alone_decides() -> None:
    shown = images()
    first, second = AugMixViews().of(shown, 2, KEY)
    assert not torch.isclose(first, second).flatten(1).all(1).any()
    assert torch.equal(AugMixViews().of(shown, 1, KEY)[0], first)
    assert not torch.equal(AugMixViews().of(shown, 1, KEY.child("later"))[0], first)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_views_keep_range_layout_and_their_images(layout: torch.memory_format) -> None:
    shown = images().contiguous(memory_format=layout)
    before = shown.clone()
    (view,) = AugMixViews(severity=10).of(shown, 1, KEY)
    assert torch.equal(shown, before)
    assert view.is_contiguous(memory_format=layout)
    assert (view.dtype, view.shape) == (torch.float32, shown.shape)
    assert view.min() >= 0
    assert view.max() <= 1 + 1e-6
    assert torch.equal(view, AugMixViews(severity=10).of(before.contiguous(), 1, KEY)[0])


def test_without_an_operation_a_view_is_its_image() -> None:
    assert torch.equal(AugMixViews(depth=0).of(images(), 1, KEY)[0], images())


def test_images_need_not_be_square() -> None:
    shown = images(side=40)[:, :, :, :24]
    (view,) = AugMixViews().of(shown, 1, KEY)
    assert view.shape == shown.shape
    assert (view - shown).abs().mean() > 0.01


def test_draws_are_spread_as_the_authors_draw_them() -> None:
    count = 4_000
    draws = AugMixViews(severity=3).draw(count, KEY)
    used = draws.operation != NOTHING
    depth = used.sum(axis=-1)
    assert draws.operation.shape == (count, 3, 3)
    assert close(np.bincount(depth.ravel(), minlength=4) / depth.size, [0, 1 / 3, 1 / 3, 1 / 3], depth.size)
    assert (used == (np.arange(3) < depth[..., None])).all()
    chosen = draws.operation[used]
    assert close(np.bincount(chosen, minlength=9) / len(chosen), np.full(9, 1 / 9), len(chosen))
    assert LEAST <= draws.level.min() < draws.level.max() < 3
    assert abs(draws.level.mean() - 1.55) < 5 * 2.9 / np.sqrt(12 * draws.level.size)
    assert abs(draws.sign.mean()) < 5 / np.sqrt(draws.sign.size)
    assert abs(draws.share.mean() - 1 / 2) < 5 / np.sqrt(12 * count)
    assert abs(draws.share.var() - 1 / 12) < 0.01
    assert np.allclose(draws.weights.sum(axis=1), 1)
    assert np.abs(draws.weights.mean(axis=0) - 1 / 3).max() < 5 * np.sqrt(1 / 18 / count)
    assert np.abs(draws.weights.var(axis=0) - 1 / 18).max() < 0.005  # of Dirichlet(1, 1, 1)


def close(shares: np.ndarray, expected: object, count: int) -> bool:
    expected = np.asarray(expected)
    return bool((np.abs(shares - expected) <= 5 * np.sqrt(expected * (1 - expected) / count)).all())


def test_a_given_depth_is_every_chains() -> None:
    draws = AugMixViews(depth=2).draw(10, KEY)
    assert draws.operation.shape == (10, 3, 2)
    assert (draws.operation != NOTHING).all()


def test_all_operations_are_drawn_alike_where_asked_and_nothing_else_changes() -> None:
    count = 3000
    usual, every = (AugMixViews(all_operations=asked).draw(count, KEY) for asked in (False, True))
    chosen = every.operation[every.operation != NOTHING]
    assert close(np.bincount(chosen, minlength=13) / len(chosen), np.full(13, 1 / 13), len(chosen))
    assert usual.operation.max() == 8
    assert ((usual.operation == NOTHING) == (every.operation == NOTHING)).all()
    for name in ("share", "weights", "level", "sign"):
        assert (getattr(usual, name) == getattr(every, name)).all()


def test_a_larger_severity_changes_more() -> None:
    shown = images()
    weak, strong = (AugMixViews(severity=severity).of(shown, 1, KEY)[0] for severity in (0.1, 10))
    assert (weak - shown).abs().mean() < (strong - shown).abs().mean()


def test_a_mixture_of_other_shares() -> None:
    image, chains = torch.tensor([[0.2]]), torch.tensor([[[1.0], [0.6]]])
    mixed = mixture(image, chains, torch.tensor([[0.75, 0.25]]), torch.tensor([0.5]))
    torch.testing.assert_close(mixed, torch.tensor([[0.5 * 0.2 + 0.5 * 0.9]]))
