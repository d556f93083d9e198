"""Models from elsewhere in a YAML: a label without training, a network of its own, and files that do not fit."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from study.planning import check_weights, make_plan
from study.spec import SpecError, load
from trainables.fit import build_model
from trainables.recipe import Recipe

TEXT = """\
study: peers
data: {name: mnist_5k, train: 50, validation: 50, test: 50}
model: lenet
methods:
  Peer: {method: pretrained, from: {weights: peer.pt}}
  Small: {method: pretrained, model: {name: small_cnn, width: 4}, from: {weights: small.pt}}
"""


def planned(folder: Path, text: str = TEXT) -> dict[str, Recipe]:
    path = folder / "peers.yaml"
    path.write_text(text)
    return {trial.label: trial.recipe for trial in make_plan(load(path), "f" * 32).trials}


def ids(folder: Path, text: str) -> dict[str, str]:
    path = folder / "peers.yaml"
    path.write_text(text)
    return {trial.label: trial.trial_id for trial in make_plan(load(path), "f" * 32).trials}


@pytest.fixture
def weights(tmp_path: Path) -> dict[str, Tensor]:
    (tmp_path / "small.pt").write_bytes(b"small")
    (tmp_path / "peer.pt").write_bytes(b"peer")
    recipes = planned(tmp_path)
    for label, file in (("Peer", "peer.pt"), ("Small", "small.pt")):
        torch.save(build_model(recipes[label]).state_dict(), tmp_path / file)
    return dict(build_model(recipes["Peer"]).state_dict())


@pytest.mark.usefixtures("weights")
def test_each_label_has_its_network_and_trains_for_no_epoch(tmp_path: Path) -> None:
    recipes = planned(tmp_path)
    assert {label: recipe.model.name for label, recipe in recipes.items()} == {"Peer": "lenet", "Small": "small_cnn"}
    assert {recipe.epochs for recipe in recipes.values()} == {0}
    check_weights(load(tmp_path / "peers.yaml"))


@pytest.mark.usefixtures("weights")
def test_a_file_is_one_trial_whatever_the_others_are_trained_with(tmp_path: Path) -> None:
    alone = ids(tmp_path, TEXT)
    shared = "train: {epochs: 7, batch_size: 3, optimizer: {sgd: {lr: 0.3}}, crop: 2, replicates: 3}\nmethods:"
    among = ids(tmp_path, TEXT.replace("methods:", shared))
    assert among == alone
    (tmp_path / "moved").mkdir()
    (tmp_path / "peer.pt").rename(tmp_path / "moved" / "peer.pt")
    assert ids(tmp_path, TEXT.replace("peer.pt", "moved/peer.pt")) == alone
    (tmp_path / "moved" / "peer.pt").write_bytes(b"another")
    assert ids(tmp_path, TEXT.replace("peer.pt", "moved/peer.pt"))["Peer"] != alone["Peer"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{method: pretrained}", "name them here with from: {weights: FILE}"),
        ("{method: pretrained, from: scratch}", "pretrained is weights from elsewhere: from: {weights: FILE}"),
        ("{method: pretrained, from: {weights: peer.pt}, epochs: 3}", "pretrained does not train; leave epochs out"),
        ("{method: pretrained, from: {weights: peer.pt}, model: resnet81}", "did you mean 'resnet18'?"),
        (
            "{method: pretrained, from: {weights: peer.pt}, model: {name: torchvision, architecture: resnet19}}",
            "torchvision has no network called 'resnet19'; did you mean resnet18",
        ),
        (
            "{method: pretrained, from: {weights: peer.pt}, model: {name: torchvision, architecture: vit_b_16}}",
            "vit_b_16 cannot take images of (1, 28, 28)",
        ),
        (
            "{method: standard, from: Small, epochs: 1, batch_size: 10, optimizer: {sgd: {lr: 0.1}}}",
            "Peer starts from Small, so both have one model:",
        ),
    ],
)
@pytest.mark.usefixtures("weights")
def test_what_cannot_be_is_said(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "peers.yaml").write_text(TEXT.replace("{method: pretrained, from: {weights: peer.pt}}", line))
    with pytest.raises(SpecError) as told:
        load(tmp_path / "peers.yaml")
    assert said in str(told.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ten more classes", "it is of 20 classes, where the data has 10"),
        ("a layer less", "it lacks conv1.weight"),
        ("a layer more", "it has strange.weight besides"),
        ("a pickle", "not a whole checkpoint of tensors"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, weights: dict[str, Tensor], name: str, said: str) -> None:
    last = list(weights)[-2:]
    files: dict[str, object] = {
        "ten more classes": weights | {one: torch.cat([weights[one]] * 2) for one in last},
        "a layer less": {one: value for one, value in weights.items() if one != "conv1.weight"},
        "a layer more": weights | {"strange.weight": torch.zeros(1)},
        "a pickle": Path("code"),
    }
    torch.save(files[name], tmp_path / "peer.pt")
    (tmp_path / "peers.yaml").write_text(TEXT)
    with pytest.raises(SpecError) as told:
        check_weights(load(tmp_path / "peers.yaml"))
    assert said in str(told.value)
