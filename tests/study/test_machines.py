"""What is told of a study whose units ran on several kinds of machine."""

import json
from typing import Any

from study.machines import CAPABILITY, mixed


def attempt(device: str = "cpu", capability: str | None = "AVX512", torch: str = "2.15", **more: Any) -> dict[str, Any]:
    versions = {"torch": torch} | ({CAPABILITY: capability} if capability else {})
    return {"device": device, "versions": json.dumps(versions), "status": "done", "images": 100, **more}


def test_one_kind_is_not_worth_a_word() -> None:
    assert mixed([]) is None
    assert mixed([attempt(), attempt(status="diverged")]) is None


def test_each_kind_is_told_with_its_units() -> None:
    assert mixed([attempt(), attempt(), attempt(capability="AVX2"), attempt(torch="2.16")]) == (
        "its units ran on 3 kinds of machine, whose results agree within rounding, not bit for bit: "
        "1 on CPU with AVX2, torch 2.15; 2 on CPU with AVX512, torch 2.15; 1 on CPU with AVX512, torch 2.16"
    )
    assert "1 on H100, torch 2.15; 1 on L4, torch 2.15" in str(mixed([attempt("L4", None), attempt("H100", None)]))


def test_what_left_no_result_or_does_not_say_is_left_out() -> None:
    other = {"capability": "AVX2"}
    assert mixed([attempt(), attempt(**other, status="failed"), attempt(**other, images=0)]) is None
    assert mixed([attempt(), attempt(capability=None), attempt() | {"versions": "{}"}]) is None
