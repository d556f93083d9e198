"""Work in threads: what reads an image releases Python's lock in all that takes time (decoding, scaling, hashing)."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")
AHEAD = 8
"""Items handed out per worker, so that none waits for the next."""


def in_parallel(work: Callable[[Item], Answer], items: Iterable[Item], workers: int) -> Generator[Answer]:
    """Answers as they come; raises what `work` raises. Left early, it waits only for what is being worked on."""
    waiting = iter(items)
    with ThreadPoolExecutor(workers) as threads:
        running = {threads.submit(work, one) for one in islice(waiting, AHEAD * workers)}
        try:
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {threads.submit(work, one) for one in islice(waiting, len(done))}
                for future in done:
                    yield future.result()
        finally:
            for future in running:
                future.cancel()
