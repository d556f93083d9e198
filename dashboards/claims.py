"""A paper's claims on stability training, checked against a study's results: Laermann et al. 2019 (arXiv 1906.00735).

Each is asked of any study that has the methods and the distortions it is about, whatever they are labelled. How it is
decided stands in `dashboards.verdicts`.

`No transfer` is the absence of an effect, which no finite sample shows: it needs a size below which a gain is none. It
is taken from the study: half of what the best trial trained on the transformation itself gains over the baseline, as
trials of equivalence take half of the effect of a treatment known to work. The smallest such gain would not do, as a
grid may hold the identity (rotation by 0°), which gains nothing; nor would a number of points, as what is little
depends on how hard the transformation is. Best is set against best, both picked on these images. What a trial gains
over the baseline is also what more epochs gain. So trials are compared that are trained as long, and where the grid
holds trials on undistorted copies gains are over their mean instead.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from dashboards.evidence import (
    ADVERSARIAL,
    AUGMENTATION,
    NOISE,
    ORIGINAL,
    STABILITY,
    SYMMETRIC,
    TRANSFORMATIVE,
    Case,
    Evidence,
    mean,
)
from dashboards.ranges import best_weights, comparable, range_weights
from dashboards.redrawn import Bounded, average, exactly
from dashboards.results import Results, Trial, condition_at, practical_condition, strong_level
from dashboards.verdicts import Asked, Claim, Differences, Told, least_claim, mean_claim
from dashboards.wording import at_level, count, listed, points, short_level, spoken
from study.plan import Sweep

PAPER = "Laermann et al. 2019 (arXiv 1906.00735)"
RETAINED = 0.5
"""Of the gain of training on a transformation itself: from here on, a gain of training on noise is a transfer."""
GAUSSIAN, ROTATION = "gaussian_noise", "rotation"
DA = f"trial of {AUGMENTATION}"


def claims(results: Results) -> tuple[Claim, ...]:
    """All of them, in the order of the paper's argument; also those that this study cannot be asked."""
    evidence = Evidence(results)
    return tuple(one(evidence) for one in CLAIMS)


def ahead(evidence: Evidence) -> Claim:
    told = Told(
        name="ahead",
        sentence="Stability training is ahead of data augmentation at the practical level",
        source="Abstract; Figs. 1a–2c",
        statistic="accuracy of ST minus that of DA, the mean over matched pairs: trials that differ in nothing else",
    )
    return mean_claim(told, evidence, _over_cases(evidence, DA, _augmented, _ahead), "pair")


def _ahead(evidence: Evidence, case: Case, trials: Sequence[Trial], others: Sequence[Trial]) -> Differences | str:
    condition = practical_condition(case.sweep)
    pairs = _matched(trials, others, evidence.but_for_the_method)
    if not pairs:
        return f"no {trials[0].label} and DA trials differ in the method alone"
    return Differences(
        name=_case_name(case, trials),
        compared=f"{count(len(pairs), 'pair')} at {_at(case.sweep)}",
        values=tuple(
            (_trial(one), exactly(evidence.accuracy(one, condition) - evidence.accuracy(other, condition)))
            for one, other in pairs
        ),
    )  # fmt: skip


def narrower(evidence: Evidence) -> Claim:
    told = Told(
        name="narrower",
        sentence="The band of stability training is narrower than that of data augmentation",
        source="Abstract (hyperparameter dependence); bands of Figs. 1 and 2",
        statistic=(
            "range of DA minus range of ST, each best minus worst over equally many trials (the mean over all "
            "subsets), the mean over figures"
        ),
    )
    return mean_claim(told, evidence, _over_cases(evidence, DA, _augmented, _narrower), "band")


def _narrower(evidence: Evidence, case: Case, trials: Sequence[Trial], others: Sequence[Trial]) -> Differences | str:
    condition = practical_condition(case.sweep)
    alike = {evidence.schedule(trial) for trial in trials}
    rivals = [trial for trial in others if evidence.schedule(trial) in alike]
    if min(len(trials), len(rivals)) < 2:
        return f"{count(len(trials), f'{trials[0].label} trial')} and {len(rivals)} of DA trained alike: no two ranges"
    m = comparable((len(trials), len(rivals)))
    ranges = [evidence.ordered(group, condition, range_weights(len(group), m)) for group in (rivals, trials)]
    return Differences(
        name=_case_name(case, trials),
        compared=f"{len(trials)} ST, {len(rivals)} DA trials, any {m} of each, at {_at(case.sweep)}",
        values=(("", ranges[0] - ranges[1]),),
    )


