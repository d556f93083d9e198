"""BANG: the rule against a brute force over samples, on every kind of layer; what it refuses; how it fails."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters
from torch.nn import functional as F

from tests.contracts.pictures import network, random_images
from tests.study.executor.plans import trial
from trainables.attacks.fgsm import input_gradient
from trainables.convolution import ImageConv2d
from trainables.fit import Training, build_model, place
from trainables.methods import Batch, bang
from trainables.methods.bang import Bang, eta, sample_norms
from trainables.methods.standard import Standard
from trainables.randomness import Key
from trainables.recipe import Component

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # torch's own, on its own layer

KEY = Key(("test",))
LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(6, 5), (6,)),
    "linear over tokens": (lambda: nn.Linear(6, 5, bias=False), (4, 3, 6)),
    "conv1d": (lambda: nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2), (4, 9)),
    "conv2d": (lambda: nn.Conv2d(3, 4, 3, padding=1), (3, 7, 6)),
    "conv2d strided, dilated, no bias": (lambda: nn.Conv2d(3, 4, 3, stride=(2, 1), dilation=2, bias=False), (3, 9, 8)),
    "conv2d depthwise": (lambda: nn.Conv2d(4, 8, 3, groups=4), (4, 6, 6)),
    "conv2d same, even kernel": (lambda: nn.Conv2d(3, 4, 4, padding="same"), (3, 7, 6)),
    "conv2d valid": (lambda: nn.Conv2d(3, 4, 3, padding="valid"), (3, 7, 6)),
    "conv2d circular": (lambda: nn.Conv2d(3, 4, 3, padding=(1, 2), padding_mode="circular"), (3, 7, 6)),
    "conv2d reflected": (lambda: nn.Conv2d(3, 4, 3, padding="same", padding_mode="reflect"), (3, 7, 6)),
    "conv3d": (lambda: nn.Conv3d(2, 3, 2, padding=1, padding_mode="replicate"), (2, 4, 5, 3)),
    "image conv2d": (lambda: ImageConv2d(1, 4, kernel_size=3), (1, 7, 6)),
}


class Flat(nn.Module):
    """A layer whose outputs are the logits; `outputs` remembers them."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, images: Tensor) -> Tensor:
        self.outputs = self.layer(images)
        return self.outputs.flatten(1)


def made(name: str, dtype: torch.dtype = torch.float64) -> tuple[Flat, Tensor, Tensor]:
    """A model of one layer, images that need a gradient, labels of which it gets three of five right."""
    torch.manual_seed(0)
    layer, shape = LAYERS[name]
    model = Flat(layer()).to(dtype)
    images = torch.randn(5, *shape).to(dtype)
    labels = model(images).argmax(dim=1)
    labels[1::2] = (labels[1::2] + 1) % model(images).shape[1]
    if images.dim() == 4:
        images = images.contiguous(memory_format=torch.channels_last)
    return model, images.requires_grad_(), labels


def batch(images: Tensor, labels: Tensor) -> Batch:
    return Batch(images=images, labels=labels, source=images)


def gradients(method: Bang | Standard, model: nn.Module, images: Tensor, labels: Tensor) -> list[Tensor]:
    """Of every parameter, then of the images."""
    method.prepare(model)
    method.loss(model, batch(images, labels), KEY).total.backward()
    return [weight.grad for weight in model.parameters()] + [images.grad]


def brute_force(model: Flat, images: Tensor, labels: Tensor, beta: float, degrees: Tensor) -> list[Tensor]:
    """Sample by sample, by torch's own gradients."""
    logits = model(images)
    loss = F.cross_entropy(logits, labels)
    (kappa,) = torch.autograd.grad(loss, model.outputs, retain_graph=True)
    norms = kappa.flatten(1).norm(dim=1)
    shares = norms / norms.max()
    weights = list(model.parameters())
    totals = [torch.zeros_like(weight) for weight in weights]
    for sample in range(len(images)):
        own = torch.zeros_like(kappa)
        own[sample] = kappa[sample]
        scale = beta * shares[sample] ** (-degrees[sample] * (1 - shares[sample]))
        for total, part in zip(
            totals, torch.autograd.grad(model.outputs, weights, own, retain_graph=True), strict=True
        ):
            total += scale * part
    return [*totals, *torch.autograd.grad(loss, images)]


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_obeys_the_rule(name: str) -> None:
    model, images, labels = made(name)
    correct = model(images).argmax(dim=1) == labels
    assert correct.sum() == 3
    expected = brute_force(model, images, labels, 1.2, torch.where(correct, 0.8, 0.4).double())
    found = gradients(Bang(beta=1.2, epsilon=0.8, ratio=0.5), model, images, labels)
    plain = gradients(Standard(), *made(name))
    for ours, reference, unscaled in zip(found[:-1], expected[:-1], plain[:-1], strict=True):
        torch.testing.assert_close(ours, reference, rtol=2e-7, atol=1e-12)
        assert not torch.allclose(ours, unscaled)
    torch.testing.assert_close(found[-1], expected[-1])


