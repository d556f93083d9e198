"""What tests ask of the test images, told before anything is trained."""

from pathlib import Path

import pytest

from study.planning import check_test_images
from study.spec import SpecError, load
from tests.study.spec.test_stability import TEXT


def checked(folder: Path, evaluate: str) -> None:
    path = folder / "stages.yaml"
    path.write_text(TEXT.replace("  noise_stability: {sigma: [40, 10]}", evaluate))
    check_test_images(load(path))


@pytest.mark.parametrize(
    ("evaluate", "said"),
    [
        ("  attacks: {fgs: {}, images: 101}", "evaluate.attacks.images: there are 100 test images, not 101; leave the"),
        ("  noise_stability: {sigma: [40]}", "no class has 100 test images: the largest has 1"),
        ("  attacks: {images: 200}\n  noise_stability: {sigma: [40], per_class: 50}", "no class has 50 test images"),
    ],
)
def test_more_than_there_is_is_refused(tmp_path: Path, evaluate: str, said: str) -> None:
    with pytest.raises(SpecError) as error:
        checked(tmp_path, evaluate)
    assert said in str(error.value)


@pytest.mark.parametrize(
    "evaluate",
    ["  attacks: {images: 100}", "  attacks: {}", "  noise_stability: {sigma: [40], per_class: 10}", "  seed: 1"],
)
def test_what_there_is_can_be_asked_for(tmp_path: Path, evaluate: str) -> None:
    checked(tmp_path, evaluate)
