"""Conditions: what every trial of a study is evaluated under."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from study.identity import condition_id
from study.objectives import CLEAN, CORRUPTIONS_MEAN, Place, Places, places
from study.plan import Benchmark, BenchmarkTest, Objective, PlannedTrial, Skipped, Sweep
from study.planning.file_sets import known
from study.spec import BenchmarkSpec, Spec, SweepSpec, TestSpec
from trainables.noise_stability import NAME, StabilityTest
from trainables.recipe import Component, Condition, Family, Split
from trainables.sequence import find


def sweeps(spec: Spec, fingerprint: str) -> tuple[Sweep, ...]:
    """The test distortions, each over its levels."""
    return tuple(_sweep(spec, sweep, fingerprint) for sweep in spec.evaluate.sweeps)


def benchmarks(spec: Spec, fingerprint: str, baseline: Sequence[PlannedTrial]) -> Iterator[Benchmark]:
    """Corruptions and perturbations, with what these images cannot be put to; `baseline` normalises unless told."""
    usual = baseline[0].label if baseline else None
    for family, line in _lines(spec):
        yield Benchmark(
            name=line.name,
            family=family,
            normalizer=line.normalize_by or usual,
            tests=tuple(_planned(spec, family, test, fingerprint) for test in _possible(_tested(spec, line))),
            skipped=tuple(_skipped(_tested(spec, line))),
            ranks_five=line.ranks_five,
        )


def skipped(spec: Spec) -> tuple[Skipped, ...]:
    """What the study's images cannot be put to, of all its benchmarks."""
    return tuple(one for _, line in _lines(spec) for one in _skipped(_tested(spec, line)))


def _skipped(tests: Iterable[TestSpec]) -> Iterator[Skipped]:
    for test in tests:
        if test.reason is not None:
            yield Skipped(
                name=test.step.name,
                label=test.label,
                parameter=test.parameter,
                level=test.level,
                reason=test.reason,
            )


def _planned(spec: Spec, family: Family, test: TestSpec, fingerprint: str) -> BenchmarkTest:
    step = known(test.step, fingerprint)
    return BenchmarkTest(
        condition_id=_condition_id(spec, "test", (step,), fingerprint, family),
        name=test.step.name,
        extra=test.extra,
        noise=test.noise,
    )


def conditions(spec: Spec, fingerprint: str) -> tuple[Condition, ...]:
    """On test images `clean`, every level of every sweep, benchmarks, attacks and noise stability.

    On validation images what a search asks for: of corruptions those alone that are kept for it.
    """
    asked = {place for places in _asked(spec).values() for place in places}
    benchmarked = (
        _benchmark(spec, "test", family, test, fingerprint)
        for family, line in _lines(spec)
        for test in _possible(_tested(spec, line))
    )
    attacked = (_benchmark(spec, "test", "attack", test, fingerprint) for test in _possible(spec.evaluate.attacks))
    tested = (*_on("test", spec, fingerprint), *benchmarked, *attacked, *_stability(spec, fingerprint))
    extras = (_benchmark(spec, "validation", "corruption", test, fingerprint) for test in _extras(spec))
    watched = (*_on("validation", spec, fingerprint), *extras) if asked else ()
    return (*tested, *(one for one in watched if _place(one) in asked))


def objectives(spec: Spec, planned: Iterable[Condition]) -> tuple[Objective, ...]:
    """What a search makes as large as possible, by the ids of its conditions."""
    ids = {(one.split, _place(one)): one.condition_id for one in planned}
    return tuple(
        Objective(
            name=name,
            validation=tuple(ids["validation", place] for place in found),
            test=tuple(ids["test", place] for place in found),
        )
        for name, found in _asked(spec).items()
    )


def _place(condition: Condition) -> Place:
    return condition.family, condition.test_distortion, condition.level


def _asked(spec: Spec) -> Mapping[str, Places]:
    """Objective → the conditions that it is the mean of."""
    levels = {sweep.test_distortion: (sweep.levels, sweep.practical) for sweep in spec.evaluate.sweeps}
    extras: Places = tuple(("corruption", test.label, test.level) for test in _extras(spec))
    return {} if spec.search is None else {name: places(name, levels, extras) for name in spec.search.objectives}


