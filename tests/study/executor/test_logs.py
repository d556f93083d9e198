"""What Ray of our own writes is bounded, unless a person says otherwise."""

import os

import pytest

from study.executor.cluster import ROTATION, _bounded_logs


def test_rotation_is_set_for_a_launch_and_what_a_person_said_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ROTATION_MAX_BYTES", raising=False)
    monkeypatch.setenv("RAY_ROTATION_BACKUP_COUNT", "7")
    with _bounded_logs():
        assert os.environ["RAY_ROTATION_MAX_BYTES"] == ROTATION["RAY_ROTATION_MAX_BYTES"]
        assert os.environ["RAY_ROTATION_BACKUP_COUNT"] == "7"
    assert "RAY_ROTATION_MAX_BYTES" not in os.environ
    assert os.environ["RAY_ROTATION_BACKUP_COUNT"] == "7"
