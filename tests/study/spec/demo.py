"""The demo's YAML with parts replaced, for tests that need a study of one kind or another."""

from pathlib import Path

import pytest

from study.spec import Spec, SpecError, load, shipped

DEMO = shipped()["demo_mnist"].read_text(encoding="utf-8")


def loaded(folder: Path, *replaced: tuple[str, str]) -> Spec:
    """The demo with each first text replaced by the second."""
    return load(written(folder, *replaced))


def faults_of(folder: Path, *replaced: tuple[str, str]) -> list[str]:
    """What is wrong with the demo once each first text is replaced: `path: message` of each fault."""
    with pytest.raises(SpecError) as error:
        loaded(folder, *replaced)
    return [f"{fault.path}: {fault.message}" for fault in error.value.faults]


def written(folder: Path, *replaced: tuple[str, str]) -> Path:
    text = DEMO
    for old, new in replaced:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = folder / "my_study.yaml"
    path.write_text(text, encoding="utf-8")
    return path
