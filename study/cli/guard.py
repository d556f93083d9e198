"""`python -m study.cli.guard COMMAND…`: runs a command that must not outlive whoever started it.

A parent that is killed can clean up nothing, but its end of a pipe is closed: this process waits for that, and ends the
command with all that it has started: its process group.
"""

import os
import signal
import subprocess
import sys
import threading
from typing import BinaryIO

STOP_SECONDS = 5.0


def main() -> None:
    """As long as the command runs, or stdin is open; exits as the command does."""
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, lambda *_: None)  # meant for the group: the command ends, and then this does
    process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    ended = threading.Event()
    threading.Thread(target=_watch, args=(sys.stdin.buffer, ended), daemon=True).start()
    status = process.wait()
    ended.set()
    os._exit(status if status >= 0 else 128 - status)  # without waiting for stdin


def _watch(stream: BinaryIO, ended: threading.Event) -> None:
    """Once the stream ends, ask everything in the process group to end, and make it."""
    stream.read()
    os.killpg(0, signal.SIGTERM)
    ended.wait(STOP_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
