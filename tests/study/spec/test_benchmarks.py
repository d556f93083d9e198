"""The lines `corruptions:` and `perturbations:`: what is tested, what is skipped, and every fault."""

from collections import Counter
from pathlib import Path

import pytest

from study.spec import BenchmarkSpec, Spec, load
from study.spec.faults import Fault
from tests.study.spec.demo import faults_of, loaded
from trainables.corruptions import corruptions
from trainables.normalisation import MAIN_CORRUPTIONS, MAIN_PERTURBATIONS
from trainables.perturbations import perturbations

SWEEPS = "evaluate: "
DATA = "data:  mnist_5k "


def asked(folder: Path, line: str, said: str) -> BenchmarkSpec:
    spec = loaded(folder, (SWEEPS, f"evaluate:\n  {line}: {said}\n  #"))
    found = getattr(spec.evaluate, line)
    assert isinstance(found, BenchmarkSpec)
    return found


def names(benchmark: BenchmarkSpec) -> dict[str, int]:
    """Name → tests."""
    return dict(Counter(test.step.name for test in benchmark.tests))


def faults(folder: Path, line: str, said: str) -> list[str]:
    return faults_of(folder, (SWEEPS, f"evaluate:\n  {line}: {said}\n  #"))


def test_an_empty_line_is_the_papers_benchmark(tmp_path: Path) -> None:
    assert names(asked(tmp_path, "corruptions", "{}")) == dict.fromkeys(MAIN_CORRUPTIONS, 5)
    assert names(asked(tmp_path, "perturbations", "{}")) == dict.fromkeys(MAIN_PERTURBATIONS, 1)


def test_extras_are_all_that_is_not_main_and_are_known_untested(tmp_path: Path) -> None:
    for line, registry, main in (("corruptions", corruptions, MAIN_CORRUPTIONS),
                                 ("perturbations", perturbations, MAIN_PERTURBATIONS)):  # fmt: skip
        plain, all_of_it = (asked(tmp_path, line, said) for said in ("{}", "{extras: true}"))
        extra = set(registry.names()) - set(main)
        assert set(names(all_of_it)) == {*main, *extra}
        assert (
            {test.step.name for test in plain.extras} == extra == {name for name in extra if registry.get(name).extra}
        )
        assert all(test.extra == (test.step.name in extra) for test in all_of_it.tests)


def test_parts_of_it(tmp_path: Path) -> None:
    assert names(asked(tmp_path, "corruptions", "{only: [snow, fog], severities: [1, 5]}")) == {"snow": 2, "fog": 2}
    assert names(asked(tmp_path, "corruptions", "{only: frost}")) == {"frost": 5}
    assert set(MAIN_CORRUPTIONS) - set(names(asked(tmp_path, "corruptions", "{without: [snow]}"))) == {"snow"}


def test_difficulties_are_of_noise_and_other_frames_serve_them_all(tmp_path: Path) -> None:
    found = names(asked(tmp_path, "perturbations", "{difficulties: [1, 2, 3]}"))
    assert {name: many for name, many in found.items() if many > 1} == {"gaussian_noise": 3, "shot_noise": 3}


def test_what_cannot_act_says_why_and_the_rest_is_tested(tmp_path: Path) -> None:
    found = asked(tmp_path, "corruptions", "{extras: true}")  # digits are grey
    reasons = {test.step.name: test.reason for test in found.tests if test.reason is not None}
    assert reasons == {"saturate": "an image of one channel has no saturation to change"}


def test_the_name_says_what_sets_the_results_apart(tmp_path: Path) -> None:
    said = {"{}": "imagenet_c at 32 px", "{table: 224, jpeg85: true}": "imagenet_c at 224 px, as JPEG 85"}
    assert {text: asked(tmp_path, "corruptions", text).name for text in said} == said


