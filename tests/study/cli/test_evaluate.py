"""`study evaluate`: what it refuses, and what needs no evaluation. What it computes: test_launch.py."""

from pathlib import Path

import pytest
import torch

from study.cli.evaluating import component
from study.planning import make_plan
from study.spec import Spec, load
from study.store import Store
from tests.study.cli.conftest import Type
from tests.study.hand_made import FINGERPRINT
from trainables.models import models


def test_nothing_is_trained(study: Type, store: Store) -> None:
    """The hand-made store's trials are of other data, so that none of the study's is trained."""
    answer = study("evaluate", "small")
    assert answer.exit_code == 0, answer.stderr
    assert "small is not complete: 0 of 9 trials done, 9 left, 36 evaluations left" in answer.stdout
    assert "To go on:  study launch small.yaml" in answer.stdout


REFUSED = (
    ("", "takes a study of the store, or a model with --weights FILE or --checkpoint FILE"),
    ("none", "no study is called 'none'"),
    ("small --weights w.pt", "either a study, or a model"),
    ("--weights w.pt --checkpoint w.pt", "got both"),
    ("--weights none.pt --model lenet", "there is no file of weights at none.pt"),
    ("--weights w.pt --data mnist_5k", "--model says which network the weights are of"),
    ("--checkpoint w.pt --data mnist_5k", "only a checkpoint inside a store knows its own"),
    ("--weights w.pt --model lenet", "--data says which images"),
    ("--weights w.pt --model lenet --study new", "new is not in the store: --data says which images"),
    ("--weights w.pt --model lenett --data mnist_5k", "did you mean 'lenet'?"),
    ("--weights w.pt --model lenet:0.5,x --data mnist_5k", "dropout is a finite number; got '0.5,x'"),
    ("--weights w.pt --model resnet18:width=2,grey --data mnist_5k", "width is a finite number; got '2,grey'"),
    ("--weights w.pt --model lenet --study small --corruptions fog", "small says how its models are tested"),
    ("--weights w.pt --model lenet --study small --data mnist", 'small is on {"name": "mnist_5k", "train": 200'),
    ("--weights w.pt --model lenet --study small --name ST", "small has another method called 'ST'; --name"),
    ("--weights w.pt --model lenet --study small --name Peer", "holds no weights of this lenet: it lacks"),
)
"""What is typed → what is said."""


@pytest.mark.usefixtures("store")
def test_what_cannot_be_is_said(study: Type) -> None:
    torch.save({"strange": torch.zeros(1)}, "w.pt")
    for typed, said in REFUSED:
        answer = study("evaluate", *typed.split())
        assert (answer.exit_code, said in answer.stderr) == (2, True), (typed, answer.stderr)


LIKE = """\
study: b
data: mnist_5k
model: lenet
train: {from: scratch, epochs: 2, batch_size: 50, optimizer: {sgd: {lr: 0.01}}, checkpoints: {every: 1}}
methods:
  Baseline: {method: standard}
evaluate:
  corruptions: {only: [fog], normalize_by: Baseline}
  noise_stability: {sigma: [40]}
"""


def test_what_a_file_of_weights_cannot_be_put_to_is_left_out_by_name(
    study: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b.yaml").write_text(LIKE)
    torch.save(models.get("lenet")().build((1, 28, 28), 10).state_dict(), "w.pt")
    asked = []

    def conduct(spec: Spec, *_: object) -> int:
        asked.append(spec)
        return 0

    monkeypatch.setattr("study.cli.evaluating.conduct", conduct)
    answer = study("evaluate", "--weights", "w.pt", "--model", "lenet", "--like", "b.yaml", "--study", "peers")
    assert answer.exit_code == 0, answer.stderr
    assert "left out: noise_stability: a file of weights has no stages" in answer.stdout
    assert "left out: normalize_by: its label is none of the study" in answer.stdout
    (spec,) = asked
    assert spec.evaluate.noise_stability is None
    assert spec.evaluate.corruptions is not None
    assert spec.evaluate.corruptions.normalize_by is None
    assert len(spec.evaluate.corruptions.tests) == 5


def test_a_study_may_be_joined_by_what_is_tested_like_it(
    study: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b.yaml").write_text(LIKE)
    torch.save(models.get("lenet")().build((1, 28, 28), 10).state_dict(), "w.pt")
    plan = make_plan(load(tmp_path / "b.yaml"), FINGERPRINT)
    Store.open(tmp_path / "study-store").record_launch(plan, LIKE, {"time": "2026-01-01T12:00:00+00:00"})
    monkeypatch.setattr("study.cli.evaluating.conduct", lambda *_: 0)
    answer = study("evaluate", "--weights", "w.pt", "--model", "lenet", "--like", "b.yaml", "--study", "b")
    assert answer.exit_code == 0, answer.stderr
    assert "left out" not in answer.stdout


def test_a_component_is_typed_in_short() -> None:
    typed = "torchvision:vit_b_16,mean=[0.5, 0.5, 0.5],deviation=[0.5, 0.5, 0.5]"
    assert component(typed, "model", models, "model") == {
        "name": "torchvision", "architecture": "vit_b_16", "mean": [0.5, 0.5, 0.5], "deviation": [0.5, 0.5, 0.5],
    }  # fmt: skip
    assert component("resnet18:width=16", "model", models, "model") == {"name": "resnet18", "width": 16}
    assert component("lenet", "model", models, "model") == {"name": "lenet"}


def test_nothing_is_left_of_what_was_refused(study: Type, tmp_path: Path) -> None:
    torch.save({}, "w.pt")
    assert study("evaluate", "--weights", "w.pt", "--model", "lenet", "--data", "mnist_5k").exit_code == 2
    assert not (tmp_path / "study-store").exists()
