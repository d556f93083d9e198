"""Conditions: what every trial of a study is evaluated under."""

from collections.abc import Iterable, Iterator, Mapping

from study.identity import condition_id
from study.objectives import CLEAN, places
from study.plan import Objective, Sweep
from study.spec import BenchmarkSpec, Spec, SweepSpec
from trainables.noise_stability import NAME, StabilityTest
from trainables.recipe import Component, Condition, Family, Split
from trainables.sequence import find


def sweeps(spec: Spec, fingerprint: str) -> tuple[Sweep, ...]:
    """The test distortions, each over its levels."""
    return tuple(_sweep(spec, sweep, fingerprint) for sweep in spec.evaluate.sweeps)


def conditions(spec: Spec, fingerprint: str) -> tuple[Condition, ...]:
    """On test images `clean` and every level of every sweep; on validation images what a search asks for."""
    asked = {place for places in _asked(spec).values() for place in places}
    tested = (*_on("test", spec, fingerprint), *_benchmarks(spec, fingerprint), *_stability(spec, fingerprint))
    watched = _on("validation", spec, fingerprint) if asked else ()
    return (*tested, *(one for one in watched if (one.test_distortion, one.level) in asked))


def objectives(spec: Spec, planned: Iterable[Condition]) -> tuple[Objective, ...]:
    """What a search makes as large as possible, by the ids of its conditions."""
    ids = {(one.split, one.test_distortion, one.level): one.condition_id for one in planned}
    return tuple(
        Objective(
            name=name,
            validation=tuple(ids["validation", *place] for place in found),
            test=tuple(ids["test", *place] for place in found),
        )
        for name, found in _asked(spec).items()
    )


def _asked(spec: Spec) -> Mapping[str, tuple[tuple[str, float | None], ...]]:
    """Objective → the test distortions and levels that it is the mean of."""
    levels = {sweep.test_distortion: (sweep.levels, sweep.practical) for sweep in spec.evaluate.sweeps}
    return {} if spec.search is None else {name: places(name, levels) for name in spec.search.objectives}


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


def _benchmarks(spec: Spec, fingerprint: str) -> Iterator[Condition]:
    """Corruptions and perturbations, those that these images can be tested under."""
    lines: dict[Family, BenchmarkSpec | None] = {
        "corruption": spec.evaluate.corruptions,
        "perturbation": spec.evaluate.perturbations,
    }
    for family, line in lines.items():
        for test in line.tests if line is not None else ():
            if test.reason is None:
                yield Condition(
                    condition_id=_condition_id(spec, "test", (test.step,), fingerprint, family),
                    data=spec.data,
                    split="test",
                    family=family,
                    test_distortion=test.label,
                    parameter=test.parameter,
                    level=test.level,
                    steps=(test.step,),
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
