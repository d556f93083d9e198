"""Corrupted sets on a disk: whether they are the study's test images, and what they are known by."""

from collections.abc import Iterator

from study.planning.data import data_set
from study.spec import Spec, TestSpec
from study.spec.faults import Faults, Place
from trainables.evaluation.files import CorruptedFiles, CorruptedFilesError
from trainables.recipe import Component


def add_file_sets(spec: Spec, faults: Faults) -> None:
    """Every set of files that does not show the study's test images is a fault."""
    data = data_set(spec)
    for place, test in _tests(spec):
        try:
            CorruptedFiles.of(test.step).check(data)
        except CorruptedFilesError as error:
            faults.add(place, error)


def _tests(spec: Spec) -> Iterator[tuple[Place, TestSpec]]:
    for line in spec.evaluate.corruption_files:
        yield from ((line.place, test) for test in line.tests if test.reason is None)


def known(step: Component, fingerprint: str) -> Component:
    """A step with the hash of its files, if it is of files; without one where the data has none either."""
    if "files" not in step.parameters or not fingerprint:
        return step
    files = CorruptedFiles.of(step)
    return files.step(files.fingerprint())
