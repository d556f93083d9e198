"""Benchmarks in words: what is tested, what is skipped, what to beware of; nothing is left out silently."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from study.cli.benchmark_lines import beware, skipped_lines, tested
from study.plan import Benchmark, BenchmarkTest, Skipped
from tests.study.cli.conftest import Type
from tests.study.hand_made import TEXT
from trainables.recipe import Family

asked = tested
"""Under a name that no test runner takes for a test."""
del tested


def benchmark(
    family: Family, names: Sequence[str], normalizer: str | None = "Baseline", ranks_five: bool = True
) -> Benchmark:
    tests = (
        BenchmarkTest(condition_id=f"{name}-{number}", name=name, extra=False, noise=False)
        for number, name in enumerate(names)
    )
    return Benchmark(name="b", family=family, normalizer=normalizer, tests=tuple(tests), ranks_five=ranks_five)


def test_what_is_tested_is_counted() -> None:
    assert asked(benchmark("corruption", ["fog"] * 5 + ["snow"] * 5)) == "2 corruptions × 5"
    assert asked(benchmark("corruption", ["fog"] * 5 + ["snow"] * 3)) == "1 corruption × 5 and 1 corruption × 3"
    assert asked(benchmark("perturbation", ["tilt", "scale"])) == "2 sequences"
    assert asked(benchmark("corruption", [])) == "no corruption"


def skip(label: str, level: int | None, reason: str = "too small") -> Skipped:
    return Skipped(name=label, label=label, parameter="severity", level=level, reason=reason)


def test_what_is_skipped_is_named_with_its_reason() -> None:
    left_out = [*(skip("a", level) for level in (1, 2, 3)), skip("b", 2), skip("b", 5), skip("c", None)]
    lines = list(skipped_lines(left_out))
    assert lines == ["a at severity 1 to 3: too small", "b at severity 2, 5: too small", "c: too small"]


def test_what_is_trained_on_is_told() -> None:
    (one,) = beware(benchmark("corruption", ["fog", "fog", "snow"]), {"fog", "tilt"})
    assert one.startswith("fog is trained on and is also a corruption: mCE is shown with and without it")
    (two,) = beware(benchmark("corruption", ["fog", "snow"]), {"fog", "snow"})
    assert two.startswith("fog and snow are trained on and are also corruptions: mCE is shown with and without them")
    assert list(beware(benchmark("perturbation", ["tilt"]), {"fog"})) == []


@pytest.mark.parametrize("family", ["corruption", "perturbation"])
def test_without_a_baseline_the_way_out_is_told(family: Family) -> None:
    (line,) = beware(benchmark(family, ["fog"], normalizer=None), set())
    assert line.startswith("no label is a baseline")
    assert f"{family}s: {{normalize_by: LABEL}}" in line


def test_below_five_classes_is_told_of_perturbations() -> None:
    (line,) = beware(benchmark("perturbation", ["tilt"], ranks_five=False), set())
    assert "uT5D, T5D and mT5D stay empty" in line
    assert list(beware(benchmark("corruption", ["fog"], ranks_five=False), set())) == []


def test_plan_and_validate_name_what_is_skipped(study: Type, tmp_path: Path) -> None:
    spec = tmp_path / "tested.yaml"
    spec.write_text(TEXT.replace("evaluate:", "evaluate:\n  corruptions: {only: [fog, saturate]}"))
    skipped = "saturate at severity 1 to 5: an image of one channel has no saturation to change"
    plan = study("plan", str(spec)).stdout
    assert f"  skipped       {skipped}\n" in plan
    assert "(clean, 2 levels of gaussian_noise, 1 level of jpeg, and 1 corruption × 5)" in plan
    assert f"\nskipped: {skipped}\n" in study("validate", str(spec)).stdout
