"""The line `noise_stability:` of `evaluate:`: how often random noise changes a network's answers in its training.

noise_stability:
  sigma:     {step: [10, 100, 10]}  # pixels of 0 to 255
  draws:     100                    # the paper's 1,000 take ten times as long
  per_class: 100
  spare:     50
  stages:    all                    # those that `checkpoints:` keeps; or a list, or {every: 5}
"""

from collections.abc import Sequence

from study.spec.axes import axis, single
from study.spec.components import entries_or_fault, only
from study.spec.faults import Faults
from study.spec.form import MethodSpec, StabilitySpec
from study.spec.measures import measure_of
from study.spec.reading import Mapping, Node, Scalar
from trainables.noise_stability import NAME
from trainables.parameters import Parameter

STABILITY = NAME
SOURCE = "Rozsa et al. 2016, section 4"
SIGMA = Parameter(
    name="sigma", type=float, gt=0, le=2550, unit="pixels of 0 to 255", source=SOURCE,
    doc="standard deviation of the noise; the paper goes up to 100 on MNIST and to 40 on CIFAR-10",
)  # fmt: skip
NUMBERS = {
    one.name: one
    for one in (
        Parameter(name="draws", type=int, default=100, ge=1, le=65_535, source=SOURCE,
                  doc="noisy copies of each image; the paper makes 1,000"),
        Parameter(name="per_class", type=int, default=100, ge=1, le=1_000_000, unit="images", source=SOURCE,
                  doc="images of each class, the first that are right at all tested stages; the paper takes 100"),
        Parameter(name="spare", type=int, default=50, ge=0, le=1_000_000, unit="images",
                  doc="further images of each class, so that two networks have enough in common"),
    )
}  # fmt: skip
STAGE = Parameter(name="stages", type=int, ge=1, le=1_000_000_000, doc="epochs or iterations, as the training counts")
ALL, EVERY = "all", "every"


def read_stability(node: Node | None, methods: Sequence[MethodSpec], faults: Faults) -> StabilitySpec | None:
    """What is to be tested; None where the line is absent or at fault."""
    given = None if node is None else entries_or_fault(node, STABILITY, faults)
    if node is None or given is None:
        return None
    before = faults.found
    only(given, (SIGMA.name, *NUMBERS, STAGE.name), f"line of {STABILITY}", faults)
    if SIGMA.name not in given:
        faults.add(
            node.place, f"sigma must be given: the noise's strength ({SIGMA.range}), such as {{step: [10, 100, 10]}}"
        )
    sigma = axis(given[SIGMA.name], SIGMA, faults) if SIGMA.name in given else ()
    numbers = {
        name: single(given[name], one, faults) if name in given else one.default for name, one in NUMBERS.items()
    }
    _check_methods(node, methods, faults)
    stages = _stages(node, given.get(STAGE.name), methods, faults) if methods else ()
    if faults.found != before or not methods:
        return None
    return StabilitySpec.model_validate(
        {"sigma": tuple(sorted(sigma)), **numbers, "stages": stages, "counts": methods[0].train.counts}
    )


def _check_methods(node: Node, methods: Sequence[MethodSpec], faults: Faults) -> None:
    """Networks that give class labels, whose trainings count alike."""
    for method in methods:
        first = methods[0]
        if measure_of(method) != "accuracy":
            faults.add(
                node.place,
                f"{STABILITY} counts changed class labels, and {method.label} trains embeddings; leave it out",
            )
            return
        if method.train.counts != first.train.counts:
            message = f"{first.label} counts {first.train.counts} and {method.label} {method.train.counts}"
            faults.add(node.place, f"stages are compared between trainings, but {message}; give all methods the same")
            return


def _stages(node: Node, line: Node | None, methods: Sequence[MethodSpec], faults: Faults) -> tuple[int, ...]:
    """Those of `stages:`, or all that any method keeps, and where each ends."""
    if line is None or (isinstance(line, Scalar) and line.text == ALL):
        stages = {stage for method in methods for stage in method.train.checkpoints.within(method.train.length)}
        if not stages:
            message = "it is about weights in the course of a training, and none are kept"
            faults.add(node.place, f"{message}; add checkpoints: {{every: …}} to train:, or stages: […] here")
        stages |= {method.train.length for method in methods} if stages else set()
    elif isinstance(line, Mapping) and list(line.entries) == [EVERY]:
        step = single(line.entries[EVERY], STAGE, faults)
        longest = max(method.train.length for method in methods)
        stages = set(range(step, longest + 1, step)) if isinstance(step, int) else set()
    else:
        stages = {stage for stage in axis(line, STAGE, faults) if isinstance(stage, int)}
    place = node.place if line is None else line.place
    longest = max(method.train.length for method in methods)
    late = [stage for stage in sorted(stages) if stage > longest]
    if late and len(late) < len(stages):
        what = f"no method is trained for {', '.join(f'{stage:,}' for stage in late)} {methods[0].train.counts}"
        faults.add(place, f"{what}, the longest training takes {longest:,}; leave such stages out")
    for method in methods if stages else ():
        if min(stages) > method.train.length:
            has = f"{method.label} is trained for {method.train.length:,} {method.train.counts}"
            faults.add(place, f"{has}, and the first stage tested is {min(stages):,}; add one that it reaches")
    return tuple(sorted(stages))
