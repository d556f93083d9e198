"""Corruption errors, as ImageNet-C measures them: their range over hyperparameters, and where a trial is weak."""

from collections.abc import Iterator, Mapping
from statistics import median_low

from dashboards.answers import why_no_rates
from dashboards.benchmarks import benchmarks, conditions_of, disturbances_of
from dashboards.figures.corruptions import corruptions_info, measures
from dashboards.figures.draw_ratios import draw_ratios, explanation
from dashboards.figures.draw_severities import draw_severities
from dashboards.figures.draw_severities import explanation as weakness
from dashboards.figures.ratios import RatiosInfo
from dashboards.figures.severities import SeveritiesInfo, severities_info
from dashboards.palette import looks
from dashboards.parts import Choice, Column, Page, Slot, Table, Variant, choices_html, paragraph, slot_html
from dashboards.picks import BY, By, ranked
from dashboards.ratio_answers import caveats, counted, over, spans, without
from dashboards.ratio_tables import families, ratios_table
from dashboards.results import CorruptionMeans, Results, Trial
from dashboards.selections import pick_choice, train_choice, train_options
from dashboards.wording import listed, spoken
from study.plan import Benchmark

ORDER = 32
ROLES = (("best", "best"), ("median", "median"), ("worst", "worst"))
SEVERITIES = 5


def page(results: Results) -> Page | None:
    """None for a study that tests no corruption."""
    there = benchmarks(results, "corruption")
    if not there:
        return None
    sets = _sets(there)
    mean = "mCE" if any(one.normalizer for one in there) else "mean error"
    weak = (_who(results), Choice(name="weak", title=f"by {mean} its", options=ROLES, default="median"))
    choices = (*filter(None, (train_choice(results), *sets)), _measured(results, there), pick_choice())
    slots = (
        Slot(name="corruptions", title="Corruption errors", variants=tuple(_errors(results, there))),
        Slot(name="severities", title="By corruption and severity", variants=tuple(_weaknesses(results, there))),
        Slot(name="corrupted", title="Trials under corruption", variants=tuple(_tables(results, there))),
    )
    body = (
        f"<h2>Corruptions</h2>{paragraph(_lead(there), 'lead')}{choices_html(choices)}{slot_html(slots[0])}"
        f"<h3>By corruption and severity</h3>{choices_html(weak)}{slot_html(slots[1])}"
        f"<h3>Every trial</h3>{paragraph(_table_lead(results, there), 'lead')}"
        f"{slot_html(slots[2], open_table=True, classes='table-only')}"
    )
    return Page(name="corruptions", nav="Corruptions", body=body, choices=(*choices, *weak), slots=slots)


def _lead(there: tuple[Benchmark, ...]) -> str:
    normalizers = list(dict.fromkeys(one.normalizer for one in there if one.normalizer))
    if not normalizers:
        return (
            "The error on corrupted test images, its mean over the severities; lower is better. It is divided by "
            "nobody's: this study has no baseline, and names none in `normalize_by:`."
        )
    return (
        f"Corruption error (CE): the errors at all severities over those of {listed(normalizers)}, in percent; lower "
        "is better, 100 is as good. mCE: their mean, without extra corruptions. A relative one is of what corruption "
        "adds to the error on undistorted images."
    )


def _table_lead(results: Results, there: tuple[Benchmark, ...]) -> str:
    told = "Means over the corruptions in %; an extra corruption is in none of them."
    return " ".join([
        told, "Trials that saw more images trained longer, whatever their method.", *_no_relative(results, there)
    ])  # fmt: skip


def _no_relative(results: Results, there: tuple[Benchmark, ...]) -> Iterator[str]:
    """Why a relative mCE is empty."""
    for benchmark in there:
        rows = (row for of, row in results.corruption_means.items() if of[0] == benchmark.name)
        for names in dict.fromkeys(row.no_relative_ce for row in rows if row.no_relative_ce):
            yield f"There is no relative mCE: {spoken(names)} adds no error to {benchmark.normalizer}'s."


def _sets(there: tuple[Benchmark, ...]) -> tuple[Choice, ...]:
    """Which benchmark, where there are several."""
    options = tuple((one.name, spoken(one.name)) for one in there)
    return (Choice(name="set", title="set", options=options, default=there[0].name),) if len(there) > 1 else ()


