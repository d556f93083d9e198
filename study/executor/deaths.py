"""What is known of a worker that died: why, where, and its last words.

Ray tells its process, its node's address and, where it left through Python's exit, its exit code. Of a signal Ray knows
nothing; a worker that crashed has written it, with the stack, to its standard error, which is a file of the session on
its node. One that was killed (kill -9, the kernel out of memory) or left through `os._exit` says nothing.
"""

import re
from pathlib import Path

import ray
from ray._private import worker as ray_worker
from ray.exceptions import ActorDiedError, RayActorError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.executor.failures import FATAL, Death
from trainables.tune import FailureClass

TAIL_BYTES = 64 * 2**10
TAIL_LINES = 80
"""Of a worker's standard error that are kept."""
READ_SECONDS = 10.0
"""How long another node may take to hand the file over."""
NOT_ITS_OWN = re.compile(r":(job_id|actor_name|task_name):|\[[^\]]* E \d+ \d+\] logging\.cc|Extension modules: ")
"""Begins lines that Ray's logging needs, that Ray writes a second time, or that list what Python had imported."""
SIGNALS = {
    "Segmentation fault": "SIGSEGV", "Aborted": "SIGABRT", "Bus error": "SIGBUS", "Illegal instruction": "SIGILL",
    "Floating-point exception": "SIGFPE",
}  # fmt: skip
"""By Python's word for it."""
OUT_OF_MEMORY = ("(OOM)", "OutOfMemory", "low on memory", "std::bad_alloc", "MemoryError", "annot allocate memory")


def death(error: Exception) -> Death:
    """What ended a worker, from Ray's error and, where its node is there, its standard error."""
    told = str(error)
    pid, address = _told(told, "pid"), _told(told, "ip")
    written = last_words(int(pid), address) if pid and address else ""
    host = next((node["NodeManagerHostname"] for node in _nodes() if node["NodeManagerAddress"] == address), address)
    place = f" (process {pid} on {host})" if pid else ""
    return Death(
        failure=death_class(error, written),
        error=f"worker died: {_reason(error, written)}{place}",
        host=host,
        last_words=written,
    )


def death_class(error: Exception, written: str) -> FailureClass:
    """Why a worker died: its node was taken away or memory ran out, or something else about the machine.

    `written` is the end of its standard error. A crash counts as the machine's, until it happens again in the same
    place: see `Run.died`.
    """
    if isinstance(error, RayActorError) and error.preempted:
        return "preempted"
    texts = (str(error), written)
    return "out_of_memory" if any(sign in text for sign in OUT_OF_MEMORY for text in texts) else "infrastructure"


def _reason(error: Exception, written: str) -> str:
    told = str(error)
    if isinstance(error, RayActorError) and error.preempted:
        return "its node was preempted"
    if signal := _signal(written):
        return signal
    if code := re.search(r"exits? with an exit code (\d+)", told):
        return f"exit code {code[1]}"
    if "End of file" in told:
        return "killed, or ended by os._exit (Ray does not know by which signal or exit code; kill -9 leaves no word)"
    lines = [line.strip() for line in told.strip().splitlines() if ":" not in line[:24]]
    said = [line for line in lines if line and line != ActorDiedError.BASE_ERROR_MSG] or lines
    return f"{type(error).__name__}: {said[0].partition('. ')[0] if said else 'its worker is gone'}"


def _signal(written: str) -> str:
    """`SIGSEGV`; empty if the worker did not write of one."""
    if received := re.search(r"\*\*\* (SIG[A-Z]+) received", written):
        return received[1]
    fatal = re.search(rf"{FATAL}: ([\w -]+)", written)
    return SIGNALS.get(fatal[1].strip(), "") if fatal else ""


def _told(text: str, name: str) -> str:
    """A field of Ray's message, which the exception has not as an attribute."""
    found = re.search(rf"^\s*{name}: (\S+)$", text, re.MULTILINE)
    return found[1] if found else ""


def _nodes() -> list[dict[str, str]]:
    return ray.nodes() if ray.is_initialized() else []  # type: ignore[no-untyped-call]


def last_words(pid: int, address: str) -> str:
    """The end of what a worker wrote to its standard error; empty if its node is gone or does not answer."""
    if not ray.is_initialized():
        return ""
    if address == ray.util.get_node_ip_address():  # type: ignore[no-untyped-call]
        return _tail(pid)
    nodes = [node for node in _nodes() if node["NodeManagerAddress"] == address and node["Alive"]]
    if not nodes:
        return ""
    there = NodeAffinitySchedulingStrategy(nodes[0]["NodeID"], soft=False)
    answer = ray.remote(num_cpus=0, max_retries=0)(_tail).options(scheduling_strategy=there).remote(pid)
    try:
        written: str = ray.get(answer, timeout=READ_SECONDS)
    except RayError:  # slow, or dying as the worker did
        ray.cancel(answer, force=True)
        return ""
    return written


def _tail(pid: int) -> str:
    """On the node of the worker that was `pid`."""
    node = ray_worker._global_node
    folder = Path(node.get_logs_dir_path()) if node is not None else Path()
    files = sorted(folder.glob(f"worker-*-{pid}.err"), key=lambda path: path.stat().st_mtime)
    return tail_of(files[-1]) if files else ""


def tail_of(path: Path) -> str:
    """The last TAIL_LINES lines of a worker's standard error that are its own."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        text = file.read().decode(errors="replace")
    lines = [line for line in text.splitlines() if not NOT_ITS_OWN.match(line)]
    return "\n".join(lines[-TAIL_LINES:]).strip()
