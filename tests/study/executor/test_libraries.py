"""What nodes are asked to install: all that a study stands on, as it is here, and nothing that is not here."""

from importlib import metadata

import pytest

from study.executor import libraries
from study.executor.libraries import pinned, to_install


def test_everything_that_studies_import_is_named_with_its_version() -> None:
    found = dict(one.split("==") for one in pinned())
    for name in ("torch", "torchvision", "numpy", "pyarrow", "duckdb", "pydantic", "optuna", "mlflow", "psutil"):
        assert metadata.version(name).partition("+")[0] == found[name]
    assert "tensorboardx" in found, "what ray[tune] needs besides Ray"
    assert "sqlalchemy" in found, "what MLflow needs"


def test_ray_is_the_cluster_s_and_tools_stay_here() -> None:
    found = {one.partition("==")[0] for one in pinned()}
    assert not found & {"ray", "robustness-study", "pytest", "ruff", "mypy", "moto"}


def test_an_extra_goes_along_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    version = libraries._version
    assert any(one.startswith("s3fs==") for one in pinned())
    monkeypatch.setattr(libraries, "_version", lambda name: None if name == "s3fs" else version(name))
    assert not any(one.startswith("s3fs==") for one in pinned())
    monkeypatch.setattr(metadata, "version", lambda name: "2.15.0+cu130" if name == "torch" else "1.0")
    assert "torch==2.15.0" in pinned()


def test_ray_takes_it_as_a_runtime_environment() -> None:
    from ray.runtime_env import RuntimeEnv

    made = RuntimeEnv(**to_install())
    assert set(made["uv"]["packages"]) == set(pinned())
