"""Axes: the values that a hyperparameter or a level runs over, written as the papers write them.

    {log: [0.01, 10, 3]}       [start, end, points], evenly in the logarithm, both ends included
    {linear: [0.5, 1, 2]}      [start, end, points], evenly, both ends included
    {step: [1, 1.6, 0.05]}     [start, end, step], both ends included
    {values: [0.1, 0.3]}       these values; a bare list means the same, and a single value is a list of one

Points are computed in exact decimals and rounded to 12 significant digits.
"""

from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction

from study.spec.faults import Faults, shown, unknown
from study.spec.reading import Mapping, Node, Scalar, Series, rounded, value_of
from trainables.parameters import Parameter, Value

MAX_POINTS = 100_000
OPEN = ("uniform", "loguniform", "int", "choice")
PRECISE = Context(prec=50)


def linear(start: Fraction, end: Fraction, points: Fraction) -> tuple[int | float, ...]:
    """`points` numbers from `start` to `end`, evenly apart. Raises ValueError."""
    count = _points(start, end, points)
    return tuple(rounded(start + (end - start) * i / max(count - 1, 1)) for i in range(count))


def log(start: Fraction, end: Fraction, points: Fraction) -> tuple[int | float, ...]:
    """`points` numbers from `start` to `end`, evenly apart in the logarithm. Raises ValueError."""
    if start <= 0 or end <= 0:
        raise ValueError(f"a log axis runs between numbers above 0, got {rounded(start)} and {rounded(end)}")
    count = _points(start, end, points)
    first, ratio = _decimal(start), PRECISE.ln(_decimal(end / start))
    exponents = (PRECISE.multiply(ratio, _decimal(Fraction(i, max(count - 1, 1)))) for i in range(count))
    return tuple(_number(PRECISE.multiply(first, PRECISE.exp(exponent))) for exponent in exponents)


def step(start: Fraction, end: Fraction, width: Fraction) -> tuple[int | float, ...]:
    """`start`, `start + width`, … up to and with `end`. Raises ValueError."""
    if width == 0 or (end - start) / width < 0:
        said = f"{rounded(end)} is not reached from {rounded(start)} in steps of {rounded(width)}"
        raise ValueError(f"{said}; the step is not 0 and leads from the start to the end")
    steps = (end - start) / width
    if steps >= MAX_POINTS:
        raise ValueError(f"an axis has at most {MAX_POINTS:,} points, got {int(steps) + 1:,}")
    if steps.denominator != 1:
        last = rounded(start + int(steps) * width)
        raise ValueError(
            f"{rounded(end)} is not a whole number of steps of {rounded(width)} from {rounded(start)}; "
            f"end at {last} or change the step"
        )
    return tuple(rounded(start + width * i) for i in range(int(steps) + 1))


RANGES: dict[str, Callable[[Fraction, Fraction, Fraction], tuple[int | float, ...]]] = {
    "log": log,
    "linear": linear,
    "step": step,
}
FORMS = {
    "log": "[start, end, points]",
    "linear": "[start, end, points]",
    "step": "[start, end, step]",
    "values": "[value, …]",
}


def axis(node: Node, parameter: Parameter, faults: Faults) -> tuple[Value, ...]:
    """The values of `parameter` that `node` stands for, each checked; empty if it is at fault."""
    if isinstance(node, Scalar):
        return _checked([node], parameter, faults)
    if isinstance(node, Series):
        return _values(node, parameter, faults)
    return _axis_by_form(node, parameter, faults)


def single(node: Node, parameter: Parameter, faults: Faults) -> Value:
    """The one value of `parameter` that `node` stands for; None if it is at fault."""
    if parameter.many:
        return _many(node, parameter, faults)
    if not isinstance(node, Scalar):
        faults.add(node.place, f"{parameter.name} takes one value ({parameter.range}), not {kind_of(node)}")
        return None
    values = _checked([node], parameter, faults)
    return values[0] if values else None


def _many(node: Node, parameter: Parameter, faults: Faults) -> Value:
    """A list that is one value; None if it is at fault."""
    items = node.items if isinstance(node, Series) else (node,)
    values = [given(item, parameter) for item in items if isinstance(item, Scalar)]
    try:
        if not isinstance(node, Series) or len(values) < len(items):
            raise ValueError(f"{parameter.name} is a list of numbers, such as [100, 150]; got {kind_of(node)}")
        return parameter.convert(values)
    except ValueError as error:
        faults.add(node.place, error)
        return None


def kind_of(node: Node) -> str:
    """`a list`: what stands where something else was expected."""
    if isinstance(node, Scalar):
        return shown(value_of(node))
    return "a list" if isinstance(node, Series) else "a mapping"


