"""The doctor's findings, a line each as it is found, with the way out below."""

from collections.abc import Iterable, Sequence

from rich.text import Text

from study.cli.terminal import Terminal
from study.doctor import Check

HANG = 22
STYLES = {"ok": "green", "warn": "yellow", "fail": "red"}


def print_checks(checks: Iterable[Check], terminal: Terminal) -> bool:
    """Prints every check as soon as it is made; whether any failed."""
    verdicts = []
    for check in checks:
        print_check(check, terminal)
        verdicts.append(check.verdict)
    terminal.print()
    terminal.print(_conclusion(verdicts))
    return "fail" in verdicts


def print_check(check: Check, terminal: Terminal) -> None:
    lines = terminal.wrap(f"{check.verdict:<6}{check.topic:<{HANG - 8}}{check.finding}", 2, HANG)
    if check.way_out:
        lines += terminal.wrap(f"→ {check.way_out}", HANG, HANG + 2)
    text = Text("\n".join(lines))
    text.stylize(STYLES[check.verdict], 2, 2 + len(check.verdict))
    terminal.print(text)


def _conclusion(verdicts: Sequence[str]) -> str:
    fails, warns = (sum(verdict == kind for verdict in verdicts) for kind in ("fail", "warn"))
    if fails:
        return f"{fails} of {len(verdicts)} checks failed: studies will not run here until that is mended."
    if warns:
        return f"Studies run here; {warns} of {len(verdicts)} checks would be better."
    return "Everything is fine."
