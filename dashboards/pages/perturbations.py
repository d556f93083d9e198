"""Flip rates, as ImageNet-P measures them: how often an answer changes while an image moves or noise is drawn anew."""

from collections.abc import Iterator, Mapping

from dashboards.answers import why_no_rates
from dashboards.benchmarks import benchmarks
from dashboards.figures.draw_ratios import draw_ratios, explanation
from dashboards.figures.perturbations import difficulties, measures, no_distances, perturbations_info
from dashboards.figures.ratios import RatiosInfo
from dashboards.palette import looks
from dashboards.parts import Choice, Column, Page, Slot, Table, Variant, choices_html, paragraph, slot_html
from dashboards.picks import BY, By
from dashboards.ratio_answers import caveats, counted, over, spans
from dashboards.ratio_tables import families, ratios_table
from dashboards.results import FlipMeans, Results, Trial
from dashboards.selections import pick_choice, train_choice, train_options
from dashboards.wording import spoken
from study.plan import Benchmark

ORDER = 34


def page(results: Results) -> Page | None:
    """None for a study that tests no perturbation."""
    there = benchmarks(results, "perturbation")
    if not there:
        return None
    choices = tuple(
        filter(None, (train_choice(results), *_sets(there), _measured(results, there), _difficulty(results)))
    )
    choices = (*choices, pick_choice())
    slots = (
        Slot(name="perturbations", title="Flip rates", variants=tuple(_rates(results, there))),
        Slot(name="perturbed", title="Trials under perturbation", variants=tuple(_tables(results, there))),
    )
    body = (
        f"<h2>Perturbations</h2>{paragraph(_lead(there), 'lead')}{choices_html(choices)}{slot_html(slots[0])}"
        f"<h3>Every trial</h3>{slot_html(slots[1], open_table=True, classes='table-only')}"
    )
    return Page(name="perturbations", nav="Perturbations", body=body, choices=choices, slots=slots)


def _lead(there: tuple[Benchmark, ...]) -> str:
    normalizers = sorted({one.normalizer for one in there if one.normalizer})
    told = (
        "Flip probability (FP): how often the prediction changes from one frame of a sequence to the next, or, under "
        "noise, from the undistorted frame; lower is better."
    )
    if not normalizers:
        return f"{told} It is divided by nobody's: this study has no baseline, and names none in `normalize_by:`."
    return (
        f"{told} Flip rate (FR): FP over that of {' or '.join(normalizers)}, in percent. mFR: their mean, without "
        "extra perturbations. T5D: the same of how far the five likeliest classes move."
    )


def _sets(there: tuple[Benchmark, ...]) -> tuple[Choice, ...]:
    """Which benchmark, where there are several."""
    options = tuple((one.name, spoken(one.name)) for one in there)
    choice = Choice(name="sequences", title="set", options=options, default=there[0].name)
    return (choice,) if len(there) > 1 else ()


def _when(there: tuple[Benchmark, ...], benchmark: Benchmark) -> dict[str, str]:
    return {"sequences": benchmark.name} if len(there) > 1 else {}


def _difficulty(results: Results) -> Choice | None:
    options = tuple((str(one), str(one)) for one in difficulties(results))
    return Choice(name="difficulty", title="difficulty", options=options, default="1") if len(options) > 1 else None


def _measured(results: Results, there: tuple[Benchmark, ...]) -> Choice:
    texts = {
        "flip_rate": "flip rate (FR)", "t5d": "top-5 distance (T5D)", "flip_probability": "flip probability (FP)",
        "top5_distance": "top-5 distance, not normalised",
    }  # fmt: skip
    names = {measure.name for benchmark in there for measure in measures(results, benchmark)}
    options = tuple((name, text) for name, text in texts.items() if name in names)
    return Choice(name="flipped", title="as", options=options, default=options[0][0])


def _rates(results: Results, there: tuple[Benchmark, ...]) -> Iterator[Variant]:
    there_are = difficulties(results)
    for benchmark in there:
        for measure in measures(results, benchmark):
            for difficulty in there_are:
                for train in (*train_options(results),) or (None,):
                    when = {**_when(there, benchmark), "flipped": measure.name, **({"train": train} if train else {})}
                    when |= {"difficulty": str(difficulty)} if len(there_are) > 1 else {}
                    info = perturbations_info(results, benchmark, measure, difficulty, train)
                    yield _drawn(results, benchmark, info, difficulty, when)