def _when(there: tuple[Benchmark, ...], benchmark: Benchmark) -> dict[str, str]:
    return {"set": benchmark.name} if len(there) > 1 else {}


def _measured(results: Results, there: tuple[Benchmark, ...]) -> Choice:
    texts = {"ce": "corruption error (CE)", "relative_ce": "relative CE", "error": "error, not normalised"}
    names = tuple(dict.fromkeys(measure.name for benchmark in there for measure in measures(results, benchmark)))
    options = tuple((name, texts[name]) for name in texts if name in names)
    return Choice(name="corrupted", title="as", options=options, default=options[0][0])


def _errors(results: Results, there: tuple[Benchmark, ...]) -> Iterator[Variant]:
    for benchmark in there:
        for measure in measures(results, benchmark):
            for train in (*train_options(results),) or (None,):
                when = {**_when(there, benchmark), "corrupted": measure.name, **({"train": train} if train else {})}
                info = corruptions_info(results, benchmark, measure, train)
                yield _drawn(results, benchmark, info, when)


def _drawn(results: Results, benchmark: Benchmark, info: RatiosInfo, when: Mapping[str, str]) -> Variant:
    measured = {curve.trial_id for curve in info.curves}
    missing = why_no_rates(results, info.train_distortion, measured, "corruptions") if info.train_distortion else ""
    if missing:
        return Variant(when=when, missing=missing)
    drawn_as = looks(results.labels, {trial.label for trial in results.baselines})
    told: dict[str, tuple[str, ...]] = {
        by: (*_sentences(results, benchmark, info, by), *caveats(results, info, benchmark, by)) for by in BY
    }
    return Variant(
        when=when, drawing=draw_ratios(info, drawn_as), text=told, alt=explanation(info), table=ratios_table(info),
        families=tuple(families(info, drawn_as)),
    )  # fmt: skip


def _sentences(results: Results, benchmark: Benchmark, info: RatiosInfo, by: By) -> Iterator[str]:
    rows = [(of, means.over) for of, means in results.corruption_means.items() if of[0] == benchmark.name]
    severities = sorted({severity for _, severity in conditions_of(results, benchmark)})
    told = f" at severities {listed([str(one) for one in severities])}" if len(severities) < SEVERITIES else ""
    numbers, untested = over(rows, info)
    yield from spans(info, by, [f"{one} corruptions{told}" for one in numbers])
    if info.measure.name == "ce":
        yield from without(info, lambda label, trial: results.corruption_means.get((benchmark.name, label, trial)))
    yield from untested


def _who(results: Results) -> Choice:
    """The label whose trial is shown: the first that is no baseline."""
    labels = results.labels
    first = next((label for label in labels if label != results.baseline_label), labels[0])
    return Choice(name="who", title="Of", options=tuple((label, label) for label in labels), default=first)


def _weaknesses(results: Results, there: tuple[Benchmark, ...]) -> Iterator[Variant]:
    for benchmark in there:
        shared = _when(there, benchmark)
        trains = train_options(results)
        for label in results.labels:
            if label == results.baseline_label:
                yield from _weakness(results, benchmark, results.baselines, {**shared, "who": label})
            for train in trains:
                trials = tuple(
                    trial for group in results.groups_on(train) if group.label == label for trial in group.trials
                )
                if label != results.baseline_label:
                    yield from _weakness(results, benchmark, trials, {**shared, "who": label, "train": train})


def _weakness(
    results: Results, benchmark: Benchmark, trials: tuple[Trial, ...], when: Mapping[str, str]
) -> Iterator[Variant]:
    """Of the best, the median and the worst of the trials."""
    chosen = _chosen(results, benchmark, trials)
    if not chosen:
        where = f" on {spoken(when['train'])}" if "train" in when else ""
        told = (
            f"No trial of {when['who']}{where} has been evaluated under corruptions"
            if trials
            else (f"{when['who']} has no trial{where}")
        )
        yield Variant(when=when, missing=f"{told}{' yet' if trials else ''}.")
    disturbances, conditions = disturbances_of(results, benchmark), conditions_of(results, benchmark)
    for role, trial in chosen.items():
        name = role if len(trials) > 1 else ""
        info = severities_info(results, trial, name, disturbances, conditions, _compared(results, benchmark))
        told = weakness(info)
        yield Variant(
            when={**when, "weak": role}, drawing=draw_severities(info), text={"": (told,)}, alt=told,
            table=_weakness_table(info),
        )  # fmt: skip


