"""The tiny study, launched once."""

import shutil
from pathlib import Path

import pytest

from tests.study.launches.tiny import TEXT, launched


@pytest.fixture(scope="package")
def complete(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the tiny study whole; not to be changed."""
    store = tmp_path_factory.mktemp("complete")
    result, _ = launched(TEXT, store, cluster)
    assert result.status == "complete"
    return store


@pytest.fixture
def store(complete: Path, tmp_path: Path) -> Path:
    """The whole tiny study in a store of the test's own."""
    return Path(shutil.copytree(complete, tmp_path / "store"))
