"""Following a launch: told what happens over a pipe, from a server that is there, away, silent, or back again."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from study.plan import Plan, PlannedTrial
from study.store import HeldError, Owner, Store
from study.tracking.client import Client, reason
from study.tracking.follower import BACKOFF, Follower, Inbox, lease_name, run
from study.tracking.news import News, State
from study.tracking.place import Place, own_place
from study.tracking.records import TrackingError
from study.tracking.server import FoundRun, Server
from tests.study.hand_made import evaluate, launched, train
from tests.study.tracking.mirror import RENDERERS, shown

Connect = Callable[[Place], Client]


def epoch(number: int, at: int = 5_000) -> dict[str, object]:
    return {
        "epoch": number, "loss": 1.0, "terms": {}, "validation_loss": 1.0,
        "validation_correct": 90, "validation_n": 100, "learning_rate": 0.01, "at": at,
    }  # fmt: skip


@pytest.fixture
def live(tmp_path: Path, plan: Plan) -> Store:
    """A study that has been launched, and of which nothing has been trained."""
    store = Store.open(tmp_path / "live")
    launched(store, plan)
    return store


class Following:
    """A follower whose steps a test takes one by one."""

    def __init__(self, store: Store, connect: Callable[[Place], Server]) -> None:
        self.states: list[State] = []
        self.follower = Follower(store, "small", RENDERERS, connect, self.states.append)

    def step(self, news: News) -> State:
        self.follower.news.merge(news)
        self.follower.step()
        return self.states[-1]


def began(*trials: PlannedTrial) -> News:
    ids = {trial.trial_id: 1_000 for trial in trials}
    return News(running=ids, changed=set(ids))


def test_a_launch_from_its_first_epoch_to_its_end(live: Store, plan: Plan, connect: Connect) -> None:
    following = Following(live, connect)
    trial = plan.trials[0]
    assert following.step(began(trial)).kind == "up to date"
    client = connect(own_place(live))
    assert shown(client)["Baseline"]["status"] == "RUNNING"
    following.step(News(running={trial.trial_id: 1_000}, epochs={trial.trial_id: [epoch(1)]}))
    assert shown(client)["Baseline"]["metrics"]["val.accuracy"] == [(1, 0.9)]
    train(live, trial)
    evaluate(live, trial, plan.conditions, 80)
    following.step(News(changed={trial.trial_id}))
    run_of_it = shown(client)["Baseline"]
    assert (run_of_it["status"], run_of_it["metrics"]["val.accuracy"]) == ("FINISHED", [(1, 0.9)])
    assert shown(client)["small"]["status"] == "RUNNING"
    following.step(News(over=True))
    assert shown(client)["small"]["status"] == "KILLED", "stopped before it was complete"


def test_a_launch_that_dies_leaves_no_run_running(live: Store, plan: Plan, connect: Connect) -> None:
    following = Following(live, connect)
    following.step(began(*plan.trials[:2]))
    following.step(News(over=True))
    assert {run["status"] for run in shown(connect(own_place(live))).values()} == {"KILLED"}


def test_a_server_that_comes_back_gets_everything_once(live: Store, plan: Plan, connect: Connect) -> None:
    away = [True]

    def sometimes(place: Place) -> Server:
        if away[0]:
            raise TrackingError("MLflow at http://x: the connection was refused")
        return connect(place)

    following = Following(live, sometimes)
    trial = plan.trials[0]
    state = following.step(began(trial))
    assert (state.kind, state.behind, str(state)) == ("unreachable", 1, "MLflow unreachable")
    assert "refused" in state.reason
    following.step(News(running={trial.trial_id: 1_000}, epochs={trial.trial_id: [epoch(1)]}))
    following.step(News(running={trial.trial_id: 1_000}, epochs={trial.trial_id: [epoch(2)]}))
    assert following.follower.pause == 4 * BACKOFF[0]
    away[0] = False
    assert following.step(News(running={trial.trial_id: 1_000})).kind == "up to date"
    assert following.follower.backoff == BACKOFF[0]
    assert shown(connect(own_place(live)))["Baseline"]["metrics"]["val.accuracy"] == [(1, 0.9), (2, 0.9)]


def test_what_a_server_that_hung_carries_out_at_last_is_not_left_beside(
    live: Store, plan: Plan, connect: Connect
) -> None:
    client = connect(own_place(live))
    late = Late(client)
    following = Following(live, lambda _: late)
    trial = plan.trials[0]
    assert following.step(began(trial)).kind == "unreachable"
    assert following.step(News(running={trial.trial_id: 1_000})).kind == "up to date"
    late.carry_out()
    with pytest.raises(AssertionError, match="a run stands twice"):
        shown(client)
    following.step(News(over=True))
    assert {run["status"] for run in shown(client).values()} == {"KILLED"}


class Late:
    """A server that hangs as the first run of a trial is made."""

    def __init__(self, server: Client) -> None:
        self.server = server
        self.asked: tuple[object, ...] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.server, name)

    def create(self, *asked: Any) -> FoundRun:
        if self.asked is None and "trial_id" in asked[3]:
            self.asked = asked
            raise TrackingError("MLflow at http://x: it does not answer")
        return self.server.create(*asked)

    def carry_out(self) -> None:
        assert self.asked is not None
        self.server.create(*self.asked)  # type: ignore[arg-type]


def test_what_was_not_written_when_the_launch_ends_is_told(live: Store, plan: Plan) -> None:
    def never(place: Place) -> Server:
        raise TrackingError("no")

    following = Following(live, never)
    following.follower.news.merge(began(*plan.trials[:3]))
    assert following.step(News(over=True)) == State(kind="unreachable", behind=3, reason="no")


@contextmanager
def silent_server() -> Iterator[str]:
    """Accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepted: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    accepted.append(listening.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        for one in accepted:
            one.close()


def test_a_server_that_never_answers_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with silent_server() as address, pytest.raises(TrackingError, match=f"MLflow at {address}: it does not answer"):
        Client(Place(uri=address)).experiment("small")


def test_a_server_that_is_not_there_is_said_to_be_so() -> None:
    with pytest.raises(TrackingError, match=r"MLflow at http://\*\*\*@127.0.0.1:1: the connection was refused") as told:
        Client(Place(uri="http://ada:secret@127.0.0.1:1")).experiment("small")
    assert "secret" not in str(told.value)


class Page(BaseHTTPRequestHandler):
    """A web page, whatever is asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Some router</title>")

    def log_message(self, *_: object) -> None:
        pass


def test_what_answers_and_is_not_mlflow_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        with pytest.raises(TrackingError, match="what answers there is not MLflow") as told:
            Client(Place(uri=f"http://127.0.0.1:{web.server_port}")).experiment("small")
        web.shutdown()
        thread.join()
    assert "<" not in str(told.value)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            "API request to endpoint /api/2.0/mlflow/runs/create failed with error code 403 != 200. Response body: "
            "'Invalid Host header - possible DNS rebinding attack detected'",
            "among its --allowed-hosts",
        ),
        ("Max retries exceeded with url: /x (Caused by ResponseError('too many 503 error responses'))", "it is away"),
        ("Max retries exceeded with url: /x (Caused by ResponseError('too many 500 error responses'))", "status 500"),
        ("API request failed with error code 502 != 200", "it is away"),
        ("failed with error code 403 != 200. Response body: 'You are not authenticated'", "MLFLOW_TRACKING_USERNAME"),
    ],
)
def test_what_a_server_refuses_is_told_with_the_way_out(error: str, said: str) -> None:
    assert said in reason(MlflowException(error))


def test_an_experiment_that_another_process_makes_meanwhile_is_taken(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, found = client.experiment("new"), client.client.get_experiment_by_name
    answers = iter([lambda _: None, found])
    monkeypatch.setattr(client.client, "get_experiment_by_name", lambda name: next(answers)(name))
    assert client.experiment("new") == made


@pytest.mark.parametrize(
    ("module", "package"), [("psycopg2", "psycopg2-binary"), ("MySQLdb", "mysqlclient"), ("pyodbc", "pyodbc")]
)
def test_a_database_without_its_library_names_the_package(module: str, package: str) -> None:
    said = reason(ModuleNotFoundError(f"No module named '{module}'"))
    assert said.endswith(f"is not installed: pip install {package}")


def test_news_travel_whole() -> None:
    news = News(running={"a": 1}, changed={"b"}, epochs={"a": [epoch(1)]}, over=True)
    assert News.parse(news.line()) == news
    state = State(kind="behind", behind=14, reason="x")
    assert State.parse(state.line()) == state
    assert str(state) == "MLflow 14 runs behind"


def test_the_inbox_gathers_what_is_told_and_ends_with_the_pipe() -> None:
    reading, writing = os.pipe()
    ended = threading.Event()
    with os.fdopen(reading, "rb") as stream:
        inbox = Inbox(stream, ended.set)
        os.write(writing, News(running={"a": 1}, changed={"a"}).line() + News(running={}, changed={"b"}).line())
        os.close(writing)
        news = inbox.take(30.0)
        assert (dict(news.running), news.changed, news.over) == ({}, {"a", "b"}, True)
        assert ended.wait(30.0)
        assert inbox.take(30.0) == News(over=True)


def test_the_process_follows_until_its_pipe_ends(
    live: Store, plan: Plan, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.tracking.follower.connect", connect)
    monkeypatch.setattr("study.tracking.follower._leave_in", lambda _: None)
    monkeypatch.setattr(os, "nice", lambda _: 0)
    told = News(running={}, changed={plan.trials[0].trial_id})
    train(live, plan.trials[0])
    evaluate(live, plan.trials[0], plan.conditions, 80)
    assert _run(live, told)[-1].kind == "up to date"
    assert shown(connect(own_place(live)))["Baseline"]["status"] == "FINISHED"
    assert not live.leases("tracking")


def test_while_another_process_writes_the_runs_it_waits(live: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.tracking.follower._leave_in", lambda _: None)
    monkeypatch.setattr(os, "nice", lambda _: 0)
    lease = live.acquire(lease_name("small"), Owner.here("study track small"))
    with pytest.raises(HeldError):
        _run(live, News())
    lease.release()


def _run(store: Store, news: News) -> list[State]:
    """The whole process, in this one: what it says, once told `news` and that the launch is over."""
    inbox, tell = os.pipe()
    os.write(tell, news.line())
    os.close(tell)
    heard, outbox = os.pipe()
    with os.fdopen(inbox, "rb") as stream, os.fdopen(heard, "rb") as listening:
        with os.fdopen(outbox, "wb") as out:
            run(store, "small", RENDERERS, stream, out)
        return [State.parse(line) for line in listening]
