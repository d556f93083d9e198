"""Where a store is, when nobody says, and what it takes to reach it."""

import os
import re
from collections.abc import Mapping

from study.store.errors import StoreError
from study.store.objects import EXCLUSIVE, LOCAL
from study.tracking_uri import shown

DEFAULT_STORE = "./study-store"
VARIABLE = "STUDY_STORE"
URL = re.compile(r"([A-Za-z0-9]+):(/*)(.*)", re.DOTALL)
"""Kind, slashes, and what comes after them."""
S3_ACCESS = (
    "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
)  # fmt: skip
"""What a user sets for S3-compatible storage. Machines with a role of their own need none of them."""


def store_location(given: str | None) -> str:
    """What is given, else $STUDY_STORE, else ./study-store; raises StoreError where it holds credentials, or is a
    URL that is misspelt."""
    location = given or os.environ.get(VARIABLE) or DEFAULT_STORE
    if "://" in location and (hidden := shown(location)) != location:
        raise StoreError(
            f"{hidden}: a store's address is shown and written down, and holds no user, password or token; set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or what the storage's own client reads"
        )
    wrong = _misspelt(location)
    if wrong is not None:
        raise StoreError(f"{location}: {wrong}")
    return location


def _misspelt(location: str) -> str | None:
    """What is wrong with a place that was meant to be a URL, and the way out; None if nothing is."""
    found = URL.fullmatch(location)
    if found is None or found[1].lower() not in EXCLUSIVE | LOCAL:
        return None
    kind, slashes, rest = found[1].lower(), found[2], found[3]
    meant = f"{kind}://{rest}" if kind in EXCLUSIVE else f"{slashes[:1]}{rest}"
    if len(slashes) < 2:
        return (
            f"this would be a folder called {found[1]}: in this one; write {meant}, or ./{location} for such a folder"
        )
    if kind != found[1]:
        return f"{found[1]}:// is written with small letters here; write {meant}"
    if kind in EXCLUSIVE - {"memory"} and (len(slashes) > 2 or not rest):
        return f"the bucket is missing; write {kind}://BUCKET or {kind}://BUCKET/FOLDER"
    return None


def access(location: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables that a process elsewhere needs as they are here, to reach the store.

    They travel with the store, as an object that Ray hands to workers, and not in Ray's runtime environment, which is
    logged.
    """
    names = S3_ACCESS if location.startswith(("s3://", "s3a://")) else ()
    return {name: environment[name] for name in names if name in environment}
