"""Provenance: who launched what, with which code, where and when. Recorded beside every launch."""

import getpass
import os
import platform
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path

from study.tracking_uri import SECRETS, shown

PACKAGES = ("robustness-study", "torch", "torchvision", "ray", "numpy", "pyarrow", "duckdb", "pydantic", "fsspec")
"""Distributions whose version may change a result or how it is stored."""
OPTIONAL = ("opencv-python-headless",)
"""Those that may, and that not every installation has."""

SECRET = re.compile(rf"(?i)({SECRETS})([=:])[^\s&,]+")


def provenance(arguments: Sequence[str] | None = None) -> dict[str, object]:
    """Everything a reader would ask of a launch that its spec does not say."""
    return {
        "command": command_line(sys.argv if arguments is None else arguments),
        "code": code(),
        "versions": versions(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "user": user(),
        "host": socket.gethostname(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def command_line(arguments: Sequence[str]) -> str:
    """The command as typed, quoted for a shell; secrets are starred out."""
    program, *rest = arguments or [""]
    return shlex.join([Path(program).name, *map(without_secrets, rest)])


def without_secrets(argument: str) -> str:
    return shown(SECRET.sub(r"\1\2***", argument))


def versions() -> dict[str, str | None]:
    """Installed version by distribution; None for one that is not installed."""
    return {package: _version(package) for package in (*PACKAGES, *OPTIONAL)}


def code(folder: Path | None = None) -> dict[str, object] | None:
    """The git commit of this package's sources and whether they differ from it; None where git does not track them."""
    source = folder or Path(__file__).resolve().parent
    if _git(source, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    commit = _git(source, "rev-parse", "HEAD")
    changed = _git(source.parent, "status", "--porcelain", "--", "study", "trainables", "search_spaces")
    return {"commit": commit, "dirty": bool(changed)}


def user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose uid has no entry in passwd
        return str(os.getuid())


@cache
def _version(package: str) -> str | None:
    """As this process has it loaded. Finding it reads a file of the installation, for every unit otherwise."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None where it is missing, refuses, or does not answer in five seconds."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
