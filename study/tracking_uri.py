"""Where runs are tracked: what MLflow takes as an address, and what of it may be shown."""

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ruamel.yaml import YAML

VARIABLE = "MLFLOW_TRACKING_URI"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SERVERS = ("http", "https", "databricks")
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
SEPARATOR = "://"
SCHEME = re.compile(r"([a-z][a-z0-9]*)(\+[a-z0-9]+)?(://\S*)?")
CREDENTIALS = re.compile(r"(?<=://)(?:[^\s/@]*:(?!\d+[/?])\S*|[^\s/?]+)@")
"""`user:password@`, up to the last @: databases take passwords with / in them, and some servers with @. A number and a
slash after the colon are a port and a path, which may hold an @, too."""
SECRETS = "token|secret|password|passwd|credential|api_?key|access_?key|signature"
"""How names of what nobody else may read end, but for a last s or id."""
OPTION = re.compile(rf"(?i)(?:(?<=[?&;])|(?<=%3B))([\w.-]*(?:{SECRETS})(?:s|_?id)?|pwd|sig)(=|%3D)(?:(?!%3B)[^&;\s])+")
"""Such a thing as an option of an address; %3B and %3D are ; and = in the ODBC text that one for SQL Server holds."""


def fault(uri: str) -> str | None:
    """What is wrong with an address, and the way out; None if nothing is."""
    found = SCHEME.fullmatch(uri)
    kind, rest = (found[1], found[3]) if found else ("", None)
    if kind in SERVERS[:2] and rest is not None and not _host(uri):
        return f"{shown(uri)!r} names no host; give one, as in {kind}://host:5000"
    if kind == "databricks" or (kind in (*SERVERS, *DATABASES) and rest and rest != SEPARATOR):
        return None
    if kind == "file" or (not kind and ("/" in uri or not uri.strip())):
        return (
            f"MLflow keeps no runs in folders any more, got {shown(uri)!r}; give a server (http://host:5000), a "
            "database (sqlite:////folder/mlflow.db), or nothing: then runs are kept in the store"
        )
    known = ", ".join(f"{name}://" for name in (*SERVERS[:2], *DATABASES))
    return f"an address of MLflow begins with {known} or is databricks, got {shown(uri)!r}"


def _host(uri: str) -> str | None:
    try:
        return urlsplit(uri).hostname
    except ValueError:  # a bracket that is not closed
        return None


def unproxied(environment: Mapping[str, str]) -> str:
    """$no_proxy with this machine in it: no proxy reaches a server that listens here alone."""
    given = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    if given.strip() == "*":
        return given
    return ",".join(dict.fromkeys((*filter(None, given.split(",")), *LOOPBACK)))


def shown(uri: str) -> str:
    """The address, or a text with addresses in it, without a user's name, a password, a token."""
    return OPTION.sub(r"\1\2***", CREDENTIALS.sub("***@", uri))


def asked_for(spec_text: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """The address that a launched study's YAML names, else $MLFLOW_TRACKING_URI; None for the store's own database."""
    return _in_spec(spec_text) or environment.get(VARIABLE) or None


def _in_spec(text: str) -> str | None:
    """`tracking.mlflow` of a YAML that was checked when it was launched."""
    if not re.search(r"^['\"]?tracking\b", text, re.MULTILINE):
        return None
    read: Any = YAML(typ="safe", pure=True).load(text)
    section = read.get("tracking") if isinstance(read, dict) else None
    return str(section["mlflow"]) if isinstance(section, dict) and section.get("mlflow") else None
