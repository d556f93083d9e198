import torch
from torch import Tensor

from trainables.edges import canny


def blocks(*levels: int) -> Tensor:
    """Bytes [1, 1, 12, 12], as bright as `levels` in rows of squares of four pixels."""
    squares = torch.tensor(levels, dtype=torch.uint8).view(1, 1, 3, 3)
    return squares.repeat_interleave(4, 2).repeat_interleave(4, 3)


def test_a_flat_image_has_no_edges() -> None:
    assert not canny(torch.full((2, 1, 9, 9), 77, dtype=torch.uint8), 50, 150).any()


def test_a_step_has_an_edge_one_pixel_wide_on_its_first_side() -> None:
    pixels = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    pixels[..., 4:] = 200
    expected = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    expected[..., 3] = True
    assert torch.equal(canny(pixels, 50, 150), expected)


def test_a_weak_step_is_an_edge_only_where_it_leads_to_a_strong_one() -> None:
    """A step of 30 levels has a slope of 120, between the thresholds; one of 60 is above both."""
    rows = torch.full((1, 1, 40, 8), 100, dtype=torch.uint8)
    rows[..., 4:] = 130
    assert not canny(rows, 50, 150).any()
    rows[..., :2, 4:] = 160
    assert canny(rows, 50, 150).any(3).all()
    assert not canny(rows, 125, 150)[..., 10:, :].any()


def test_images_do_not_see_each_other() -> None:
    images = torch.cat([blocks(0, 200, 0, 50, 90, 0, 255, 0, 20), blocks(9, 9, 9, 9, 200, 9, 9, 9, 9)])
    together = canny(images, 50, 150)
    assert torch.equal(together, torch.cat([canny(one[None], 50, 150) for one in images]))
    assert together.flatten(1).any(1).all()
