"""Before a launch: what a study will do, what the store has of it, and what it may cost."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Protocol

from study.cli.benchmark_lines import beware, skipped_lines, tested
from study.cli.numbers import duration, size
from study.cli.terminal import Column, Terminal, count, facts, lay_out
from study.cost import Cost
from study.figures import FigureCount, FigureCounts, Unshown, figure_counts
from study.fitting import here, unfit
from study.plan import Plan, PlannedTrial, Search, parents
from study.planning import shown
from study.pruners import rung_epochs
from study.report import Changes, NewTrials, PlanRow, PlanTable, epochs_of, figure, open_range
from study.spec.attacks import ALIGN, IMAGES
from study.stages import tests_stages
from study.summary import UNDISTORTED, Summary
from trainables.alignment import INSTALL
from trainables.methods import described
from trainables.recipe import Component, Condition, Family, Recipe, Start, WeightsFile
from trainables.schedules import schedule

PASS_BY = {
    "none": f"PASS without alignment alone (align: ecc adds it as published, with OpenCV: {INSTALL})",
    "ecc": "PASS with alignment and without",
}
"""`align:` → what is measured."""


def print_plan(plan: Plan, table: PlanTable, summary: Summary, cost: Cost, terminal: Terminal, store: str) -> None:
    """The whole screen but its last line."""
    _print(plan, table, cost.train_images, plan_facts(plan, table, summary, cost, store), terminal)


def print_outline(
    plan: Plan, table: PlanTable, summary: Summary, further: Iterable[tuple[str, str]], terminal: Terminal
) -> None:
    """What a spec alone says of a plan, and (what, how much) of what is further known."""
    _print(plan, table, None, (*_what(plan, table, summary), *_notes(plan), *further), terminal)


def _print(
    plan: Plan, table: PlanTable, train_images: int | None, told: Iterable[tuple[str, str]], terminal: Terminal
) -> None:
    terminal.print("\n".join(terminal.wrap(f"{plan.study}    {plan.title}".rstrip())))
    terminal.print()
    for line in cross_table(plan, table, train_images, terminal):
        terminal.print(line)
    terminal.print()
    for line in facts(told, terminal):
        terminal.print(line)


def cross_table(plan: Plan, table: PlanTable, train_images: int | None, terminal: Terminal) -> list[str]:
    """Training distortion × label, with sums, the levels on the right and each label's own axes below."""
    columns = [Column("trained on"), *(Column(label, "right") for label in table.labels), Column("sum", "right"),
               Column("")]  # fmt: skip
    rows = [*(_row(row, table, plan, train_images) for row in table.rows), _sums(table, plan)]
    if any(table.over.values()):
        rows.append(["over", *(_axes(table.over[label]) for label in table.labels), "", ""])
    laid = lay_out(columns, [[terminal.text(cell) for cell in row] for row in rows], terminal.width, gap=3)
    return [laid.header, *laid.lines]


def _row(row: PlanRow, table: PlanTable, plan: Plan, train_images: int | None) -> list[str]:
    counts = [f"{row.counts[label]:,}" if label in row.counts else "" for label in table.labels]
    return [row.trained_on, *counts, f"{sum(row.counts.values()):,}", _levels(row, plan, train_images)]


def _sums(table: PlanTable, plan: Plan) -> list[str]:
    counts = [sum(row.counts.get(label, 0) for row in table.rows) for label in table.labels]
    shared = len(plan.trials) - len(plan.unique_trials())
    note = f"{shared} under two labels, trained once" if shared else ""
    return ["sum", *(f"{number:,}" for number in (*counts, sum(counts))), note]


def _levels(row: PlanRow, plan: Plan, train_images: int | None) -> str:
    if row.trained_on == UNDISTORTED:
        trials = [trial for trial in plan.expected().trials if trial.train_distortion is None]
        said = {f"{_length(one.recipe, train_images)} from {_start(one.recipe.start)}" for one in trials}
        return said.pop() if len(said) == 1 and {one.stage for one in trials} == {0} else ""
    return " · ".join(f"{symbol} {_values(values)}" for symbol, values in row.levels)


def _start(start: Start) -> str:
    """`scratch`, or the name of a file."""
    return PurePath(start.path).name if isinstance(start, WeightsFile) else "scratch"


def _length(recipe: Recipe, train_images: int | None) -> str:
    """`30 epochs`, or `10,000 iterations (12.79 epochs)`; without the epochs where the images are not counted."""
    if recipe.iterations is None:
        return _epochs(recipe.epochs or 0)
    iterations = count(recipe.iterations, "iteration")
    return iterations if train_images is None else f"{iterations} ({_epochs(epochs_of(recipe, train_images))})"


