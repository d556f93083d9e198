"""What can be wrong with a store, said to the person at the keyboard."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from study.store.owners import Owner


class StoreError(ValueError):
    """A store that cannot be used as asked; the message says where, why and what to do."""


class StorageError(StoreError, OSError):
    """Storage that does not answer, or answers with errors, for longer than a store waits: what may pass, as any
    OSError may, but not soon."""


class CorruptObjectError(StoreError):
    """An object in the store that cannot be read. Never skipped: leaving it out would change results unseen."""

    def __init__(self, address: str, rule: str, way_out: str) -> None:
        super().__init__(address, rule, way_out)
        self.address = address
        self.rule = rule

    def __str__(self) -> str:
        address, rule, way_out = self.args
        return f"{address}: {rule}. {way_out}"


class HeldError(Exception):
    """Somebody else holds the lease."""

    def __init__(self, name: str, owner: "Owner", since: str) -> None:
        super().__init__(name, owner, since)
        self.name = name
        self.owner = owner
        self.since = since
        """UTC, ISO 8601, by the holder's clock: to be shown, not reckoned with."""

    def __str__(self) -> str:
        return f"{self.name} is held by {self.owner} since {self.since}"


class SupersededError(Exception):
    """This holder's lease has ended: it was released, or taken over by another after its heartbeat stopped."""

    def __init__(self, name: str, generation: int) -> None:
        super().__init__(name, generation)

    def __str__(self) -> str:
        name, generation = self.args
        return f"the lease on {name} (generation {generation}) has ended; nothing may be written under it any more"
