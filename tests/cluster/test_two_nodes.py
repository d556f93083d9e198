"""A study over a head and a second node that has Ray but not this package; the second node is killed in mid-study."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import psutil
import pytest

from study.executor.cluster import ClusterError, wait_for_nodes
from study.launch import LaunchOptions
from study.progress import Progress
from tests.ray_nodes import end_node, environment_with_token, head_node, start_node
from tests.study.executor.noop import Log
from tests.study.executor.small_study import family, launch_small
from tests.study.executor.test_execution import results

pytestmark = pytest.mark.cluster


@pytest.fixture
def bare_python(tmp_path: Path) -> str:
    """A Python with this environment's libraries, but without its editable install of the package."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    python = tmp_path / "bare" / "bin" / "python"
    libraries = sysconfig.get_path("purelib")
    site = next((tmp_path / "bare" / "lib").glob("python3*")) / "site-packages"
    (site / "libraries.pth").write_text(libraries + "\n")
    missing = subprocess.run([python, "-c", "import study"], capture_output=True, cwd=tmp_path)
    assert b"ModuleNotFoundError" in missing.stderr
    return str(python)


class Watcher(Log):
    """Remembers how many units ran at once; calls `act` when some trials are done and both nodes are at work."""

    at_once = 0
    acted = False

    def changed(self, progress: Progress) -> None:
        self.at_once = max(self.at_once, len(progress.running))
        if progress.trials_done >= 3 and self.at_once == 2 and not self.acted:
            self.acted = True
            self.act()

    def act(self) -> None:
        pass


def test_a_node_killed_in_mid_study_changes_nothing(bare_python: str, tmp_path: Path) -> None:
    environment = environment_with_token(tmp_path)
    of = family(16, 30)
    with head_node(1, environment) as address:
        second = start_node(
            [f"--address={address}", "--node-ip-address=127.0.0.1", "--num-cpus=1"], environment, bare_python
        )
        wait_for_nodes(address, 2, seconds=60)

        class Killer(Watcher):
            def act(self) -> None:
                for process in (*psutil.Process(second.pid).children(recursive=True), psutil.Process(second.pid)):
                    process.kill()

        try:
            log = Killer([])
            result = launch_small(of, tmp_path / "disturbed", log, LaunchOptions(address=address))
        finally:
            end_node(second)
        assert log.acted, "the second node's worker has run units"
        assert result.status == "complete"
        undisturbed = launch_small(of, tmp_path / "undisturbed", Log([]), LaunchOptions(address=address))
        assert undisturbed.status == "complete"
    assert results(tmp_path / "disturbed") == results(tmp_path / "undisturbed")


def test_a_ray_client_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="host:port"):
        launch_small(family(2, 1), tmp_path, Log([]), LaunchOptions(address="ray://head:10001"))
