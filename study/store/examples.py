"""Examples: the first test image as a condition shows it, a small PNG each, to illustrate a figure's axis with.

    results/examples/<condition_id>.png                what a distortion makes of it, for every model
    results/examples/<condition_id>.<trial_id>.png     what an attack on that trial's model makes of it

They are no result: nothing waits for them, and a store may have none.
"""

from study.store.objects import Objects

FOLDER = "results/examples"
SUFFIX = ".png"


def example_name(condition_id: str, trial_id: str | None = None) -> str:
    """What the example is kept under; `trial_id` for an attack."""
    return condition_id if trial_id is None else f"{condition_id}.{trial_id}"


def names(objects: Objects) -> frozenset[str]:
    """Those that are there."""
    return frozenset(name.removesuffix(SUFFIX) for name in objects.children(FOLDER) if name.endswith(SUFFIX))


def keep(objects: Objects, name: str, png: bytes) -> None:
    """Write it, once: whoever wrote it before wrote the same."""
    objects.create(f"{FOLDER}/{name}{SUFFIX}", png, durable=False)


def read(objects: Objects, name: str) -> bytes:
    """The PNG; raises FileNotFoundError."""
    return objects.get(f"{FOLDER}/{name}{SUFFIX}")