def _epochs(number: float) -> str:
    """`1 epoch`, `12.79 epochs`."""
    return f"{_figure(number)} {'epoch' if number == 1 else 'epochs'}"


def _figure(number: float) -> str:
    """`1,000`, `12.79`."""
    return f"{number:,.2f}".removesuffix(".00")


def _values(values: tuple[object, ...]) -> str:
    shown = [figure(value) for value in values]  # type: ignore[arg-type]
    return ", ".join(shown) if len(shown) <= 8 else f"{shown[0]} to {shown[-1]}, {len(shown)} of them"


def _axes(axes: tuple[tuple[str, int], ...]) -> str:
    return " ".join(f"{symbol} {number}" for symbol, number in axes)


def plan_facts(plan: Plan, table: PlanTable, summary: Summary, cost: Cost, store: str) -> Iterator[tuple[str, str]]:
    """(what, how much) of everything below the table."""
    yield from _before(plan, table)
    yield "training", _training(cost)
    yield from _tested(plan, summary)
    yield "in the store", _in_the_store(summary, store)
    if summary.retrain:
        yield "retrain", _retrain(summary)
    yield "time", _time(cost)
    if cost.gpu_seconds:
        yield "GPU-hours", _gpu_hours(cost)
    if cost.gpu_seconds or cost.trial_bytes is not None:
        yield "memory", _memory(cost)
    yield "disk", f"{size(cost.checkpoint_bytes)} of checkpoints, {size(cost.table_bytes)} of tables"
    yield "test sets", _test_sets(cost)
    yield from _notes(plan)
    yield from refused_here(plan)


def refused_here(plan: Plan) -> Iterator[tuple[str, str]]:
    """That its trials do not fit on this machine, and the ways out."""
    for reason in unfit(plan, [here()], local=True):
        yield "beware", f"a launch here would refuse: {reason}"


def _what(plan: Plan, table: PlanTable, summary: Summary) -> Iterator[tuple[str, str]]:
    """Order, searches, figures and evaluations: what the spec alone says."""
    yield from _before(plan, table)
    yield from _tested(plan, summary)


def _before(plan: Plan, table: PlanTable) -> Iterator[tuple[str, str]]:
    yield "order", _order(plan, table)
    for search in plan.searches:
        yield "search", _search(search, plan.measure)
    yield from _pruning(plan)
    if plan.figures:
        yield from _figures(figure_counts(plan))


def _pruning(plan: Plan) -> Iterator[tuple[str, str]]:
    """By which rule trials are given up early, for the labels that share it, and who is not."""
    trials, starts = plan.expected().trials, parents(plan)
    never = {trial.label for trial in trials if trial.trial_id in starts}
    alone = _compared_with_none(trials) - never - {one.label for one in plan.searches}
    epochs = {trial.label: trial.recipe.epochs or 0 for trial in trials}
    rules: dict[tuple[int, int, int], list[str]] = {}
    for one in plan.prunings:
        if one.label in epochs and one.label not in never | alone:
            rules.setdefault((one.min_epochs, one.reduction_factor, epochs[one.label]), []).append(one.label)
    for (first, factor, length), labels in rules.items():
        rungs = ", ".join(f"{rung:,}" for rung in rung_epochs(first, factor, length))
        yield (
            "pruning",
            (
                f"{', '.join(labels)}: compared after {rungs} of {_epochs(length)} by {plan.measure} on validation "
                f"images, each label on each distortion by itself; 1 in {factor:,} goes on, others are not evaluated"
            ),
        )
    spared = [one.label for one in plan.prunings if one.label in never]
    if spared:
        yield "never pruned", f"{', '.join(spared)}: others start from it"
    lone = [one.label for one in plan.prunings if one.label in alone]
    if lone:
        yield "never pruned", f"{', '.join(lone)}: nothing to be compared with"


def _compared_with_none(trials: Sequence[PlannedTrial]) -> set[str]:
    """Labels of which no two points are trained alike; replicates are one point."""
    points = defaultdict(set)
    for trial in trials:
        kind = (trial.label, trial.train_distortion, trial.stage, trial.recipe.epochs)
        points[kind].add((trial.recipe.method, trial.recipe.distortions))
    compared = {label for (label, *_), own in points.items() if len(own) > 1}
    return {trial.label for trial in trials} - compared