def is_open(node: Node) -> bool:
    """Whether `node` is an axis that a search would draw from."""
    return isinstance(node, Mapping) and len(node.entries) == 1 and next(iter(node.entries)) in OPEN


def _axis_by_form(node: Mapping, parameter: Parameter, faults: Faults) -> tuple[Value, ...]:
    if len(node.entries) != 1:
        faults.add(node.place, f"an axis has one form, such as {{log: [start, end, points]}}; got {len(node.entries)}")
        return ()
    form, part = next(iter(node.entries.items()))
    if is_open(node):
        faults.add(node.place, f"{{{form}: …}} is drawn from by a search, and this is not searched; list the values")
    elif form not in FORMS:
        faults.add(node.place, unknown("form of axis", form, (*FORMS, *OPEN)))
    elif form == "values":
        return _listed(part, parameter, faults)
    else:
        return _ranged(form, part, parameter, faults)
    return ()


def _listed(node: Node, parameter: Parameter, faults: Faults) -> tuple[Value, ...]:
    if isinstance(node, Series):
        return _values(node, parameter, faults)
    faults.add(node.place, f"{{values: …}} takes a list, got {kind_of(node)}")
    return ()


def _ranged(form: str, node: Node, parameter: Parameter, faults: Faults) -> tuple[Value, ...]:
    """The points of a `log`, `linear` or `step` axis."""
    numbers = [part.number for part in node.items if isinstance(part, Scalar)] if isinstance(node, Series) else []
    exact = [number for number in numbers if isinstance(number, Fraction)]
    if len(exact) != 3 or len(numbers) != 3 or not isinstance(node, Series) or len(node.items) != 3:
        faults.add(node.place, f"{{{form}: {FORMS[form]}}} takes three numbers")
        return ()
    try:
        points = RANGES[form](*exact)
        return _distinct([(point, parameter.convert(point)) for point in points])
    except ValueError as error:
        faults.add(node.place, error)
        return ()


def _values(node: Series, parameter: Parameter, faults: Faults) -> tuple[Value, ...]:
    if not node.items:
        faults.add(node.place, f"an axis needs at least one value; give {parameter.name} some, or leave it out")
        return ()
    if len(node.items) > MAX_POINTS:
        faults.add(node.place, f"an axis has at most {MAX_POINTS:,} points, got {len(node.items):,}")
        return ()
    scalars = [item for item in node.items if isinstance(item, Scalar)]
    for item in node.items:
        if not isinstance(item, Scalar):
            faults.add(item.place, f"a value is a number or text, got {kind_of(item)}")
    checked = _checked(scalars, parameter, faults)
    return checked if len(checked) == len(node.items) else ()


def _checked(nodes: list[Scalar], parameter: Parameter, faults: Faults) -> tuple[Value, ...]:
    """The values of the scalars; empty if one is at fault or stands twice."""
    values: dict[Value, None] = {}
    sound = True
    for node in nodes:
        try:
            if node.value is None and not parameter.optional:
                raise ValueError(f"{parameter.name} must be given ({parameter.doc or parameter.range})")
            value = parameter.convert(given(node, parameter))
        except ValueError as error:
            faults.add(node.place, error)
            sound = False
            continue
        if value in values:
            faults.add(node.place, f"{shown(value)} stands twice in {parameter.name}; keep one of them")
            sound = False
        values[value] = None
    return tuple(values) if sound else ()


def given(node: Scalar, parameter: Parameter) -> Value:
    """What a scalar says of `parameter`: `8/255` is a number where one is expected."""
    number = node.number if parameter.type in (int, float) else None
    return value_of(node) if number is None else rounded(number)


def _distinct(points: list[tuple[int | float, Value]]) -> tuple[Value, ...]:
    """The converted points; raises ValueError if rounding made two of them equal."""
    seen: set[Value] = set()
    for point, value in points:
        if value in seen:
            raise ValueError(f"the axis gives {point} twice: its points lie closer than 12 digits tell apart")
        seen.add(value)
    return tuple(value for _, value in points)


def _points(start: Fraction, end: Fraction, points: Fraction) -> int:
    """The number of points; raises ValueError if there cannot be that many."""
    if points.denominator != 1 or not 1 <= points <= MAX_POINTS:
        raise ValueError(f"the third number counts points, 1 to {MAX_POINTS:,}, got {rounded(points)}")
    if (points == 1) != (start == end):
        raise ValueError(f"from {rounded(start)} to {rounded(end)} there cannot be {points} point(s)")
    return int(points)


def _decimal(number: Fraction) -> Decimal:
    return PRECISE.divide(Decimal(number.numerator), Decimal(number.denominator))


def _number(number: Decimal) -> int | float:
    """The decimal to 12 significant digits, a whole one as a whole number."""
    short = Context(prec=12).plus(number)
    return rounded(Fraction(short))
