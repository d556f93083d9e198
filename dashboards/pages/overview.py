"""What was studied, how it ended, what failed, what it cost, and with which code."""

from collections.abc import Iterator

from dashboards.parts import Page, paragraph, rows_html
from dashboards.results import Results, Trial
from dashboards.wording import count, headed, percent, seconds, spoken, width
from study.plan import Benchmark
from study.report import EndRow, Naming, Share, Standing, end_table, failures, figure, plan_table
from study.summary import summarise

ORDER = 70
SHOWN = 12
"""Diverged trials that are named, at most."""


def page(results: Results) -> Page:
    body = (
        f"<h2>Overview</h2>{_studied(results)}{_ended(results)}{_failed(results)}{_cost(results)}{_provenance(results)}"
    )
    return Page(name="overview", nav="Overview", body=body)


def standing_line(results: Results) -> str:
    """`37 trials · none failed · none diverged`"""
    summary = summarise(results.plan, results.found)
    trials = summary.trials
    parts = [
        count(trials.total, "trial")
        if trials.done + trials.pruned == trials.total
        else f"{trials.done} of {count(trials.total, 'trial')} so far"
    ]
    if summary.evaluations_done < summary.evaluations:
        parts.append(f"{summary.evaluations_done:,} of {count(summary.evaluations, 'evaluation')}")
    parts.append(f"{trials.failed or 'none'} failed")
    if trials.pruned:
        parts.append(f"{trials.pruned} pruned")
    if trials.blocked:
        parts.append(f"{trials.blocked} blocked")
    return " · ".join((*parts, f"{trials.diverged or 'none'} diverged"))


def _studied(results: Results) -> str:
    """Training distortion × label, as `study plan` has it."""
    table = plan_table(results.plan, Naming(results.plan, results.symbol))
    head = ["trained on", *table.labels, "sum", "over"]
    rows = [
        [
            spoken(row.trained_on), *(str(row.counts.get(label, "")) for label in table.labels),
            str(sum(row.counts.values())),
            " · ".join(f"{symbol} {_values(values)}" for symbol, values in row.levels),
        ]
        for row in table.rows
    ]  # fmt: skip
    sums = [str(sum(row.counts.get(label, 0) for row in table.rows)) for label in table.labels]
    rows.append(["sum", *sums, f"{len(results.plan.expected().trials):,}", ""])
    over = [" ".join(f"{symbol} {number}" for symbol, number in table.over[label]) for label in table.labels]
    rows.append(["over", *over, "", ""])
    return f"<h3>What was studied</h3>{paragraph(_sentence(results))}{rows_html(head, rows, 'numbers')}"


def _values(values: tuple[object, ...]) -> str:
    shown = [figure(value) for value in values]  # type: ignore[arg-type]
    return ", ".join(shown) if len(shown) <= 8 else f"{shown[0]} to {shown[-1]}, {len(shown)} of them"


def _sentence(results: Results) -> str:
    """`lenet on mnist_5k (3,000 training, 1,500 test images), …`"""
    recipe = results.plan.expected().trials[0].recipe
    images = dict(results.launch.provenance.get("data", {})).get("images", {})
    told = [f"{count(images['train'], 'training image')}" if "train" in images else ""]
    told.append(count(results.n, "test image") if results.n else "")
    sizes = ", ".join(filter(None, told))
    swept = (f"{spoken(one.test_distortion)} ({len(one.levels)})" for one in results.sweeps)
    tested = ", ".join((*swept, *map(_benchmarked, results.plan.benchmarks)))
    return (
        f"{recipe.model.name} on {recipe.data.name}{f' ({sizes})' if sizes else ''}; each trial under "
        f"{count(len(results.plan.conditions), 'test condition')}: clean{f', {tested}' if tested else ''}."
    )


def _benchmarked(benchmark: Benchmark) -> str:
    """`19 corruptions (57)`"""
    return f"{count(len({one.name for one in benchmark.tests}), benchmark.family)} ({len(benchmark.tests)})"


def _ended(results: Results) -> str:
    """The table that a launch ends with."""
    practical = {sweep.condition_ids[sweep.levels.index(sweep.practical)] for sweep in results.sweeps}
    cells = {
        place: Share(correct=cell.correct, n=cell.n) for place, cell in results.cells.items() if place[1] in practical
    }
    table = end_table(results.plan, cells)
    if not results.sweeps:
        return ""
    if not table.rows:
        return paragraph("Nothing has been evaluated at a practical level yet.")
    trials = {trial.trial_id: trial for trial in results.trials}
    head = ["tested on", "trained on", "method", "trials", "worst", "best", "width", "worst at", "best at"]
    rows = [_end_row(row, trials) for row in table.rows]
    note = (
        f"{headed(table.measure)} in % on {table.n:,} test images (± one standard error) at the practical level. Best "
        "and worst are picked on these same images, as the paper does: they show a range, not a choice."
    )
    return f"<h3>How it ended</h3>{paragraph(note)}{rows_html(head, rows, 'numbers')}"


