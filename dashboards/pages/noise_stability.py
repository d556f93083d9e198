"""Random-noise stability over the stages of each network's training, beside the baseline's."""

from collections.abc import Iterator, Sequence
from itertools import product

from dashboards.figures.draw_noise_stability import draw_noise_stability, explanation
from dashboards.figures.noise_stability import StabilityInfo, baselines, compared, named, stability_info
from dashboards.parts import Choice, Column, Page, Slot, Table, Variant, choices_html, paragraph, slot_html
from dashboards.results import Results, Trial

ORDER = 45
LEAD = (
    "Of images that a network, and the baseline's, has right without noise at all tested stages, the share of noisy "
    "copies that get another label: by stage of the training and strength of the noise, all networks under the same "
    "noise."
)


def page(results: Results) -> Page | None:
    """None for a study that does not test it, or has no network tested yet."""
    trials = compared(results)
    if not trials:
        return None
    beside = baselines(results)
    choices = [_choice(results, "network", "Network", trials)]
    if len(beside) > 1:
        choices.append(_choice(results, "baseline", "Beside", beside))
    slot = Slot(name="noise_stability", title="Noise stability", variants=tuple(_variants(results, trials, beside)))
    untested = _untested(results)
    body = (
        f"<h2>Random-noise stability</h2>{paragraph(LEAD, 'lead')}{paragraph(untested)}{choices_html(choices)}"
        f"{slot_html(slot)}"
    )
    return Page(name="noise-stability", nav="Noise stability", body=body, choices=tuple(choices), slots=(slot,))


def _choice(results: Results, name: str, title: str, trials: Sequence[Trial]) -> Choice:
    options = tuple((trial.trial_id, named(results, trial)) for trial in trials)
    return Choice(name=name, title=title, default=trials[0].trial_id, options=options)


def _untested(results: Results) -> str:
    """Networks that diverged, which have not all stages."""
    number = len({one.trial_id for one in results.trials if one.diverged})
    if not number:
        return ""
    told = "1 trial diverged, and is" if number == 1 else f"{number} trials diverged, and are"
    return f"{told} not here: it counts at chance." if number == 1 else f"{told} not here: they count at chance."


def _variants(results: Results, trials: Sequence[Trial], beside: Sequence[Trial]) -> Iterator[Variant]:
    for trial, baseline in product(trials, beside or (None,)):
        info = stability_info(results, trial, baseline)
        told = explanation(info)
        chosen = {"baseline": baseline.trial_id} if baseline is not None and len(beside) > 1 else {}
        yield Variant(
            when={"network": trial.trial_id, **chosen}, drawing=draw_noise_stability(info), text={"": (told,)},
            alt=told, table=_table(info),
        )  # fmt: skip


def _table(info: StabilityInfo) -> Table:
    columns = (
        Column("stage", info.counts, "number"), Column("sigma", "σ", "number"), Column("changed", "changed", "rate"),
        Column("baseline_changed", "the baseline's", "rate"), Column("difference", "difference", "points"),
        Column("trial_id", "trial", "trial"), Column("baseline_id", "", "trial"),
    )  # fmt: skip
    nothing = tuple((None,) * len(info.stages) for _ in info.sigmas)
    baseline, difference = info.baseline_changed or nothing, info.difference or nothing
    ids = info.trial_id, info.baseline_id
    rows = (
        (stage, sigma, info.changed[up][across], baseline[up][across], difference[up][across], *ids)
        for up, sigma in enumerate(info.sigmas)
        for across, stage in enumerate(info.stages)
    )
    return Table(columns=columns, rows=tuple(rows))
