"""Noise stability: how often noise changes a network's answers, over stage and strength, beside the baseline."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.results import Results, Trial
from dashboards.wording import with_hyperparameters

Shares = tuple[tuple[float | None, ...], ...]
"""By strength of the noise, then stage; None where nothing was tested."""


@dataclass(frozen=True, kw_only=True)
class StabilityInfo:
    """One network, and one of the baseline's where it is compared, on the same images under the same noise."""

    name: str
    """`BANG; β = 1.2, ε = 0.8`"""
    trial_id: str
    baseline_name: str | None
    baseline_id: str | None
    counts: str
    """What stages are counted in: epochs, iterations."""
    stages: tuple[int, ...]
    sigmas: tuple[float, ...]
    changed: Shares
    baseline_changed: Shares | None
    images: int
    draws: int
    short: str
    """Which classes have too few images; empty where none has."""

    @property
    def difference(self) -> Shares | None:
        """The network's share minus the baseline's."""
        if self.baseline_changed is None:
            return None
        return tuple(
            tuple(None if a is None or b is None else a - b for a, b in zip(own, other, strict=True))
            for own, other in zip(self.changed, self.baseline_changed, strict=True)
        )


def compared(results: Results) -> tuple[Trial, ...]:
    """The networks that are shown, in the plan's order: those beside one of the baseline's, its replicates last.

    Without a baseline that is tested, all.
    """
    tested = {one.trial_id: one for one in reversed(results.trials) if one.trial_id in results.noise_stability}
    all_of_them = tuple(reversed(tested.values()))
    paired = {trial_id for trial_id, _ in results.stability_pairs}
    others = [one for one in all_of_them if one.trial_id in paired]
    return tuple(sorted(others, key=lambda one: one.label == results.baseline_label)) or all_of_them


def baselines(results: Results) -> tuple[Trial, ...]:
    """The replicates of the baseline that others are compared with, in the plan's order."""
    paired = {baseline_id for _, baseline_id in results.stability_pairs}
    return tuple({one.trial_id: one for one in results.trials if one.trial_id in paired}.values())


def stability_info(results: Results, trial: Trial, baseline: Trial | None) -> StabilityInfo:
    """The figure's data of one network; alone without a baseline, and where it is that itself."""
    pairs = () if baseline is None else results.stability_pairs.get((trial.trial_id, baseline.trial_id), ())
    points = pairs or results.noise_stability[trial.trial_id]
    stages, sigmas = sorted({one.stage for one in points}), sorted({one.sigma for one in points})
    beside = baseline if pairs else None
    return StabilityInfo(
        name=named(results, trial),
        trial_id=trial.trial_id,
        baseline_name=None if beside is None else named(results, beside),
        baseline_id=None if beside is None else beside.trial_id,
        counts=points[0].counts,
        stages=tuple(stages),
        sigmas=tuple(sigmas),
        changed=_shares(stages, sigmas, {(one.stage, one.sigma): one.changed for one in points}),
        baseline_changed=_shares(stages, sigmas, {(one.stage, one.sigma): one.baseline_changed for one in pairs})
        if pairs
        else None,
        images=points[0].images,
        draws=points[0].draws,
        short=points[0].short or "",
    )


def named(results: Results, trial: Trial) -> str:
    """Its label, with what tells it from others of it: hyperparameters, or of replicates the trial."""
    alone = sum(one.label == trial.label for one in results.trials) == 1
    return with_hyperparameters(trial.label, trial.in_brackets or ("" if alone else trial.trial_id[:8]))


def _shares(stages: Sequence[int], sigmas: Sequence[float], known: dict[tuple[int, float], float | None]) -> Shares:
    return tuple(tuple(known.get((stage, sigma)) for stage in stages) for sigma in sigmas)
