"""Ranking and classification: what a study may not mix, and what an embedding cannot be asked."""

from pathlib import Path

import pytest

from study.planning import make_plan
from study.spec import Spec, SpecError, load
from tests.study.hand_made import FINGERPRINT

TEXT = """\
study: ranked
data: mnist_5k
model: lenet
train: {from: Baseline, epochs: 1, batch_size: 50, optimizer: {sgd: {lr: 0.01}}}
distortions:
  gaussian_noise: {sigma: 0.1}
  fgsm: {epsilon: 0.1}
methods:
  Baseline: {method: triplet_ranking, from: scratch}
  FS: {method: feature_stability, alpha: [0, 1], distortion: gaussian_noise}
evaluate:
  sweeps:
    gaussian_noise: {sigma: [0.1, 0.3], practical: 0.3}
"""


def loaded(folder: Path, *changes: tuple[str, str]) -> Spec:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "ranked.yaml"
    path.write_text(text)
    return load(path)


def test_a_study_of_embeddings_is_planned_with_its_measure(tmp_path: Path) -> None:
    plan = make_plan(loaded(tmp_path), FINGERPRINT)
    assert plan.measure == "triplet ranking score"
    assert [trial.recipe.method.name for trial in plan.trials] == ["triplet_ranking", *["feature_stability"] * 2]
    assert plan.baseline_id == plan.trials[0].trial_id


FAULTS = {
    "mixed": (
        "method: feature_stability, alpha: [0, 1]",
        "method: stability_training, alpha: [0, 1]",
        r"methods.FS: FS is measured by its accuracy and Baseline by its triplet ranking score, which no table or band "
        r"can compare; give it a study of its own",
    ),
    "another length": (
        "alpha: [0, 1]",
        "alpha: [0, 1], dimensions: [64, 32]",
        r"methods.FS.from: FS trains networks of 32 dimensions, and Baseline, from which it starts, one of 64; "
        r"give both the same, or begin with from: scratch",
    ),
    "attacked in a test": (
        "    gaussian_noise: {sigma: [0.1, 0.3], practical: 0.3}",
        "    fgsm: {epsilon: [0.1], practical: 0.1}",
        r"evaluate.sweeps.fgsm: fgsm raises the loss of class predictions, and Baseline trains embeddings; leave it",
    ),
    "attacked in a sequence": (
        "    gaussian_noise: {sigma: [0.1, 0.3], practical: 0.3}",
        "    gaussian_noise then fgsm: {sigma: 0.1, epsilon: [0.1], practical: 0.1}",
        r"evaluate.sweeps.gaussian_noise then fgsm: fgsm raises the loss of class predictions",
    ),
    "attacked in training": (
        "distortion: gaussian_noise}",
        "distortion: fgsm}",
        r"methods.FS.distortion: FS trains on distortions of the kind noise or transformative; fgsm is of the kind",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_cannot_be_is_refused_with_the_reason(case: str, tmp_path: Path) -> None:
    old, new, fault = FAULTS[case]
    with pytest.raises(SpecError, match=fault) as raised:
        loaded(tmp_path, (old, new))
    assert len(raised.value.faults) == 1


def test_from_scratch_the_lengths_are_free(tmp_path: Path) -> None:
    free = loaded(tmp_path, ("alpha: [0, 1]", "alpha: [0, 1], from: scratch, dimensions: [64, 32]"))
    assert len(make_plan(free, FINGERPRINT).trials) == 5


def test_an_epsilon_that_the_norm_rules_out_is_a_fault_of_the_yaml(tmp_path: Path) -> None:
    for place in ("  fgsm: {epsilon: 0.1}", "    gaussian_noise: {sigma: [0.1, 0.3], practical: 0.3}"):
        indent = place[: len(place) - len(place.lstrip())]
        practical = ", practical: 8" if "practical" in place else ""
        changed = (
            (place, f"{indent}pgd: {{epsilon: [8]{practical}}}"),
            ("triplet_ranking", "standard"),
            ("feature_stability", "stability_training"),
        )
        with pytest.raises(SpecError, match=r"pgd: epsilon lies in \[0, 1\] where norm is linf, such as 8/255; got 8"):
            loaded(tmp_path, *changed)
        loaded(tmp_path, (changed[0][0], changed[0][1].replace("}", ", norm: l2}")), *changed[1:])
