"""`python -m study.cli.follow STORE STUDY`: the process that keeps MLflow up to date while a launch is at work."""

import os
import sys

from study.cli.tracking import renderers
from study.store import Store
from study.store.sharing import share_all
from study.tracking.follower import run


def main() -> None:
    """Told by the launch over stdin, tells it over what stdout was; whatever libraries print goes nowhere."""
    location, study = sys.argv[1:]
    with os.fdopen(os.dup(1), "wb", buffering=0) as outbox:
        os.dup2(2, 1)
        store = Store.open(location, create=False)
        share_all(store.root)
        done = run(store, study, renderers(), sys.stdin.buffer, outbox)
    os._exit(0 if done else 1)  # without waiting for threads that a server keeps waiting


if __name__ == "__main__":
    main()
