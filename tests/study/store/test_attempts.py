"""The order of attempts, whatever the clocks of the machines say that they were made on."""

from datetime import UTC, datetime, timedelta
from typing import Any

from study.store.attempts import in_order, lost_token, token

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def row(attempt: str, minute: float, trial_id: str = "01") -> dict[str, Any]:
    return {"trial_id": trial_id, "attempt": attempt, "started": NOON + timedelta(minutes=minute)}


def ordered(*rows: dict[str, Any]) -> list[str]:
    return [one["attempt"] for one in in_order(rows)]


def test_generations_decide_and_not_clocks() -> None:
    assert ordered(row("0003-aaaa", -60), row("0001-aaaa", 0), row("0002-ffff", 60)) == [
        "0001-aaaa", "0002-ffff", "0003-aaaa",
    ]  # fmt: skip
    assert ordered(row("10000-aaaa", 0), row("9999-aaaa", 60)) == ["9999-aaaa", "10000-aaaa"]


def test_each_trial_has_generations_of_its_own() -> None:
    rows = [row("0002-aaaa", 0, "01"), row("0001-aaaa", 60, "01"), row("0001-bbbb", 30, "02")]
    assert [one["attempt"] for one in in_order(rows) if one["trial_id"] == "01"] == ["0001-aaaa", "0002-aaaa"]


def test_a_death_comes_after_what_its_worker_had_said_and_before_the_next_attempt() -> None:
    own, lost, after = token(2), lost_token(2), token(3)
    assert ordered(row(after, -5), row(lost, 0), row(own, 60)) == [own, lost, after]


def test_a_row_without_a_generation_is_placed_by_the_clocks() -> None:
    """`lost-` and eight digits, of which none is a generation, is how deaths were once recorded."""
    assert ordered(row("0002-aaaa", 10), row("lost-00000009", 5), row("0001-aaaa", 0)) == [
        "0001-aaaa", "lost-00000009", "0002-aaaa",
    ]  # fmt: skip
    assert ordered(row("lost-12ab34cd", 5), row("lost-00000009", 2), row("0001-aaaa", 7, "02")) == [
        "lost-00000009", "lost-12ab34cd", "0001-aaaa",
    ]  # fmt: skip
