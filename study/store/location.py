"""Where a store is, when nobody says, and what it takes to reach it."""

import os
from collections.abc import Mapping

from study.store.errors import StoreError
from study.tracking_uri import shown

DEFAULT_STORE = "./study-store"
VARIABLE = "STUDY_STORE"
S3_ACCESS = (
    "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
)  # fmt: skip
"""What a user sets for S3-compatible storage. Machines with a role of their own need none of them."""


def store_location(given: str | None) -> str:
    """What is given, else $STUDY_STORE, else ./study-store; raises StoreError where it holds credentials."""
    location = given or os.environ.get(VARIABLE) or DEFAULT_STORE
    if (hidden := shown(location)) != location:
        raise StoreError(
            f"{hidden}: a store's address is shown and written down, and holds no user, password or token; set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or what the storage's own client reads"
        )
    return location


def access(location: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables that a process elsewhere needs as they are here, to reach the store.

    They travel with the store, as an object that Ray hands to workers, and not in Ray's runtime environment, which is
    logged.
    """
    names = S3_ACCESS if location.startswith(("s3://", "s3a://")) else ()
    return {name: environment[name] for name in names if name in environment}
