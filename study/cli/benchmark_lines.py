"""Benchmarks in words: what a study is put to, what it cannot be put to, and what to beware of."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise

from study.cli.terminal import count
from study.plan import Benchmark, Skipped
from trainables.recipe import Family

TESTS: dict[Family, str] = {"corruption": "corruption", "perturbation": "sequence"}
"""What one test of a family is called."""


def tested(benchmark: Benchmark) -> str:
    """`15 corruptions × 5`, `14 sequences`, `3 sequences × 3 and 11 sequences`"""
    strengths = Counter(test.name for test in benchmark.tests)
    names = Counter(strengths.values())
    noun = TESTS[benchmark.family]
    each = (f"{count(many, noun)}{f' × {strong}' if strong > 1 else ''}" for strong, many in names.items())
    return " and ".join(each) or f"no {noun}"


def skipped_lines(skipped: Iterable[Skipped]) -> Iterator[str]:
    """`saturate at severity 1 to 5: an image of one channel has no saturation to change`; several for one reason are
    one line."""
    found: dict[tuple[str, str], list[Skipped]] = {}
    for one in skipped:
        found.setdefault((one.label, one.reason), []).append(one)
    alike: dict[tuple[str, str], list[str]] = {}
    for (label, reason), several in found.items():
        levels = [one.level for one in several if one.level is not None]
        alike.setdefault((f" at {several[0].parameter} {_range(levels)}" if levels else "", reason), []).append(label)
    for (strengths, reason), labels in alike.items():
        yield f"{', '.join(labels)}{strengths}: {reason}"


def _range(levels: Sequence[float]) -> str:
    """`1 to 5`, `2, 4`"""
    whole = len(levels) > 2 and all(b - a == 1 for a, b in pairwise(levels))
    return f"{levels[0]} to {levels[-1]}" if whole else ", ".join(map(str, levels))


def beware(benchmark: Benchmark, shown: Collection[str]) -> Iterator[str]:
    """What its means are to be read with; `shown`: what any training of the study shows."""
    both = [name for name in dict.fromkeys(test.name for test in benchmark.tests) if name in shown]
    if both:
        yield _seen(benchmark.family, both)
    if benchmark.normalizer is None:
        rates = "errors" if benchmark.family == "corruption" else "flip probabilities"
        way_out = f"name a label with {benchmark.family}s: {{normalize_by: LABEL}} to have them divided"
        yield f"no label is a baseline: the {rates} have their plain mean alone; {way_out}"
    if benchmark.family == "perturbation" and not benchmark.ranks_five:
        yield "below five classes there is no top-5 distance: uT5D, T5D and mT5D stay empty"


def _seen(family: Family, names: list[str]) -> str:
    one = len(names) == 1
    listed = names[0] if one else f"{', '.join(names[:-1])} and {names[-1]}"
    said = f"{listed} {'is' if one else 'are'} trained on and {'is' if one else 'are'} also"
    if family == "perturbation":
        return f"{said} {'a perturbation' if one else 'perturbations'}: flip_rates says which trials have seen which"
    means = f"mCE is shown with and without {'it' if one else 'them'} (Hendrycks & Dietterich 2019, §4.3)"
    return f"{said} {'a corruption' if one else 'corruptions'}: {means}"
