"""What is shipped: the search spaces, and the schema that editors check them with."""

import json
import re
import shlex
from importlib.resources import files
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

from study.spec import json_schema, load, shipped
from study.spec.faults import Faults, Place
from study.spec.grid import count
from study.spec.reading import plain, read

SCHEMA = "study.schema.json"


COUNTS = {
    "adversarial_training": {"Baseline": 1, "AT": 56},
    "bang_cifar10": {"Regular": 2, "BANG": 169},
    "bang_mnist": {"Regular": 2, "BANG": 169},
    "cifar10_resnet18": {"Baseline": 3, "ST": 108, "ST sym": 108, "DA": 72, "AT": 18},
    "demo_mnist": {"Baseline": 1, "ST": 18, "ST sym": 6, "DA": 8, "AT": 4},
    "grid_tifs": {"Baseline": 1, "ST": 105, "ST sym": 105, "DA": 70, "DA 20 epochs": 8, "AT": 7},
    "heat_map_mnist": {"Baseline": 1, "ST": 25, "DA": 5},
    "noisymix_cifar10": {"Baseline": 3, "NoisyMix": 24, "NoisyMix settings": 45},
    "noisymix_cifar100": {"Baseline": 3, "NoisyMix": 24, "NoisyMix settings": 45},
    "prune_mnist": {"Baseline": 1, "ST": 0, "DA": 0},
    "ranking_mnist": {"Pretrained": 1, "Baseline": 1, "FS": 9},
    "search_mnist": {"Baseline": 1, "ST": 0, "DA": 0},
    "stability_uniform_noise": {"Baseline": 1, "ST": 9},
    "tifs_mini": {"Baseline": 1, "ST": 14, "ST sym": 6, "DA": 14, "DA 20 epochs": 2, "AT": 2},
}
"""Trials of each label's grids, as the files' own comments count them."""
RECIPE = re.compile(r"^#( {3}| {5})(study launch|--set)(.*)$", re.MULTILINE)
"""A line of a file's head that says how to run it on a small machine."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files that a search space begins with lie: their content is looked at later."""
    (tmp_path / "resnet50.pt").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_search_spaces_are_found_by_name() -> None:
    assert set(shipped()) == set(COUNTS)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_each_search_space_is_sound_and_named_after_its_file(name: str, folder: Path) -> None:
    spec = load(name)
    assert spec.study == name
    assert spec.text.startswith(f"# yaml-language-server: $schema={SCHEMA}\n")
    assert {method.label: count(method) * method.train.replicates for method in spec.methods} == COUNTS[name]


def recipe(name: str) -> tuple[list[str], int | None]:
    """The overrides of the last command in the file's head, the one for a small machine, and its limit of trials."""
    head = shipped()[name].read_text(encoding="utf-8").partition("\nstudy:")[0]
    commands: list[str] = []
    for match in RECIPE.finditer(head):
        if match[2] == "study launch":
            commands.append("")
        commands[-1] += f" {match[2]}{match[3]}".removesuffix("\\")
    words = shlex.split(commands[-1])
    assert words[:3] == ["study", "launch", name]
    options = list(zip(words[3::2], words[4::2], strict=True))
    assert {option for option, _ in options} <= {"--set", "--limit"}
    limit = next((int(value) for option, value in options if option == "--limit"), None)
    return [value for option, value in options if option == "--set"], limit


FOR_SMALL_MACHINES = {
    "cifar10_resnet18", "demo_mnist", "heat_map_mnist", "prune_mnist", "ranking_mnist", "search_mnist", "tifs_mini",
}  # fmt: skip
"""As they are, or in a test of their own."""


@pytest.mark.parametrize("name", sorted(set(COUNTS) - FOR_SMALL_MACHINES))
def test_the_recipe_for_a_small_machine_is_sound_and_small(name: str) -> None:
    overrides, limit = recipe(name)
    spec = load(name, overrides)
    assert (limit or sum(count(method) * method.train.replicates for method in spec.methods)) <= 24
    assert {(method.resources.gpus, method.resources.cpus) for method in spec.methods} == {(0, 1)}
    assert all((method.train.epochs or 0) <= 5 and (method.train.iterations or 0) <= 300 for method in spec.methods)


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
