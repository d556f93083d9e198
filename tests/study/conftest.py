"""A Ray cluster of one node, shared by all tests that launch."""

from collections.abc import Iterator

import pytest

from tests.ray_nodes import environment_with_token, head_node


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a head with two CPUs; this process's environment is set up to join it."""
    with head_node(2, environment_with_token(tmp_path_factory.mktemp("ray"))) as address:
        yield address
