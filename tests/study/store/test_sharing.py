"""Two Unix users of one group write to a store in a folder that they share, whatever their umasks."""

import multiprocessing
import os
import stat
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from study.store import Owner, Store
from study.store.sharing import share_all
from tests.study.store import small

GROUP, FIRST, SECOND = 59_871, 59_872, 59_873
PROCESSES = multiprocessing.get_context("fork")


def as_user(user: int, umask: int, act: Callable[[], None]) -> None:
    def become() -> None:
        os.setgroups([GROUP])
        os.setgid(user)
        os.setuid(user)
        os.umask(umask)
        act()

    child = PROCESSES.Process(target=become)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which the child has no use for
        child.start()
    child.join(60)
    assert child.exitcode == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("becoming two other users needs root")
    with tempfile.TemporaryDirectory() as name:  # pytest's own are root's alone
        os.chown(name, 0, GROUP)
        Path(name).chmod(0o2770)
        yield Path(name)


def write(folder: Path, trials: slice) -> None:
    store, plan = Store.open(folder / "store"), small.plan()
    store.record_launch(plan, "study: small\n", {})
    for trial in plan.unique_trials()[trials]:
        lease = store.acquire(f"trial/{trial.trial_id}", Owner.here("test"), ttl=1.0)
        store.write_checkpoint(trial.trial_id, "0001-aa", "last", b"half way")
        store.commit_training(trial, small.OUTCOME)
        lease.release()


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_each_reads_writes_and_deletes_what_the_other_wrote(folder: Path, umask: int) -> None:
    first, second = slice(0, 2), slice(2, None)

    def take_over() -> None:
        write(folder, second)
        store = Store.open(folder / "store")
        done = {trial.trial_id for trial in small.plan().unique_trials()}
        assert store.committed().trained == done
        theirs = small.plan().unique_trials()[0].trial_id
        assert store.read_checkpoint(theirs, "0001-aa", "last") == b"half way"
        store.write_checkpoint(theirs, "0002-bb", "last", b"further")
        store.delete_checkpoint(theirs, "0001-aa", "last")
        store.acquire(f"trial/{theirs}", Owner.here("test")).release()

    as_user(FIRST, umask, lambda: write(folder, first))
    as_user(SECOND, umask, take_over)
    wrong = [one for one in folder.rglob("*") if one.stat().st_gid != GROUP or not one.stat().st_mode & stat.S_IWGRP]
    assert wrong == []


def test_what_libraries_write_is_shared_too(folder: Path) -> None:
    def write_plainly() -> None:
        share_all(folder)
        (folder / "made").mkdir()
        (folder / "made" / "file").write_text("one")

    as_user(FIRST, 0o077, write_plainly)
    as_user(SECOND, 0o077, lambda: (folder / "made" / "file").write_text("two") and None)
    assert (folder / "made" / "file").read_text() == "two"


def test_a_folder_that_nobody_shares_is_as_the_umask_has_it(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        share_all(tmp_path)
        store = Store.open(tmp_path / "store")
        store.objects.put("trials/a/b", b"1")
    finally:
        assert os.umask(before) == 0o027
    assert stat.S_IMODE((tmp_path / "store/trials").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "store/trials/a/b").stat().st_mode) == 0o640
