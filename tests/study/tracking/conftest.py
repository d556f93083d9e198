"""A real MLflow on SQLite. Its database takes seconds to make, so one is made and copied."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from study.plan import Plan
from study.store import Store
from study.tracking.client import Client
from study.tracking.place import DATABASE, Place, own_place
from tests.study.hand_made import finished, small_plan
from tests.study.tracking.mirror import close

MakeClient = Callable[[Store], Client]


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of MLflow's with nothing in it."""
    folder = tmp_path_factory.mktemp("empty")
    place = Place(uri=f"sqlite:///{folder / DATABASE}", folder=folder)
    client = Client(place)
    client.client.search_experiments()
    close(client)
    return folder / DATABASE


@pytest.fixture
def connect(empty_database: Path) -> Iterator[Callable[[Place], Client]]:
    """A client of MLflow at a place, whose database is there already; closed at the end."""
    clients: list[Client] = []

    def connected(place: Place) -> Client:
        if place.folder is not None and not (place.folder / DATABASE).exists():
            place.folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(empty_database, place.folder / DATABASE)
        clients.append(Client(place))
        return clients[-1]

    yield connected
    for client in clients:
        close(client)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return small_plan(tmp_path)


@pytest.fixture
def store(tmp_path: Path, plan: Plan) -> Store:
    """The small study, finished."""
    opened = Store.open(tmp_path / "store")
    finished(opened, plan)
    return opened


@pytest.fixture
def client(store: Store, connect: Callable[[Place], Client]) -> Client:
    """Of the store's own database."""
    return connect(own_place(store))
