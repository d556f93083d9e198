"""Studies with results made by hand, as the dashboard meets them."""

import pytest

from dashboards.reading import read_results
from dashboards.results import Results
from study.plan import Plan
from study.store import Store
from tests.dashboards.made import finished, in_memory, planned


@pytest.fixture(scope="session")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return planned(tmp_path_factory.mktemp("spec"))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, plan: Plan) -> Store:
    """The made study whole: two trials of ST diverged, one of them before any finite epoch."""
    opened = Store.open(tmp_path_factory.mktemp("store"))
    finished(opened, plan)
    return opened


@pytest.fixture(scope="session")
def results(store: Store, plan: Plan) -> Results:
    return read_results(store, plan.study)


@pytest.fixture
def empty(plan: Plan) -> Store:
    """A store in which the study was launched, and nothing came of it yet."""
    opened = in_memory()
    finished(opened, plan, trials=0)
    return opened
