"""Who is excused for what lies about after a fault, and what is kept of a run."""

import os
from pathlib import Path

import pytest

from study.chaos import mounts
from study.chaos.faults import Struck, faults
from study.chaos.following import Attempt, Following
from study.chaos.playing import GRACE_SECONDS, Disturbed
from study.chaos.verdict import CutShort
from study.chaos.watching import UnitUnderWay
from study.store import Owner, Store

HIT, OTHER = Owner.here("hit"), Owner.here("other")
UNIT = UnitUnderWay(trial_id="01", generation=1, owner=HIT, taken=0.0, kept_at=0.0)
HEALED = 100.0


def cut_short(folder: Path, kind: str, ended: float = 900.0) -> CutShort:
    """Of a fault that was over at HEALED, when the process that it killed was gone 20 seconds later."""
    run = Disturbed(take=None, fault=faults()[kind], undisturbed=None, luck=None)  # type: ignore[arg-type]
    run._following = Following(Store.open(folder), lambda _: True, {("01", 1): Attempt(unit=UNIT, ended=HEALED + 20.0)})
    return run._cut_short(Struck(fault=kind, hit=[UNIT]), HEALED, ended)


@pytest.mark.parametrize(
    ("kind", "files", "hit", "other", "until"),
    [
        ("driver", True, True, True, HEALED + 20.0),
        ("worker", True, True, False, HEALED + 20.0),
        ("node", True, True, False, HEALED + 20.0),
        ("network", True, True, False, HEALED + 20.0),
        ("disk", False, False, False, HEALED),
        ("storage", True, False, False, HEALED),
    ],
)
def test_who_was_kept_from_tidying(
    tmp_path: Path, kind: str, files: bool, hit: bool, other: bool, until: float
) -> None:
    told = cut_short(tmp_path, kind)
    assert (told.files, told.holds(HIT), told.holds(OTHER)) == (files, hit, other)
    assert (told.wrote(("01", 1)), told.wrote(("02", 1))) == (hit, other)
    assert told.until == until + GRACE_SECONDS


def test_nobody_gives_a_lease_back_where_the_launch_ends_while_storage_refuses_it(tmp_path: Path) -> None:
    assert cut_short(tmp_path, "disk", HEALED - 1.0).holds(OTHER)
    assert cut_short(tmp_path, "storage", HEALED - 1.0).holds(OTHER)
    assert not cut_short(tmp_path, "disk", HEALED + 2.0).holds(OTHER)
    assert not cut_short(tmp_path, "worker", HEALED - 1.0).holds(OTHER)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_what_was_written_on_a_small_disk_is_there_once_it_is_unmounted(tmp_path: Path) -> None:
    run = tmp_path / "disk-0-0"
    with mounts.small(run, 2**20):
        (run / "trials").mkdir()
        (run / "trials" / "one").write_text("kept")
        mounts.fill(run)
        with pytest.raises(OSError, match="No space left"):
            (run / "two").write_bytes(b"x" * 4096)
    assert not mounts._is_mounted(run)
    assert {one.relative_to(run).as_posix() for one in run.rglob("*") if one.is_file()} == {"trials/one", "two"}
    assert [one.name for one in tmp_path.iterdir()] == ["disk-0-0"]