@pytest.mark.parametrize("name", LAYERS)
def test_degree_0_and_rate_1_are_the_plain_gradient_bit_for_bit(name: str) -> None:
    plain = gradients(Standard(), *made(name, torch.float32))
    neutral = gradients(Bang(beta=1, epsilon=0), *made(name, torch.float32))
    for ours, theirs in zip(neutral[:-1], plain[:-1], strict=True):
        assert torch.equal(ours, theirs)
    # ImageConv2d has a gradient to the images of its own, which training does not ask for
    assert torch.equal(neutral[-1], plain[-1]) or (name == "image conv2d" and torch.allclose(neutral[-1], plain[-1]))


@pytest.mark.parametrize("name", LAYERS)
def test_a_batch_of_one_is_only_multiplied_with_beta(name: str) -> None:
    plain = gradients(Standard(), *(_first(part) for part in made(name)))
    alone = gradients(Bang(beta=0.5, epsilon=0.85), *(_first(part) for part in made(name)))
    for ours, theirs in zip(alone[:-1], plain[:-1], strict=True):
        torch.testing.assert_close(ours, 0.5 * theirs)


def _first(part: nn.Module | Tensor) -> nn.Module | Tensor:
    return part if isinstance(part, nn.Module) else part[:1].detach().requires_grad_(part.is_floating_point())


def test_the_weights_lift_small_gradients_and_never_their_order() -> None:
    norms = torch.tensor([4.0, 2.0, 1.0, 0.1, 1e-6]).double()
    for epsilon in (0.4, 0.78, 0.87):
        weights = eta(norms, torch.full((5,), epsilon, dtype=torch.double))
        assert (weights.diff() > 0).all()
        assert ((norms * weights).diff() < 0).all()


@pytest.mark.parametrize("norms", [[0.0, 0.0], [0.3, 0.3, 0.3], [0.7], [0.0, 2.0]])
def test_without_two_different_norms_nothing_is_lifted(norms: list[float]) -> None:
    assert eta(torch.tensor(norms), torch.full((len(norms),), 0.85)).tolist() == [1.0] * len(norms)


@pytest.mark.parametrize("epsilon", [0.0, 0.8])
@pytest.mark.parametrize("norm", [torch.inf, torch.nan])
def test_a_norm_that_is_not_finite_makes_the_gradient_nan(epsilon: float, norm: float) -> None:
    weights = eta(torch.tensor([1.0, norm, 0.0]), torch.full((3,), epsilon))
    assert not (weights * torch.tensor([1.0, 1.0, 0.0])).sum().isfinite()


def test_ties_count_for_the_lowest_class() -> None:
    degrees = Bang(beta=1, epsilon=0.8, ratio=0.5).degrees(torch.zeros(2, 3), torch.tensor([0, 1]))
    torch.testing.assert_close(degrees, torch.tensor([0.8, 0.4]))


def test_right_and_wrong_are_judged_in_the_very_pass_dropout_included() -> None:
    model, images, labels = network("lenet", dropout=0.9).train(), random_images(64, 1, 28, 28), torch.arange(64) % 10
    with torch.no_grad():
        labels = model.eval()(images).argmax(dim=1)  # all right without dropout
    seen: list[Tensor] = []
    model.train().register_forward_hook(lambda _model, _inputs, logits: seen.append(logits))
    method = Bang(beta=1, epsilon=0.8, ratio=0.0)
    torch.manual_seed(0)
    found = gradients(method, model, images.requires_grad_(), labels)
    degrees = method.degrees(seen[0], labels)
    assert 0 < (degrees == 0).sum() < 64
    (kappa,) = torch.autograd.grad(F.cross_entropy(logits := seen[0].detach().requires_grad_(), labels), logits)
    torch.testing.assert_close(found[-2], (eta(sample_norms(kappa), degrees)[:, None] * kappa).sum(dim=0))


