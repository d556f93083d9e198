"""Ray jobs: a launch that runs on a cluster's head, whatever becomes of the terminal that submitted it."""

import asyncio
import contextlib
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ray.exceptions import AuthenticationError, RayError
from ray.job_submission import JobDetails, JobStatus, JobSubmissionClient

from study.executor.cluster import EXCLUDES, ClusterError
from study.executor.libraries import to_install
from study.tracking_uri import shown, unproxied

START = "start.sh"
ENTRYPOINT = f"exec sh {START}"
STARTING = r"""# Starts a submitted launch with the Python of the head's Ray, which PATH need not lead to: a head
# started as /path/.venv/bin/ray has the PATH of whoever started it.  What runs a job is a worker of Ray, and its
# parent, the raylet, knows the command that starts workers.  Where there is no /proc, PATH has to do.
raylet=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$PPID/status" 2> /dev/null)
python=$({ tr '\0' '\n' < "/proc/$raylet/cmdline"; } 2> /dev/null |
    sed -n 's/^--python_worker_command=\([^ ]*\) .*/\1/p')
[ -x "$python" ] || python=$(command -v python || command -v python3)
if ! "${python:-python}" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("ray") is None)'; then
    echo "the launch cannot begin: the Python found on $(uname -n), ${python:-none}, has no Ray;" \
        'start the head with its own environment first on the PATH, as in' \
        'PATH=/path/to/.venv/bin:$PATH /path/to/.venv/bin/ray start --head' >&2
    exit 2
fi
exec "$python" -m study.cli.job
"""
STARTING_INSTALLED = "exec python -m study.cli.job\n"
"""The same in an environment that Ray made, which the PATH begins with."""
STARTS = "Running entrypoint for job "
"""How Ray begins the line after which a job's own words come."""
TALKATIVE = (
    "ray.dashboard.modules.dashboard_sdk", "ray.dashboard.modules.job.sdk", "ray._private.runtime_env.packaging",
)  # fmt: skip
"""Ray's loggers of what it uploads and when connections close."""
STOP_SECONDS = "120"
"""How long Ray lets a job that `ray job stop` ends finish its slices, before it kills it."""
LAST_LINES = 20
"""Shown of a job that failed where nobody watched."""
LOOK_SECONDS = 2.0
STARTING_UP = "No available agent to submit job"
"""What Ray says of a head whose dashboard is up and whose other processes are not yet."""
REACH_SECONDS = 60.0
"""For how long a head that no longer answers is asked again."""
NAMED_ELSEWHERE = ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")
"""Variables that Ray would heed rather than the address that was typed."""
PLACES = (
    "STUDY_DATA", "MLFLOW_TRACKING_URI", "MLFLOW_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3",
    "AWS_REGION", "AWS_DEFAULT_REGION", "GOOGLE_CLOUD_PROJECT",
)  # fmt: skip
"""Variables that say where things are. Those that hold secrets are never passed on: whoever sees Ray's dashboard sees a
job's variables."""


def job_name(study: str) -> str:
    """Of a job that is to launch `study`, now."""
    return f"study-{study}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A submitted launch."""

    job_id: str
    address: str
    """`http://head:8265`"""


class Jobs:
    """The jobs of the cluster whose dashboard is at `address`; raises ClusterError where it does not answer."""

    def __init__(self, address: str) -> None:
        if not address.startswith(("http://", "https://")):
            raise ClusterError(
                f"--submit {address}: give the address of the head's dashboard, as in http://head:8265; with host:port "
                "or `auto`, --address launches from here"
            )
        self.address = address
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        with _asking(address):
            self.client = JobSubmissionClient(address)

    def submit(
        self, name: str, study: str, folder: Path, code: list[str], places: Mapping[str, str], install: bool
    ) -> Job:
        """Run ENTRYPOINT on the head, in a copy of `folder`, with copies of the packages in `code`; `install`: in an
        environment that has this machine's libraries."""
        (folder / START).write_text(STARTING_INSTALLED if install else STARTING, encoding="utf-8")
        shipped = {
            **(to_install() if install else {}),
            "working_dir": str(folder),
            "py_modules": code,
            "excludes": EXCLUDES,
            "env_vars": {**places, "RAY_JOB_STOP_WAIT_TIME_S": STOP_SECONDS},
        }
        deadline = time.monotonic() + REACH_SECONDS
        while True:
            try:
                with _asking(self.address):
                    job_id = self.client.submit_job(
                        entrypoint=ENTRYPOINT, submission_id=name, runtime_env=shipped, metadata={"study": study}
                    )
                return Job(job_id=str(job_id), address=self.address)
            except ClusterError as error:
                if STARTING_UP not in str(error) or time.monotonic() > deadline:
                    raise
            time.sleep(LOOK_SECONDS)

    def ended(self, job: Job, say: Callable[[str], None]) -> int | None:
        """The exit status of a job that has ended, whose last lines are said; None of one that has not.

        Raises ClusterError where the head is out of reach.
        """
        details = self._details(job)
        if not JobStatus(details.status).is_terminal():
            return None
        lines: list[str] = []
        told = Told(lines.append)
        told.rest(self._whole(job))
        status = _status(details, told)
        for line in lines[-LAST_LINES:]:
            say(line)
        return status

    def follow(self, job: Job, say: Callable[[str], None]) -> int:
        """`say` what the job prints, until it has ended; its exit status, 1 where it was killed or never started.

        Raises ClusterError where the head is out of reach for REACH_SECONDS.
        """
        told = Told(say)
        reached = time.monotonic()
        while True:
            try:
                asyncio.run(self._tail(job, told))
                details = self._details(job)
                reached = time.monotonic()
            except (OSError, RuntimeError, RayError, ClusterError) as error:
                if time.monotonic() - reached > REACH_SECONDS:
                    raise ClusterError(
                        f"{self.address} has not answered for {REACH_SECONDS:.0f} s ({error})"
                    ) from error
                details = None
            if details is not None and JobStatus(details.status).is_terminal():
                told.rest(self._whole(job))
                return _status(details, told)
            time.sleep(LOOK_SECONDS)

    async def _tail(self, job: Job, told: "Told") -> None:
        """Everything from the beginning: what was said before is passed over."""
        told.again()
        async for text in self.client.tail_job_logs(job.job_id):
            told.heard(text)

    def _details(self, job: Job) -> JobDetails:
        with _asking(self.address):
            return self.client.get_job_info(job.job_id)

    def _whole(self, job: Job) -> str:
        with contextlib.suppress(ClusterError), _asking(self.address):
            return str(self.client.get_job_logs(job.job_id))
        return ""


