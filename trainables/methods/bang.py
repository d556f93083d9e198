"""BANG, batch-adjusted network gradients: in every layer, samples of small gradient count for more."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainables.convolution import ImageConv2d, PointConv2d, thinned
from trainables.methods import Batch, Loss, Method
from trainables.parameters import parameter
from trainables.randomness import Key

MONOTONE = 0.88
"""Below this degree, r η grows with r everywhere."""
Geometry = tuple[Any, ...]
"""Stride, padding, dilation, transposed, output padding and groups of a convolution."""
Layer = nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear
PLAIN_FORWARDS = tuple(kind.forward for kind in (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, ImageConv2d, PointConv2d))
"""What may be replaced by the plain convolution or matrix product of the layer's input, weight and bias."""


@dataclass(frozen=True, kw_only=True)
class Bang(Method):
    """L = L₀(x), its gradients rebalanced: Rozsa, Günther, Boult 2016, "Towards Robust Deep Neural Networks with BANG".

    In every convolution and linear layer let κᵢ = ∂L/∂(output for sample i), before any nonlinearity, nᵢ = ‖κᵢ‖₂ over
    all of sample i's outputs, M = max nᵢ of this layer in this step and rᵢ = nᵢ / M. Then

        ηᵢ = rᵢ^(−εᵢ (1 − rᵢ)),  εᵢ = ε where argmax logitsᵢ = yᵢ in this very pass (ties: lowest index), else ε · ratio
        ∂W = β Σᵢ ηᵢ (∂L/∂W)ᵢ, the bias likewise; what is sent down to the layer below stays unscaled.

    η ≥ 1, and 1 for the sample of the largest norm, for those of norm 0 and for a batch of one. rη grows with r while
    ε < 0.88: above that a sample of a smaller gradient may move the weights further than one of a larger, which the
    paper's grids never do. ε = 0 and β = 1 is `standard`, bit for bit on the CPU. β scales neither weight decay nor
    momentum. All other parameters, batch norm's among them, keep their plain gradient; note that batch norm mixes
    samples, so that κᵢ below it holds more than sample i's own loss.

    A norm that is not finite makes the layer's whole gradient NaN, with it the weights, and so the trial diverged:
    balancing is never quietly left out, and no layer waits for the host to look. Norms are taken in float32 at least,
    also under mixed precision; those below about 1e−22 are 0, as in Caffe.
    """

    revision: ClassVar[int] = 2
    label: ClassVar[str] = "BANG"
    summary: ClassVar[str] = (
        "Cross-entropy, every layer's gradient summed over the samples with weights that lift the small ones "
        "(Rozsa et al. 2016)"
    )
    trains_on_distortion: ClassVar[bool] = False
    alone: ClassVar[str] = (
        "each layer's gradient is balanced over the samples of one pass, and a second pass would have a maximum of its "
        "own (Rozsa et al. 2016 define one pass)"
    )

    beta: float = parameter(
        gt=0,
        symbol="β",
        doc="local learning rate, a factor on the gradients of convolutions and linear layers",
        source="Rozsa et al. 2016, grids: 1 to 1.6 on MNIST, 0.4 to 1 on CIFAR-10",
    )
    epsilon: float = parameter(
        ge=0,
        symbol="ε",
        doc="degree of balancing",
        source="Rozsa et al. 2016, grids: 0.78 to 0.84 on MNIST, 0.8 to 0.86 on CIFAR-10",
    )
    ratio: float = parameter(
        default=1.0,
        ge=0,
        doc="factor on epsilon for misclassified images",
        source="Rozsa et al. 2016: 1 on MNIST, 0.5 on CIFAR-10",
    )

    def prepare(self, model: nn.Module) -> None:
        """Raises ValueError for a convolution or linear layer that computes its output in a way of its own."""
        step = Step()
        for name, layer in model.named_modules():
            if isinstance(layer, Layer):
                layer.forward = Balanced(name, layer, self.beta, step)  # type: ignore[method-assign]

    def caution(self) -> str | None:
        if max(self.epsilon, self.epsilon * self.ratio) < MONOTONE:
            return None
        return (
            f"from ε = {MONOTONE} on, a sample of a smaller gradient may move the weights further than one of a "
            "larger; the paper's grids stay below"
        )

    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        step = _step_of(model)
        step.begin(batch.images)
        try:
            logits = model(batch.images)
        finally:
            token = step.end()
        error = F.cross_entropy(logits, batch.labels)
        total: Tensor = _Sent.apply(error, token, self.degrees(logits, batch.labels))
        return Loss(total, {"clean": error.detach()})

    def degrees(self, logits: Tensor, labels: Tensor) -> Tensor:
        """[N], float32 at least: ε for what the logits [N, classes] get right, ε · ratio for the rest."""
        dtype = torch.promote_types(logits.dtype, torch.float32)
        degrees = torch.full_like(labels, self.epsilon * self.ratio, dtype=dtype)
        if self.ratio == 1:
            return degrees
        return degrees.masked_fill_(logits.detach().argmax(dim=1) == labels, self.epsilon)


