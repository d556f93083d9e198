"""The whole plan."""

from collections.abc import Iterator

from study.plan import Plan, Pruning, baseline_of
from study.planning.conditions import benchmarks, conditions, sweeps
from study.planning.data import located
from study.planning.searches import searches
from study.planning.starts import Parents
from study.planning.trials import grid_trials, with_all_stages
from study.pruners import ASHA
from study.spec import Spec
from trainables.methods import methods
from trainables.recipe import Kind
from trainables.sequence import find


def make_plan(spec: Spec, fingerprint: str) -> Plan:
    """Every trial, search and condition of a study on data with this fingerprint, parents before their children.

    Within a stage, units of one resource shape stand together, in the order of the spec.
    """
    spec = spec.model_copy(update={"data": located(spec)})
    parents: Parents = {}
    trials = tuple(with_all_stages(tuple(grid_trials(spec, fingerprint, parents))))
    planned = conditions(spec, fingerprint)
    return Plan(
        study=spec.study,
        title=spec.title,
        trials=trials,
        conditions=planned,
        sweeps=sweeps(spec, fingerprint),
        benchmarks=tuple(benchmarks(spec, fingerprint, baseline_of(trials))),
        searches=tuple(searches(spec, fingerprint, parents, planned)),
        measure=methods.get(spec.methods[0].method).measure,
        figures=spec.figures,
        kinds=tuple(_kinds(spec)),
        prunings=tuple(_prunings(spec)),
        keep=spec.keep,
    )


def _prunings(spec: Spec) -> Iterator[Pruning]:
    for method in spec.methods:
        if method.train.prune.name == "asha":
            rule = ASHA(**method.train.prune.parameters)  # type: ignore[arg-type]
            yield Pruning(label=method.label, min_epochs=rule.min_epochs, reduction_factor=rule.reduction_factor)


def _kinds(spec: Spec) -> Iterator[tuple[str, Kind]]:
    trained = (step.name for method in spec.methods for setting in method.settings for step in setting.steps)
    swept = (step.name for sweep in spec.evaluate.sweeps for step in sweep.steps)
    for name in sorted({*trained, *swept}):
        yield name, find(name).kind