def above(evidence: Evidence) -> Claim:
    told = Told(
        name="above",
        sentence="The worst trial of stability training is never below the baseline",
        source="Worst ST curves of Figs. 1 and 2; abstract (negative side effects)",
        statistic="accuracy of ST minus that of the baseline at the practical level, the least over all ST trials",
        refuted_by_one=True,
    )
    return least_claim(
        told, evidence, _over_cases(evidence, "baseline", lambda _: evidence.results.baselines, _above), "trial"
    )


def _above(evidence: Evidence, case: Case, trials: Sequence[Trial], _: Sequence[Trial]) -> Differences | str:
    condition = practical_condition(case.sweep)
    baseline = evidence.baseline(condition)
    if baseline is None:
        return f"no baseline is evaluated at {_at(case.sweep)}"
    return Differences(
        name=_case_name(case, trials),
        compared=f"{count(len(trials), 'trial')} at {_at(case.sweep)}",
        values=tuple((_trial(trial), exactly(evidence.accuracy(trial, condition) - baseline)) for trial in trials),
    )


def symmetric(evidence: Evidence) -> Claim:
    told = Told(
        name="symmetric",
        sentence="For rotation, the symmetric stability loss is better than the original one",
        source="Eq. 6; Figs. 2a–2c",
        statistic="accuracy of symmetric ST minus that of original ST, the mean over pairs that differ in nothing else",
    )
    return mean_claim(told, evidence, _symmetric(evidence), "pair")


def _symmetric(evidence: Evidence) -> Asked:
    parts, left_out, missing = [], [], []
    for case in (one for one in evidence.cases if one.sweep.test_distortion == ROTATION):
        condition = practical_condition(case.sweep)
        trials = [trial for trial in case.of(STABILITY) if evidence.divergence(trial) in (ORIGINAL, SYMMETRIC)]
        missing += [f"{case.name}: {one}" for one in evidence.missing(trials, condition)]
        known = evidence.sound(trials, condition)
        new, original = (
            [trial for trial in known if evidence.divergence(trial) == one] for one in (SYMMETRIC, ORIGINAL)
        )
        pairs = _matched(new, original, evidence.but_for_the_divergence)
        if not pairs:
            left_out.append(f"{case.name}: no two trials of stability_training differ in the divergence alone")
            continue
        parts.append(
            Differences(
                name=case.name,
                compared=f"{count(len(pairs), 'pair')} at {_at(case.sweep)}",
                values=tuple(
                    (_trial(one), exactly(evidence.accuracy(one, condition) - evidence.accuracy(other, condition)))
                    for one, other in pairs
                ),
            )
        )
    if not parts and not left_out:
        left_out.append("no figure is tested on rotation, or nothing is trained on it")
    return Asked(parts=tuple(parts), left_out=tuple(left_out), missing=tuple(missing))


def gaussian(evidence: Evidence) -> Claim:
    told = Told(
        name="gaussian",
        sentence=(
            "Over noise distortions, Gaussian noise is the best training noise for stability training, "
            "while data augmentation favours the noise it is tested on"
        ),
        source="Figs. 1b and 1c",
        statistic=(
            "two things at once, the lesser counts: best of ST on Gaussian noise minus best of ST on another noise, "
            "the mean over noise tests; best of DA on the tested noise minus best of DA on another, the mean of all; "
            "each best is over equally many trials (the mean over all subsets), at the practical level"
        ),
    )
    return least_claim(told, evidence, _gaussian(evidence), "comparison")


