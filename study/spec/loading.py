"""Loading: a study's YAML → a `Spec`, or every fault in it at once."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from study.plan import Figure
from study.spec.attacks import ATTACKS
from study.spec.axes import kind_of
from study.spec.benchmarks import check_normalizers
from study.spec.components import entries, entries_or_fault, named, only
from study.spec.evaluation import read_evaluate, switched
from study.spec.faults import Faults, Place, refusal, shown
from study.spec.figures import There, read_figures
from study.spec.form import Evaluate, MethodSpec, Setting, Spec
from study.spec.images import ImageShape, check_crop, check_model, images_of
from study.spec.keeping import read_keep
from study.spec.measures import check_attacked, check_quality
from study.spec.methods import Methods
from study.spec.needs import default_needs, read_needs
from study.spec.overrides import apply, parse, write
from study.spec.reading import Mapping, Node, Scalar, plain, read
from study.spec.searching import check_open, read_search
from study.spec.settings import read_distortions
from study.spec.sources import SUFFIX, Source, find
from study.spec.tracking import read_tracking
from study.spec.training import AT_FAULT, NAMES, NEVER, SINGLE, read_lines
from trainables.datasets import datasets
from trainables.models import models
from trainables.recipe import Component

SECTIONS = (
    "study", "title", "data", "model", "train", "distortions", "methods", "search", "evaluate", "figures",
    "resources", "tracking", "keep",
)  # fmt: skip
REQUIRED_SECTIONS = ("study", "data", "model", "methods")
STUDY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
TAKEN = "Default"
MAX_TITLE = 200


def load(source: str | Path, overrides: Sequence[str] = ()) -> Spec:
    """The study in a YAML file, or shipped under that name, with `path=value` overrides laid over it.

    Raises SpecError with every fault. Opens no image: what depends on their size is checked against the data set's
    description.
    """
    return load_text(find(source), overrides)


def load_text(found: Source, overrides: Sequence[str] = ()) -> Spec:
    """`load`, of a text that was found."""
    place = Place(file=found.name)
    faults = Faults()
    tree = _as_mapping(read(found.text, place, faults, lines=found.written))
    for override in overrides:
        tree = apply(tree, parse(override, faults))
    text = _told(found.name, overrides) + write(tree) if overrides else found.text
    return _check(tree, found.folder, text, faults)


def _check(tree: Mapping, folder: Path, text: str, faults: Faults) -> Spec:
    """The study that a tree describes; raises SpecError with every fault."""
    only(tree.entries, SECTIONS, "section of a study", faults)
    for name in REQUIRED_SECTIONS:
        if name not in tree.entries:
            faults.add(tree.place, f"{name} must be given: every study has {', '.join(REQUIRED_SECTIONS)}")
    parts = _sections(tree.entries, folder, faults)
    faults.check()
    return Spec(**parts, text=text)


def _sections(given: dict[str, Node], folder: Path, faults: Faults) -> dict[str, Any]:
    """Every section that is sound; what is not is among the faults."""
    given = {**given, **({"evaluate": switched(given["evaluate"])} if "evaluate" in given else {})}
    data, model, images = _what(given, faults)
    distortions = read_distortions(given.get("distortions"), images, faults)
    read = entries_or_fault(given.get("train"), "train", faults)
    lines = read or {}
    only(lines, NAMES, "line of train", faults)
    labels = list(entries(given.get("methods"), "methods", faults))
    check_crop(lines, images, faults)
    shared = AT_FAULT if read is None else read_lines(lines, labels, folder, faults)
    resources = read_needs(given.get("resources"), default_needs(), faults)
    reader = Methods(shared, distortions, resources, images, folder, faults)
    study = _study(given["study"], faults) if "study" in given else None
    methods = reader.read(given["methods"]) if "methods" in given else ()
    evaluate = read_evaluate(given.get("evaluate"), images, methods, faults)
    check_normalizers(given.get("evaluate"), methods, labels, images, faults)
    check_attacked(methods, evaluate.sweeps, _tested_at(given), faults)
    check_quality(methods, _quality_at(given), faults)
    search = read_search(given.get("search"), _tested(given, faults), _is_corrupted(given), faults)
    _check_unseen(data, given.get("methods"), methods, search is not None, faults)
    check_open(given.get("search"), (given.get("distortions"), given.get("methods")), methods, faults)
    return {
        "study": study,
        "title": _title(given["title"], faults) if "title" in given else study,
        "data": data,
        "model": model,
        "train": {name: plain(line) for name, line in lines.items()},
        "distortions": {key: setting for key, setting in distortions.items() if setting is not None},
        "methods": methods,
        "evaluate": evaluate,
        "search": search,
        "precision": shared.get("precision") or SINGLE["precision"].default,
        "figures": _figures(given, labels, distortions, methods, evaluate, faults),
        "resources": resources,
        "tracking": read_tracking(given.get("tracking"), faults),
        "keep": read_keep(given.get("keep"), faults),
    }


def _what(given: dict[str, Node], faults: Faults) -> tuple[Component | None, Component | None, ImageShape | None]:
    """The data set, the model, and the images that the one gives the other."""
    data = named(given["data"], "data set", datasets, faults) if "data" in given else None
    model = named(given["model"], "model", models, faults) if "model" in given else None
    images = images_of(data)
    if model is not None and images is not None:
        check_model(model, images, given["model"].place, faults)
    return data, model, images


def _check_unseen(
    data: Component | None, node: Node | None, methods: Sequence[MethodSpec], searched: bool, faults: Faults
) -> None:
    """Where validation images train too, nothing may be chosen on them."""
    if data is None or data.parameters.get("held_out", True):
        return
    rule = "data.held_out: false trains on the validation images"
    if searched and node is not None:
        faults.add(node.place, f"{rule}, and a search looks at them; leave held_out out")
    places = entries(node, "methods", faults)
    for method in methods:
        place = places[method.label].place
        if method.train.select == "best_validation":
            faults.add(place.at("select"), f"{rule}, and best_validation chooses on them; write select: last")
        if method.train.prune != NEVER:
            faults.add(place.at("prune"), f"{rule}, and pruning chooses on them; leave held_out or prune out")


def _study(node: Node, faults: Faults) -> str | None:
    """A name that is safe as a folder, in an address and on a command line."""
    text = node.text if isinstance(node, Scalar) and node.value is not None else None
    if text == TAKEN:
        faults.add(node.place, f"{TAKEN} is what MLflow calls the experiment of runs that belong to none; take another")
        return None
    if text is not None and STUDY.fullmatch(text) and not text.endswith((SUFFIX, ".")):
        return text
    rule = f"a study's name is up to 100 letters, digits, _, - and ., no dot first or last, without {SUFFIX}"
    faults.add(node.place, f"{rule}; got {kind_of(node) if text is None else shown(text)}")
    return None


def _title(node: Node, faults: Faults) -> str | None:
    if isinstance(node, Scalar) and node.value is not None and len(node.text) <= MAX_TITLE:
        return " ".join(node.text.split())
    faults.add(node.place, f"a title is a text of at most {MAX_TITLE} characters, got {kind_of(node)}")
    return None


def _figures(
    given: dict[str, Node],
    labels: list[str],
    distortions: dict[str, Setting | None],
    methods: Sequence[MethodSpec],
    evaluate: Evaluate,
    faults: Faults,
) -> tuple[Figure, ...]:
    there = There(
        distortions=list(distortions),
        labels=labels,
        methods={method.label: method for method in methods},
        tested=_tested(given, faults),
        sweeps={sweep.test_distortion: sweep for sweep in evaluate.sweeps},
    )
    return read_figures(entries(given.get("figures"), "figures", faults), there, faults)


def _tested(given: dict[str, Node], faults: Faults) -> list[str]:
    """The names of the sweeps, sound or not."""
    return list(entries(entries(given.get("evaluate"), "evaluate", faults).get("sweeps"), "sweeps", faults))


def _is_corrupted(given: dict[str, Node]) -> bool:
    """Whether there is a line of corruptions, sound or not."""
    evaluate = given.get("evaluate")
    return isinstance(evaluate, Mapping) and "corruptions" in evaluate.entries


def _tested_at(given: dict[str, Node]) -> dict[str, Place]:
    """Where each sweep stands, of those that can be read."""
    evaluate = given.get("evaluate")
    sweeps = evaluate.entries.get("sweeps") if isinstance(evaluate, Mapping) else None
    return {name: node.place for name, node in sweeps.entries.items()} if isinstance(sweeps, Mapping) else {}


def _quality_at(given: dict[str, Node]) -> Place | None:
    """Where adversarial quality is asked for."""
    evaluate = given.get("evaluate")
    attacks = evaluate.entries.get(ATTACKS) if isinstance(evaluate, Mapping) else None
    return None if attacks is None else attacks.place


def _as_mapping(node: Node) -> Mapping:
    if isinstance(node, Mapping):
        return node
    raise refusal(node.place, f"a study is a mapping of names to values (study: …, data: …), got {kind_of(node)}")


def _told(name: str, overrides: Sequence[str]) -> str:
    """What the frozen text was made from."""
    lines = [f"# {name} with", *(f"#   --set {' '.join(override.split())}" for override in overrides)]
    return "".join(f"{line}\n" for line in lines)
