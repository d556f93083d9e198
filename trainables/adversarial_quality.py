"""Adversarial quality, as BANG measures it: how far must an image be moved along a direction until its label changes?

Rozsa, Günther, Boult 2016: every image that the model classifies right is attacked. Pixels are whole numbers in
[0, 255], and that range is the only constraint: x(k) = clip(rint(x + k d), 0, 255), with the smallest step k > 0 at
which the label is not the true one. Steps are tried one by one, in order, so that the smallest is meant literally.

Images are uint8 [N, C, H, W] on the model's device, labels [N]. The model computes in float32 (its weights, no mixed
precision), in eval mode, and comes back in the mode it was in. Directions of all images stay on the device: 8 bytes a
pixel at most.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from trainables.similarity import ssim

BATCH = 250
"""Images in one pass; on a GPU give more."""
FGS_STEPS = tuple(float(k) for k in range(1, 256))
HOT_COLD_STEPS = (*FGS_STEPS, *(255 * 1.05**j for j in range(1, 101)))
"""Pixels that move slowly saturate late: beyond 255 in steps of 5 %, to 33,533."""

HotCold = Literal["literal", "abs", "margin"]
Objective = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Quality:
    """One attack on one model: counts, and sums over the successes."""

    attempts: int
    """Images that the model classifies right."""
    blank: int
    """Attempts without a direction: the gradient is all zero."""
    successes: int
    linf_sum: float
    """Of the largest change of a pixel, in [0, 255]."""
    linf_square_sum: float
    pass_sum: float
    """Of PASS without alignment: SSIM with the original, mirrored border."""
    pass_square_sum: float

    @property
    def rate(self) -> float:
        """Successes per attempt, in [0, 1]; NaN without attempts."""
        return self.successes / self.attempts if self.attempts else math.nan

    @property
    def linf(self) -> tuple[float, float]:
        """Mean and standard deviation over the successes; NaN without any."""
        return _moments(self.linf_sum, self.linf_square_sum, self.successes)

    @property
    def similarity(self) -> tuple[float, float]:
        """Mean and standard deviation of the unaligned PASS over the successes; NaN without any."""
        return _moments(self.pass_sum, self.pass_square_sum, self.successes)


@dataclass(frozen=True, kw_only=True)
class FGSQuality:
    """One line search along the sign of the loss's gradient, counted in two ways.

    The loss of a confidently classified image is 0 in float32. `paper` has no direction there, as if the gradient were
    multiplied with that loss: this is what the published rates show. `unmasked` goes by the gradient in float64, which
    is never quite zero. A rate that falls in `paper` alone is gradient masking, not robustness.
    """

    paper: Quality
    unmasked: Quality


def fgs(model: nn.Module, images: Tensor, labels: Tensor, batch: int = BATCH) -> FGSQuality:
    """The fast gradient sign as a line search over k = 1 … 255, so that L∞ = k up to clipping."""
    with _evaluating(model):
        images, labels = _attempts(model, images, labels, batch)
        direction = loss_direction(model, images, labels, batch)
        steps = line_search(model, images, labels, direction, FGS_STEPS, batch)
        blank = blank_in_float32(_logits(model, images, batch), labels)
        return FGSQuality(
            paper=_quality(images, direction, steps.masked_fill(blank, 0), blank, batch),
            unmasked=_quality(images, direction, steps, _no_direction(direction), batch),
        )


def hot_cold(model: nn.Module, images: Tensor, labels: Tensor, variant: HotCold, batch: int = BATCH) -> Quality:
    """HC1, the attack towards the closest other class: a line search over HOT_COLD_STEPS."""
    with _evaluating(model):
        images, labels = _attempts(model, images, labels, batch)
        direction = hot_cold_direction(model, images, labels, variant, batch)
        steps = line_search(model, images, labels, direction, HOT_COLD_STEPS, batch)
        return _quality(images, direction, steps, _no_direction(direction), batch)


def loss_direction(model: nn.Module, images: Tensor, labels: Tensor, batch: int = BATCH) -> Tensor:
    """sign ∂L₀/∂x, computed in float64, as float32 [N, C, H, W]."""
    objective = partial(F.cross_entropy, reduction="sum")
    signs = (gradient.sign().float() for gradient in _gradients(model, images, labels, objective, batch))
    return torch.cat([images[:0].float(), *signs])


def blank_in_float32(logits: Tensor, labels: Tensor) -> Tensor:
    """[N] bool: whether the float32 loss of the logits [N, classes] is 0, that is, p(y) is 1."""
    return F.cross_entropy(logits.float(), labels, reduction="none") == 0


def hot_cold_direction(
    model: nn.Module, images: Tensor, labels: Tensor, variant: HotCold, batch: int = BATCH
) -> Tensor:
    """∂ Σⱼ wⱼ hⱼ / ∂x over its largest absolute value, float64 [N, C, H, W]; h the logits, w constant."""

    def weighed(logits: Tensor, labels: Tensor) -> Tensor:
        return (hot_cold_weights(logits.detach(), labels, variant) * logits).sum()

    gradient = torch.cat([images[:0].double(), *_gradients(model, images, labels, weighed, batch)])
    largest = gradient.abs().amax(dim=(1, 2, 3), keepdim=True)
    return gradient / torch.where(largest == 0, 1, largest)


def hot_cold_weights(logits: Tensor, labels: Tensor, variant: HotCold) -> Tensor:
    """w [N, classes]: positive at the hot class, the closest other one, and negative at the cold one, the true label's.

    `literal`: |h_hot| and −h_y, as published; where the true logit is negative it pushes towards the true class. `abs`
    puts that right with −|h_y|; `margin` has 1 and −1.
    """
    cold = labels[:, None]
    hot = logits.scatter(1, cold, -math.inf).argmax(dim=1, keepdim=True)
    h_hot, h_cold = logits.gather(1, hot), logits.gather(1, cold)
    ends = {
        "literal": (h_hot.abs(), -h_cold),
        "abs": (h_hot.abs(), -h_cold.abs()),
        "margin": (torch.ones_like(h_hot), -torch.ones_like(h_cold)),
    }
    to_hot, to_cold = ends[variant]
    return torch.zeros_like(logits).scatter(1, hot, to_hot).scatter(1, cold, to_cold)


def moved(images: Tensor, direction: Tensor, steps: Tensor) -> Tensor:
    """x(k) = clip(rint(x + k d), 0, 255), whole numbers in the direction's precision; `steps` is k [N]."""
    return (images + steps.to(direction.dtype).view(-1, 1, 1, 1) * direction).round_().clamp_(0, 255)