@dataclass(frozen=True, eq=False)
class _Noises:
    """A method's trials on each training noise, and their bests of `m` under each test noise."""

    evidence: Evidence
    trials: dict[str, list[Trial]]
    m: int

    def best(self, trained: str, tested: Sweep) -> Bounded:
        group = self.trials[trained]
        return self.evidence.ordered(group, practical_condition(tested), best_weights(len(group), self.m))

    def ahead(self, trained: str, other: str, tested: Sweep) -> Bounded:
        return self.best(trained, tested) - self.best(other, tested)


def _gaussian(evidence: Evidence) -> Asked:
    if reason := _unknown_kinds(evidence):
        return Asked(parts=(), left_out=(reason,), missing=())
    tests = evidence.sweeps_of(NOISE)
    noisy = evidence.trained_with(NOISE)
    stable = [one for one in noisy if one.method == STABILITY and evidence.divergence(one) == ORIGINAL]
    alike = {evidence.schedule(trial) for trial in stable}
    augmented = [one for one in noisy if one.method == AUGMENTATION and evidence.schedule(one) in alike]
    missing = list(dict.fromkeys(
        one for sweep in tests for one in evidence.missing((*stable, *augmented), practical_condition(sweep))
    ))  # fmt: skip
    stability, augmentation = (_noises(evidence, trials, tests) for trials in (stable, augmented))
    others = [one for one in stability.trials if one != GAUSSIAN]
    parts, absent = [], []
    if GAUSSIAN in stability.trials and others and tests:
        parts += [_best_noise(stability, other, tests) for other in others]
    else:
        absent.append(f"ST: it has no trials on Gaussian noise and on another one, but {_there(stability)}")
    matched = [sweep for sweep in tests if sweep.test_distortion in augmentation.trials]
    if len(augmentation.trials) > 1 and matched:
        parts.append(_favoured(augmentation, matched))
    else:
        absent.append(f"DA: it has no trials on a tested noise and on another one, but {_there(augmentation)}")
    return Asked(parts=tuple(parts), left_out=(), missing=tuple(missing), absent=tuple(absent))