@pytest.mark.parametrize(
    ("line", "said", "fault"),
    [
        ("corruptions", "{only: [frots]}", ".only[0]: no corruption is called 'frots'; did you mean 'frost'?"),
        ("corruptions", "{frots: {}}", "no line of corruptions is called 'frots'; did you mean 'frost'?"),
        ("corruptions", "{only: [fog], without: [fog]}", "either `only` or `without` says which"),
        ("corruptions", "{only: [fog], severities: [6]}", "lies in [1, 5]; got 6"),
        ("corruptions", "{severities: 0}", "lies in [1, 5]; got 0"),
        ("corruptions", "{table: 100}", "settings are published for sides of 32, 64, 224, 299; got 100"),
        ("corruptions", "{frost: {photographs: /nowhere}}", "/nowhere"),
        ("perturbations", "{only: rotatee}", "no perturbation is called 'rotatee'; did you mean 'rotate'?"),
        ("perturbations", "{difficulties: [4]}", "lies in [1, 3]; got 4"),
        ("corruptions", "{normalize_by: Basline}", "no normaliser is called 'Basline'; did you mean 'Baseline'?"),
        ("corruptions", "{normalize_by: DA}", "'DA' stands for several trials, each with errors of its own"),
        ("corruptions", "{normalize_by: alexnet}", "28 × 28 px of 10 classes; write normalize_by: Baseline"),
        ("perturbations", "{normalize_by: alexnet}", "AlexNet's errors are known for ImageNet-1k's 1,000 classes"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, line: str, said: str, fault: str) -> None:
    (found,) = faults(tmp_path, line, said)
    assert found.startswith(f"evaluate.{line}")
    assert fault in found


def test_a_label_of_one_point_normalises(tmp_path: Path) -> None:
    assert asked(tmp_path, "corruptions", "{normalize_by: Baseline}").normalize_by == "Baseline"


def test_alexnet_normalises_images_of_imagenets_size_and_classes(tmp_path: Path) -> None:
    from study.spec.benchmarks import check_normalizers
    from study.spec.faults import Faults
    from study.spec.images import ImageShape
    from study.spec.reading import read

    def found(shape: tuple[int, int, int], classes: int | None) -> tuple[Fault, ...]:
        from study.spec.faults import Place

        told = Faults()
        node = read("corruptions: {normalize_by: alexnet}", Place(file="x"), told)
        images = ImageShape(data="folder", shape=shape, classes=classes, border=0)
        check_normalizers(node, (), (), images, told)
        return told.found

    assert found((3, 224, 224), 1000) == found((3, 224, 224), None) == ()
    assert len(found((3, 224, 224), 100)) == len(found((3, 64, 64), 1000)) == 1


def test_below_five_classes_there_is_no_top5_distance(tmp_path: Path) -> None:
    assert asked(tmp_path, "perturbations", "{}").ranks_five
    folders = tmp_path / "images"
    for split in ("train", "test"):
        for name in "abcd":
            picture(folders / split / name / "0.png")
    few = f"data: {{name: image_folder, root: {folders}, size: 32}} #"
    spec: Spec = loaded(tmp_path, (DATA, few), (SWEEPS, "evaluate:\n  perturbations: {}\n  #"))
    assert spec.evaluate.perturbations is not None
    assert not spec.evaluate.perturbations.ranks_five


def picture(path: Path) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 32)).save(path)


def test_the_schema_knows_the_lines() -> None:
    import jsonschema  # type: ignore[import-untyped]

    from study.spec import json_schema

    lines = json_schema()["properties"]["evaluate"]
    validator = jsonschema.Draft202012Validator({"$defs": json_schema()["$defs"], **lines})
    sound = {"set": "imagenet_c", "severities": [1, 5], "without": ["frost"], "frost": {"photographs": "x"}}
    assert validator.is_valid({"corruptions": sound, "perturbations": {"extras": True, "difficulties": [1, 2]}})
    for broken in ({"only": ["frots"]}, {"severities": [6]}, {"extras": 3}, {"fog": {"thick": 1}}):
        assert not validator.is_valid({"corruptions": broken}), broken


def test_the_shipped_demo_has_none() -> None:
    assert load("demo_mnist").evaluate.corruptions is None
