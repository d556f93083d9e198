"""MLflow's client, spoken to in our types: the one module that imports mlflow."""

import logging
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from study.tracking.place import RELATIVE, Place, prepare
from study.tracking.records import Artifact, DataInput, Point, Status, TrackingError
from study.tracking.server import FoundRun
from study.tracking_uri import SERVERS, shown, unproxied

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Unless the environment says otherwise. A server that does not answer is asked again later, not for minutes."""
for _name, _value in SETTINGS.items():
    os.environ.setdefault(_name, _value)  # before mlflow, which reads some of them as it is imported
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
"""Whatever the environment says. MLflow's client repeats what timed out, the making of a run too, which a server that
comes back would carry out twice; whoever begins anew here looks first at what is there."""
os.environ.update(dict.fromkeys(("no_proxy", "NO_PROXY"), unproxied(os.environ)))

from mlflow.entities import (  # noqa: E402
    Dataset,
    DatasetInput,
    Experiment,
    InputTag,
    Metric,
    Param,
    Run,
    RunTag,
    ViewType,
)
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402

EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
"""Opens in the UI with runs and metrics, not with the tools for language models."""
EXISTS, ABSENT = "RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST"
AT_ONCE = 4
PAGE = 250
"""Runs a search gives at once: what a busy server answers well within the timeout."""
BATCH, BATCH_TEXTS = 1000, 100
"""Entries that one request takes, and how many of them may be params."""
REASONS = {
    r"Invalid Host header": (
        "it refuses the name that it is called by here; whoever runs it starts `mlflow server` with this host:port "
        "among its --allowed-hosts (or MLFLOW_SERVER_ALLOWED_HOSTS)"
    ),
    r"too many 500|error code 50[01]": "something answers there with errors of its own (status 500)",
    r"too many 50[234]|error code 50[234]": "what answers there says that it is away (a gateway, or its database is)",
    r"too many 429|error code 429": "it has too much to do",
    r"not in a valid JSON format|error code 40[45]|Response body: '\s*<": (
        "what answers there is not MLflow; look at the address"
    ),
    r"Connection refused|Errno 111": "the connection was refused",
    r"timed? ?out|Timeout": "it does not answer",
    r"Name or service not known|Failed to resolve|getaddrinfo": "there is no such host",
    r"\b40[13]\b|PERMISSION_DENIED|UNAUTHENTICATED|[Uu]nauthorized": (
        "it wants credentials: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
    ),
}
"""In what MLflow's client says → in words."""


DRIVER = re.compile(r"No module named '(\w+)'")
PACKAGES = {"psycopg2": "psycopg2-binary", "psycopg": "'psycopg[binary]'", "MySQLdb": "mysqlclient"}
"""Module that is imported → package that has it, where they are called differently."""


