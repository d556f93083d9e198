"""Measures: one study compares one, since its tables, bands and figures put every trial on one axis."""

from collections.abc import Collection, Mapping

from study.spec.faults import Faults, Place
from study.spec.form import FromLabel, MethodSpec, SweepSpec
from study.spec.grid import distinct
from trainables.attacks import attacks
from trainables.fit import task_of
from trainables.methods import methods as registered
from trainables.recipe import Measure
from trainables.sequence import JOIN


def measure_of(method: MethodSpec) -> Measure:
    """What the method's trials are measured by."""
    return registered.get(method.method).measure


def check_measures(methods: Collection[MethodSpec], places: Mapping[str, Place], faults: Faults) -> None:
    """Every method is measured as the first is, and trains a network as its start has it."""
    by_label = {method.label: method for method in methods}
    for method in methods:
        first, start = next(iter(methods)), method.train.start
        if measure_of(method) != measure_of(first):
            faults.add(
                places[method.label],
                f"{method.label} is measured by its {measure_of(method)} and {first.label} by its "
                f"{measure_of(first)}, which no table or band can compare; give it a study of its own "
                f"(studies may share a store)",
            )
        elif isinstance(start, FromLabel) and start.label in by_label:
            _check_outputs(method, by_label[start.label], places[method.label].at("from"), faults)


def _check_outputs(method: MethodSpec, parent: MethodSpec, place: Place, faults: Faults) -> None:
    needed, given = _outputs(method), _outputs(parent)
    if not needed <= given:
        told = ", ".join(map(str, sorted(needed - given)))
        faults.add(
            place,
            f"{method.label} trains networks of {told} dimensions, and {parent.label}, from which it starts, one of "
            f"{', '.join(map(str, sorted(given)))}; give both the same, or begin with from: scratch",
        )


def _outputs(method: MethodSpec) -> frozenset[int]:
    """Of the method's networks; as if there were one class, where they are the classes' own."""
    if measure_of(method) == "accuracy":
        return frozenset({1})
    return frozenset(task_of(one).outputs(1) for one in distinct(method))


def check_quality(methods: Collection[MethodSpec], place: Place | None, faults: Faults) -> None:
    """Only networks of class logits have an adversarial quality. `place`: where it is asked for; None if it is not."""
    ranked = next((method for method in methods if measure_of(method) != "accuracy"), None)
    if ranked is not None and place is not None:
        faults.add(
            place,
            f"an attack succeeds where it changes the class predicted, and {ranked.label} trains embeddings; leave "
            f"attacks out",
        )


def check_attacked(
    methods: Collection[MethodSpec], sweeps: Collection[SweepSpec], places: Mapping[str, Place], faults: Faults
) -> None:
    """Only class logits can be attacked. `places`: the test distortion → where it stands."""
    ranked = next((method for method in methods if measure_of(method) != "accuracy"), None)
    for sweep in sweeps if ranked is not None else ():
        attack = next((name for name in sweep.test_distortion.split(JOIN) if name in attacks.names()), None)
        if attack is not None and ranked is not None:
            faults.add(
                places[sweep.test_distortion],
                f"{attack} raises the loss of class predictions, and {ranked.label} trains embeddings; leave it out",
            )