@torch.no_grad()
def line_search(
    model: nn.Module, images: Tensor, labels: Tensor, direction: Tensor, steps: tuple[float, ...], batch: int = BATCH
) -> Tensor:
    """[N] float64: for each image the first of the ascending `steps` at which the label changes; 0 where none does.

    Each image of the batch is at its own step, and one that is through makes room for the next.
    """
    ladder = torch.tensor(steps, dtype=torch.float64, device=images.device)
    found = torch.zeros(len(images), dtype=torch.float64, device=images.device)
    useful = _useful_steps(images, direction, ladder)
    waiting = useful.nonzero().flatten()
    rows, at = waiting[:0], waiting[:0]
    while len(waiting) or len(rows):
        rows = torch.cat([rows, waiting[: batch - len(rows)]])
        waiting = waiting[len(rows) - len(at) :]
        at = torch.cat([at, at.new_zeros(len(rows) - len(at))])
        k = ladder[at]
        changed = _seen(model, moved(images[rows], direction[rows], k)).argmax(dim=1) != labels[rows]
        found[rows[changed]] = k[changed]
        at = at + 1
        stays = ~changed & (at < useful[rows])
        rows, at = rows[stays], at[stays]
    return found


def _useful_steps(images: Tensor, direction: Tensor, ladder: Tensor) -> Tensor:
    """[N]: how many steps of the ladder show a new image; once every moving pixel is saturated they are all alike."""
    room = torch.where(direction > 0, 255 - images.to(direction.dtype), images)
    reach = torch.where(direction == 0, 0, room / direction.abs()).flatten(1).amax(dim=1).double()
    useful = torch.searchsorted(ladder, reach) + 1
    return torch.where(reach == 0, 0, useful.clamp(max=len(ladder)))


def _quality(images: Tensor, direction: Tensor, steps: Tensor, blank: Tensor, batch: int) -> Quality:
    """What a line search found, counted over the attempts [N]; successes are the `steps` above 0."""
    flipped = steps > 0
    linf, similarity = [steps[:0]], [steps[:0]]
    parts = (torch.split(one[flipped], batch) for one in (images, direction, steps))
    for originals, along, k in zip(*parts, strict=True):
        adversarial = moved(originals, along, k)
        linf.append((adversarial - originals).abs().amax(dim=(1, 2, 3)).double())
        similarity.append(ssim(adversarial, originals))
    distances, similarities = torch.cat(linf), torch.cat(similarity)
    return Quality(
        attempts=len(images),
        blank=int(blank.sum()),
        successes=int(flipped.sum()),
        linf_sum=float(distances.sum()),
        linf_square_sum=float(distances.square().sum()),
        pass_sum=float(similarities.sum()),
        pass_square_sum=float(similarities.square().sum()),
    )


def _moments(total: float, squares: float, n: int) -> tuple[float, float]:
    if not n:
        return math.nan, math.nan
    mean = total / n
    return mean, math.sqrt(max(squares / n - mean**2, 0.0))


def _attempts(model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> tuple[Tensor, Tensor]:
    """The images that the model classifies right, and their labels."""
    right = _logits(model, images, batch).argmax(dim=1) == labels
    return images[right], labels[right]


def _no_direction(direction: Tensor) -> Tensor:
    return (direction == 0).flatten(1).all(dim=1)


@torch.no_grad()
def _logits(model: nn.Module, images: Tensor, batch: int) -> Tensor:
    """[N, classes] of uint8 images."""
    return torch.cat([_seen(model, some) for some in torch.split(images, batch)])


def _seen(model: nn.Module, pixels: Tensor) -> Tensor:
    """Logits of pixels in [0, 255]."""
    logits: Tensor = model(pixels.to(torch.float32, memory_format=torch.channels_last) / 255)
    return logits


def _gradients(model: nn.Module, images: Tensor, labels: Tensor, objective: Objective, batch: int) -> Iterator[Tensor]:
    """∂ objective(logits, labels) / ∂x in float64, up to the factor of the pixels' unit, a batch at a time.

    Raises ValueError for a model that does not compute in its weights' precision.
    """
    weights = {
        name: tensor.detach().double()
        for name, tensor in chain(model.named_parameters(), model.named_buffers())
        if tensor.is_floating_point()
    }
    for some, their_labels in zip(torch.split(images, batch), torch.split(labels, batch), strict=True):
        with torch.enable_grad():
            pixels = (some.double() / 255).requires_grad_()
            logits = functional_call(model, weights, (pixels,))
            if logits.dtype != torch.float64:
                raise ValueError(
                    f"adversarial quality takes gradients in float64, and this network gives {logits.dtype} for "
                    "float64 images; build it with precision float32"
                )
            yield torch.autograd.grad(objective(logits, their_labels), pixels)[0]


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