def _end_row(row: EndRow, trials: dict[str, Trial]) -> list[str]:
    def at(standing: Standing) -> str:
        return trials[standing.trial.trial_id].hyperparameters

    tested = f"{spoken(row.test_distortion)} {figure(row.level)}"
    first = [tested, spoken(row.train_distortion or ""), row.label, str(row.trials)]
    if row.trials == 1:
        return [*first, "", _with_error(row.best.share), "", "", at(row.best)]
    both = (_with_error(row.worst.share), _with_error(row.best.share))
    return [*first, *both, width(row.width), at(row.worst), at(row.best)]


def _with_error(share: Share) -> str:
    return f"{percent(share.accuracy)} ± {percent(share.error)}"


def _failed(results: Results) -> str:
    """Groups of equal errors, and what to type; nothing where nothing failed."""
    found = failures(results.plan, results.failures)
    states = {trial.trial_id: trial.state for trial in results.trials}
    standing = [one for one in found if any(states.get(trial.trial_id) == "failed" for trial in one.trials)]
    diverged = [trial for trial in results.trials if trial.diverged]
    rows = [
        [
            str(len(one.trials)), one.trials[0].label, one.trials[0].trial_id[:8],
            one.failure_class.replace("_", " "), one.error, f"study why {one.trials[0].trial_id[:8]}",
        ]
        for one in standing
    ]  # fmt: skip
    failed = (
        rows_html(["trials", "first", "trial", "why", "error", "more"], rows) if rows else paragraph("None failed.")
    )
    which = ", ".join(f"{one.label} {one.hyperparameters}" for one in diverged[:SHOWN])
    told = (
        f"{count(len(diverged), 'trial')} diverged: {which}{' and others' if len(diverged) > SHOWN else ''}. "
        "Each keeps its best finite epoch, or counts at chance if it had none, and stays in every band."
        if diverged
        else "None diverged."
    )
    return f"<h3>What failed</h3>{failed}{paragraph(told)}"


def _cost(results: Results) -> str:
    """Seconds of every attempt, whether it counted or not, by label."""
    rows = list(_cost_rows(results))
    if not rows:
        return ""
    head = ["method", "training", "evaluation", "attempts", "failed or lost", "a trial"]
    note = "Wall time in workers, by method; every attempt counts, also those that failed."
    return f"<h3>What it cost</h3>{paragraph(note)}{rows_html(head, rows, 'numbers')}"


def _cost_rows(results: Results) -> Iterator[list[str]]:
    labels = {trial.trial_id: trial.label for trial in reversed(results.trials)}
    for label in results.labels:
        own = [row for row in results.attempts if labels.get(row["trial_id"]) == label]
        train = sum(row["seconds"] for row in own if row["unit"] == "train")
        evaluate = sum(row["seconds"] for row in own if row["unit"] == "evaluate")
        trials = len({row["trial_id"] for row in own})
        lost = sum(row["status"] in ("failed", "lost") for row in own)
        if own:
            yield [
                label,
                seconds(train),
                seconds(evaluate),
                str(len(own)),
                str(lost),
                seconds((train + evaluate) / trials),
            ]


def _provenance(results: Results) -> str:
    told = results.launch.provenance
    code = told.get("code") or {}
    dirty = ", with changes that are not committed" if code.get("dirty") else ""
    versions = told.get("versions") or {}
    devices = sorted({str(row["device"]) for row in results.attempts})
    rows = [
        [
            "launched",
            f"{told.get('time', 'unknown')} by {told.get('user', 'unknown')} on {told.get('host', 'unknown')}",
        ],
        ["command", str(told.get("command", "unknown"))],
        ["code", f"commit {code['commit']}{dirty}" if code.get("commit") else "not under version control"],
        ["versions", ", ".join(f"{name} {version}" for name, version in versions.items() if version) or "unknown"],
        ["python", f"{told.get('python', 'unknown')} on {told.get('platform', 'unknown')}"],
        ["computed on", ", ".join(devices) or "nothing yet"],
        ["launch", f"number {results.launch.number}"],
    ]
    return f"<h3>How it came about</h3>{rows_html(['', ''], rows, 'facts')}"