def test_under_bfloat16_norms_and_weights_are_float32() -> None:
    small = torch.randn(4, 3, 5, 5).bfloat16() * torch.tensor([1, 1e-3, 1e-18, 0]).view(-1, 1, 1, 1).bfloat16()
    norms = sample_norms(small)
    assert norms.dtype == torch.float32
    assert (norms[:3] > 0).all()
    scaled = bang._scaled(small, bang._scales(small, torch.full((4,), 0.8), 1.2))
    exact = small.float() * (1.2 * eta(norms, torch.full((4,), 0.8))).view(-1, 1, 1, 1)
    assert torch.equal(scaled, exact.bfloat16())


@pytest.mark.parametrize("name", ["lenet", "small_cnn"])
def test_neutral_is_standard_under_bfloat16_too(name: str) -> None:
    recipe = replace(trial("01").recipe, model=Component.of(name), precision="bfloat16")
    images, labels = random_images(8, 1, 28, 28), torch.arange(8)
    found = []
    for method in (Standard(), Bang(beta=1, epsilon=0)):
        model = place(build_model(recipe), recipe, torch.device("cpu")).train()
        found.append(gradients(method, model, images, labels)[:-1])
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*found, strict=True))


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_compiled_model_is_one_graph_that_sees_each_steps_mistakes(backend: str) -> None:
    steps = [(random_images(6, 1, 28, 28, seed=seed), torch.arange(6) + seed) for seed in range(3)]
    found = []
    for compiled in (False, True):
        model, method = network("small_cnn", width=2).train(), Bang(beta=1.2, epsilon=0.8, ratio=0.5)
        method.prepare(model)
        if compiled:
            counters.clear()
            model.compile(backend=backend)
        for images, labels in steps:
            method.loss(model, batch(images, labels), KEY).total.backward()
        found.append([weight.grad for weight in model.parameters()])
    assert counters["stats"]["unique_graphs"] == 1
    assert not counters["graph_break"]
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_an_activation_may_write_over_the_outputs() -> None:
    inplace, plain = (nn.Sequential(nn.Linear(4, 5), nn.ReLU(inplace=inplace), nn.Linear(5, 3)) for inplace in (1, 0))
    plain.load_state_dict(inplace.state_dict())
    images, labels = torch.rand(6, 4), torch.arange(6) % 3
    method = Bang(beta=1, epsilon=0.8)
    for ours, theirs in zip(
        *(gradients(method, model, images, labels)[:-1] for model in (inplace, plain)), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_frozen_weights_get_no_gradient_and_let_it_through() -> None:
    model = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3))
    model[1].requires_grad_(False)
    first, *others = gradients(Bang(beta=1, epsilon=0.8), model, torch.rand(6, 4), torch.arange(6) % 3)
    assert first.abs().sum() > 0
    assert others[1:] == [None, None, None]


def test_outside_its_loss_a_prepared_model_is_a_plain_one() -> None:
    prepared, plain = network("lenet"), network("lenet")
    Bang(beta=2, epsilon=0.8).prepare(prepared)
    images, labels = random_images(4, 1, 28, 28), torch.arange(4)
    assert torch.equal(input_gradient(images, labels, prepared), input_gradient(images, labels, plain))
    for model in (prepared, plain):
        F.cross_entropy(model(images), labels).backward()
    for ours, theirs in zip(prepared.parameters(), plain.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)
    assert list(prepared.state_dict()) == list(plain.state_dict())


def loss_of(model: nn.Module, images: Tensor) -> Tensor:
    method = Bang(beta=1, epsilon=0.8)
    method.prepare(model)
    return method.loss(model, batch(images, torch.zeros(len(images), dtype=torch.long)), KEY).total


