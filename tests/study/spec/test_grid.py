"""The grid of a method: products, zips, one at a time."""

import itertools
from pathlib import Path

import pytest

from study.spec import MethodSpec
from study.spec.grid import count, points
from tests.study.spec.demo import loaded

DA = "p: {linear: [0.5, 1, 2]}, distortion: [gaussian_noise, rotation]"


def data_augmentation(folder: Path, grid: str) -> MethodSpec:
    return loaded(folder, (DA, grid)).method("DA")


def settings(method: MethodSpec) -> list[tuple[object, ...]]:
    """Each point as the values of its method and its distortions."""
    found: list[tuple[object, ...]] = [
        (*point.method.parameters.values(), *itertools.chain(*(step.parameters.values() for step in point.distortions)))
        for point in points(method)
    ]
    assert len(found) == count(method) == len(set(found))
    return found


def test_a_product_over_each_distortion_in_turn(tmp_path: Path) -> None:
    method = data_augmentation(tmp_path, DA)
    assert settings(method) == [
        (0.5, 0.1), (0.5, 0.3), (1, 0.1), (1, 0.3), (0.5, 30), (0.5, 60), (1, 30), (1, 60)
    ]  # fmt: skip


def test_zipped_parameters_advance_together(tmp_path: Path) -> None:
    method = data_augmentation(tmp_path, "p: [0.5, 1], zip: [p, sigma], distortion: gaussian_noise")
    assert settings(method) == [(0.5, 0.1), (1, 0.3)]


def test_a_zip_beside_another_axis(tmp_path: Path) -> None:
    grid = "p: [0.5, 1], zip: [p, sigma], distortion: rotation then gaussian_noise"
    assert settings(data_augmentation(tmp_path, grid)) == [(0.5, 30, 0.1), (0.5, 60, 0.1), (1, 30, 0.3), (1, 60, 0.3)]


def test_one_at_a_time_varies_from_the_first_values(tmp_path: Path) -> None:
    grid = "p: [0.5, 0.7, 1], vary: one_at_a_time, distortion: rotation then gaussian_noise"
    method = data_augmentation(tmp_path, grid)
    assert settings(method) == [(0.5, 30, 0.1), (0.7, 30, 0.1), (1, 30, 0.1), (0.5, 60, 0.1), (0.5, 30, 0.3)]


@pytest.mark.parametrize("axis", ["p: 0.5", "p: [0.5]", "p: {values: [0.5]}", "p: {linear: [0.5, 0.5, 1]}"])
def test_one_value_is_one_point(tmp_path: Path, axis: str) -> None:
    assert len(settings(data_augmentation(tmp_path, f"{axis}, distortion: rotation"))) == 2