def _figures(counts: FigureCounts) -> Iterator[tuple[str, str]]:
    """`1a 28 · 1b 15 · 1c 42 (+12 of 1a): 85 trials`, and what is in none of them."""
    each = " · ".join(map(_figure_count, counts.figures))
    yield "figures", f"{each}: {count(counts.shown, 'trial')}"
    if counts.unshown:
        trials = sum(number for unshown in counts.unshown for _, number in unshown.by_label)
        yield "in no figure", f"{trials:,}: {'; '.join(_unshown(counts.unshown))}"


def _figure_count(figure: FigureCount) -> str:
    """`1c 42 (+12 of 1a)`"""
    again = " ".join(f"+{number:,} of {earlier}" for earlier, number in figure.again)
    return f"{figure.name} {figure.new:,}" + (f" ({again})" if again else "")


def _unshown(unshown: Sequence[Unshown]) -> Iterator[str]:
    """`trained on jpeg 24`, `ST sym on gaussian_noise, thumbnail 12 + 9`"""
    for one in unshown:
        if one.all_of_it:
            yield f"trained on {one.train_distortion} {sum(number for _, number in one.by_label):,}"
    by_label: dict[str, list[tuple[str, int]]] = {}
    for one in unshown:
        for label, number in () if one.all_of_it else one.by_label:
            by_label.setdefault(label, []).append((one.train_distortion, number))
    for label, trained in by_label.items():
        numbers = " + ".join(f"{number:,}" for _, number in trained)
        yield f"{label} on {', '.join(name for name, _ in trained)} {numbers}"


def _tested(plan: Plan, summary: Summary) -> Iterator[tuple[str, str]]:
    yield "evaluation", _evaluation(plan, summary)
    attacks = [one for one in plan.conditions if one.family == "attack"]
    if attacks:
        yield "attacks", _attacks(attacks)


def _notes(plan: Plan) -> Iterator[tuple[str, str]]:
    for line in skipped_lines(one for benchmark in plan.benchmarks for one in benchmark.skipped):
        yield "skipped", line
    seen = {name for trial in plan.trials for name in trial.shown}
    seen |= {name for search in plan.searches for name in shown(search.templates[0])}
    yield from dict.fromkeys(("beware", line) for benchmark in plan.benchmarks for line in beware(benchmark, seen))
    attacked = [one for one in plan.conditions if one.family == "attack"]
    computed = {one.recipe.precision for one in plan.trials if attacked} - {"float32"}
    if computed:
        yield "note", f"attacks meet every network in float32; everything else is in {', '.join(sorted(computed))}"
    for label, caution in cautions((trial.label, trial.recipe.method, trial.recipe) for trial in plan.trials):
        yield "note", f"{label}: {caution}"


class Trained(Protocol):
    """How a method trains."""

    @property
    def schedule(self) -> Component: ...

    @property
    def epochs(self) -> int | None: ...

    @property
    def iterations(self) -> int | None: ...


def cautions(trained: Iterable[tuple[str, Component, Trained]]) -> dict[tuple[str, str], None]:
    """(label, what is to be known of some of its parameters), each once, of (label, method, training)."""
    told = (
        (label, caution)
        for label, method, how in trained
        for caution in (described(method).caution(), schedule(how.schedule).caution(how.epochs, how.iterations))
    )
    return {(label, caution): None for label, caution in told if caution is not None}


def _order(plan: Plan, table: PlanTable) -> str:
    if len(table.stages) == 1:
        return "all at once: no trial waits for another"
    roots = dict.fromkeys(trial.label for trial in plan.expected().trials if trial.stage == 0)
    later = ", then ".join(f"{number:,} from their best epochs" for number in table.stages[1:])
    if table.stages[0] == 1 and len(table.stages) == 2:
        later = f"{table.stages[1]:,} from its best epoch"
    first = ", ".join(roots) if len(roots) <= 3 else f"{table.stages[0]:,} from scratch"
    return f"{first}, then {later}"


def _search(search: Search, measure: str) -> str:
    """`tpe draws 20 points of ST on gaussian_noise: α 0.01 to 10 (log), σ 0.05 to 0.5; it looks at clean and robust`"""
    ranges = ", ".join(
        f"{one.symbol or one.name} {open_range(one)}{' (log)' if one.draw == 'loguniform' else ''}"
        for one in search.space
    )
    trained = f" on {search.train_distortion}" if search.train_distortion else ""
    times = f", each {count(len(search.templates), 'time')}" if len(search.templates) > 1 else ""
    wanted = " and ".join(objective.name for objective in search.objectives)
    points = count(search.points, "point")
    return (
        f"{search.sampler.name} draws {points} of {search.label}{trained}{times}: {ranges}; "
        f"for the most {wanted} {measure} on validation images"
    )