def _drawn(
    results: Results, benchmark: Benchmark, info: RatiosInfo, difficulty: int, when: Mapping[str, str]
) -> Variant:
    measured = {curve.trial_id for curve in info.curves}
    missing = why_no_rates(results, info.train_distortion, measured, "perturbations") if info.train_distortion else ""
    missing = missing or no_distances(results, info)
    if missing:
        return Variant(when=when, missing=missing)
    drawn_as = looks(results.labels, {trial.label for trial in results.baselines})
    told: dict[str, tuple[str, ...]] = {
        by: (*_sentences(results, benchmark, info, difficulty, by), *caveats(results, info, benchmark, by)) for by in BY
    }
    return Variant(
        when=when, drawing=draw_ratios(info, drawn_as), text=told, alt=explanation(info), table=ratios_table(info),
        families=tuple(families(info, drawn_as)),
    )  # fmt: skip


def _sentences(results: Results, benchmark: Benchmark, info: RatiosInfo, difficulty: int, by: By) -> Iterator[str]:
    rows = [
        (of, means.over)
        for (at, of), means in results.flip_means.items()
        if (at, of[0]) == (difficulty, benchmark.name)
    ]
    told = f" at difficulty {difficulty}" if len(difficulties(results)) > 1 else ""
    if info.curves and not any(one.mean for one in info.ranges):
        yield f"Not all perturbations have a rate{told}, so there is no mean of them."
    numbers, untested = over(rows, info)
    yield from spans(info, by, [f"{one} perturbations{told}" for one in numbers])
    yield from untested


def _tables(results: Results, there: tuple[Benchmark, ...]) -> Iterator[Variant]:
    for benchmark in there:
        for difficulty in difficulties(results):
            when = {"difficulty": str(difficulty)} if len(difficulties(results)) > 1 else {}
            table = perturbations_table(results, benchmark, difficulty)
            yield Variant(when={**_when(there, benchmark), **when}, table=table)


def perturbations_table(results: Results, benchmark: Benchmark, difficulty: int) -> Table:
    """One row a trial and label, in the plan's order."""
    ratios = (
        (Column("mfr", "mFR", "rate"), Column("mfr_without_seen", "without seen", "rate"),
         Column("mfr_without_noise", "without noise", "rate"), Column("mt5d", "mT5D", "rate"))
        if benchmark.normalizer
        else ()
    )  # fmt: skip
    columns = (
        Column("label", "method"), Column("trained_on", "trained on"), Column("trial_id", "trial", "trial"),
        Column("hyperparameters", "hyperparameters"), *ratios,
        Column("mean_flip_probability", "mean flip probability", "rate"),
        Column("mean_top5_distance", "mean top-5 distance, places", "number"),
        Column("images_seen", "images seen", "number"), Column("labels_used", "labels used", "number"),
        Column("perturbations", "over"),
        Column("which", ""),
        Column("state", "state"),
    )  # fmt: skip
    return Table(
        columns=columns, rows=tuple(_table_row(results, benchmark, difficulty, trial) for trial in results.trials)
    )


def _table_row(results: Results, benchmark: Benchmark, difficulty: int, trial: Trial) -> tuple[object, ...]:
    of = (benchmark.name, trial.label, trial.trial_id)
    row = results.flip_means.get((difficulty, of), NOTHING)
    ratios = (row.mfr, row.without_seen, row.without_noise, row.mt5d) if benchmark.normalizer else ()
    state = f"diverged in epoch {trial.diverged_epoch}" if trial.diverged else trial.state
    distance = None if row.top5_distance is None else round(row.top5_distance, 3)
    return (
        trial.label, spoken(trial.train_distortion), trial.trial_id, trial.hyperparameters, *ratios,
        row.flip_probability, distance, row.images_seen, row.labels_used, *counted(row.over), state,
    )  # fmt: skip


NOTHING = FlipMeans(
    mfr=None, mt5d=None, without_seen=None, without_noise=None, flip_probability=None, top5_distance=None,
    images_seen=None, labels_used=None, over="not evaluated yet",
)  # fmt: skip
