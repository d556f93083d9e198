"""Axes: points as the papers print them, and what is no axis."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.spec.axes import axis, linear, log, step
from study.spec.faults import Faults, Place
from study.spec.reading import read
from trainables.parameters import Parameter, Value

NUMBER = Parameter(name="x")


@pytest.fixture(scope="module")
def golden(shared: Path) -> Any:
    return json.loads((shared / "golden" / "golden_bang.json").read_text())


def points(text: str, parameter: Parameter = NUMBER) -> tuple[Value, ...]:
    faults = Faults()
    values = axis(read(text, Place(file="f"), faults), parameter, faults)
    assert not faults.found
    return values


def fault(text: str, parameter: Parameter = NUMBER) -> str:
    faults = Faults()
    values = axis(read(text, Place(file="f"), faults), parameter, faults)
    assert values == ()
    return "\n".join(map(str, faults.found))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("alpha", "{log: [0.01, 10, 3]}"),
        ("p", "{linear: [0.5, 1, 2]}"),
        ("gaussian_sigma", "{log: [0.01, 1, 4]}"),
        ("jpeg_q", "{linear: [90, 10, 3]}"),
        ("thumbnail_A", "{linear: [20, 200, 3]}"),
        ("fgsm_eps", "{log: [0.001, 1, 7]}"),
        ("rotation_rho", "{linear: [0, 180, 3]}"),
        ("crop_C_used", "[0, 7, 15]"),
    ],
)
def test_laermann_table_2(golden: Any, key: str, text: str) -> None:
    assert points(text) == tuple(float(f"{value:.12g}") for value in golden["laermann_table2"][key])


@pytest.mark.parametrize(
    ("net", "key", "text"),
    [
        ("lenet", "beta", "{step: [1.0, 1.6, 0.05]}"),
        ("lenet", "eps", "{step: [0.78, 0.84, 0.005]}"),
        ("cifar", "beta", "{step: [0.40, 1.00, 0.05]}"),
        ("cifar", "eps", "{step: [0.80, 0.86, 0.005]}"),
    ],
)
def test_bang_grids_have_thirteen_exact_points(golden: Any, net: str, key: str, text: str) -> None:
    values = points(text)
    assert len(values) == 13
    assert values == tuple(golden["bang_grids"][net][key])


def test_forms_agree() -> None:
    assert points("[0.1, 0.3]") == points("{values: [0.1, 0.3]}") == points("{linear: [0.1, 0.3, 2]}") == (0.1, 0.3)
    assert points("8/255") == points("[8/255]") == (0.0313725490196,)
    assert points("{log: [1, 1e-3, 4]}") == (1, 0.1, 0.01, 0.001)
    assert points("{step: [10, 0, -5]}") == (10, 5, 0)
    assert points("{linear: [3, 3, 1]}") == (3,)


def test_values_have_the_parameter_s_type() -> None:
    assert all(type(value) is int for value in points("{linear: [90, 10, 3]}", Parameter(name="quality", type=int)))
    assert points("[kl, l2]", Parameter(name="divergence", type=str, choices=("kl", "l2"))) == ("kl", "l2")
    assert points("[true, false]", Parameter(name="clamp", type=bool)) == (True, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "an axis needs at least one value"),
        ("[1, 2, 1.0]", "1 stands twice in x"),
        ("[1, [2]]", "a value is a number or text, got a list"),
        ("{}", "an axis has one form"),
        ("{log: [1, 2, 3], linear: [1, 2, 3]}", "an axis has one form"),
        ("{lgo: [1, 2, 3]}", "no form of axis is called 'lgo'; did you mean 'log'?"),
        ("{log: [1, 2]}", "takes three numbers"),
        ("{log: [1, a, 3]}", "takes three numbers"),
        ("{log: [1, .inf, 3]}", "takes three numbers"),
        ("{log: 3}", "takes three numbers"),
        ("{log: [0, 10, 3]}", "numbers above 0, got 0 and 10"),
        ("{linear: [0, 1, 1]}", "from 0 to 1 there cannot be 1 point"),
        ("{linear: [1, 1, 2]}", "from 1 to 1 there cannot be 2 point"),
        ("{linear: [0, 1, 2.5]}", "counts points, 1 to 100,000, got 2.5"),
        ("{linear: [0, 1, 1e9]}", "counts points, 1 to 100,000"),
        ("{linear: [1, 1.0000000000001, 5]}", "closer than 12 digits"),
        ("{step: [1, 1.6, 0.07]}", "not a whole number of steps of 0.07 from 1; end at 1.56"),
        ("{step: [1, 2, 0]}", "not reached"),
        ("{step: [1, 2, -1]}", "not reached"),
        ("{step: [0, 1, 1e-9]}", "at most 100,000 points"),
        ("{values: 3}", "takes a list"),
        ("one", "x is a finite number; got 'one'"),
        (".nan", "x is a finite number"),
        ("true", "x is a finite number"),
        ("{uniform: [0, 1]}", "is drawn from by a search, and this is not searched; list the values"),
        ("{loguniform: [0, 1]}", "is drawn from by a search"),
        ("{int: [0, 1]}", "is drawn from by a search"),
        ("{choice: [0, 1]}", "is drawn from by a search"),
    ],
)
def test_what_is_no_axis_is_told(text: str, message: str) -> None:
    assert message in fault(text)


def test_every_value_out_of_range_is_told() -> None:
    told = fault("[-1, 0.5, 2]", Parameter(name="p", ge=0, le=1, doc="a probability"))
    assert told.splitlines() == [
        "f:1  [0]: p, a probability, lies in [0, 1]; got -1",
        "f:1  [2]: p, a probability, lies in [0, 1]; got 2",
    ]


NUMBERS = st.fractions(min_value=Fraction(1, 1000), max_value=1000, max_denominator=1000)


@settings(deadline=None)
@given(start=NUMBERS, end=NUMBERS, count=st.integers(2, 50))
def test_linear_and_log_begin_and_end_where_they_say(start: Fraction, end: Fraction, count: int) -> None:
    for form in (linear, log):
        if start == end:
            with pytest.raises(ValueError, match="cannot be"):
                form(start, end, Fraction(count))
        else:
            values = form(start, end, Fraction(count))
            assert len(values) == count
            assert values[0] == pytest.approx(float(start), rel=1e-11)
            assert values[-1] == pytest.approx(float(end), rel=1e-11)
            assert sorted(values, reverse=end < start) == list(values)


@settings(deadline=None)
@given(start=NUMBERS, width=NUMBERS, steps=st.integers(0, 50))
def test_step_includes_its_end(start: Fraction, width: Fraction, steps: int) -> None:
    assert len(step(start, start + steps * width, width)) == steps + 1