def _training(cost: Cost) -> str:
    text = f"{_epochs(sum(cost.epochs_by_passes.values()))} of {count(cost.train_images, 'image')}"
    several = {passes: epochs for passes, epochs in cost.epochs_by_passes.items() if passes > 1}
    said = ", ".join(
        f"{_figure(epochs)} of them by methods that pass each image up to {_times(passes)}, attacks not counted"
        for passes, epochs in several.items()
    )
    return f"{text}; {said}" if said else text


def _times(passes: int) -> str:
    return {2: "twice", 3: "three times"}.get(passes, f"{passes} times")


def _evaluation(plan: Plan, summary: Summary) -> str:
    trials, conditions = summary.trials.total, len(plan.conditions)
    watched = sum(condition.split == "validation" for condition in plan.conditions)
    more = f"; {watched} of them on validation images" if watched else ""
    each = f"{_conditions(plan)}{more}"
    return f"{summary.evaluations:,} = {count(trials, 'trial')} × {count(conditions, 'condition')} ({each})"


def _conditions(plan: Plan) -> str:
    *before, last = ("clean", *_levels_each(plan), *map(tested, plan.benchmarks), *_of_networks(plan))
    return f"{', '.join(before)}, and {last}" if before else last


MANY: Mapping[Family, Callable[[int], str]] = {
    "corruption": lambda number: f"{number:,} of corruptions",
    "perturbation": lambda number: f"{number:,} of perturbations",
    "attack": lambda number: count(number, "attack"),
    "noise_stability": lambda number: f"{number:,} of noise on stages",
}


def _of_networks(plan: Plan) -> Iterator[str]:
    """`6 attacks`, `5 strengths of noise on stages of the training`"""
    attacks = sum(condition.family == "attack" for condition in plan.conditions)
    if attacks:
        yield count(attacks, "attack")
    strengths = sum(map(tests_stages, plan.conditions))
    if strengths:
        yield f"{strengths} strength{'s' if strengths > 1 else ''} of noise on stages of the training"


def _levels_each(plan: Plan) -> Iterator[str]:
    """`5 levels each of gaussian_noise, rotation`"""
    by_number: dict[int, list[str]] = {}
    for sweep in plan.sweeps:
        by_number.setdefault(len(sweep.levels), []).append(sweep.test_distortion)
    for number, names in by_number.items():
        yield f"{count(number, 'level')}{' each' if len(names) > 1 else ''} of {', '.join(names)}"


def _test_sets(cost: Cost) -> str:
    kept = f"{size(cost.set_bytes)} distorted once and kept by each worker"
    if cost.set_bytes <= cost.set_room:
        return f"{kept} (limit {size(cost.set_room)}, in memory and then in temporary files)"
    return (
        f"{size(cost.set_bytes)} distorted, of which a worker keeps {size(cost.set_room)} in memory and temporary "
        "files; beware: the rest is made anew for every trial"
    )


def _attacks(conditions: Sequence[Condition]) -> str:
    """`fgs (paper), fgs (exact), pgd 0.03 on the first 1,000 test images; PASS with alignment and without`"""
    (images, align) = (conditions[0].steps[0].parameters[name] for name in (IMAGES.name, ALIGN.name))
    on = "all test images" if images is None else f"the first {images:,} test images"
    return f"{', '.join(map(_at_level, conditions))} on {on}; {PASS_BY[str(align)]}"


def _in_the_store(summary: Summary, store: str) -> str:
    done = summary.trials.done + summary.trials.running
    if not done and not summary.evaluations_done:
        return f"none of it: nothing of this study is in {store}"
    if summary.complete:
        return f"all of it, in {store}"
    missing = summary.evaluations - summary.evaluations_done
    left = summary.trials.total - done
    return f"{done:,} trials and {summary.evaluations_done:,} evaluations in {store}; missing: {left:,} and {missing:,}"


def _retrain(summary: Summary) -> str:
    trials = count(summary.retrain, "trial")
    which, whose = ("which was", "its") if summary.retrain == 1 else ("which were", "their")
    return (
        f"{trials}, {which} trained without keeping weights on the way that noise_stability needs; a launch leaves "
        f"{whose} part of it out unless it is told --retrain (not in the time below)"
    )