class WithAHead(nn.Module):
    """Auxiliary heads that run, the one before and the other after all that reaches the loss, and do not reach it."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head, self.side, self.last = (
            nn.Linear(4, 4),
            nn.Linear(4, 3),
            nn.Conv1d(1, 2, 1),
            nn.Linear(4, 2),
        )

    def forward(self, images: Tensor) -> Tensor:
        features = self.body(images)
        self.side(features[:, None])
        logits: Tensor = self.head(features)
        self.last(features)
        return logits


def test_a_layer_that_does_not_reach_the_loss_gets_no_gradient() -> None:
    """Nor does it get zeros, which weight decay would follow."""
    torch.manual_seed(0)
    model = WithAHead()
    plain = {name: one is not None for name, one in of_standard(model).items()}
    assert plain["head.weight"]
    assert not plain["side.weight"]
    model.zero_grad()
    loss_of(model, torch.rand(6, 4)).backward()
    assert {name: one.grad is not None for name, one in model.named_parameters()} == plain


def test_the_degrees_pass_a_layer_that_does_not_reach_the_loss() -> None:
    """Those before it in the pass are balanced as if it were not there."""
    images, found = torch.rand(6, 4), []
    for model in (WithAHead(), WithAHead()):
        model.load_state_dict({name: torch.full_like(one, 0.1).cumsum(0) for name, one in model.state_dict().items()})
        if found:
            model.last, model.side = nn.Identity(), nn.Identity()
        loss_of(model, images).backward()
        found.append((model.body.weight.grad, model.head.weight.grad))
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def of_standard(model: nn.Module) -> dict[str, Tensor | None]:
    F.cross_entropy(model(torch.rand(6, 4)), torch.zeros(6, dtype=torch.long)).backward()
    return {name: one.grad for name, one in model.named_parameters()}


def test_a_layer_that_runs_twice_in_a_step_is_refused() -> None:
    layer = nn.Linear(4, 4)
    with pytest.raises(ValueError, match=r"and 0 runs a second time in this step, whose samples would have a maximum"):
        loss_of(nn.Sequential(layer, nn.Tanh(), layer), torch.rand(3, 4))


def test_a_model_can_go_on_after_a_step_that_was_refused() -> None:
    model = Flat(nn.Linear(4, 4))
    with pytest.raises(RuntimeError):
        loss_of(model, torch.rand(3, 5))
    assert loss_of(model, torch.rand(3, 4)).isfinite()


class Folded(nn.Module):
    """Two tokens an image, as rows of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, images: Tensor) -> Tensor:
        return self.layer(images.view(-1, 2)).view(-1, 4)


def test_images_folded_into_another_dimension_are_refused() -> None:
    with pytest.raises(ValueError, match="layer gets 6 rows for a batch of 3 images; keep the images in the first dim"):
        loss_of(Folded(), torch.rand(3, 4))


def test_a_layer_with_a_forward_of_its_own_is_refused() -> None:
    class Standardised(nn.Conv2d):
        def forward(self, input: Tensor) -> Tensor:
            return F.conv2d(input, self.weight - self.weight.mean())

    with pytest.raises(ValueError, match="layer is a Standardised with a forward of its own"):
        Bang(beta=1, epsilon=0.8).prepare(Flat(Standardised(1, 1, 1)))


def test_a_model_that_was_not_prepared_is_refused() -> None:
    with pytest.raises(ValueError, match=r"call prepare\(model\) once"):
        Bang(beta=1, epsilon=0.8).loss(network("lenet"), batch(random_images(2, 1, 28, 28), torch.arange(2)), KEY)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"beta": 0, "epsilon": 0.8}, "beta, local learning rate, .* must be above 0; got 0"),
        ({"beta": 1, "epsilon": -0.1}, "epsilon, degree of balancing, must be at least 0; got -0.1"),
        ({"beta": 1, "epsilon": 0.8, "ratio": -1}, "ratio, .* must be at least 0; got -1"),
    ],
)
def test_parameters_out_of_range_are_named(parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Bang(**parameters)


LAYER_PASSES = 4
"""LeNet's layers: a step takes as many norms."""


@pytest.mark.parametrize("norm", [torch.inf, torch.nan])
@pytest.mark.parametrize("pass_", [2 * LAYER_PASSES, 4 * LAYER_PASSES - 1])
def test_a_norm_that_is_not_finite_ends_the_trial_as_diverged(
    norm: float, pass_: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In epoch 2 of 3, of two steps each: the first layer asked of its first step, and the last of its last."""
    numbers = count()

    def broken(gradient: Tensor) -> Tensor:
        norms = sample_norms(gradient)
        return norms.index_fill(0, torch.tensor([0]), norm) if next(numbers) == pass_ else norms

    monkeypatch.setattr(bang, "sample_norms", broken)
    recipe = replace(trial("01", epochs=3).recipe, method=Component.of("bang", {"beta": 1.0, "epsilon": 0.8}))
    training = Training(recipe, None, torch.device("cpu"))
    for _ in advancing(training):
        pass
    assert training.diverged_epoch == 2
    assert training.outcome().selected_epoch == 1


def advancing(training: Training) -> Iterator[None]:
    while not training.finished:
        training.advance()
        yield
