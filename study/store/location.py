"""Where a store is, when nobody says."""

import os

DEFAULT_STORE = "./study-store"
VARIABLE = "STUDY_STORE"


def store_location(given: str | None) -> str:
    """What is given, else $STUDY_STORE, else ./study-store."""
    return given or os.environ.get(VARIABLE) or DEFAULT_STORE
