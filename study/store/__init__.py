"""The store: specs, checkpoints and result tables, on a local disk or an object store."""

from study.store.errors import CorruptObjectError, HeldError, StoreError, SupersededError
from study.store.heartbeat import Heartbeat
from study.store.launches import Launch
from study.store.leases import Held, Lease
from study.store.owners import Owner
from study.store.rows import AttemptRow
from study.store.schemas import RESULTS
from study.store.store import Committed, Store

__all__ = [
    "RESULTS",
    "AttemptRow",
    "Committed",
    "CorruptObjectError",
    "Heartbeat",
    "Held",
    "HeldError",
    "Launch",
    "Lease",
    "Owner",
    "Store",
    "StoreError",
    "SupersededError",
]