def _noises(evidence: Evidence, trials: Iterable[Trial], tests: Sequence[Sweep]) -> _Noises:
    """Of the trials that all tests are evaluated for."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        if not any(evidence.why_not(trial, practical_condition(sweep)) for sweep in tests):
            groups.setdefault(trial.train_distortion, []).append(trial)
    return _Noises(evidence, groups, min(map(len, groups.values()), default=0))


def _best_noise(stability: _Noises, other: str, tests: Sequence[Sweep]) -> Differences:
    return Differences(
        name=f"ST: Gaussian noise against {spoken(other)}",
        compared=(
            f"{len(stability.trials[GAUSSIAN])} and {count(len(stability.trials[other]), 'trial')}, best of any "
            f"{stability.m}, over {listed([short_level(sweep) for sweep in tests])}"
        ),
        values=(("", average([stability.ahead(GAUSSIAN, other, sweep) for sweep in tests])),),
    )


def _favoured(augmentation: _Noises, matched: Sequence[Sweep]) -> Differences:
    differences = [
        augmentation.ahead(sweep.test_distortion, other, sweep)
        for sweep in matched
        for other in augmentation.trials
        if other != sweep.test_distortion
    ]
    return Differences(
        name="DA: the tested noise against the others",
        compared=(
            f"{count(sum(map(len, augmentation.trials.values())), 'trial')} on {len(augmentation.trials)} noises, best "
            f"of any {augmentation.m}, over {listed([short_level(sweep) for sweep in matched])}"
        ),
        values=(("", average(differences)),),
    )


def _there(noises: _Noises) -> str:
    return f"on {listed([spoken(one) for one in noises.trials])}" if noises.trials else "on none"


def trade(evidence: Evidence) -> Claim:
    told = Told(
        name="trade",
        sentence="Adversarial training trades robustness at a low ε for robustness at a high one",
        source="Fig. 1c",
        statistic=(
            "two things at once, the lesser counts: at the practical ε, accuracy of ST (of the baseline where no ST "
            "trial is matched) minus that of AT; at the high ε, that of AT minus that of ST; means over matched pairs"
        ),
    )
    return least_claim(told, evidence, _trade(evidence), "comparison")


def _trade(evidence: Evidence) -> Asked:
    if reason := _unknown_kinds(evidence):
        return Asked(parts=(), left_out=(reason,), missing=())
    parts: list[Differences] = []
    left_out, missing, absent = [], [], []
    for case in (one for one in evidence.cases if one.of(ADVERSARIAL)):
        levels = case.sweep.practical, strong_level(evidence.results.plan, case.sweep)
        if levels[0] == levels[1]:
            left_out.append(f"{case.name}: the sweep has no level beyond the practical one")
            continue
        concerned = (*case.of(ADVERSARIAL), *case.of(STABILITY))
        for level in levels:
            lost = evidence.missing(concerned, condition_at(case.sweep, level))
            missing += [f"{case.name} at {at_level(case.sweep, level)}: {one}" for one in lost]
        found = [_traded(evidence, case, level, low=place == 0) for place, level in enumerate(levels)]
        parts += [one for one in found if isinstance(one, Differences)]
        absent += [f"{case.name}: {one}" for one in found if isinstance(one, str)]
    if not (parts or left_out or missing or absent):
        left_out.append(f"no trial of {ADVERSARIAL} is trained on an attack that is tested")
    return Asked(parts=tuple(parts), left_out=tuple(left_out), missing=tuple(missing), absent=tuple(absent))


def _traded(evidence: Evidence, case: Case, level: float, *, low: bool) -> Differences | str:
    condition = condition_at(case.sweep, level)
    known = evidence.sound(case.of(ADVERSARIAL), condition)
    pairs = _matched(known, evidence.sound(case.of(STABILITY), condition), evidence.but_for_the_method)
    baseline = evidence.baseline(condition)
    if pairs:
        ahead = [evidence.accuracy(one, condition) - evidence.accuracy(other, condition) for one, other in pairs]
        compared = f"{count(len(pairs), 'pair')} of AT and ST"
    elif known and baseline is not None:
        ahead = [evidence.accuracy(one, condition) - baseline for one in known]
        compared = f"{count(len(known), 'AT trial')} and the baseline"
    else:
        return f"nothing to compare with at {at_level(case.sweep, level)}"
    sign = -1 if low else 1
    at = at_level(case.sweep, level)
    return Differences(
        name=f"{case.name}: AT {'below' if low else 'above'} at {at}",
        compared=f"{compared} at {at}",
        values=(("", exactly(sign * mean(ahead))),),
    )


def transfer(evidence: Evidence) -> Claim:
    told = Told(
        name="transfer",
        sentence="Robustness does not transfer from noise to transformations",
        source="§1 (which is which); Figs. 2a–2c",
        statistic=(
            "half of what the best trial trained on the transformation itself gains, minus the gain of a trial trained "
            "on noise alone and as long; the least over all of these, at the practical level; gains are over trials on "
            "undistorted copies where there are any, else over the baseline"
        ),
    )
    return least_claim(told, evidence, _transfer(evidence), "trial")


def _transfer(evidence: Evidence) -> Asked:
    if reason := _unknown_kinds(evidence):
        return Asked(parts=(), left_out=(reason,), missing=())
    noisy, sweeps = evidence.trained_with(NOISE), evidence.sweeps_of(TRANSFORMATIVE)
    found = [_transferred(evidence, noisy, sweep) for sweep in sweeps]
    missing = tuple(
        f"{spoken(sweep.test_distortion)}: {one}"
        for sweep in sweeps
        for one in evidence.missing((*noisy, *evidence.trained_on(sweep.test_distortion)), practical_condition(sweep))
    )
    return Asked(
        parts=tuple(one for one in found if isinstance(one, Differences)),
        left_out=tuple(one for one in found if isinstance(one, str))
        or (() if sweeps else ("no transformation is tested",)),
        missing=missing,
    )


def _transferred(evidence: Evidence, noisy: Sequence[Trial], sweep: Sweep) -> Differences | str:
    condition, name = practical_condition(sweep), short_level(sweep)
    baseline = evidence.baseline(condition)
    known, own, controls = (
        evidence.sound(one, condition) for one in (noisy, evidence.trained_on(sweep.test_distortion), evidence.controls)
    )
    alike = {evidence.schedule(trial) for trial in controls or own}
    known, own = ([trial for trial in one if evidence.schedule(trial) in alike] for one in (known, own))
    if baseline is None:
        return f"{name}: no baseline is evaluated"
    if not own:
        return f"{name}: no trial trained on it is evaluated, which tells what a gain is"
    if not known:
        return f"{name}: no trial trained on noise alone, and as long as those on it, is evaluated"
    untouched = mean([evidence.accuracy(trial, condition) for trial in controls]) if controls else baseline
    best = evidence.ordered(own, condition, best_weights(len(own), len(own))) - exactly(untouched)
    retained = best.rising(lambda gain: RETAINED * np.maximum(gain, 0))
    gains = [(trial, exactly(evidence.accuracy(trial, condition) - untouched)) for trial in known]
    beyond = f"over {count(len(controls), 'trial')} on undistorted copies" if controls else "over the baseline"
    return Differences(
        name=name,
        compared=(
            f"{count(len(known), 'trial')} trained on noise, the best of which gains "
            f"{points(max(gain.observed for _, gain in gains))} {beyond}; {len(own)} on it, the best gains "
            f"{points(best.observed)}"
        ),
        values=tuple((_on_noise(trial), retained - gain) for trial, gain in gains),
    )


def _on_noise(trial: Trial) -> str:
    """`ST α 0.316, σ 0.1 on gaussian noise`"""
    return f"{_trial(trial)} on {spoken(trial.train_distortion)}"


CLAIMS: tuple[Callable[[Evidence], Claim], ...] = (ahead, narrower, above, symmetric, gaussian, trade, transfer)

Compare = Callable[[Evidence, Case, Sequence[Trial], Sequence[Trial]], Differences | str]


def _augmented(case: Case) -> Sequence[Trial]:
    return case.of(AUGMENTATION)


def _over_cases(evidence: Evidence, rival: str, rivals: Callable[[Case], Sequence[Trial]], compare: Compare) -> Asked:
    """The trials of each label of stability training in each figure, compared with the rivals there."""
    parts: list[Differences] = []
    left_out, missing = [], []
    for case in evidence.cases:
        condition = practical_condition(case.sweep)
        stable, others = case.of(STABILITY), rivals(case)
        if not stable or not others:
            left_out.append(f"{case.name}: no {f'trial of {STABILITY}' if not stable else rival}")
            continue
        missing += [f"{case.name}: {one}" for one in evidence.missing((*stable, *others), condition)]
        known = evidence.sound(others, condition)
        found = [compare(evidence, case, one, known) for one in _by_label(evidence.sound(stable, condition)) if known]
        parts += [one for one in found if isinstance(one, Differences)]
        left_out += [f"{case.name}: {one}" for one in found if isinstance(one, str)]
    if not evidence.cases:
        left_out.append("nothing is tested that a trial is trained on")
    return Asked(parts=tuple(parts), left_out=tuple(left_out), missing=tuple(missing))


def _unknown_kinds(evidence: Evidence) -> str:
    if evidence.results.plan.kinds:
        return ""
    return (
        "the launch was recorded without the kinds of its distortions; "
        f"`study launch {evidence.results.plan.study}` records them, and trains nothing"
    )


def _by_label(trials: Iterable[Trial]) -> Iterator[list[Trial]]:
    found: dict[str, list[Trial]] = {}
    for trial in trials:
        found.setdefault(trial.label, []).append(trial)
    yield from found.values()


def _matched(
    trials: Sequence[Trial], others: Sequence[Trial], key: Callable[[Trial], Hashable]
) -> list[tuple[Trial, Trial]]:
    keys = {trial.trial_id: key(trial) for trial in (*trials, *others)}
    return [(one, other) for one, other in product(trials, others) if keys[one.trial_id] == keys[other.trial_id]]


def _case_name(case: Case, trials: Sequence[Trial]) -> str:
    """`2a, ST sym`"""
    several = len({trial.label for trial in case.of(STABILITY)}) > 1
    return f"{case.name}, {trials[0].label}" if several else case.name


def _trial(trial: Trial) -> str:
    return f"{trial.label} {trial.hyperparameters}".strip()


def _at(sweep: Sweep) -> str:
    """`gaussian noise 0.3`"""
    return short_level(sweep)