def _compared(results: Results, benchmark: Benchmark) -> str:
    """The normaliser, if it is a label of the study, else the baseline."""
    name = benchmark.normalizer
    return name if name in results.labels else results.baseline_label or ""


def _chosen(results: Results, benchmark: Benchmark, trials: tuple[Trial, ...]) -> dict[str, Trial]:
    """best, median and worst by mCE, or by mean error where there is no normaliser."""
    means = {
        trial.trial_id: score
        for trial in trials
        if (row := results.corruption_means.get((benchmark.name, trial.label, trial.trial_id))) is not None
        and (score := row.mean_error if row.mce is None else row.mce) is not None
    }
    known = [trial for trial in trials if trial.trial_id in means]
    found = ranked(known, lambda trial: -means[trial.trial_id])
    if found is None:
        return {}
    middle = median_low(means.values())
    return {
        "best": found[0],
        "median": next(trial for trial in known if means[trial.trial_id] == middle),
        "worst": found[1],
    }


def _weakness_table(info: SeveritiesInfo) -> Table:
    columns = (
        Column("corruption", "corruption"), Column("kind", "kind"), Column("severity", "severity", "number"),
        Column("accuracy", info.measure, "rate"), Column("standard_error", "± one s.e.", "rate"),
        *((Column("compared", info.compared, "rate"),) if info.compared else ()),
    )  # fmt: skip
    rows = (
        (
            test.label, test.kind, severity, square.accuracy, square.error,
            *((square.compared,) if info.compared else ()),
        )
        for test, row in zip(info.tests, info.squares, strict=True)
        for severity, square in zip(info.severities, row, strict=True)
    )  # fmt: skip
    return Table(columns=columns, rows=tuple(rows))


def _tables(results: Results, there: tuple[Benchmark, ...]) -> Iterator[Variant]:
    for benchmark in there:
        yield Variant(when=_when(there, benchmark), table=corruptions_table(results, benchmark))


def corruptions_table(results: Results, benchmark: Benchmark) -> Table:
    """One row a trial and label, in the plan's order."""
    ratios = (
        (Column("mce", "mCE", "rate"), Column("relative_mce", "relative mCE", "rate"),
         Column("mce_without_seen", "without seen", "rate"), Column("mce_without_noise", "without noise", "rate"))
        if benchmark.normalizer
        else ()
    )  # fmt: skip
    columns = (
        Column("label", "method"), Column("trained_on", "trained on"), Column("trial_id", "trial", "trial"),
        Column("hyperparameters", "hyperparameters"), *ratios, Column("mean_error", "mean error", "rate"),
        Column("calibration_error", "calibration error", "rate"), Column("clean_accuracy", "clean accuracy", "rate"),
        Column("images_seen", "images seen", "number"), Column("labels_used", "labels used", "number"),
        Column("corruptions", "over"), Column("which", ""), Column("rendering", "made by"),
        Column("state", "state"),
    )  # fmt: skip
    return Table(columns=columns, rows=tuple(_table_row(results, benchmark, trial) for trial in results.trials))


def _table_row(results: Results, benchmark: Benchmark, trial: Trial) -> tuple[object, ...]:
    row = results.corruption_means.get((benchmark.name, trial.label, trial.trial_id), NOTHING)
    ratios = (row.mce, row.relative_mce, row.without_seen, row.without_noise) if benchmark.normalizer else ()
    state = f"diverged in epoch {trial.diverged_epoch}" if trial.diverged else trial.state
    return (
        trial.label, spoken(trial.train_distortion), trial.trial_id, trial.hyperparameters, *ratios, row.mean_error,
        row.calibration_error, row.clean_accuracy, row.images_seen, row.labels_used, *counted(row.over),
        row.rendering or "", state,
    )  # fmt: skip


NOTHING = CorruptionMeans(
    mce=None, relative_mce=None, no_relative_ce=None, without_seen=None, without_noise=None, mean_error=None,
    calibration_error=None, clean_accuracy=None, images_seen=None, labels_used=None, over="not evaluated yet",
    rendering=None,
)  # fmt: skip
