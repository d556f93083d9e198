"""golden_bang.json: BANG's weights, its gradients on two networks, the paper's grids."""

import torch
from torch import Tensor, nn

from study.spec import load
from study.spec.grid import count
from tests.golden.ledger import Check, Golden, close, double
from trainables.methods import Batch
from trainables.methods.bang import Bang, eta, sample_norms
from trainables.randomness import Key

KEY = Key(("golden",))


def balancing(golden: Golden) -> None:
    cases = {case["name"]: case for case in golden["eta"]}
    assert len(cases) == 11
    for case in cases.values():
        norms, correct, ratio = double(case["norms"]), case["correct"], case["ratio"]
        degrees = [case["eps"] * (1 if right else ratio) for right in correct or [True] * len(norms)]
        close(eta(norms, double(degrees)), case["eta"])


class TwoLayers(nn.Module):
    """Logits W₂ h + b₂ of flat images, h = W₁ x + b₁, through a ReLU or not."""

    def __init__(self, case: Golden, relu: bool) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 5).double(), nn.Linear(5, 3).double()
        self.relu = nn.ReLU(inplace=True) if relu else nn.Identity()
        values = {"first.weight": "W1", "first.bias": "b1", "second.weight": "W2", "second.bias": "b2"}
        self.load_state_dict({name: double(case[key]) for name, key in values.items()})

    def forward(self, images: Tensor) -> Tensor:
        self.outputs = [self.first(images.flatten(1))]
        self.outputs.append(self.second(self.relu(self.outputs[0].clone())))
        for output in self.outputs:
            output.retain_grad()
        return self.outputs[1]


def bang_on_two_layers(golden: Golden) -> None:
    given = golden["two_layer"]
    assert len({case["name"] for case in given["cases"]}) == 5
    assert {case["relu"] for case in given["cases"]} == {True, False}
    for case in given["cases"]:
        model = TwoLayers(given, case["relu"])
        images = double(given["x"], True)
        shown = Batch(images=images[:, None, None, :], labels=torch.tensor(given["y"]), source=images)
        method = Bang(beta=case["beta"], epsilon=case["eps"], ratio=case["ratio"])
        method.prepare(model)
        total = method.loss(model, shown, KEY).total
        total.backward()
        close(total, case["loss"])
        close(model.outputs[1], case["logits"])
        assert (model.outputs[1].argmax(dim=1) == shown.labels).tolist() == case["correct"]
        degrees = method.degrees(model.outputs[1], shown.labels)
        for number, (output, layer) in enumerate(zip(model.outputs, (model.first, model.second), strict=True), 1):
            close(output.grad, case[f"kappa{number}"])
            close(sample_norms(output.grad), case[f"norm{number}"])
            close(eta(sample_norms(output.grad), degrees), case[f"eta{number}"])
            close(layer.weight.grad, case[f"dW{number}"])
            close(layer.bias.grad, case[f"db{number}"])
        close(images.grad, case["dx"])


class OneConvolution(nn.Module):
    """The convolution's outputs are the logits, so that any gradient of theirs can be had from a given loss."""

    def __init__(self, case: Golden) -> None:
        super().__init__()
        weight = double(case["W"])
        self.layer = nn.Conv2d(
            weight.shape[1], weight.shape[0], case["kernel"], padding=case["pad"], stride=case["stride"]
        ).double()
        self.layer.load_state_dict({"weight": weight, "bias": torch.zeros(len(weight)).double()})

    def forward(self, images: Tensor) -> Tensor:
        outputs: Tensor = self.layer(images)
        self.outputs = outputs
        return outputs.flatten(1)


def bang_on_a_convolution(golden: Golden) -> None:
    case = golden["conv"]
    gradient = double(case["grad_output"])
    close(sample_norms(gradient), case["norms"])
    close(eta(sample_norms(gradient), double([case["eps"]] * 3)), case["eta"])
    for suffix, beta, epsilon in (("plain", 1, 0), ("bang", case["beta"], case["eps"])):
        model, images = OneConvolution(case), double(case["x"], True)
        method = Bang(beta=beta, epsilon=epsilon)
        method.prepare(model)
        shown = Batch(images=images, labels=torch.zeros(3, dtype=torch.long), source=images)
        total = method.loss(model, shown, KEY).total
        model.outputs.register_hook(lambda _kappa: gradient)
        total.backward()
        close(model.layer.weight.grad, case[f"dW_{suffix}"])
        close(model.layer.bias.grad, case[f"db_{suffix}"])
        close(images.grad, case["dx"])


def the_search_spaces_have_the_papers_grids(golden: Golden) -> None:
    grids = golden["bang_grids"]
    assert len(grids) == 2
    for key, name in (("lenet", "bang_mnist"), ("cifar", "bang_cifar10")):
        method = load(name).method("BANG")
        axes = {axis.name: list(axis.values) for axis in method.axes}
        assert axes["beta"] == grids[key]["beta"]
        assert axes["epsilon"] == grids[key]["eps"]
        assert count(method) == grids[key]["models"]


CHECKS: tuple[Check, ...] = (
    balancing,
    bang_on_two_layers,
    bang_on_a_convolution,
    the_search_spaces_have_the_papers_grids,
)
