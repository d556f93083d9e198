"""The arithmetic behind the figures: ranges, quantiles, paired differences, axes, labels that keep apart."""

import math
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.levels import is_log, level_axis
from dashboards.paired import paired, unpack, unpaired
from dashboards.palette import FURTHER_COLOURS, looks
from dashboards.ranges import QUANTILES, expected_range, quantiles
from dashboards.spread import needed, spread
from dashboards.wording import listed, points, with_hyperparameters
from study.plan import Sweep

shares = st.lists(st.floats(0, 1), min_size=1, max_size=8)


@given(shares, st.data())
def test_the_expected_range_is_the_mean_over_all_subsets(values: list[float], data: st.DataObject) -> None:
    m = data.draw(st.integers(1, len(values)))
    every = [max(subset) - min(subset) for subset in combinations(values, m)]
    assert expected_range(values, m) == pytest.approx(sum(every) / len(every), abs=1e-12)


@given(shares)
def test_the_expected_range_of_all_is_the_range_and_of_one_is_nothing(values: list[float]) -> None:
    assert expected_range(values, len(values)) == pytest.approx(max(values) - min(values), abs=1e-12)
    assert expected_range(values, 1) == pytest.approx(0, abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40))
def test_ranges_grow_with_the_number_of_trials(values: list[float]) -> None:
    widths = [expected_range(values, m) for m in range(1, len(values) + 1)]
    assert all(one <= next_one + 1e-12 for one, next_one in pairwise(widths))


@pytest.mark.parametrize("m", [0, 4])
def test_a_range_over_more_than_there_are_is_refused(m: int) -> None:
    with pytest.raises(ValueError, match=rf"a range over {m} of 3 values: the number lies in \[1, 3\]"):
        expected_range([0.1, 0.2, 0.3], m)


@given(shares)
def test_quantiles_are_numpys_and_in_order(values: list[float]) -> None:
    found = quantiles(values)
    assert list(found) == list(QUANTILES)
    assert list(found.values()) == pytest.approx(np.quantile(values, list(QUANTILES.values())).tolist(), abs=1e-12)
    assert all(low <= high + 1e-15 for low, high in pairwise(found.values()))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=200))
def test_the_paired_error_is_that_of_the_per_image_differences(pairs: list[tuple[bool, bool]]) -> None:
    mine, theirs = (np.array(one, np.uint8) for one in zip(*pairs, strict=True))
    found = paired(mine, [theirs])
    each = [int(a) - int(b) for a, b in pairs]
    mean = sum(each) / len(each)
    sd = math.sqrt(sum((one - mean) ** 2 for one in each) / (len(each) - 1))
    assert found.value == pytest.approx(mean)
    assert found.error == pytest.approx(sd / math.sqrt(len(each)))
    assert found.low <= found.value <= found.high
    assert found.paired


def test_equal_models_do_not_differ() -> None:
    same = np.array([1, 0, 1, 1], np.uint8)
    found = paired(same, [same])
    assert (found.value, found.error, found.clear) == (0, 0, False)


def test_replicates_of_the_baseline_are_averaged_image_by_image() -> None:
    found = paired(np.array([1, 1], np.uint8), [np.array([1, 0], np.uint8), np.array([1, 1], np.uint8)])
    assert found.value == pytest.approx(0.25)


def test_without_bits_the_errors_are_binomial_and_add_up() -> None:
    found = unpaired(0.1, 0.9, 1000)
    assert found.error == pytest.approx(math.sqrt(2 * 0.09 / 1000))
    assert not found.paired
    assert found.clear


def test_bits_come_back_in_order() -> None:
    outcome = np.array([1, 0, 0, 1, 1, 0, 1, 0, 1], np.uint8)
    assert unpack(np.packbits(outcome).tobytes(), 9).tolist() == outcome.tolist()


def sweep(*levels: float, unit: str = "") -> Sweep:
    return Sweep(test_distortion="d", parameter="p", unit=unit, symbol="", levels=levels, practical=levels[0],
                 condition_ids=tuple(map(str, levels)))  # fmt: skip


@pytest.mark.parametrize(
    "levels", [(0.1, 0.2, 0.3, 0.4, 0.6), (90, 50, 30, 10, 5), (0.001, 0.01, 0.1, 1), (30,), (224, 100, 50)]
)
def test_an_axis_runs_from_clean_to_hard(levels: tuple[float, ...]) -> None:
    axis = level_axis(sweep(*levels))
    assert (axis.positions[0], axis.positions[-1], axis.names[0]) == (0, 1, "clean")
    assert all(a < b for a, b in pairwise(axis.positions))


def test_equal_distances_are_equal_steps_or_equal_ratios() -> None:
    linear = level_axis(sweep(0.1, 0.2, 0.4)).positions
    assert linear == pytest.approx((0, 0.25, 0.5, 1))
    logarithmic = level_axis(sweep(0.001, 0.01, 0.1, 1))
    assert logarithmic.log
    assert logarithmic.positions == pytest.approx((0, 0.25, 0.5, 0.75, 1))
    assert level_axis(sweep(90, 60, 30)).positions == pytest.approx((0, 1 / 3, 2 / 3, 1), abs=1e-4)


def test_what_is_spaced_evenly_over_less_than_a_decade_is_linear() -> None:
    assert not is_log((0.01, 0.05, 0.1, 0.15, 0.2))
    assert not is_log((1, 2, 4))
    assert is_log((0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1))


def test_ticks_that_would_touch_are_left_out() -> None:
    axis = level_axis(sweep(1, 2, 50, 98))
    assert axis.ticks == ("clean", "", "", "50", "98")


ROOM = 400.0


@given(st.lists(st.tuples(st.floats(-50, 450), st.integers(1, 2)), max_size=9))
def test_labels_keep_apart_in_order_and_in_their_room(labels: list[tuple[float, int]]) -> None:
    targets, lines = [one for one, _ in labels], [number for _, number in labels]
    shifts = spread(targets, lines, ROOM)
    placed = sorted((target + shift, needed([number])) for (target, number), shift in zip(labels, shifts, strict=True))
    for (above, high), (below, low) in pairwise(placed):
        assert below - above >= (high + low) / 2 - 1e-6
    if placed and needed(lines) <= ROOM:
        assert placed[0][0] - placed[0][1] / 2 >= -1e-6
        assert placed[-1][0] + placed[-1][1] / 2 <= ROOM + 1e-6


def test_labels_with_room_stay_where_they_point() -> None:
    assert spread([20, 100, 300], [1, 2, 1], ROOM) == [0, 0, 0]


def test_a_label_looks_the_same_whatever_stands_beside_it() -> None:
    alone, together = looks(["CP"]), looks(["ST", "CP", "Baseline", "DA"], ["Baseline"])
    assert alone["CP"] == together["CP"]
    assert together["ST"].colour == "#0072B2"


def test_as_many_new_labels_as_colours_all_look_different() -> None:
    names = [f"new {number}" for number in range(len(FURTHER_COLOURS))]
    found = looks(names)
    assert len({(found[name].colour, found[name].symbol) for name in names}) == len(names)


def test_words() -> None:
    told = {given: with_hyperparameters("DA", given) for given in ("p = 0.5 (σ 0.3)", "(σ 0.3)", "")}
    assert list(told.values()) == ["DA; p = 0.5 (σ 0.3)", "DA (σ 0.3)", "DA"]
    assert [points(one) for one in (0.0204, -0.013, 0.0004, -0.0004)] == ["+2.0", "−1.3", "0.0", "0.0"]
    assert [listed(one) for one in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
