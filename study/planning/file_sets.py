"""Corrupted sets on a disk: whether they are the study's test images, and what they are known by."""

from collections.abc import Iterator

from study.planning.data import data_set
from study.spec import Spec, TestSpec
from study.spec.faults import Place, refusal
from trainables.evaluation.files import CorruptedFiles, CorruptedFilesError
from trainables.recipe import Component


def check_file_sets(spec: Spec) -> None:
    """Every set of files shows the study's test images; raises SpecError, naming the first file that does not."""
    data = data_set(spec)
    for name, test in _tests(spec):
        try:
            CorruptedFiles.of(test.step).check(data)
        except CorruptedFilesError as error:
            raise refusal(Place(file=spec.study, path=f"evaluate.corruption_files.{name}"), str(error)) from None


def _tests(spec: Spec) -> Iterator[tuple[str, TestSpec]]:
    for line in spec.evaluate.corruption_files:
        yield from ((line.name, test) for test in line.tests if test.reason is None)


def known(step: Component, fingerprint: str) -> Component:
    """A step with the hash of its files, if it is of files; without one where the data has none either."""
    if "files" not in step.parameters or not fingerprint:
        return step
    files = CorruptedFiles.of(step)
    return files.step(files.fingerprint())
