"""The line `corruption_files:` of `evaluate:`: corrupted sets that lie on a disk.

corruption_files:
  CIFAR-10-C: DIR                                       # its 15 at five severities
  mine:       {path: DIR, only: [fog], severities: [5]} # or without: […]; extras: true adds the four
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from study.spec.axes import axis, kind_of, single
from study.spec.benchmarks import CHOICE, CORRUPTIONS, EXTRAS, NORMALIZE_BY, SEVERITIES_LINE, chosen
from study.spec.components import entries, only
from study.spec.faults import Faults, shown
from study.spec.form import BenchmarkSpec, TestSpec
from study.spec.images import ImageShape
from study.spec.reading import Mapping as MappingNode
from study.spec.reading import Node, Scalar
from trainables.corruptions import corruptions
from trainables.evaluation.files import CorruptedFiles, there
from trainables.flips import CUTOFF
from trainables.parameters import Parameter

NAME = "corruption_files"
PATH = Parameter(
    name="path", type=str, path=True, doc="folder of NAME.npy files with labels.npy, or of NAME/SEVERITY/CLASS/IMAGE"
)
OTHERS = (PATH, EXTRAS, NORMALIZE_BY)
LONGEST = 60


def read_file_sets(node: Node | None, images: ImageShape | None, faults: Faults) -> tuple[BenchmarkSpec, ...]:
    """The sets, as benchmarks of their own; those at fault are left out."""
    found = (_read(name, part, images, faults) for name, part in entries(node, NAME, faults).items())
    return tuple(one for one in found if one is not None)


def _read(name: str, node: Node, images: ImageShape | None, faults: Faults) -> BenchmarkSpec | None:
    before = faults.found
    if not name.strip() or not name.isprintable() or len(name) > LONGEST:
        faults.add(node.place, f"a set's name is 1 to {LONGEST} printable characters, got {shown(name)}")
    given: dict[str, Node] = node.entries if isinstance(node, MappingNode) else {"path": node}
    only(given, [*(one.name for one in OTHERS), *CHOICE, SEVERITIES_LINE.name], f"line of {NAME}", faults)
    root = _root(given, node, faults)
    severities = axis(given["severities"], SEVERITIES_LINE, faults) if "severities" in given else CORRUPTIONS.default
    extras = bool(single(given["extras"], EXTRAS, faults)) if "extras" in given else False
    normalize_by = single(given["normalize_by"], NORMALIZE_BY, faults) if "normalize_by" in given else None
    names = chosen(CORRUPTIONS, given, extras, faults)
    if root is None or faults.found != before:
        return None
    strong = tuple(dict.fromkeys(one for one in severities if isinstance(one, int)))
    tests = tuple(test for one in names for test in _tests(name, root, one, strong))
    if all(test.reason is not None for test in tests):
        faults.add(node.place, f"{root} has nothing of what is asked for ({', '.join(names)}); leave the set out")
        return None
    return BenchmarkSpec(
        name=name,
        tests=tests,
        extras=(),
        normalize_by=normalize_by if isinstance(normalize_by, str) else None,
        place=node.place,
        ranks_five=images is None or images.classes is None or images.classes >= CUTOFF,
    )


def _root(given: Mapping[str, Node], node: Node, faults: Faults) -> str | None:
    """The folder, which must be here and have something; None if it is at fault."""
    path = given.get("path")
    if not isinstance(path, Scalar) or path.value is None:
        faults.add(node.place, f"the folder of the set is expected: a path, or {{path: DIR, …}}, got {kind_of(node)}")
        return None
    root = PATH.convert(path.text)
    assert isinstance(root, str)
    if not Path(root).is_dir():
        faults.add(path.place, f"there is no folder {root}; leave the set out where it is not on the disk")
    elif not there(root):
        faults.add(
            path.place,
            f"{root} has no {' or '.join(('NAME.npy', 'NAME/SEVERITY/'))} of any corruption, such as fog.npy",
        )
    else:
        return root
    return None


def _tests(name: str, root: str, corruption: str, severities: tuple[int, ...]) -> Iterator[TestSpec]:
    kind = corruptions.get(corruption)
    for severity in severities:
        files = CorruptedFiles(set=name, root=root, corruption=corruption, severity=severity)
        yield TestSpec(
            label=corruption,
            step=files.step(content=""),
            parameter="severity",
            level=severity,
            reason=files.reason(),
            extra=kind.extra,
            noise=kind.group == "noise",
        )
