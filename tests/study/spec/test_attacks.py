"""`evaluate.attacks`: which conditions it stands for, and what it refuses."""

from pathlib import Path

import pytest

from study.planning import make_plan
from study.spec import SpecError, load
from tests.study.hand_made import FINGERPRINT
from trainables.recipe import Condition

TEXT = """\
study: attacked
data: mnist_5k
model: lenet
train: {from: scratch, epochs: 1, batch_size: 50, optimizer: {sgd: {lr: 0.01}}}
methods:
  Baseline: {method: standard}
evaluate:
  attacks: ATTACKS
"""


def conditions(folder: Path, attacks: str, text: str = TEXT) -> list[Condition]:
    """Those of the attacks."""
    path = folder / "attacked.yaml"
    path.write_text(text.replace("ATTACKS", attacks))
    planned = make_plan(load(path), FINGERPRINT).conditions
    assert planned[0].family == "clean"
    return [one for one in planned if one.family == "attack"]


@pytest.fixture
def with_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.spec.attacks.can_align", lambda: True)


EVERY = [
    "fgs (paper)",
    "fgs (unmasked)",
    "fgs (exact)",
    "hot_cold (literal)",
    "hot_cold (abs)",
    "hot_cold (margin)",
    "pgd",
]


@pytest.mark.parametrize(
    ("attacks", "labels"),
    [
        ("{}", EVERY),
        ("", EVERY),
        ("true", EVERY),
        ("false", []),
        ("{images: 10}", EVERY),
        ("{fgs: true, images: 10}", EVERY[:3]),
        ("{fgs: false, hot_cold: false}", ["pgd"]),
        ("{fgs: false, hot_cold: {modes: abs}}", [EVERY[4]]),
        ("{fgs: }", EVERY[:3]),
        ("{pgd: {}, fgs: {rules: unmasked}}", [EVERY[1], "pgd"]),
        ("{hot_cold: {modes: [abs, literal]}}", [EVERY[4], EVERY[3]]),
        ("{pgd: {epsilon: [8/255, 0.1], steps: 3}}", ["pgd", "pgd"]),
    ],
)
def test_those_that_are_named_are_tested_or_all(attacks: str, labels: list[str], tmp_path: Path) -> None:
    assert [one.test_distortion for one in conditions(tmp_path, attacks)] == labels


def test_a_variant_is_a_word_behind_the_name_and_epsilon_is_a_level(tmp_path: Path) -> None:
    fgs, pgd = conditions(tmp_path, "{fgs: {rules: paper}, pgd: {epsilon: 8/255, restarts: 2}, images: 7}")
    assert (fgs.parameter, fgs.level, fgs.split) == (None, None, "test")
    assert fgs.steps[0].parameters == {"rule": "paper", "align": "none", "images": 7}
    assert (pgd.parameter, pgd.level) == ("epsilon", 0.0313725490196)
    assert pgd.steps[0].parameters == {
        "epsilon": 0.0313725490196, "steps": 20, "step_size": 0.00784313725490, "restarts": 2, "align": "none",
        "images": 7,
    }  # fmt: skip


@pytest.mark.usefixtures("with_opencv")
def test_whatever_changes_a_row_changes_the_condition(tmp_path: Path) -> None:
    lines = [
        "{fgs: {rules: paper}}", "{fgs: {rules: unmasked}}", "{fgs: {rules: paper}, images: 9}",
        "{fgs: {rules: paper}, align: ecc}", "{hot_cold: {modes: abs}}", "{pgd: {}}", "{pgd: {epsilon: 0.1}}",
        "{pgd: {steps: 3}}", "{pgd: {step_size: 0.1}}", "{pgd: {restarts: 2}}",
    ]  # fmt: skip
    ids = [one.condition_id for line in lines for one in conditions(tmp_path, line)]
    assert len(set(ids)) == len(lines)
    again = [one.condition_id for line in lines for one in conditions(tmp_path, line)]
    assert ids == again
    swept = TEXT.replace("attacks: ATTACKS", "sweeps: {pgd: {epsilon: [0.1], practical: 0.1}}")
    (tmp_path / "swept.yaml").write_text(swept)
    assert make_plan(load(tmp_path / "swept.yaml"), FINGERPRINT).conditions[1].condition_id not in ids


FAULTS = {
    "unknown attack": ("{fgsm: {}}", r":8  evaluate.attacks.fgsm: .*did you mean 'fgs'"),
    "unknown rule": ("{fgs: {rules: [papers]}}", r"fgs.rules.*rule is one of paper, unmasked, exact; got 'papers'"),
    "HC1 by its name": ("{HC1: {}}", r"evaluate.attacks.HC1: HC1 is called hot_cold: "),
    "unknown line": ("{fgs: {rule: paper}}", r"attacks.fgs.rule: .*did you mean 'rules'"),
    "no ball": ("{pgd: {epsilon: 0}}", r"attacks.pgd.epsilon: epsilon, .* lies in \(0, 1\]; got 0"),
    "no steps": ("{pgd: {steps: 0}}", r"attacks.pgd.steps: steps, gradients taken, must be at least 1; got 0"),
    "no images": ("{images: 0}", r"attacks.images: images, .* must be at least 1; got 0"),
    "another alignment": ("{align: affine}", r"attacks.align: align is one of none, ecc; got 'affine'"),
    "twice": ("{fgs: {rules: [paper, paper]}}", r"attacks.fgs.rules\[1\]: 'paper' stands twice in rule"),
    "no mapping": ("[fgs]", r"evaluate.attacks: attacks is a mapping of names to values, got a list"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_what_cannot_be_is_refused_with_the_reason(case: str, tmp_path: Path) -> None:
    attacks, fault = FAULTS[case]
    with pytest.raises(SpecError, match=fault) as raised:
        conditions(tmp_path, attacks)
    assert len(raised.value.faults) == 1


def test_alignment_without_opencv_is_refused_with_the_way_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.spec.attacks.can_align", lambda: False)
    assert conditions(tmp_path, "{align: none}")
    way_out = r"not installed here: pip install 'robustness-study\[quality\]', or write align: none"
    with pytest.raises(SpecError, match=rf"evaluate.attacks.align: .*{way_out}"):
        conditions(tmp_path, "{align: ecc}")


def test_embeddings_have_no_adversarial_quality(tmp_path: Path) -> None:
    ranking = TEXT.replace("method: standard", "method: triplet_ranking")
    with pytest.raises(
        SpecError, match=r":8  evaluate.attacks: .*changes the class predicted, and Baseline trains emb"
    ):
        conditions(tmp_path, "{}", ranking)
