"""What a launch with nothing left to do, and `study status`, ask of a bucket: requests of each kind."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from s3fs import S3FileSystem

from study.launch import LaunchOptions
from study.plan import Plan
from study.standing import look
from study.store import RESULTS, Store
from study.store.files import decode
from study.store.packs import PACKED, write_pack
from tests import s3_server
from tests.s3_server import BUCKET, Server
from tests.study.executor import noop
from tests.study.executor.plans import plan, trial
from tests.study.executor.small_study import launch_small
from tests.study.store import small

pytestmark = pytest.mark.slow

TRIALS = 2000
PATTERN = "0123456789abcdef"
"""The id of the trial whose files are those of all others, but for the id."""
PAGES = TRIALS // 1000
"""Times that a LIST goes on until it has told of every trial's file in one table; of two files each, twice as many."""
PLACE = f"s3://{BUCKET}/many"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with s3_server.running() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        S3FileSystem.clear_instance_cache()
        yield running


def _finished(folder: Path) -> Plan:
    """The plan of trials whose files are in the folder: trained and evaluated, an attempt at each."""
    of, first = plan(*(trial(f"{number:016x}") for number in range(1, TRIALS + 1))), Store.open(folder / "first")
    pattern = replace(of.trials[0], trial_id=PATTERN)
    first.commit_training(pattern, noop.outcome([0.5]))
    first.commit_cells(PATTERN, of.conditions, list(noop.cells([of.conditions[0].condition_id], pattern.recipe)))
    for unit in ("train", "evaluate"):
        first.record_attempt(replace(small.attempt(PATTERN), unit=unit))
    for name in first.objects.beneath("results"):
        data = first.objects.get(name)
        for one in of.trials:
            path = folder / "all" / name.replace(PATTERN, one.trial_id)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data.replace(PATTERN.encode(), one.trial_id.encode()))
    return of


def _pack(store: Store, folder: Path) -> None:
    """As the launch that ran the study would have: from the files, at the times at which the bucket has them."""
    for name in PACKED:
        table, there = RESULTS[name], store.objects.described(f"results/{name}")
        read = ((file, told, decode(table, (folder / file).read_bytes(), file)) for file, told in there.items())
        write_pack(store.objects, table, ((file.rpartition("/")[2], told, rows) for file, told, rows in read))


def test_with_nothing_left_to_do_names_are_listed_and_packs_are_read_but_no_file_of_a_trial(
    server: Server, tmp_path: Path
) -> None:
    of = _finished(tmp_path)
    server.load(tmp_path / "all", "many")
    _pack(Store.open(PLACE), tmp_path / "all")
    server.counts()
    log = noop.Log([])
    result = launch_small(of, PLACE, log, LaunchOptions(address="ray://nowhere"))
    launched = server.counts()
    found = look(Store.open(PLACE, create=False), of)
    looked = server.counts()
    assert (result.status, result.progress.trials_done, log.events) == ("complete", TRIALS, [])
    assert len(found.trained) == len(found.evaluated) == TRIALS
    assert not found.diverged | found.failed
    assert launched["GET"] <= 20, launched
    assert launched["LIST"] <= 24 + 13 * PAGES, launched
    assert looked.keys() == {"GET", "LIST"}
    assert looked["GET"] <= 10, looked
    assert looked["LIST"] <= 6 + 7 * PAGES, looked
