import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from trainables import filters
from trainables.filters import Border, correlation, gaussian, gaussian_taps, separable, zooming

CPU = torch.device("cpu")
BORDERS: dict[Border, str] = {"replicate": "edge", "reflect": "reflect", "mirror": "symmetric"}
"""Ours → NumPy's."""


def planes(*shape: int) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def convolved(image: Tensor, taps: Tensor, border: Border) -> Tensor:
    """Both directions, one plane, with its border drawn out."""
    radius = len(taps) // 2
    wide = torch.from_numpy(np.pad(image.numpy(), radius, mode=BORDERS[border]))[None, None]  # type: ignore[call-overload]
    return F.conv2d(F.conv2d(wide, taps.view(1, 1, 1, -1)), taps.view(1, 1, -1, 1))[0, 0]


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("radius", [1, 6, 40])
def test_a_gaussian_is_the_convolution_with_its_taps(border: Border, radius: int) -> None:
    images = planes(2, 2, 37, 70)
    filtered = gaussian(37, 70, 1.7, radius, border, torch.float64, CPU)(images)
    for image, result in zip(images.flatten(0, 1), filtered.flatten(0, 1), strict=True):
        torch.testing.assert_close(result, convolved(image, gaussian_taps(1.7, radius), border), rtol=0, atol=1e-13)


@pytest.mark.parametrize("border", BORDERS)
def test_a_flat_plane_stays_flat(border: Border) -> None:
    flat = torch.full((1, 40, 33), 200.0)
    torch.testing.assert_close(gaussian(40, 33, 3.0, 12, border, torch.float32, CPU)(flat), flat, rtol=1e-6, atol=0)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("side", [1, 2, 3])
def test_a_line_shorter_than_the_taps_folds_as_often_as_it_must(side: int, border: Border) -> None:
    line = planes(side)
    expected = np.convolve(np.pad(line.numpy(), 7, mode=BORDERS[border]), gaussian_taps(2.0, 7), mode="valid")  # type: ignore[call-overload]
    np.testing.assert_allclose(correlation(gaussian_taps(2.0, 7), side, border) @ line, expected)


def test_cutting_the_batch_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    images, filtered = planes(7, 3, 20, 20), gaussian(20, 20, 1.0, 4, "replicate", torch.float64, CPU)
    whole = filtered(images)
    monkeypatch.setattr(filters, "CACHED", 1)
    assert torch.equal(filtered(images), whole)


def test_terms_are_summed() -> None:
    rows, columns, image = planes(3, 40, 50), planes(3, 70, 60), planes(2, 50, 60)
    expected = sum(row @ image @ column.T for row, column in zip(rows, columns, strict=True))
    torch.testing.assert_close(separable(rows, columns)(image), expected)


@pytest.mark.parametrize("side", [1, 2, 32, 33, 224])
@pytest.mark.parametrize("factor", [1.0, 1.06, 1.3, 4.5])
def test_a_zoom_takes_the_middle_and_keeps_what_is_linear(side: int, factor: float) -> None:
    matrix = zooming(side, factor)
    torch.testing.assert_close(matrix.sum(1), torch.ones(side, dtype=torch.float64))
    if factor == 1:
        assert torch.equal(matrix, torch.eye(side, dtype=torch.float64))
    steps = (matrix @ torch.arange(side, dtype=torch.float64)).diff()
    torch.testing.assert_close(steps, steps[:1].expand_as(steps), rtol=0, atol=1e-12)
