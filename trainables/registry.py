"""The folder is the registry: `trainables/methods/bang.py` is `method: bang`."""

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from trainables.parameters import Parameterised, complete
from trainables.recipe import Component

T = TypeVar("T", bound=Parameterised)


class UnknownNameError(ValueError):
    """A name that no file answers to; says what was meant, most likely."""


@dataclass(frozen=True)
class Registry(Generic[T]):
    """The components of one package, one a module, found by the module's name."""

    kind: str
    package: str
    base: type[T]

    def names(self) -> tuple[str, ...]:
        """Every registered name, sorted; nothing is imported."""
        folder = importlib.import_module(self.package).__path__
        return tuple(sorted(module.name for module in pkgutil.iter_modules(folder)))

    def get(self, name: str) -> type[T]:
        """The class that `name` stands for; raises UnknownNameError."""
        if name not in self.names():
            raise UnknownNameError(self._unknown(name))
        module = importlib.import_module(f"{self.package}.{name}")
        found = [
            member
            for member in vars(module).values()
            if inspect.isclass(member) and issubclass(member, self.base) and member.__module__ == module.__name__
            and not inspect.isabstract(member)
        ]  # fmt: skip
        assert len(found) == 1, f"{module.__name__} must define exactly one {self.base.__name__}, found {found}"
        return found[0]

    def all(self) -> dict[str, type[T]]:
        return {name: self.get(name) for name in self.names()}

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.names(), n=1, cutoff=0.5)
        meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(self.names())}"
        return f"no {self.kind} is called {name!r}; {meant}"


def one_of(kind: str, known: Mapping[str, type[T]], component: Component) -> T:
    """What a recipe names among a few that share a file; raises ValueError on an unknown name or a bad parameter."""
    if component.name not in known:
        raise UnknownNameError(f"no {kind} is called {component.name!r}; there are {', '.join(known)}")
    found = known[component.name]
    return found(**complete(found, component.parameters))
