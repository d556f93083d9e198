"""`python -m study.cli.job`: a submitted launch, as a cluster's head runs it. What it is to do lies beside it."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.cli.errors import STOPPED, CommandError, said

FILE = "launch.json"


@dataclass(frozen=True, kw_only=True)
class Handed:
    """What a terminal hands over, besides the study's text."""

    command: tuple[str, ...]
    """As it was typed there, for the record of the launch."""
    spec: str
    """The file with the study's text, overrides and all."""
    typed: str
    """What to type after `study launch`, to go on."""
    store: str
    meeting: str
    """An object of the store that the terminal has written."""
    options: Mapping[str, Any]
    """Of `LaunchOptions`."""


def main() -> int:
    """The launch; its exit status."""
    handed = Handed(**json.loads(Path(FILE).read_text(encoding="utf-8")))
    sys.argv = list(handed.command)
    os.environ["VIRTUAL_ENV"] = sys.prefix  # what to type next is typed elsewhere: no environment of this machine's
    try:
        return run(handed)
    except KeyboardInterrupt:
        return STOPPED
    except Exception as error:
        status = said(error)
        if status is None:
            raise
        return status


def run(handed: Handed) -> int:
    """Raises CommandError where this machine does not see the terminal's store."""
    from study.cli.launching import Typed, conduct
    from study.cli.terminal import terminal
    from study.launch import LaunchOptions
    from study.spec import load

    meet(handed)
    typed = Typed(again=f"launch {handed.typed}", spec=handed.typed)
    return conduct(load(handed.spec), typed, handed.store, LaunchOptions(**handed.options), terminal())


def meet(handed: Handed) -> None:
    """Know the store as the terminal's; raises CommandError if it is not."""
    from study.store import Store, StoreError

    try:
        store = Store.open(handed.store, create=False)
        met = store.objects.exists(handed.meeting)
    except (StoreError, OSError) as error:
        raise CommandError(f"the cluster's head cannot read the store {handed.store}: {error}; {WAY_OUT}") from error
    if not met:
        raise CommandError(
            f"{handed.store} on the cluster's head ({os.uname().nodename}) is not the store that the terminal wrote "
            f"into: {WAY_OUT}"
        )
    store.objects.delete(handed.meeting)


WAY_OUT = "give --store a folder that both share or a bucket (s3://…), whose credentials are in the nodes' environment"


if __name__ == "__main__":
    sys.exit(main())
