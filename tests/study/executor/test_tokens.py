"""A cluster and a launch that are not of one mind about tokens: told in words before anything is trained."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from study.executor.cluster import AUTHENTICATION, ClusterError, TokenError, offered, set_environment, wait_for_nodes
from tests.ray_nodes import environment_with_token, head_node

pytestmark = [pytest.mark.ray, pytest.mark.slow]

SetsToken = Callable[[str | None], None]


@pytest.fixture
def shows() -> Iterator[SetsToken]:
    """Makes this process show the token of a file, or none."""
    before = {name: os.environ.get(name) for name in AUTHENTICATION}

    def show(path: str | None) -> None:
        mode = "disabled" if path is None else "token"
        set_environment({"RAY_AUTH_MODE": mode, "RAY_AUTH_TOKEN": None, "RAY_AUTH_TOKEN_PATH": path})

    yield show
    set_environment(before)


def refused(address: str) -> str:
    with pytest.raises(ClusterError) as told:
        offered(address)
    return str(told.value)


def test_a_cluster_that_asks_nobody_is_refused_to_one_who_asks(tmp_path: Path, shows: SetsToken) -> None:
    """Ray joins it all the same, and then ends each worker before it begins."""
    token = environment_with_token(tmp_path)["RAY_AUTH_TOKEN_PATH"]
    with head_node(1, {**os.environ, "RAY_AUTH_MODE": "disabled"}) as address:
        shows(token)
        said = refused(address)
        assert "this cluster asks nobody for a token" in said
        assert "launch with RAY_AUTH_MODE=disabled" in said
        shows(None)
        assert offered(address).cpus == 1


def test_which_token_was_not_taken_is_said_and_ray_prints_nothing(
    cluster: str, tmp_path: Path, shows: SetsToken, capfd: pytest.CaptureFixture[str]
) -> None:
    token = environment_with_token(tmp_path)["RAY_AUTH_TOKEN_PATH"]
    shows(token)
    said = refused(cluster)
    assert f"asks for its token, and the one in {token} is another" in said
    assert Path(token).read_text() not in said
    with pytest.raises(TokenError):
        wait_for_nodes(cluster, 1, 900)
    shows(None)
    assert "it is shown none: export RAY_AUTH_MODE=token" in refused(cluster)
    shows(str(tmp_path / "nowhere"))
    assert f"there is no token in {tmp_path / 'nowhere'}" in refused(cluster)
    assert capfd.readouterr().err == ""
