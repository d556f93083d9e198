"""Launches into a store on S3: a real server over HTTP, real Ray."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from s3fs import S3FileSystem

from study.launch import LaunchOptions, launch
from study.store import Store
from tests import s3_server
from tests.s3_server import BUCKET, Faults, Server
from tests.study.executor.noop import Log
from tests.study.executor.small_study import family, launch_small
from tests.study.launches.tiny import RESULTS, TEXT, spec

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with s3_server.running() as server:
        yield server


@pytest.fixture
def server(cluster: str, running: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Known to this process alone: the cluster was started before."""
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    yield running
    running.fail(Faults())


@pytest.fixture
def place(server: Server) -> str:
    return f"s3://{BUCKET}/{uuid4().hex}"


def _same(one: str | Path, other: str | Path) -> None:
    first, second = (Store.open(place, create=False) for place in (one, other))
    for table in RESULTS:
        assert len(first.read(table)) > 0
        assert first.read(table).equals(second.read(table), check_metadata=True), table


def test_a_study_on_ill_s3_stopped_and_launched_again_equals_one_in_a_folder(
    cluster: str, place: str, server: Server, tmp_path: Path
) -> None:
    of, options = family(6, 3), LaunchOptions(address=cluster)
    assert launch_small(of, tmp_path, Log([]), options).status == "complete"
    server.fail(Faults(seed=5, error=0.05, reset=0.02, lost=0.03, conflict=0.05))
    assert launch_small(of, place, Log([]), replace(options, limit=2)).status == "incomplete"
    assert launch_small(of, place, Log([]), options).status == "complete"
    server.fail(Faults())
    _same(place, tmp_path)
    again = Log([])
    assert launch_small(of, place, again, LaunchOptions(address="ray://nowhere")).status == "complete"
    assert again.events == []
    assert Store.open(place).leases() == ()


def test_the_tiny_study_on_s3_equals_the_one_in_a_folder(cluster: str, place: str, complete: Path) -> None:
    result = launch(spec(TEXT), Store.open(place), LaunchOptions(address=cluster, max_concurrent=1), Log([]))
    assert result.status == "complete"
    _same(place, complete)
