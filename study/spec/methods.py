"""The section `methods:`: each label's method, its grid, and where it starts."""

from collections.abc import Mapping
from pathlib import Path

from study.spec.axes import kind_of
from study.spec.components import (
    constructible,
    distortion_names,
    distortion_parameters,
    entries_or_fault,
    name_of,
    named,
    only,
    read_parameters,
)
from study.spec.faults import Faults, Place, shown, unknown
from study.spec.form import Axis, FromLabel, MethodSpec, Needs, Range, Setting, Train, Vary
from study.spec.grid import count, distinct, names, open_axes, searched
from study.spec.images import ImageShape, check_crop, check_model
from study.spec.measures import check_measures
from study.spec.needs import read_needs
from study.spec.open_axes import ranged
from study.spec.reading import Node, Scalar, Series
from study.spec.settings import check_kind, picked, sequence
from study.spec.starts import check_circles, check_parents
from study.spec.training import NAMES, SCRATCH, Read, laid_over, read_lines, train_of, untrained
from trainables.methods import Method, methods
from trainables.models import models
from trainables.parameters import parameters
from trainables.recipe import Component
from trainables.sequence import find

MAX_TRIALS = 1_000_000
MAX_LABEL = 60
VARY: tuple[Vary, ...] = ("product", "one_at_a_time")
OWN = ("method", "model", "distortion", "zip", "vary", "resources")
"""What a method may say besides its hyperparameters and the lines of `train:`."""


