"""`corruption_files:` in a YAML: sets as benchmarks of their own, with what they lack."""

from pathlib import Path

import numpy as np
import pytest

from study.planning import make_plan
from study.spec import SpecError, load

TEXT = """\
study: filed
data: {name: cifar10, root: nowhere}
model: {name: small_cnn, width: 4}
train: {epochs: 1, batch_size: 10, optimizer: {sgd: {lr: 0.1}}}
methods:
  Baseline: {method: standard}
evaluate:
  corruptions: {only: [fog]}
  corruption_files: FILES
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("fog", "snow", "spatter"):
        np.save(tmp_path / f"{name}.npy", np.zeros((5, 32, 32, 3), dtype=np.uint8))
    return tmp_path


def written(root: Path, files: str) -> Path:
    path = root / "filed.yaml"
    path.write_text(TEXT.replace("FILES", files.replace("ROOT", str(root))))
    return path


def test_a_set_is_a_benchmark_beside_the_computed_one(root: Path) -> None:
    plan = make_plan(load(written(root, "{CIFAR-10-C: ROOT}")), "f" * 32)
    assert [(one.name, one.family) for one in plan.benchmarks] == [
        ("imagenet_c at 32 px", "corruption"), ("CIFAR-10-C", "corruption"),
    ]  # fmt: skip
    computed, filed = plan.benchmarks
    assert {test.name for test in filed.tests} == {"fog", "snow"}
    assert len({one.name for one in filed.skipped}) == 13
    assert not {test.condition_id for test in computed.tests} & {test.condition_id for test in filed.tests}
    assert {test.condition_id for test in filed.tests} <= {one.condition_id for one in plan.conditions}


def test_a_part_of_a_set_can_be_asked_for(root: Path) -> None:
    part = "{mine: {path: ROOT, only: [spatter, fog], severities: [2, 5]}}"
    _, filed = make_plan(load(written(root, part)), "f" * 32).benchmarks
    assert [test.name for test in filed.tests] == ["fog", "fog", "spatter", "spatter"]
    assert filed.skipped == ()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ("{CIFAR-10-C: ROOT/none}", "there is no folder"),
        ("{CIFAR-10-C: {only: [fog]}}", "the folder of the set is expected"),
        ("{CIFAR-10-C: {path: ROOT, only: [fogg]}}", "did you mean 'fog'?"),
        ("{CIFAR-10-C: {path: ROOT, severities: [6]}}", "got 6"),
        ("{CIFAR-10-C: {path: ROOT, normalize_by: Basline}}", "did you mean 'Baseline'?"),
        ("{CIFAR-10-C: {path: ROOT, table: 32}}", "no line of corruption_files is called 'table'"),
    ],
)
def test_what_cannot_be_is_said(root: Path, files: str, said: str) -> None:
    with pytest.raises(SpecError) as told:
        load(written(root, files))
    assert said in str(told.value)


def test_a_folder_without_any_corruption_is_said(root: Path) -> None:
    (root / "empty").mkdir()
    with pytest.raises(SpecError, match=r"has no NAME\.npy or NAME/SEVERITY/ of any corruption"):
        load(written(root, "{CIFAR-10-C: ROOT/empty}"))
