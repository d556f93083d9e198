"""The batch script that `study cluster template slurm` writes, run by bash under a fake Slurm, Ray and study.

The fakes say what they were called with, and do what the real ones would: `srun` runs its command with a node's name,
`ray start --block` stays until it is told to end, `study cluster wait` ends when so many nodes have started.
"""

import os
import re
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests import fake_commands
from tests.study.cli.conftest import Type

pytestmark = pytest.mark.slow

FAKES = {
    "srun": """
        echo "srun $*" >>"$SAID"
        while [[ $1 == --* ]]; do
            case $1 in --nodelist=*) export NODE=${1#*=} ;; --output=*) output=${1#*=} ;; esac
            shift
        done
        exec "$@" >"${output:-/dev/null}" 2>&1
    """,
    "ray": """
        echo "ray $NODE $(stat -c %a "$RAY_AUTH_TOKEN_PATH") $RAY_AUTH_MODE $*" >>"$SAID"
        echo "$NODE $$" >>"$PLACE/rays"
        trap 'echo "ended $NODE" >>"$SAID"; exit 0' TERM
        [[ $NODE != "$DIES_AT_ONCE" ]] || { echo "no memory left"; exit 1; }
        touch "$PLACE/joined-$NODE"
        while :; do
            [[ $NODE != "$DIES_LATER" || ! -e $PLACE/launching ]] || { echo "gone $NODE" >>"$SAID"; exit 1; }
            /bin/sleep 0.02
        done
    """,
    "study": """
        echo "study $*" >>"$SAID"
        if [[ $1 == cluster ]]; then
            until (($6 != NEVER && $(find "$PLACE" -name 'joined-*' | wc -l) >= $6)); do /bin/sleep 0.02; done
            exit "$WAIT"
        fi
        echo "launch $$" >>"$PLACE/rays"
        trap 'exit 130' TERM
        touch "$PLACE/launching"
        until [[ $LAUNCH != stay ]]; do /bin/sleep 0.02; done
        [[ -z $DIES_LATER ]] || until grep -q "^gone" "$SAID"; do /bin/sleep 0.02; done
        exit "$LAUNCH"
    """,
    "scontrol": """
        echo "scontrol $*" >>"$SAID"
        [[ $1 != show ]] || printf '%s\\n' $NODES
    """,
    "getent": 'echo "127.0.1.1 STREAM $2"; echo "10.0.0.1 STREAM $2"',
    "sleep": "exec /bin/sleep 0.02",
}


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a job went."""

    status: int
    said: list[str]
    """What the fakes were called with, in order."""
    log: str
    folder: Path

    def calls(self, command: str) -> list[str]:
        return [line.removeprefix(f"{command} ") for line in self.said if line.startswith(f"{command} ")]


class Job:
    """A running job."""

    def __init__(self, script: Path, place: Path, settings: dict[str, str]) -> None:
        self.place = place
        self.log = place / "log"
        defaults = {"DIES_AT_ONCE": "", "DIES_LATER": "", "WAIT": "0", "NEVER": "0", "LAUNCH": "0"}
        environment = {
            **os.environ, **defaults, "PATH": f"{place / 'bin'}:{os.environ['PATH']}", "PLACE": str(place),
            "SAID": str(place / "said"), "SLURM_JOB_ID": "4711", "SLURM_JOB_NODELIST": "n[1-3]",
            "SLURM_CPUS_PER_TASK": "8", **settings,
        }  # fmt: skip
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["bash", str(script)], cwd=place, env=environment, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def until(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not happened():
            assert time.monotonic() < deadline, self.log.read_text()
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.01)

    def end(self) -> Ended:
        status = self.process.wait(timeout=30)
        said = (self.place / "said").read_text().splitlines()
        return Ended(status=status, said=said, log=self.log.read_text(), folder=self.place / "study-4711")


Start = Callable[..., Job]


@pytest.fixture
def start(study: Type, tmp_path: Path) -> Iterator[Start]:
    """`start("--nodes", "3", LAUNCH="1")` writes a script with these options and runs it among these fakes."""
    fake_commands.write(tmp_path / "bin", FAKES)
    jobs = []

    def started(*options: str, **settings: str) -> Job:
        answer = study("cluster", "template", "slurm", "grid_tifs", "--store", "/nfs/store", *options, "-o", "job.sh")
        assert answer.exit_code == 0, answer.stderr
        nodes = " ".join(f"n{i + 1}" for i in range(int(options[options.index("--nodes") + 1])))
        jobs.append(Job(tmp_path / "job.sh", tmp_path, {"NODES": nodes, **settings}))
        return jobs[-1]

    yield started
    for job in jobs:
        if job.process.poll() is None:
            job.process.kill()
    assert not left(tmp_path)


def left(place: Path) -> list[str]:
    """Rays and launches that outlived the job."""
    known = (place / "rays").read_text().split("\n")[:-1] if (place / "rays").exists() else []
    return [line for line in known if psutil.pid_exists(int(line.split()[1]))]


@pytest.mark.parametrize("nodes", [1, 3])
def test_ray_on_every_node_of_the_job(start: Start, nodes: int) -> None:
    ended = start("--nodes", str(nodes), "--gpus", "4", "--cpus", "8", "--memory", "200").end()
    assert ended.status == 0, ended.log
    assert "--nodelist=n1" in ended.calls("srun")[0]
    rays = ended.calls("ray")
    assert sorted(ray.split()[0] for ray in rays) == [f"n{i + 1}" for i in range(nodes)]
    assert all(ray.split()[1:3] == ["600", "token"] for ray in rays)
    assert all("--num-cpus=8 --num-gpus=4 --memory=193273528320 " in ray for ray in rays), "nine tenths of 200 GiB"
    (head,) = [ray for ray in rays if " --head " in ray]
    port = re.search(r" --port=(\d+)", head)
    assert port is not None
    assert "--node-ip-address=10.0.0.1" in head
    address = f"10.0.0.1:{port[1]}"
    assert sum(f"--address={address}" in ray for ray in rays) == nodes - 1
    waits = [call for call in ended.calls("study") if call.startswith("cluster wait")]
    assert waits == [f"cluster wait --address {address} --nodes {n} --minutes 10" for n in dict.fromkeys((1, nodes))]
    assert ended.calls("study")[-1] == f"launch grid_tifs --address {address} --store /nfs/store"
    assert sorted(ended.calls("ended")) == [f"n{i + 1}" for i in range(nodes)]
    assert ended.said.index(f"study {ended.calls('study')[-1]}") < ended.said.index("ended n1")
    assert ended.said[-1] == f"srun --nodes={nodes} --ntasks={nodes} rm -rf /tmp/ray-4711"


@pytest.mark.parametrize("client", [False, True])
def test_ports_are_this_jobs_own(start: Start, tmp_path: Path, client: bool) -> None:
    """One more where ray[client] is installed, which is so where grpc is: elsewhere Ray refuses the option."""
    (tmp_path / "libraries" / "grpc").mkdir(parents=True)
    (tmp_path / "libraries" / "grpc" / "__init__.py").touch()
    libraries = {"PYTHONPATH": str(tmp_path / "libraries")} if client else {}
    (head,) = start("--nodes", "1", **libraries).end().calls("ray")
    ports = re.findall(r"--(?:port|ray-client-server-port|dashboard-port)=(\d+)", head)
    assert len(set(ports)) == len(ports) == 2 + client
    assert ("--ray-client-server-port=" in head) is client
    assert not {"6379", "10001", "8265"} & set(ports)
    assert all(f"--{name}=0" in head for name in ("min-worker-port", "max-worker-port", "dashboard-agent-listen-port"))
    assert "--temp-dir=/tmp/ray-4711" in head


def test_the_token_is_the_owners_alone_and_goes_with_the_job(start: Start) -> None:
    job = start("--nodes", "1", LAUNCH="stay")
    job.until((job.place / "launching").exists)
    token = job.place / "study-4711" / "token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert stat.S_IMODE(token.parent.stat().st_mode) == 0o700
    assert re.fullmatch("[0-9a-f]{64}", token.read_text())
    job.process.send_signal(signal.SIGTERM)
    job.end()
    assert not token.exists()


@pytest.mark.parametrize("status", [1, 2, 3])
def test_the_launchs_exit_status_is_the_jobs(start: Start, status: int) -> None:
    ended = start("--nodes", "1", LAUNCH=str(status)).end()
    assert ended.status == status
    assert f"The job ends with status {status}" in ended.log
    assert "Ray's own logs are in /tmp/ray-4711 on each node" in ended.log
    assert not [call for call in ended.calls("srun") if " rm " in call]


def test_a_node_that_never_joins_ends_the_job_and_is_named(start: Start) -> None:
    ended = start("--nodes", "3", DIES_AT_ONCE="n2").end()
    assert ended.status == 1
    assert re.search(r"Ray on n2 ended; the last lines of .*/ray-n2.log:\nno memory left\n", ended.log)
    assert not [call for call in ended.calls("study") if call.startswith("launch")]


def test_a_node_that_is_lost_later_does_not_end_the_job(start: Start) -> None:
    ended = start("--nodes", "3", DIES_LATER="n3").end()
    assert ended.status == 0
    assert ended.calls("gone") == ["n3"]
    assert sorted(ended.calls("ended")) == ["n1", "n2"]


def test_nodes_that_do_not_join_in_time_end_the_job(start: Start) -> None:
    ended = start("--nodes", "1", WAIT="1").end()
    assert ended.status == 1
    assert not [call for call in ended.calls("study") if call.startswith("launch")]


@pytest.mark.parametrize(
    ("number", "options", "requeued"),
    [
        (signal.SIGUSR1, (), ["requeue 4711"]),
        (signal.SIGUSR1, ("--no-requeue",), []),
        (signal.SIGTERM, (), []),
        (signal.SIGINT, (), []),
    ],
)
def test_a_signal_stops_the_launch_and_only_the_time_limit_queues_the_job_again(
    start: Start, number: signal.Signals, options: tuple[str, ...], requeued: list[str]
) -> None:
    job = start("--nodes", "3", *options, LAUNCH="stay")
    job.until((job.place / "launching").exists)
    job.process.send_signal(number)
    ended = job.end()
    assert ended.status == 130, ended.log
    assert [call for call in ended.calls("scontrol") if call.startswith("requeue")] == requeued
    assert sorted(ended.calls("ended")) == ["n1", "n2", "n3"]


def test_a_signal_before_the_nodes_have_joined_launches_nothing(start: Start) -> None:
    job = start("--nodes", "3", NEVER="3")
    job.until(lambda: (job.place / "joined-n2").exists())
    job.process.send_signal(signal.SIGUSR1)
    ended = job.end()
    assert ended.status == 130, ended.log
    assert ended.calls("scontrol")[-1] == "requeue 4711"
    assert not [call for call in ended.calls("study") if call.startswith("launch")]


def test_other_nodes_than_were_asked_for_are_refused(start: Start) -> None:
    ended = start("--nodes", "3", NODES="n1 n2").end()
    assert ended.status == 1
    assert "Slurm gave 2 nodes, 3 were asked for" in ended.log
    assert not ended.calls("srun")