def eta(norms: Tensor, degrees: Tensor) -> Tensor:
    """[N] norms ≥ 0 and their degrees ε → [N] weights η = r^(ε (r − 1)) ≥ 1; 1 for a norm of 0.

    A norm that is not finite gets NaN; with one, the others get what is of no use.

    In few operations, since every layer waits for them: on small networks they cost as much as the norms.
    """
    shares = norms / norms.amax()
    exponents = torch.sub(shares, 1).mul_(degrees)
    return shares.pow_(exponents).masked_fill_(norms == 0, 1)


def sample_norms(gradient: Tensor) -> Tensor:
    """[N, …] → [N], L2, in float32 at least."""
    dtype = torch.promote_types(gradient.dtype, torch.float32)
    norms: Tensor = torch.linalg.vector_norm(gradient, dim=tuple(range(1, gradient.dim())), dtype=dtype)
    return norms


class Step:
    """The forward pass of one step, as the layers share it.

    Whether an image is classified right is known only after the layers have run, and is needed in their backward pass.
    It comes to them as a gradient: a token [N] passes through every layer in turn, and the gradient that flows back
    along it is the degrees ε. So nothing outlives the pass, and a compiled model sees this step's degrees.
    """

    def __init__(self) -> None:
        self.token: Tensor | None = None
        """None between passes: layers are plain then."""
        self.layers: list[Balanced] = []

    def begin(self, images: Tensor) -> None:
        for layer in self.layers:
            layer.ran = False
        self.token = images.new_zeros(len(images), requires_grad=True)

    def end(self) -> Tensor:
        token, self.token = self.token, None
        assert token is not None
        return token


def _step_of(model: nn.Module) -> Step:
    for layer in model.modules():
        forward = layer.__dict__.get("forward")
        if isinstance(forward, Balanced):
            return forward.step
    raise ValueError("bang has no convolution or linear layer to balance here; call prepare(model) once, before loss")


class Balanced:
    """A layer's forward pass whose backward pass balances, while a step's pass is on; else the layer's own."""

    def __init__(self, name: str, layer: Layer, beta: float, step: Step) -> None:
        if type(layer).forward not in PLAIN_FORWARDS:
            raise ValueError(
                f"bang balances torch's own convolutions and linear layers; {name} is a {type(layer).__name__} with a "
                "forward of its own. Write that part as modules around a plain layer"
            )
        self.name, self.layer, self.beta, self.step = name, layer, beta, step
        self.ran = False
        step.layers.append(self)

    def __call__(self, input: Tensor) -> Tensor:
        token = self.step.token
        if token is None or not torch.is_grad_enabled():
            own: Tensor = type(self.layer).forward(self.layer, input)  # type: ignore[arg-type]
            return own
        self._check(input, token)
        self.ran = True
        output, self.step.token = self._balanced(input, token)
        return output

    def _check(self, input: Tensor, token: Tensor) -> None:
        if self.ran:
            raise ValueError(
                f"bang balances a layer's gradient over the samples of one pass, and {self.name} runs a second time in "
                "this step, whose samples would have a maximum of their own; give the second use a layer of its own"
            )
        if len(input) != len(token):
            raise ValueError(
                f"bang balances the gradients of samples, and {self.name} gets {len(input)} rows for a batch of "
                f"{len(token)} images; keep the images in the first dimension"
            )

    def _balanced(self, input: Tensor, token: Tensor) -> tuple[Tensor, Tensor]:
        """The output, and the token to the next layer."""
        layer = self.layer
        if isinstance(layer, nn.Linear):
            return _Product.apply(*_cast(input, layer.weight, layer.bias), token, self.beta)  # type: ignore[no-any-return]
        input, padding = _padded(layer, input)
        input, stride = thinned(layer, input)
        geometry = (stride, padding, layer.dilation, False, (0,) * len(padding), layer.groups)
        tensors = _cast(input, layer.weight, layer.bias)
        return _Convolution.apply(*tensors, token, self.beta, geometry)  # type: ignore[no-any-return]


