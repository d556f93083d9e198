"""Colours, markers and dashes: a method looks the same in every figure, and never by colour alone.

The colours are those of Okabe and Ito (2008), which readers of every kind of colour vision tell apart, on white and on
near-black; labels beyond theirs take Paul Tol's muted set.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

INK, MUTED, RULE, PAPER = "#15181d", "#5b6470", "#dde1e6", "#ffffff"
ABOVE, WITHIN, BELOW = "#d9ebf7", "#f4f6f8", "#fbe3d5"
"""Grounds of numbers, against the baseline."""
DARK = {
    INK: "#eceff3", MUTED: "#a3acb8", RULE: "#343a43", PAPER: "#14171b",
    ABOVE: "#12324a", WITHIN: "#1d2127", BELOW: "#4a2713",
}  # fmt: skip
"""What a figure's own colours become on a dark page; methods keep theirs."""

BASELINE_SYMBOL = "square"
DIVERGED_SYMBOL = "x"

KNOWN = {
    "ST": ("#0072B2", "circle"),
    "ST sym": ("#009E73", "diamond"),
    "DA": ("#D55E00", "triangle-up"),
    "AT": ("#CC79A7", "triangle-down"),
    "BANG": ("#E69F00", "pentagon"),
    "NoisyMix": ("#56B4E9", "star"),
}
FURTHER_COLOURS = ("#332288", "#999933", "#882255", "#44AA99", "#AA4499", "#6699CC", "#117733", "#DDCC77")
FURTHER_SYMBOLS = (
    "hexagon",
    "cross",
    "bowtie",
    "hourglass",
    "star-diamond",
    "triangle-left",
    "triangle-right",
    "octagon",
)


@dataclass(frozen=True, kw_only=True)
class Look:
    """How one label is drawn."""

    colour: str
    symbol: str


BASELINE = Look(colour=INK, symbol=BASELINE_SYMBOL)


def looks(labels: Iterable[str], baselines: Iterable[str] = ()) -> Mapping[str, Look]:
    """A look for each label: its own where it has one, else one of the further ones.

    Which one depends on the label alone, unless two of one study would collide.
    """
    found = {label: Look(colour=KNOWN[label][0], symbol=KNOWN[label][1]) for label in KNOWN}
    found |= dict.fromkeys(baselines, BASELINE)
    further = sorted(set(labels) - set(found))
    places = _places(further, len(FURTHER_COLOURS))
    return found | {
        label: Look(colour=FURTHER_COLOURS[place], symbol=FURTHER_SYMBOLS[place])
        for label, place in zip(further, places, strict=True)
    }


def _places(labels: Sequence[str], size: int) -> list[int]:
    """A place for each label: where its name falls, or the next free one."""
    taken: list[int] = []
    for label in labels:
        first = zlib.crc32(label.encode()) % size
        free = [place % size for place in range(first, first + size) if place % size not in taken]
        taken.append(free[0] if free else first)
    return taken


def tinted(colour: str, share: float) -> str:
    """The colour with so much white in it, in [0, 1]: `#D55E00` → `#E38D49`"""
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part + share * (255 - part)):02X}" for part in parts)


def translucent(colour: str, alpha: float) -> str:
    """`#0072B2` → `rgba(0,114,178,0.15)`"""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
