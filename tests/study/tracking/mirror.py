"""What MLflow shows, in a form that can be compared; and ways to sync."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mlflow.entities import ViewType

from dashboards.still import still
from study.store import Store
from study.tracking.client import Client
from study.tracking.curves import Renderers
from study.tracking.exporter import OLD, Tally
from study.tracking.place import DATABASE
from study.tracking.records import TrackingError
from study.tracking.server import Server
from study.tracking.sync import Sync
from study.tracking.tables import Tables

RENDERERS = Renderers(curves=still, page=lambda store, study: f"<html>{study}</html>")

Shown = dict[str, Any]
Metrics = dict[str, list[tuple[int, float]]]


def sync_of(store: Store, server: Server, study: str = "small") -> Sync:
    launch = store.newest_launch(study)
    assert launch is not None
    return Sync(Tables(store, launch), server, RENDERERS)


def sync(store: Store, server: Server, study: str = "small") -> Tally:
    return sync_of(store, server, study).everything({}, False)


def shown(client: Client, study: str = "small") -> dict[str, Shown]:
    """Name of each run that is not deleted → all that is to be seen of it, but for ids and times of logging."""
    runs = _runs(client, study)
    names = {run.info.run_id: run.info.run_name for run in runs}
    assert len(set(names.values())) == len(runs), "a run stands twice"
    metrics = _metrics(client, list(names))
    return {run.info.run_name: _shown(run, names, metrics[run.info.run_id]) for run in runs}


def run_ids(client: Client, study: str = "small") -> dict[str, str]:
    return {run.info.run_name: run.info.run_id for run in _runs(client, study)}


def _runs(client: Client, study: str) -> list[Any]:
    experiment = client.client.get_experiment_by_name(study)
    assert experiment is not None
    runs = client.client.search_runs([experiment.experiment_id], run_view_type=ViewType.ACTIVE_ONLY, max_results=1000)
    return [run for run in runs if OLD not in run.data.tags]


def _metrics(client: Client, run_ids: list[str]) -> dict[str, Metrics]:
    """Run → metric → (step, value) of every value that was ever logged; from the database where there is one."""
    logged: dict[str, Metrics] = {run_id: defaultdict(list) for run_id in run_ids}
    if client.place.folder is None:
        for run_id in run_ids:
            for name in client.client.get_run(run_id).data.metrics:
                logged[run_id][name] = sorted((point.step, point.value) for point in client.history(run_id, name))
        return logged
    with closing(sqlite3.connect(client.place.folder / DATABASE)) as database:
        rows = database.execute("SELECT run_uuid, key, step, value FROM metrics ORDER BY step, value")
        for run_id, name, step, value in rows:
            if run_id in logged:
                logged[run_id][name].append((step, value))
    return logged


def _shown(run: Any, names: Mapping[str, str], metrics: Metrics) -> Shown:
    tags = dict(run.data.tags)
    parent = tags.pop("mlflow.parentRunId", None)
    return {
        "status": run.info.status,
        "ended": run.info.end_time,
        "tags": tags,
        "under": None if parent is None else names.get(parent, "nothing"),
        "params": dict(run.data.params),
        "metrics": metrics,
        "inputs": sorted((one.dataset.name, one.dataset.digest) for one in run.inputs.dataset_inputs),
        "files": files(run.info.artifact_uri),
    }


def files(uri: str) -> dict[str, bytes]:
    folder = Path(unquote(uri.removeprefix("file://")))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def close(client: Client) -> None:
    """Give the database's connections back: MLflow keeps them for as long as the process lives."""
    engine = getattr(client.client._tracking_client.store, "engine", None)
    if engine is not None:
        engine.dispose()


@dataclass
class Counted:
    """A server that counts what is asked of it, and fails at one request: before it is carried out, or after."""

    server: Client
    at: int = -1
    """Which request fails, 0 the first; -1 none."""
    carried_out: bool = False
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def at_once(self) -> int:
        return self.server.at_once

    @property
    def shared(self) -> bool:
        return self.server.shared

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self.server, name)

        def asked(*arguments: Any) -> Any:
            fails = self.asked.total() == self.at
            self.asked[name] += 1
            if fails and not self.carried_out:
                raise TrackingError(f"{name} was not carried out")
            answer = operation(*arguments)
            if fails:
                raise TrackingError(f"{name} was carried out, and its answer lost")
            return answer

        return asked