def _fill(database: Path, artifacts: str) -> None:
    """Make a database with MLflow's tables and nothing in them."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # a second that servers need not wait for

    SqlAlchemyStore(f"{RELATIVE}{database}", artifacts).engine.dispose()  # type: ignore[no-untyped-call]


class Client:
    """A `Server`: an MLflow server or database."""

    def __init__(self, place: Place) -> None:
        self.place = place
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        with self._speaking():
            prepare(place, _fill)
            self.client = MlflowClient(tracking_uri=place.uri)

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Whatever goes wrong becomes a TrackingError: databases and object stores have errors of their own."""
        try:
            yield
        except TrackingError:
            raise
        except Exception as error:
            raise TrackingError(f"MLflow at {self.place}: {reason(error)}") from error

    @property
    def at_once(self) -> int:
        """A server works on several requests while this process prepares more; SQLite takes one writer."""
        return AT_ONCE if self.place.uri.startswith(SERVERS) else 1

    @property
    def shared(self) -> bool:
        return self.place.folder is None

    def experiment(self, name: str) -> str:
        with self._speaking():
            found = self.client.get_experiment_by_name(name)
            if found is None:
                found = self._made(name)
            if found.lifecycle_stage == "deleted":
                self.client.restore_experiment(found.experiment_id)
            return str(found.experiment_id)

    def _made(self, name: str) -> Experiment:
        """A new experiment, or the one that another process has made since it was looked for."""
        root = self.place.artifacts
        try:
            made = self.client.create_experiment(name, None if root is None else f"{root}/{name}", EXPERIMENT_TAGS)
            return self.client.get_experiment(made)
        except MlflowException as error:
            found = self.client.get_experiment_by_name(name) if error.error_code == EXISTS else None
            if found is None:
                raise
            return found

    def running(self, experiment: str) -> int:
        """Runs that nobody has said the end of; PAGE at most."""
        with self._speaking():
            return len(self.client.search_runs([experiment], "attributes.status = 'RUNNING'", max_results=PAGE))

    def runs(self, experiment: str, tag: str, value: str) -> list[FoundRun]:
        found: list[FoundRun] = []
        token: str | None = None
        with self._speaking():
            while token is not None or not found:
                page = self.client.search_runs(
                    [experiment], f"tags.`{tag}` = '{value}'", ViewType.ALL, PAGE, ["attributes.start_time ASC"], token
                )
                found += map(_found, page)
                token = page.token
                if not token:
                    break
        return found

    def create(self, experiment: str, name: str, started: int, tags: Mapping[str, str]) -> FoundRun:
        with self._speaking():
            return _found(self.client.create_run(experiment, start_time=started, tags=dict(tags), run_name=name))

    def log(self, run_id: str, points: Sequence[Point], params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        metrics = [Metric(point.key, point.value, point.at, point.step) for point in points]
        given = [Param(name, value) for name, value in params.items()]
        marks = [RunTag(name, value) for name, value in tags.items()]
        with self._speaking():
            if len(metrics) + len(given) + len(marks) > BATCH or len(given) > BATCH_TEXTS:
                self.client.log_batch(run_id, metrics, given)  # which it splits
                metrics, given = [], []
            self.client.log_batch(run_id, metrics, given, marks)

    def untag(self, run_id: str, key: str) -> None:
        with self._speaking():
            try:
                self.client.delete_tag(run_id, key)
            except MlflowException as error:  # gone, perhaps by a request that was sent again: its answer was lost
                if error.error_code != ABSENT or key in self.client.get_run(run_id).data.tags:
                    raise

    def add_inputs(self, run_id: str, inputs: Sequence[DataInput]) -> None:
        with self._speaking():
            self.client.log_inputs(run_id, [_dataset(one) for one in inputs])

    def add_files(self, place: str, artifacts: Iterable[Artifact]) -> None:
        with self._speaking(), tempfile.TemporaryDirectory(prefix="study-mlflow-") as folder:
            for artifact in artifacts:
                path = Path(folder, artifact.path)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(artifact.content())
            files = get_artifact_repository(place, tracking_uri=self.place.uri)
            files.log_artifacts(folder)  # type: ignore[no-untyped-call]

    def history(self, run_id: str, key: str) -> list[Point]:
        with self._speaking():
            found = self.client.get_metric_history(run_id, key)
            return [Point(key=one.key, value=one.value, step=one.step, at=one.timestamp) for one in found]

    def rename(self, run_id: str, name: str) -> None:
        with self._speaking():
            self.client.update_run(run_id, name=name)

    def set_status(self, run_id: str, status: Status, ended: int | None) -> None:
        with self._speaking():
            if status == "RUNNING":
                self.client.update_run(run_id, status=status)
            else:
                self.client.set_terminated(run_id, status, ended or int(1000 * time.time()))

    def delete(self, run_id: str) -> None:
        with self._speaking():
            self.client.delete_run(run_id)

    def restore(self, run_id: str) -> None:
        with self._speaking():
            self.client.restore_run(run_id)


def _found(run: Run) -> FoundRun:
    return FoundRun(
        run_id=run.info.run_id,
        deleted=run.info.lifecycle_stage == "deleted",
        status=run.info.status,
        name=run.info.run_name,
        tags=run.data.tags,
        params=run.data.params,
        latest=run.data.metrics,
        files=run.info.artifact_uri,
        inputs=frozenset(
            (one.dataset.name, one.dataset.digest) for one in (run.inputs.dataset_inputs if run.inputs else ())
        ),
    )


def _dataset(one: DataInput) -> DatasetInput:
    described = Dataset(name=one.name, digest=one.digest, source_type="study", source=one.source, profile=one.profile)
    return DatasetInput(described, [InputTag("mlflow.data.context", one.context)])


def reason(error: Exception) -> str:
    """What went wrong, in one line without credentials."""
    text = " ".join(str(error).split())
    lacking = DRIVER.search(text)
    if lacking is not None:
        package = PACKAGES.get(lacking[1], lacking[1])
        return f"the library that speaks to this database is not installed: pip install {package}"
    for pattern, said in REASONS.items():
        if re.search(pattern, text):
            return said
    return shown(text)[:300] or type(error).__name__
