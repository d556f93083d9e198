"""Which studies can be disturbed: those whose results nothing but their spec decides."""

from collections.abc import Iterator, Sequence

from study.spec import Spec
from study.spec.faults import Faults, Place
from study.spec.overrides import apply, parse
from study.spec.reading import Mapping, read
from study.spec.sources import find
from study.spec.training import NEVER, PRUNE

RULE = "a disturbed study is compared with the same left alone, row for row"
LISTED = "disturb a copy that lists values for its open axes and has no search:"


def check_suitable(spec: Spec, source: str, overrides: Sequence[str]) -> None:
    """Raises SpecError, with every line, for a study that prunes or searches.

    Which trials such a study trains, and for how long, depends on the order in which others come to their ends. That
    differs between any two launches, so that a verdict would tell of the order and not of the fault.
    """
    faults = Faults()
    tree = _tree(source, overrides, faults)
    if spec.search is not None:
        faults.add(tree.entries["search"].place, f"{RULE}, and a search draws by what came first; {LISTED}")
    for place in _pruned(spec, tree):
        faults.add(place, f"{RULE}, and pruning decides by who came first; disturb a copy with prune: none")
    faults.check()


def _tree(source: str, overrides: Sequence[str], faults: Faults) -> Mapping:
    """What is written, with the overrides over it: the spec was read from it, and has no lines any more."""
    found = find(source)
    tree = read(found.text, Place(file=found.name), faults, lines=found.written)
    assert isinstance(tree, Mapping)
    for override in overrides:
        tree = apply(tree, parse(override, faults))
    return tree


def _pruned(spec: Spec, tree: Mapping) -> Iterator[Place]:
    """Where pruning is asked for: by a method's own line, or by that of `train:`."""
    for method in spec.methods:
        if method.train.prune != NEVER:
            own, shared = _entries(_entries(tree, "methods"), method.label), _entries(tree, "train")
            yield next(part.entries[PRUNE] for part in (own, shared) if PRUNE in part.entries).place


def _entries(of: Mapping, name: str) -> Mapping:
    part = of.entries[name]
    assert isinstance(part, Mapping)
    return part