class Told:
    """What a job has printed, said line by line and once, from its own first line on."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.lines = 0
        """Whole lines that were said or passed over."""
        self.begun = False
        self._text, self._seen = "", 0

    def again(self) -> None:
        """The text is about to be heard from its beginning."""
        self._text, self._seen = "", 0

    def heard(self, text: str) -> None:
        self._text += text
        *whole, self._text = self._text.split("\n")
        for line in whole:
            self._seen += 1
            if self._seen > self.lines:
                self._line(line)

    def rest(self, whole: str) -> None:
        """The text to its end, of a job that has ended."""
        self.again()
        self.heard(whole if whole.endswith("\n") or not whole else f"{whole}\n")

    def _line(self, line: str) -> None:
        self.lines += 1
        if self.begun:
            self.say(line)
        self.begun = self.begun or line.startswith(STARTS)


def _status(details: JobDetails, told: Told) -> int:
    code = details.driver_exit_code
    if code is not None and code >= 0 and told.begun:
        return int(code)
    why = " ".join(str(details.message or "").split())
    told.say(f"Ray ended the job: {str(details.status).lower()}{': ' + why if why else ''}")
    return 1


@contextlib.contextmanager
def _asking(address: str) -> Iterator[None]:
    """Where the head's dashboard does not answer, or refuses, ClusterError says so."""
    kept = {name: os.environ.pop(name) for name in NAMED_ELSEWHERE if name in os.environ}
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = unproxied(os.environ)
    try:
        yield
    except AuthenticationError as error:
        raise ClusterError(
            f"--submit {address}: the cluster asks for its token, and {_token()}; set RAY_AUTH_MODE=token, and "
            "RAY_AUTH_TOKEN_PATH to a file with the head's token"
        ) from error
    except OSError as error:  # that of requests too
        raise ClusterError(
            f"--submit {address}: no dashboard answers there; the head needs one (pip install 'ray[default]', and "
            "`ray start --head` without --include-dashboard=false), and it listens on the head alone unless "
            "--dashboard-host says otherwise: ssh -L 8265:localhost:8265 HEAD brings it here"
        ) from error
    except RuntimeError as error:
        if "ray[default]" in str(error):
            told = "submitting needs what is not installed here: pip install 'robustness-study[cluster]'"
            raise ClusterError(told) from error
        raise ClusterError(f"--submit {address}: {' '.join(str(error).split())[:500]}") from error
    finally:
        os.environ.update(kept)


def _token() -> str:
    return "this one is another" if os.environ.get("RAY_AUTH_MODE") == "token" else "none is given here"


def places(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that say where things are, as they are passed on; raises ClusterError for one that has a secret in
    it, or that means something else on the head."""
    found = {name: environment[name] for name in PLACES if environment.get(name)}
    for name, value in found.items():
        if shown(value) != value:
            raise ClusterError(
                f"${name} has a user, password or token in it, and whoever sees Ray's dashboard sees a job's variables"
                "; leave it out of the address, and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or the "
                "variable itself, where the cluster's nodes get their environment"
            )
    data = found.get("STUDY_DATA")
    if data is not None and not Path(data).is_absolute():
        raise ClusterError(f"$STUDY_DATA is {data}, which means another folder on the head; give the whole path")
    return found
