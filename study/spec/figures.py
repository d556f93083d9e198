"""The section `figures:`: which curves stand together, as a paper draws them.

1c: {train: fgsm, test: fgsm, methods: [ST, DA, AT], pick_at: [0.001, 0.1],
     also: {train: gaussian_noise, methods: [ST]}}

Each is a page of the dashboard and a line of `study plan`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from study.plan import Figure, Trained
from study.spec.axes import kind_of
from study.spec.components import entries_or_fault, only
from study.spec.faults import Faults, Place, shown, unknown
from study.spec.form import MethodSpec, Setting, SweepSpec
from study.spec.reading import Node, Scalar, Series
from trainables.sequence import JOIN

TAKEN = (
    "all", "figures", "bands", "standing", "knobs", "heat_map", "training", "pareto", "near_duplicates", "corruptions",
    "perturbations",
)  # fmt: skip
"""What the page and notebooks call figures of any study."""
LINES = ("train", "test", "methods", "pick_at", "also")
ALSO_LINES = ("train", "methods")
MAX_NAME = 40


@dataclass(frozen=True, kw_only=True)
class There:
    """What the figures of a study may name."""

    distortions: Sequence[str]
    """Keys of `distortions:`, sound or not."""
    labels: Sequence[str]
    """Keys of `methods:`, sound or not."""
    methods: Mapping[str, MethodSpec]
    """The sound ones, by label."""
    tested: Sequence[str]
    """Names of the sweeps, sound or not."""
    sweeps: Mapping[str, SweepSpec]
    """The sound ones, by test distortion."""

    @property
    def trained_on(self) -> tuple[str, ...]:
        """The keys, and the sequences that have none of their own."""
        return tuple(dict.fromkeys((*self.distortions, *map(_trained_on, self._settings()))))

    def _settings(self) -> Iterator[Setting]:
        return (setting for method in self.methods.values() for setting in method.settings if setting.steps)


def read_figures(given: Mapping[str, Node], there: There, faults: Faults) -> tuple[Figure, ...]:
    """The sound ones, in the order of the file."""
    found = (_figure(name, node, there, faults) for name, node in given.items())
    return tuple(figure for figure in found if figure is not None)


def _figure(name: str, node: Node, there: There, faults: Faults) -> Figure | None:
    _check_figure_name(name, node.place, faults)
    given = entries_or_fault(node, f"figure {name}", faults)
    if given is None:
        return None
    only(given, LINES, "line of a figure", faults)
    trained = _trained(given, node.place, there, faults)
    tested = _name(given, "test", "test distortion", there.tested, node.place, faults)
    also = [_beside(one, there, faults) for one in _items(given.get("also"))]
    picked = _pick_at(given.get("pick_at"), there.sweeps.get(tested or ""), faults)
    if trained is None or tested is None or None in also:
        return None
    beside = tuple(one for one in also if one is not None)
    _check_once((trained, *beside), node.place, faults)
    return Figure(name=name, trained=trained, test_distortion=tested, also=beside, pick_at=picked)


def _check_figure_name(name: str, place: Place, faults: Faults) -> None:
    if name in TAKEN:
        faults.add(place, f"{name} is what a figure of any study is called; give this one another name")
    if not name.strip() or not name.isprintable() or len(name) > MAX_NAME:
        faults.add(place, f"a figure's name is 1 to {MAX_NAME} printable characters, got {shown(name)}")


def _check_once(several: Sequence[Trained], place: Place, faults: Faults) -> None:
    """No trial is drawn twice."""
    seen: set[tuple[str, str]] = set()
    for one in several:
        for label in one.labels:
            if (label, one.train_distortion) in seen:
                faults.add(
                    place, f"{label} on {one.train_distortion} stands in this figure already; leave it out of also"
                )
            seen.add((label, one.train_distortion))


def _beside(node: Node, there: There, faults: Faults) -> Trained | None:
    """What is drawn beside: other trials under the same test distortion."""
    given = entries_or_fault(node, "what is drawn beside a figure", faults)
    if given is None:
        return None
    only(given, ALSO_LINES, "line of also", faults)
    return _trained(given, node.place, there, faults)


def _trained(given: Mapping[str, Node], place: Place, there: There, faults: Faults) -> Trained | None:
    """The trials of a figure; without a line of methods, those of every method that trains so."""
    train = _name(given, "train", "training distortion", there.trained_on, place, faults)
    named = [_label(item, train, there, faults) for item in _items(given.get("methods"))]
    if "methods" in given and not named:
        faults.add(given["methods"].place, "a figure shows one method at least; leave methods out to show all")
    if train is None or None in named:
        return None
    labels = tuple(dict.fromkeys(label for label in named if label is not None))
    return Trained(train_distortion=train, labels=labels if "methods" in given else tuple(_training_on(train, there)))


def _training_on(train: str, there: There) -> Iterator[str]:
    for label, method in there.methods.items():
        if train in map(_trained_on, method.settings):
            yield label


def _trained_on(setting: Setting) -> str:
    return JOIN.join(step.name for step in setting.steps)


def _label(node: Node, train: str | None, there: There, faults: Faults) -> str | None:
    """A method that trains on `train`; None if it is at fault, or if its own entry is."""
    if not isinstance(node, Scalar):
        faults.add(node.place, f"the name of a method of this study is expected, got {kind_of(node)}")
    elif node.text not in there.labels:
        faults.add(node.place, unknown("method of this study", node.text, there.labels))
    elif train is not None and node.text in there.methods:
        on_it = tuple(_training_on(train, there))
        if node.text in on_it:
            return node.text
        told = f"{', '.join(on_it)} {'does' if len(on_it) == 1 else 'do'}" if on_it else "no method does"
        faults.add(node.place, f"{node.text} does not train on {train} ({told}); leave it out of the figure")
    return None


def _name(
    given: Mapping[str, Node], line: str, kind: str, known: Sequence[str], place: Place, faults: Faults
) -> str | None:
    """The distortion that a line names, which must be one of `known`."""
    if line not in given:
        faults.add(place, f"{line} must be given: a {kind} of this study ({', '.join(known) or 'there is none'})")
        return None
    node = given[line]
    if not isinstance(node, Scalar):
        faults.add(node.place, f"the name of a {kind} is expected, got {kind_of(node)}")
    elif node.text in known:
        return node.text
    else:
        faults.add(node.place, unknown(f"{kind} of this study", node.text, known))
    return None


def _pick_at(node: Node | None, sweep: SweepSpec | None, faults: Faults) -> tuple[float, ...]:
    """Levels at which best and worst are told; none for the practical one."""
    levels = [_level(item, sweep, faults) for item in _items(node)]
    return tuple(dict.fromkeys(level for level in levels if level is not None))


def _level(node: Node, sweep: SweepSpec | None, faults: Faults) -> float | None:
    level = node.number if isinstance(node, Scalar) else None
    if level is None:
        faults.add(node.place, f"best and worst are picked at a level of the sweep, got {kind_of(node)}")
    elif sweep is None or float(level) in sweep.levels:
        return float(level)
    else:
        there = ", ".join(f"{one:g}" for one in sweep.levels)
        faults.add(node.place, f"{float(level):g} is no level of the sweep of {sweep.test_distortion}; it has {there}")
    return None


def _items(node: Node | None) -> Sequence[Node]:
    """One, or a list of them."""
    return () if node is None else node.items if isinstance(node, Series) else (node,)
