"""Words and numbers, as every figure and sentence of the dashboard writes them."""

import textwrap
from collections.abc import Sequence

from study.plan import Sweep
from study.report import figure

MINUS = "−"


def spoken(distortion: str) -> str:
    """`rotation then gaussian_noise` → `rotation then gaussian noise`"""
    return distortion.replace("_", " ")


def headed(text: str) -> str:
    """`triplet ranking score` → `Triplet ranking score`"""
    return text[:1].upper() + text[1:]


def percent(accuracy: float) -> str:
    """`84.1`"""
    return f"{100 * accuracy:.1f}"


def points(difference: float) -> str:
    """A difference of accuracies in percentage points: `+2.0`, `−1.3`, `0.0`."""
    shown = f"{abs(100 * difference):.1f}"
    if shown == "0.0":
        return shown
    return f"{MINUS if difference < 0 else '+'}{shown}"


def width(difference: float) -> str:
    """Points without a sign: `10.3`."""
    return f"{100 * difference:.1f}"


def count(number: int, noun: str) -> str:
    """`1 trial`, `1,500 images`"""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`"""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def with_unit(sweep: Sweep, level: float) -> str:
    """`30°`, `10 px`, `0.3`"""
    joined = {"°": "°", "px": " px"}.get(sweep.unit, "")
    return f"{figure(level)}{joined}"


def symbol(sweep: Sweep) -> str:
    """`σ`; the parameter's name where papers have no letter for it, or one that says nothing by itself."""
    return telling(sweep.symbol, sweep.parameter)


def telling(letter: str, name: str) -> str:
    """The letter; the name instead of none, and of a plain capital (A of a thumbnail, C of a crop)."""
    return name if not letter or (letter.isascii() and letter.isupper()) else letter


def drawn_from(sweep: Sweep) -> str:
    """`, turned by angles from ±ρ`: where the level is a bound that each image's own draw keeps."""
    return f", turned by angles from ±{symbol(sweep)}" if sweep.test_distortion == "rotation" else ""


def at_level(sweep: Sweep, level: float) -> str:
    """`σ = 0.3`, `ρ = 30°`"""
    return f"{symbol(sweep)} = {with_unit(sweep, level)}"


def at_levels(sweep: Sweep, levels: Sequence[float]) -> str:
    """`σ = 0.3`, `σ = 0.3 and 0.6`"""
    return f"{symbol(sweep)} = {listed([with_unit(sweep, level) for level in levels])}"


def unit_word(sweep: Sweep) -> str:
    """`degrees`, `pixels in [0, 1]`; empty where it has none."""
    return {"°": "degrees", "px": "pixels"}.get(sweep.unit, sweep.unit)


def axis_title(sweep: Sweep) -> str:
    """`σ of the gaussian noise at test, pixels in [0, 1]`"""
    unit = unit_word(sweep)
    named = f"{symbol(sweep)} of the {spoken(sweep.test_distortion)} at test"
    return f"{named}, {unit}" if unit else named


def short_level(sweep: Sweep) -> str:
    """The head of a column: `gaussian noise 0.3`, `rotation 30°`."""
    return f"{spoken(sweep.test_distortion)} {with_unit(sweep, sweep.practical)}"


def with_hyperparameters(name: str, in_brackets: str) -> str:
    """`DA; p = 0.5 (σ 0.22)`, `DA (σ 0.22)`, `DA`"""
    return f"{name}{' ' if in_brackets.startswith('(') else '; '}{in_brackets}" if in_brackets else name


def fitted(text: str, characters: int, lines: int = 1) -> tuple[str, ...]:
    """`text` on at most so many lines of so many characters; what does not fit in is an ellipsis."""
    rows = textwrap.wrap(" ".join(text.split()), characters, break_on_hyphens=False)
    if len(rows) <= lines:
        return tuple(rows) or ("",)
    last = " ".join(rows[lines - 1 :])[: characters - 1].rstrip()
    return (*rows[: lines - 1], f"{last}…")


def seconds(number: float) -> str:
    """`12 s`, `3.5 min`, `2.1 h`"""
    for size, unit in ((3600, "h"), (60, "min")):
        if number >= 1.5 * size:
            return f"{number / size:.1f} {unit}"
    return f"{number:.1f} s" if number < 10 else f"{number:.0f} s"