def _time(cost: Cost) -> str:
    if cost.seconds_left == 0:
        return "none: nothing is left to do"
    if cost.seconds_left is None:
        return f"not known yet: {cost.reason} (`--pilot` times one trial a kind)"
    workers = f"on {count(cost.workers, 'worker')} here" if cost.workers > 1 else "on one worker here"
    workers = workers if cost.workers else "on one worker elsewhere"
    return f"about {duration(cost.seconds_left / max(1, cost.workers))} {workers}{_spread(cost)}; {cost.reason}"


def _spread(cost: Cost) -> str:
    """` (90 % of the timings: 50 minutes to 1.6 hours)`; nothing where they are too few to tell."""
    if cost.seconds_range is None:
        return ""
    low, high = (duration(end / max(1, cost.workers)) for end in cost.seconds_range)
    return f" (90 % of the timings: {low} to {high})" if low != high else ""


def _gpu_hours(cost: Cost) -> str:
    """`412 (90 % of the timings: 380 to 450), training 300 and evaluation 112`"""
    assert cost.gpu_seconds is not None
    training, evaluation = (cost.gpu_seconds[phase] for phase in ("train", "evaluate"))
    total = training + evaluation
    text = f"{_hours(total)}{{}}, training {_hours(training)} and evaluation {_hours(evaluation)}"
    if cost.seconds_range is None or not cost.seconds_left:
        return text.format("")
    low, high = (_hours(total * end / cost.seconds_left) for end in cost.seconds_range)
    return text.format(f" (90 % of the timings: {low} to {high})" if low != high else "")


def _hours(seconds: float) -> str:
    """`412`, `1.4`, `0.03`: three digits."""
    hours = seconds / 3600
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.3g}"


def _memory(cost: Cost) -> str:
    where = (
        f"{size(cost.image_bytes)} of training and validation images; where they live is decided on the GPU's memory"
    )
    images = cost.residency or where
    if cost.trial_bytes is None:
        return f"{images}; `--pilot` on a machine with a GPU says what a trial takes besides"
    return f"{images}; and {size(cost.trial_bytes)} a trial besides"


def changed_line(changes: Changes, complete: bool) -> str | None:
    """`demo_mnist changed: 6 new trials (ST, alpha 1), 199 new evaluations (6 × 27, and jpeg 70 for the 37 there).`

    None where the plan is the newest launch's; `complete`: whether the store has all of it already.
    """
    said = [*_new_trials(changes), *_new_evaluations(changes), *_dropped(changes)]
    there = "; the store has all of it already" if complete else ""
    return f"{changes.study} changed: {', '.join(said)}{there}." if said else None


def _new_trials(changes: Changes) -> Iterator[str]:
    number = sum(group.trials for group in changes.groups)
    if number:
        groups = "; ".join(_new_group(group) for group in changes.groups)
        yield f"{count(number, 'new trial')} ({groups})"


def _new_group(group: NewTrials) -> str:
    values = (f"{name} {', '.join(map(figure, values))}" for name, values in group.values)
    return ", ".join((group.label, *values))


def _new_evaluations(changes: Changes) -> Iterator[str]:
    new = sum(group.trials for group in changes.groups)
    parts = [f"{new:,} × {changes.conditions}"] if new else []
    if changes.new_conditions and changes.kept:
        parts.append(f"{', '.join(_named(changes.new_conditions))} for the {changes.kept:,} there")
    number = new * changes.conditions + len(changes.new_conditions) * changes.kept
    if number:
        yield f"{count(number, 'new evaluation')} ({', and '.join(parts)})"


def _named(conditions: Sequence[Condition]) -> Iterator[str]:
    """`jpeg 70`, each by itself; of others how many: `75 of corruptions`, `6 attacks`."""
    for condition in conditions:
        if condition.family in ("clean", "sweep"):
            yield _at_level(condition)
    families = Counter(condition.family for condition in conditions if condition.family not in ("clean", "sweep"))
    yield from (MANY[family](number) for family, number in families.items())


def _at_level(condition: Condition) -> str:
    return condition.test_distortion + ("" if condition.level is None else f" {figure(condition.level)}")


def _dropped(changes: Changes) -> Iterator[str]:
    if changes.dropped_trials:
        yield f"{count(changes.dropped_trials, 'trial')} left the study (they stay in the store)"
    if changes.dropped_conditions:
        yield f"{count(changes.dropped_conditions, 'test condition')} left the study (they stay in the store)"
