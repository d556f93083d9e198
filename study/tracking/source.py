"""Who launched a study, with which command and code: what MLflow shows as a run's user and source."""

from study.store import Launch


def launched_with(launch: Launch) -> dict[str, object]:
    """Tags, from the launch's provenance."""
    code = launch.provenance.get("code") or {}
    commit = code.get("commit")
    return {
        "mlflow.user": launch.provenance.get("user"),
        "mlflow.source.name": launch.provenance.get("command"),
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": commit,
        "git_commit": f"{commit}{' with changes' if code.get('dirty') else ''}" if commit else None,
    }
