"""Who launched a study, with which command and code: what MLflow shows as a run's user and source."""

from collections.abc import Mapping
from typing import Any


def source(provenance: Mapping[str, Any]) -> dict[str, object]:
    """Tags, from a launch's provenance."""
    code = provenance.get("code") or {}
    commit = code.get("commit")
    return {
        "mlflow.user": provenance.get("user"),
        "mlflow.source.name": provenance.get("command"),
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": commit,
        "git_commit": f"{commit}{' with changes' if code.get('dirty') else ''}" if commit else None,
    }
