"""Faults: the folder is the list of kinds. Each does to a study what befalls it on real machines."""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import ClassVar, Literal

from study.chaos.launching import Launch
from study.chaos.nodes import Cluster, Need
from study.chaos.watching import UnitUnderWay
from study.store import Store

Refused = Literal["writes", "deletions"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where studies are disturbed."""

    store: str
    """A path or URL: of the store that keeps the verdicts, below which every run has one of its own."""
    address: str | None
    """A cluster of the user's; None: what is made for the purpose."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A study under way."""

    store: Store
    launch: Launch
    cluster: Cluster | None
    """Made for the purpose; None: the launch's own Ray, or a cluster of the user's."""
    address: str | None
    luck: Random


@dataclass(frozen=True, kw_only=True)
class Struck:
    """What was done."""

    fault: str
    """In words."""
    hit: Sequence[UnitUnderWay]
    """What was under way there; empty: nothing was, after all."""
    seconds: float = 0.0
    """How long it lasts."""
    stands_still: bool = False
    """Whether those hit do nothing for so long."""
    heal: Callable[[], None] = lambda: None
    """Ends it, once."""


class Fault(ABC):
    """One kind."""

    need: ClassVar[Need] = "own Ray"
    """Where the launch runs, unless it is a cluster of the user's."""
    relaunches: ClassVar[bool] = False
    """Whether it ends the launch, so that another has to go on."""
    kills: ClassVar[bool] = True
    """Whether workers hit are gone for good, and cannot tidy after themselves."""
    refuses: ClassVar[Collection[Refused]] = ()
    """What storage does not do meanwhile."""
    period: ClassVar[float] = 0.0
    """Seconds for which a unit that is hit may go on without anything to say or to save, and notice nothing."""
    warning: ClassVar[str] = ""
    """What it would do to a cluster of the user's, to be confirmed."""

    def lacking(self, place: Place) -> str | None:
        """Why it cannot be done here, and what to do; None if it can."""
        return None

    @contextmanager
    def staged(self, store: str) -> Iterator[None]:
        """While a run lasts: what its store, a folder not made yet, must lie on."""
        yield

    @abstractmethod
    def strike(self, scene: Scene, units: Sequence[UnitUnderWay]) -> Struck:
        """Do it; `units` are under way."""


def faults() -> dict[str, Fault]:
    """By kind, in the order in which they are told."""
    names = sorted((one.name for one in pkgutil.iter_modules(__path__)), key=_rank)
    return {name: importlib.import_module(f"{__name__}.{name}").FAULT for name in names}


ORDER = ("driver", "worker", "node", "network", "disk", "storage")


def _rank(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)
