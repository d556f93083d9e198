"""Everything that orchestrates: spec, plan, executor, store, query, command line; and the door for notebooks.

from study import open_study

open_study("demo_mnist").bands("gaussian_noise").to_pandas()
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from study.notebook import Study, open_study

__all__ = ["Study", "open_study"]


def __getattr__(name: str) -> Any:
    """What a notebook needs is imported when it is asked for, so that `import study` stays light."""
    if name in __all__:
        from study import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