def _lines(spec: Spec) -> Iterator[tuple[Family, BenchmarkSpec]]:
    if spec.evaluate.corruptions is not None:
        yield "corruption", spec.evaluate.corruptions
    yield from (("corruption", line) for line in spec.evaluate.corruption_files)
    if spec.evaluate.perturbations is not None:
        yield "perturbation", spec.evaluate.perturbations


def _tested(spec: Spec, line: BenchmarkSpec) -> tuple[TestSpec, ...]:
    """What test images are put to: what the line asks for, and, for reports, what a search looks at."""
    looked_at = spec.search is not None and CORRUPTIONS_MEAN in spec.search.objectives
    extras = line.extras if looked_at and line is spec.evaluate.corruptions else ()
    return (*line.tests, *(test for test in extras if test not in line.tests))


def _extras(spec: Spec) -> tuple[TestSpec, ...]:
    """The corruptions kept for validation that these images can be put to."""
    line = spec.evaluate.corruptions
    return () if line is None else _possible(line.extras)


def _possible(tests: Iterable[TestSpec]) -> tuple[TestSpec, ...]:
    return tuple(test for test in tests if test.reason is None)


def _sweep(spec: Spec, sweep: SweepSpec, fingerprint: str) -> Sweep:
    level = find(sweep.steps[sweep.varied].name).level
    return Sweep(
        test_distortion=sweep.test_distortion,
        parameter=sweep.parameter,
        unit=level.unit,
        symbol=level.symbol,
        levels=sweep.levels,
        practical=sweep.practical,
        condition_ids=tuple(_condition_id(spec, "test", sweep.at(value), fingerprint) for value in sweep.levels),
    )


def _on(split: Split, spec: Spec, fingerprint: str) -> Iterator[Condition]:
    """`clean`, then every level of every sweep."""
    yield Condition(
        condition_id=_condition_id(spec, split, (), fingerprint),
        data=spec.data,
        split=split,
        family="clean",
        test_distortion=CLEAN,
        parameter=None,
        level=None,
        seed=spec.evaluate.seed,
    )
    for sweep in spec.evaluate.sweeps:
        for level in sweep.levels:
            yield Condition(
                condition_id=_condition_id(spec, split, sweep.at(level), fingerprint),
                data=spec.data,
                split=split,
                family="sweep",
                test_distortion=sweep.test_distortion,
                parameter=sweep.parameter,
                level=level,
                steps=sweep.at(level),
                seed=spec.evaluate.seed,
            )


def _benchmark(spec: Spec, split: Split, family: Family, test: TestSpec, fingerprint: str) -> Condition:
    step = known(test.step, fingerprint)
    return Condition(
        condition_id=_condition_id(spec, split, (step,), fingerprint, family),
        data=spec.data,
        split=split,
        family=family,
        test_distortion=test.label,
        parameter=test.parameter,
        level=test.level,
        steps=(step,),
        seed=spec.evaluate.seed,
    )


def _stability(spec: Spec, fingerprint: str) -> Iterator[Condition]:
    """Noise stability, one condition a strength of the noise."""
    asked = spec.evaluate.noise_stability
    for sigma in asked.sigma if asked is not None else ():
        assert asked is not None
        test = StabilityTest(
            sigma=float(sigma), draws=asked.draws, per_class=asked.per_class, spare=asked.spare, stages=asked.stages,
            counts=asked.counts,
        )  # fmt: skip
        yield Condition(
            condition_id=_condition_id(spec, "test", (test.step(),), fingerprint, NAME),
            data=spec.data,
            split="test",
            family=NAME,
            test_distortion=NAME,
            parameter="sigma",
            level=test.sigma,
            steps=(test.step(),),
            seed=spec.evaluate.seed,
        )


def _condition_id(
    spec: Spec, split: Split, steps: tuple[Component, ...], fingerprint: str, family: Family = "sweep"
) -> str:
    return condition_id(
        data=spec.data,
        fingerprint=fingerprint,
        split=split,
        family=family,
        steps=steps,
        seed=spec.evaluate.seed,
        precision=spec.precision,
    )
