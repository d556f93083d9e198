"""A lease kept alive by a thread, whatever its holder is busy with."""

import threading
import time
from collections.abc import Callable

from study.store.errors import StoreError, SupersededError
from study.store.leases import Lease

RELEASE_SECONDS = 0.5
"""Between attempts at giving back a lease."""


class Heartbeat:
    """Renews `lease` four times a `ttl`, from now until `stop`.

    A renewal that fails, whatever storage says, is left to the next one. One that finds the lease taken over ends the
    thread: `check` raises from then on, and `when_lost` is called, in the thread. So is `at_beat`, after each renewal.
    """

    def __init__(self, lease: Lease, when_lost: Callable[[], None] = lambda: None) -> None:
        self.lease = lease
        self.when_lost = when_lost
        self.at_beat: Callable[[], None] = lambda: None
        self.lost: SupersededError | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease on {lease.name}", daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        while self.lost is None and not self._ended.wait(self.lease.ttl / 4):
            try:
                self.lease.renew()
                self.at_beat()
            except SupersededError as superseded:
                self.lost = superseded
                self.when_lost()
            except Exception:  # noqa: BLE001  (without a beat others would take what this process is busy with)
                continue

    def check(self) -> None:
        """Raise SupersededError if the lease was seen to be gone."""
        if self.lost is not None:
            raise self.lost

    def stop(self) -> None:
        """Beat no more, and give the lease back if it is still held: later, if storage refuses that now."""
        self._ended.set()
        self._thread.join()
        if self.lost is None and not self._given_back():
            threading.Thread(target=self._give_back, name=f"lease on {self.lease.name}", daemon=True).start()

    def _give_back(self) -> None:
        """For as long as this process lives: it would count as the holder until it ends."""
        while not self._given_back():
            time.sleep(RELEASE_SECONDS)

    def _given_back(self) -> bool:
        try:
            self.lease.release()
        except (StoreError, OSError):
            return False
        return True
