"""The libraries that a launch stands on, as this machine has them: for nodes of a cluster that have Ray alone."""

from collections.abc import Iterator
from importlib import metadata
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PACKAGE = "robustness-study"
OF_THE_CLUSTER = "ray"
"""Every node has it, and of one version."""
NOT_OF_STUDIES = frozenset({"bench", "cluster", "dev"})
"""Extras that no trial needs."""
SETUP_SECONDS = 3600
"""How long a node may take to install them."""


def to_install() -> dict[str, Any]:
    """What Ray is told of a job, so that each node installs them before it takes anything up (its `uv` plugin).

    Raises importlib.metadata.PackageNotFoundError where this package itself is not installed.
    """
    packages = {"packages": list(pinned()), "uv_pip_install_options": []}  # with uv's cache, which Ray leaves out
    return {"uv": packages, "config": {"setup_timeout_seconds": SETUP_SECONDS}}


def pinned() -> tuple[str, ...]:
    """`name==version` of each that is installed here, its needs after it, but for Ray and what only Ray needs."""
    extras = set(metadata.metadata(PACKAGE).get_all("Provides-Extra") or ()) - NOT_OF_STUDIES
    whole = [extra for extra in extras if all(_version(one.name) for one in _needs(PACKAGE, extra))]
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    left = [one for extra in (None, *whole) for one in _needs(PACKAGE, extra)]
    while left:
        need = left.pop()
        name, version = canonicalize_name(need.name), _version(need.name)
        if version is None or (name, asked := frozenset(need.extras)) in seen:
            continue
        seen.add((name, asked))
        if name != OF_THE_CLUSTER:
            found[name] = f"{name}=={version}"
            left += _needs(name)
        left += (one for extra in asked for one in _needs(name, extra))
    return tuple(found[name] for name in sorted(found))


def _needs(name: str, extra: str | None = None) -> Iterator[Requirement]:
    """What a distribution needs on this platform: without extras, or for one of them alone."""
    for need in map(Requirement, metadata.requires(name) or ()):
        of_none, of_this = (need.marker is None or need.marker.evaluate({"extra": one or ""}) for one in (None, extra))
        if of_none if extra is None else of_this and not of_none:
            yield need


def _version(name: str) -> str | None:
    """As an index knows it: without the suffix of a build, such as torch's +cu130."""
    try:
        return Version(metadata.version(name)).public
    except metadata.PackageNotFoundError:
        return None