class Methods:
    """Reads one study's methods; what they share is given once."""

    def __init__(
        self,
        shared: Read,
        distortions: Mapping[str, Setting | None],
        resources: Needs,
        images: ImageShape | None,
        folder: Path,
        faults: Faults,
    ) -> None:
        self.shared = shared
        self.distortions = distortions
        self.resources = resources
        self.images = images
        self.folder = folder
        self.faults = faults
        self.starts: dict[str, str] = {}
        """Label → the label it starts from, as far as it has been read."""

    def read(self, node: Node) -> tuple[MethodSpec, ...]:
        """Every entry that is sound by itself, and sound together."""
        given = entries_or_fault(node, "methods", self.faults)
        if given is None:
            return ()
        if not given:
            self.faults.add(node.place, "a study needs at least one method: LABEL: {method: standard}")
        places = {label: part.place for label, part in given.items()}
        found = [self._method(label, part, list(given)) for label, part in given.items()]
        sound = tuple(method for method in found if method is not None)
        check_circles(self.starts, places, self.faults)
        check_parents(sound, places, self.faults)
        check_measures(sound, places, self.faults)
        return sound

    def _method(self, label: str, node: Node, labels: list[str]) -> MethodSpec | None:
        place = node.place
        self._check_label(label, place)
        given = entries_or_fault(node, f"the method {label}", self.faults)
        if given is None:
            return None
        name = self._name(given, place)
        train = self._train(label, name, given, labels, place)
        resources = read_needs(given.get("resources"), self.resources, self.faults)
        if name is None:
            return None
        axes = self._axes(name, given, place)
        settings = self._settings(methods.get(name), given, place)
        zipped, vary = self._zip(given.get("zip")), self._vary(given.get("vary"))
        if train is None or axes is None or not settings or zipped is None or vary is None:
            return None
        method = MethodSpec(
            label=label, method=name, model=self._model(given), axes=axes, settings=settings, zip=zipped, vary=vary,
            train=train, resources=resources,
        )  # fmt: skip
        return method if self._check_grid(method, given, place) else None

    def _check_label(self, label: str, place: Place) -> None:
        if label == SCRATCH:
            self.faults.add(place, f"{SCRATCH} means random weights in from:; give the method another name")
        if not label.strip() or not label.isprintable() or len(label) > MAX_LABEL:
            self.faults.add(place, f"a method's name is 1 to {MAX_LABEL} printable characters, got {shown(label)}")

    def _name(self, given: dict[str, Node], place: Place) -> str | None:
        if "method" in given:
            return name_of(given["method"], "method", methods.names(), self.faults)
        self.faults.add(place, f"method must be given: one of {', '.join(methods.names())}")
        return None

    def _model(self, given: dict[str, Node]) -> Component | None:
        """Its own network; None for the study's."""
        if "model" not in given:
            return None
        model = named(given["model"], "model", models, self.faults)
        if model is not None and self.images is not None:
            check_model(model, self.images, given["model"].place, self.faults)
        return model

    def _train(
        self, label: str, name: str | None, given: dict[str, Node], labels: list[str], place: Place
    ) -> Train | None:
        """The method's lines over the shared ones; None if one is at fault."""
        own = read_lines(given, labels, self.folder, self.faults)
        if name is not None and not methods.get(name).trains:
            return untrained(name, self.shared, own, given, place, self.faults)
        lines = laid_over(self.shared, own)
        if isinstance(start := lines.get("from"), FromLabel):
            self.starts[label] = start.label
        check_crop(given, self.images, self.faults)
        return train_of(lines, place, self.faults)

    def _axes(self, name: str, given: dict[str, Node], place: Place) -> tuple[Axis, ...] | None:
        """The hyperparameters; None if one is at fault."""
        described = parameters(methods.get(name))
        own = [parameter.name for parameter in described]
        known = [*own, *OWN, *NAMES]
        strange = {line: part for line, part in given.items() if line not in known}
        others = [*self._others(methods.get(name), strange), *self._of_distortions(strange)]
        left = {line: part for line, part in strange.items() if line not in others}
        only(left, known, f"parameter of {name} or line of train", self.faults)
        ranges = read_parameters(given, described, place, self.faults, ranged, lambda default: Range(values=(default,)))
        sound = len(ranges) == len(described) and all(found.values for found in ranges.values())
        axes = tuple(Axis(name=own, values=found.values, draw=found.draw) for own, found in ranges.items())
        return axes if sound else None

    def _others(self, kind: type[Method], strange: dict[str, Node]) -> list[str]:
        """The lines that are another method's parameters, refused where `kind` says why it is joined with none."""
        if not kind.alone:
            return []
        owners = {parameter.name: name for name, other in methods.all().items() for parameter in parameters(other)}
        found = [line for line in strange if line in owners]
        for line in found:
            message = f"{line} is {owners[line]}'s, and {kind.label} is joined with no other method: {kind.alone}"
            self.faults.add(strange[line].place, f"{message}. Leave {line} out, or make it a method of its own")
        return found

    def _of_distortions(self, strange: dict[str, Node]) -> list[str]:
        """The lines that are a distortion's or an attack's parameters, refused with the place where they belong."""
        owners: dict[str, list[str]] = {}
        for name in distortion_names():
            for parameter in distortion_parameters(find(name)):
                owners.setdefault(parameter.name, []).append(name)
        found = [line for line in strange if line in owners]
        for line in found:
            first, told = owners[line][0], " and ".join(owners[line])
            message = f"{line} is a parameter of {told}; write it at distortions: {{{first}: {{{line}: …}}}}"
            self.faults.add(strange[line].place, message)
        return found

    def _settings(self, kind: type[Method], given: dict[str, Node], place: Place) -> tuple[Setting, ...]:
        """What the method trains on; none if it is at fault."""
        node = given.get("distortion")
        if not kind.trains_on_distortion:
            if node is not None:
                why = f": {kind.alone}. Leave" if kind.alone else "; leave"
                self.faults.add(node.place, f"{kind.label} trains on undistorted images{why} distortion: out")
            return (Setting(),)
        if node is None:
            there = ", ".join([*self.distortions, "all"])
            self.faults.add(place, f"{kind.label} trains on a distortion; name it with distortion: ({there})")
            return ()
        found = []
        for name in picked(node, self.distortions, self.images, self.faults):
            setting = self.distortions.get(name)
            if name not in self.distortions:
                setting = sequence(name, self.distortions, node.place, self.images, self.faults)
            if setting is not None:
                check_kind(kind, setting, node.place, self.faults)
                found.append(setting)
        return tuple(found)

    def _zip(self, node: Node | None) -> tuple[str, ...] | None:
        """The names that advance together; None if they are at fault."""
        if node is None:
            return ()
        texts = [item.text for item in node.items if isinstance(item, Scalar)] if isinstance(node, Series) else []
        if len(set(texts)) < 2 or not isinstance(node, Series) or len(set(texts)) != len(node.items):
            self.faults.add(node.place, "zip takes a list of two or more names, each once, such as [p, sigma]")
            return None
        return tuple(texts)

    def _vary(self, node: Node | None) -> Vary | None:
        if node is None:
            return VARY[0]
        for vary in VARY:
            if isinstance(node, Scalar) and node.text == vary:
                return vary
        self.faults.add(node.place, f"vary is one of {', '.join(VARY)}, got {kind_of(node)}")
        return None

    def _check_grid(self, method: MethodSpec, given: dict[str, Node], place: Place) -> bool:
        """Whether the grid can be unrolled and each of its points made."""
        zipped = [
            _check_zip(method, setting, given["zip"].place, self.faults) for setting in method.settings if method.zip
        ]
        if not all(zipped) or not all(self._check_search(method, setting, place) for setting in searched(method)):
            return False
        trials = count(method) * method.train.replicates
        if trials > MAX_TRIALS:
            self.faults.add(place, f"a method has at most {MAX_TRIALS:,} trials, got {trials:,}")
            return False
        kind = methods.get(method.method)
        return all(constructible(kind, component.parameters, place, self.faults) for component in distinct(method))

    def _check_search(self, method: MethodSpec, setting: Setting, place: Place) -> bool:
        """Whether what is not open is a single value: a search draws points, and unrolls no grid."""
        drawn = open_axes(method, setting)
        first = drawn[0][1].name
        for axis in (*method.axes, *(axis for step in setting.steps for axis in step.axes)):
            if axis.draw is None and len(axis.values) > 1:
                message = f"{first} is open, so {axis.name} is one value or open too, such as {{choice: […]}}; got"
                self.faults.add(place, f"{message} {len(axis.values)} values")
                return False
        if method.zip or method.vary != VARY[0]:
            self.faults.add(place, f"{first} is open, and zip and vary are for grids; leave them out")
            return False
        return True


def _check_zip(method: MethodSpec, setting: Setting, place: Place, faults: Faults) -> bool:
    """Whether every zipped name is one axis of this setting, all of one length."""
    there = names(method, setting)
    for name in method.zip:
        if name not in there:
            faults.add(place, unknown("parameter here", name, there))
            return False
        if there.count(name) > 1:
            faults.add(place, f"{name} stands {there.count(name)} times here, so zip cannot tell which is meant")
            return False
    axes = [*method.axes, *(axis for step in setting.steps for axis in step.axes)]
    lengths = {axis.name: len(axis.values) for axis in axes if axis.name in method.zip}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        faults.add(place, f"zipped parameters have as many values as one another, got {told}")
        return False
    return True
