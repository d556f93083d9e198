"""Whether the study's test images are what its tests ask for: told before anything is trained."""

from collections import Counter

from study.planning.data import data_set
from study.planning.file_sets import add_file_sets
from study.spec import Spec
from study.spec.attacks import ATTACKS, IMAGES
from study.spec.faults import Faults, Place
from study.spec.stability import STABILITY
from trainables.datasets import split_of


def check_test_images(spec: Spec) -> None:
    """Raises SpecError, naming every corrupted set that is of other images, and what is asked for more than there is.

    Opens the test images where that depends on them.
    """
    faults = Faults()
    add_file_sets(spec, faults)
    _attacked(spec, faults)
    _of_a_class(spec, faults)
    faults.check()


def _attacked(spec: Spec, faults: Faults) -> None:
    asked = spec.evaluate.attacks[0].step.parameters[IMAGES.name] if spec.evaluate.attacks else None
    if isinstance(asked, int) and asked > (there := len(split_of(data_set(spec), "test"))):
        place = Place(file=spec.study, path=f"evaluate.{ATTACKS}.{IMAGES.name}")
        faults.add(place, f"there are {there:,} test images, not {asked:,}; leave the line out to attack them all")


def _of_a_class(spec: Spec, faults: Faults) -> None:
    """A class or another may have fewer, which the tables tell; that all have is a mistake."""
    asked = spec.evaluate.noise_stability
    if asked is None:
        return
    largest = max(Counter(split_of(data_set(spec), "test").labels.tolist()).values())
    if asked.per_class > largest:
        place = Place(file=spec.study, path=f"evaluate.{STABILITY}.per_class")
        faults.add(place, f"no class has {asked.per_class:,} test images: the largest has {largest:,}; give fewer")