def _cast(input: Tensor, *weights: Tensor | None) -> tuple[Tensor | None, ...]:
    """What autocast would do at this layer: its own casts end at an autograd function's door."""
    device = input.device.type
    if not torch.is_autocast_enabled(device):
        return input, *weights
    dtype = torch.get_autocast_dtype(device)
    return tuple(None if one is None else one.to(dtype) for one in (input, *weights))


def _padded(layer: nn.Conv1d | nn.Conv2d | nn.Conv3d, input: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """The input, and how many zeros the convolution is to put around it; padding of another kind is put on before."""
    if layer.padding_mode == "zeros" and not isinstance(layer.padding, str):
        return input, layer.padding
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    return F.pad(input, layer._reversed_padding_repeated_twice, mode=mode), (0,) * len(layer.kernel_size)


def _scales(gradient: Tensor, degrees: Tensor, beta: float) -> Tensor:
    """β ηᵢ, [N], of κ [N, …], in the norms' precision."""
    return eta(sample_norms(gradient), degrees).mul_(beta)


def _scaled(tensor: Tensor, scales: Tensor) -> Tensor:
    """[N, …], each sample times its scale, computed in the scales' precision and rounded to that of the tensor."""
    return torch.mul(tensor, scales.view(-1, *[1] * (tensor.dim() - 1)), out=torch.empty_like(tensor))


def _change(gradient: Tensor, scales: Tensor) -> Tensor:
    """Σᵢ (β ηᵢ − 1) κᵢ over samples and positions, [outputs], of κ [N, outputs, …]: 0 where all scales are 1.

    As one product of a vector and a matrix, whichever way κ lies in memory.
    """
    outputs, extra = gradient.shape[1], scales.sub(1).to(gradient.dtype)
    if gradient.stride(1) == 1:  # channels last
        return torch.mv(gradient.movedim(1, -1).flatten(1).t(), extra).view(-1, outputs).sum(dim=0)
    return torch.mv(gradient.flatten(1).t(), extra).view(outputs, -1).sum(dim=1)


class _Product(torch.autograd.Function):
    """x Wᵀ + b."""

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None, token: Tensor, beta: float
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(input, weight)
        ctx.beta = beta
        return F.linear(input, weight, bias), token.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, degrees: Tensor) -> tuple[Tensor | None, ...]:
        if gradient is None:
            return None, None, None, degrees, None
        input, weight = ctx.saved_tensors
        to_input, to_weight, to_bias = ctx.needs_input_grad[:3]
        balanced = _scaled(gradient, _scales(gradient, degrees, ctx.beta)).flatten(0, -2)
        return (
            gradient @ weight if to_input else None,
            balanced.t() @ input.flatten(0, -2) if to_weight else None,
            balanced.sum(dim=0) if to_bias else None,
            degrees,
            None,
        )


class _Convolution(torch.autograd.Function):
    """W ∗ x + b in one to three dimensions."""

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None, token: Tensor, beta: float, geometry: Geometry
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(input, weight)
        ctx.beta, ctx.geometry = beta, geometry
        return torch.convolution(input, weight, bias, *geometry), token.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, degrees: Tensor) -> tuple[Tensor | None, ...]:
        """In one call of torch's own: Σᵢ (sᵢ κᵢ) ∗ xᵢ = Σᵢ κᵢ ∗ (sᵢ xᵢ), and what is sent down does not know x.

        The call's bias gradient is the plain one. It is corrected, rather than summed anew, so that it is torch's, bit
        for bit, where nothing is scaled.
        """
        if gradient is None:
            return None, None, None, degrees, None, None
        input, weight = ctx.saved_tensors
        scales = _scales(gradient, degrees, ctx.beta)
        change = _change(gradient, scales) if ctx.needs_input_grad[2] else None
        to_input, to_weight, to_bias = torch.ops.aten.convolution_backward(
            gradient, _scaled(input, scales), weight, [len(weight)], *ctx.geometry, ctx.needs_input_grad[:3]
        )
        if to_bias is not None:
            to_bias.add_(change)
        return to_input, to_weight, to_bias, degrees, None, None


class _Sent(torch.autograd.Function):
    """The loss as it is; its backward pass sends the degrees up the layers, along their token."""

    @staticmethod
    def forward(ctx: Any, loss: Tensor, token: Tensor, degrees: Tensor) -> Tensor:
        ctx.save_for_backward(degrees.to(token.dtype))
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        (degrees,) = ctx.saved_tensors
        return gradient, degrees, None
