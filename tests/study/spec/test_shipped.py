"""What is shipped: the search spaces, and the schema that editors check them with."""

import json
from importlib.resources import files

import jsonschema  # type: ignore[import-untyped]
import pytest

from study.spec import json_schema, load, shipped
from study.spec.faults import Faults, Place
from study.spec.reading import plain, read

SCHEMA = "study.schema.json"


def test_the_search_spaces_are_found_by_name() -> None:
    assert set(shipped()) == {"demo_mnist", "cifar10_resnet18", "search_mnist", "heat_map_mnist", "ranking_mnist"}


@pytest.mark.parametrize("name", sorted(shipped()))
def test_each_search_space_is_sound_and_named_after_its_file(name: str) -> None:
    spec = load(name)
    assert spec.study == name
    assert spec.text.startswith(f"# yaml-language-server: $schema={SCHEMA}\n")


@pytest.mark.parametrize("name", sorted(shipped()))
def test_each_search_space_fits_the_schema(name: str) -> None:
    tree = plain(read(shipped()[name].read_text(encoding="utf-8"), Place(file=name), Faults()))
    jsonschema.Draft202012Validator(json_schema()).validate(tree)


def test_the_schema_refuses_what_the_loader_refuses() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    tree = plain(read(shipped()["demo_mnist"].read_text(encoding="utf-8"), Place(file="demo"), Faults()))
    for section, broken in {
        "model": "lenett",
        "train": {"epoch": 3},
        "methods": {"DA": {"method": "data_augmentation", "p": 1.5, "distortion": "all"}},
        "distortions": {"rotation": {"degrees": []}},
        "evaluate": {"sweeps": {"jpeg": {"qualty": [3]}}},
        "study": "my study",
    }.items():
        assert not validator.is_valid({**tree, section: broken}), section


def test_the_shipped_schema_is_up_to_date() -> None:
    text = (files("search_spaces") / SCHEMA).read_text(encoding="utf-8")
    assert json.loads(text) == json.loads(json.dumps(json_schema())), (
        f"a component changed: study schema > search_spaces/{SCHEMA}"
    )
