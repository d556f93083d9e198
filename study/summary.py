"""The summary: how many trials and evaluations a study has, and how far they are. One shape for `plan` and `status`."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from study.plan import Plan, PlannedTrial
from trainables.recipe import Parent

UNDISTORTED = "nothing"
"""What a trial without a training distortion is trained on."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the store and the leases say about trials, by trial id."""

    trained: Collection[str] = frozenset()
    evaluated: Mapping[str, Collection[str]]
    """Trial id → ids of the conditions that it has been evaluated under."""
    diverged: Collection[str] = frozenset()
    """Those of `trained` whose loss stopped being finite."""
    failed: Collection[str] = frozenset()
    """Those of which the newest attempt at something that is still to be done failed."""
    running: Collection[str] = frozenset()
    """Those that a live launch of this study is at work on."""
    held: Collection[str] = frozenset()
    """Those that a live launch of another study is at work on."""
    pruned: Mapping[str, int] = field(default_factory=dict)
    """Trial id → the epochs that it has, of those that the study's newest launch gave up."""
    lacking: Collection[str] = frozenset()
    """Those of `trained` of which a test needs stages that were never kept."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Trials of one group. `diverged` is a part of `done`; the others exclude one another; the rest is left to do."""

    total: int
    done: int
    """Trained, and neither being evaluated at this moment nor failed at it."""
    running: int
    failed: int
    diverged: int
    blocked: int
    """Waiting for a parent that failed or is blocked itself."""
    held: int
    pruned: int
    """Given up before the end of their training, by the study's own rule: a way of being through."""
    evaluations: int
    """Of all of the group's but those that are pruned."""
    evaluations_done: int

    @property
    def left(self) -> int:
        return self.total - self.done - self.running - self.failed - self.blocked - self.held - self.pruned


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A study as a whole and by group."""

    study: str
    title: str
    trials: Counts
    by_stage: Mapping[str, Counts]
    """`0` from scratch or a file, `1` from a stage-0 trial, and so on."""
    by_method: Mapping[str, Counts]
    """By label, the key under `methods:`. A trial under two labels counts in both."""
    by_distortion: Mapping[str, Counts]
    """By training distortion; `nothing` for trials on undistorted images."""
    retrain: int
    """Trials of which a test needs stages that were never kept."""

    @property
    def complete(self) -> bool:
        through = self.trials.done + self.trials.pruned
        return through == self.trials.total and self.evaluations_done == self.evaluations

    @property
    def evaluations(self) -> int:
        return self.trials.evaluations

    @property
    def evaluations_done(self) -> int:
        return self.trials.evaluations_done

    def to_json(self) -> dict[str, Any]:
        """The object that `study plan --json` and `study status --json` print."""
        groups = {"by_stage": self.by_stage, "by_method": self.by_method, "by_distortion": self.by_distortion}
        grouped = {name: {key: asdict(counts) for key, counts in group.items()} for name, group in groups.items()}
        return {
            "study": self.study,
            "title": self.title,
            "complete": self.complete,
            "trials": {**asdict(self.trials), **grouped},
            "evaluations": {"total": self.evaluations, "done": self.evaluations_done},
            "retrain": self.retrain,
        }


def summarise(plan: Plan, found: Found) -> Summary:
    """Where the study stands; what its searches are still to draw is left to do."""
    plan = plan.expected()
    states = states_of(plan, found)
    unique = plan.unique_trials()
    conditions = _conditions(plan)
    return Summary(
        study=plan.study,
        title=plan.title,
        trials=_counts(unique, states, found, conditions),
        by_stage=_grouped(unique, lambda trial: str(trial.stage), states, found, conditions),
        by_method=_grouped(plan.trials, lambda trial: trial.label, states, found, conditions),
        by_distortion=_grouped(unique, lambda trial: trial.train_distortion or UNDISTORTED, states, found, conditions),
        retrain=sum(trial.trial_id in found.lacking for trial in unique),
    )


def states_of(plan: Plan, found: Found) -> dict[str, str]:
    """Trial id → `running`, `held`, `done`, `pruned`, `failed`, `blocked` or `left`."""
    states: dict[str, str] = {}
    conditions = _conditions(plan)
    for trial in plan.trials:
        states[trial.trial_id] = _state(trial, found, states, conditions)
    return states


def _state(trial: PlannedTrial, found: Found, states: Mapping[str, str], conditions: frozenset[str]) -> str:
    """The state of one trial, its parent's being known: a plan lists parents first."""
    one = trial.trial_id
    if one in found.running or one in found.held:
        return "running" if one in found.running else "held"
    if one in found.pruned:
        return "pruned"
    if one in found.failed and not (one in found.trained and conditions.issubset(found.evaluated.get(one, ()))):
        return "failed"
    if one in found.trained:
        return "done"
    start = trial.recipe.start
    parent = states.get(start.trial_id) if isinstance(start, Parent) else None
    return "blocked" if parent in ("failed", "blocked") else "left"


def _conditions(plan: Plan) -> frozenset[str]:
    return frozenset(condition.condition_id for condition in plan.conditions)


def _grouped(
    trials: Iterable[PlannedTrial],
    key: Callable[[PlannedTrial], str],
    states: Mapping[str, str],
    found: Found,
    conditions: frozenset[str],
) -> dict[str, Counts]:
    groups: dict[str, dict[str, PlannedTrial]] = {}
    for trial in trials:
        groups.setdefault(key(trial), {})[trial.trial_id] = trial
    return {name: _counts(group.values(), states, found, conditions) for name, group in groups.items()}


def _counts(
    trials: Collection[PlannedTrial], states: Mapping[str, str], found: Found, conditions: frozenset[str]
) -> Counts:
    said = [states[trial.trial_id] for trial in trials]
    done = [trial.trial_id for trial in trials if states[trial.trial_id] == "done"]
    wanted = [trial for trial in trials if states[trial.trial_id] != "pruned"]
    return Counts(
        total=len(trials),
        done=len(done),
        running=said.count("running"),
        failed=said.count("failed"),
        diverged=sum(trial_id in found.diverged for trial_id in done),
        blocked=said.count("blocked"),
        held=said.count("held"),
        pruned=said.count("pruned"),
        evaluations=len(wanted) * len(conditions),
        evaluations_done=sum(len(conditions.intersection(found.evaluated.get(one.trial_id, ()))) for one in wanted),
    )
