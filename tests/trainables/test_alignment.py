"""Alignment: OpenCV's own answer, image by image; what was moved is moved back."""

import importlib
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.contracts.pictures import digits, learnt, random_images
from trainables.adversarial_quality import quality
from trainables.alignment import aligned, can_align
from trainables.quality.fgs import FGS
from trainables.similarity import ssim

pytestmark = pytest.mark.skipif(not can_align(), reason="OpenCV, the extra `quality`, is not installed")

DIGITS = digits("test", 12)


@pytest.fixture
def colours() -> Tensor:
    return (random_images(6, 3, 40, 36) * 255).round()


def test_an_image_is_aligned_with_itself(colours: Tensor) -> None:
    torch.testing.assert_close(ssim(aligned(colours, colours), colours), torch.ones(6).double(), atol=1e-4, rtol=0)


def test_a_translated_image_scores_higher_once_it_is_aligned() -> None:
    moved = DIGITS.pixels.roll(1, dims=3)
    before, after = ssim(moved, DIGITS.pixels), ssim(aligned(moved, DIGITS.pixels), DIGITS.pixels)
    assert (after > before).all()
    assert before.mean() < 0.8
    assert after.mean() > 0.95


def test_channels_are_warped_as_their_grey_is(colours: Tensor) -> None:
    moved = colours.roll((1, 2), dims=(2, 3))
    together = aligned(moved, colours)
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    greys = [(one * weights).sum(1, keepdim=True) for one in (moved, colours)]
    torch.testing.assert_close((together * weights).sum(1, keepdim=True), aligned(*greys), atol=0.02, rtol=0)
    assert (ssim(together, colours) > ssim(moved, colours)).all()


def test_it_is_opencv_s_answer_with_the_settings_of_the_reference() -> None:
    cv2: Any = importlib.import_module("cv2")
    moved = DIGITS.pixels.roll(1, dims=3)
    found = aligned(moved, DIGITS.pixels)
    assert (found.dtype, found.shape) == (torch.float32, moved.shape)
    for image, reference, warped in zip(moved[:, 0], DIGITS.pixels[:, 0], found[:, 0], strict=True):
        one, other = image.numpy().astype(np.float32), reference.numpy().astype(np.float32)
        criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 50, 1e-3)
        identity = np.eye(3, dtype=np.float32)
        _, homography = cv2.findTransformECC(other, one, identity, cv2.MOTION_HOMOGRAPHY, criteria, None, 5)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        assert np.array_equal(warped.numpy(), cv2.warpPerspective(one, homography, (28, 28), flags=flags))


def test_where_the_search_does_not_converge_the_image_stays() -> None:
    flat = torch.full((2, 1, 28, 28), 7, dtype=torch.uint8)  # no image to correlate with
    assert torch.equal(aligned(flat, DIGITS.pixels[:2]), flat.float())


def test_without_images_there_is_nothing_to_align() -> None:
    assert aligned(DIGITS.pixels[:0], DIGITS.pixels[:0]).shape == (0, 1, 28, 28)


def test_pass_is_measured_with_alignment_and_without() -> None:
    model = learnt(DIGITS)
    (found,) = quality(FGS(), model, DIGITS.pixels, DIGITS.labels, ("unmasked",), align="ecc")
    (plain,) = quality(FGS(), model, DIGITS.pixels, DIGITS.labels, ("unmasked",))
    assert found.unaligned_similarity == plain.unaligned_similarity
    assert found.similarity[0] == pytest.approx(found.unaligned_similarity[0], abs=0.1)
    assert found.similarity != found.unaligned_similarity
