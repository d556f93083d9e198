"""Nodes that have Ray alone: what a launch says of them, and what it has them install."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from study.store import Store
from tests.cluster.test_slurm_job import SHORT
from tests.cluster.test_submitted import study
from tests.ray_nodes import environment_with_token, free_port, head_node

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture
def ray_alone(tmp_path: Path) -> str:
    """A Python that has Ray of this version, pip, and none of our libraries."""
    uv, python = str(Path(sys.executable).parent / "uv"), str(tmp_path / "alone" / "bin" / "python")
    subprocess.run([uv, "venv", "--quiet", "--seed", "--python", sys.executable, tmp_path / "alone"], check=True)
    ray = f"ray[default]=={metadata.version('ray')}"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, ray], check=True)
    assert subprocess.run([python, "-c", "import torch"], capture_output=True).returncode != 0
    return python


def test_a_launch_says_what_a_node_lacks_and_has_it_installed(ray_alone: str, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SHORT)
    environment, port = environment_with_token(tmp_path), free_port()
    with head_node(2, {**environment, "PATH": "/usr/bin:/bin"}, port, ray_alone) as address:

        def launched(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = study("launch", "small.yaml", "--store", str(tmp_path / "store"), *arguments)
            return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

        refused = launched("--address", address)
        assert refused.returncode == 2
        assert "has no fsspec: launch with --install, which has Ray install there the libraries" in refused.stderr
        first = launched("--address", address, "--install", "--limit", "1")
        assert f"To go on:  study launch small.yaml --address {address} --install" in first.stdout, first.stderr
        rest = launched("--submit", f"http://127.0.0.1:{port}", "--install")
        assert "small is complete: 2 trials" in rest.stdout, rest.stdout + rest.stderr
    assert len(Store.open(tmp_path / "store").committed().evaluated) == 2
