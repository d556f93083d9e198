"""Who launched a study, with which command and code: what MLflow shows as a run's user and source."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any


def source(provenance: Mapping[str, Any]) -> dict[str, object]:
    """Tags, from a launch's provenance."""
    code = provenance.get("code") or {}
    commit = code.get("commit")
    return {
        "mlflow.user": provenance.get("user"),
        "mlflow.source.name": _short(provenance.get("command")),
        "command": provenance.get("command"),
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": commit,
        "git_commit": f"{commit}{' with changes' if code.get('dirty') else ''}" if commit else None,
    }


def _short(command: str | None) -> str | None:
    """`study launch demo_mnist`: MLflow shows what follows the last slash."""
    return None if command is None else " ".join(PurePath(word).stem for word in command.split()[:3])
