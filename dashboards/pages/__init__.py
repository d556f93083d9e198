"""Pages: one module each, with an `ORDER` and `page(results) -> Page | None`. The folder is the registry."""

import importlib
import pkgutil
from collections.abc import Iterator

from dashboards.parts import Page
from dashboards.results import Results


def names() -> tuple[str, ...]:
    """Every page's module, in the order of reading."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(found, key=lambda name: importlib.import_module(f"{__name__}.{name}").ORDER))


def pages(results: Results) -> Iterator[Page]:
    """Those that the study has something for."""
    for name in names():
        page: Page | None = importlib.import_module(f"{__name__}.{name}").page(results)
        if page is not None:
            yield page
