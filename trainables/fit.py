"""Training: one trial advanced step by step, its state savable between any two steps.

Nothing here depends on when or where a step runs: draws are keyed by (replicate, purpose, epoch, step), so a training
that was interrupted and resumed, even in mid-epoch, equals one that was not.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from trainables.batches import Augmentation
from trainables.checkpoint import to_cpu, weights_hash
from trainables.convolution import check_safe
from trainables.datasets import DataSet, datasets, split_of
from trainables.methods import Method, methods
from trainables.models import Network, models
from trainables.optimizers import optimizer
from trainables.randomness import Key
from trainables.recipe import Component, Parent, Recipe, Scratch, WeightsFile
from trainables.records import Epoch, Outcome, Sink, State
from trainables.schedules import schedule
from trainables.sequence import build
from trainables.supply import Supply
from trainables.tasks import Task
from trainables.weights import fitted

LOOP_REVISION = 1
"""Raised whenever the loop's numbers change; part of every trial's identity."""

FORMS = 16
"""Forms of a compiled network that are kept: of each of the four places where a method may change the features, and of
none, for the batches' usual size and for others, in training and in evaluation. Torch keeps 8."""
VALIDATION_BATCH = 500


def fit(recipe: Recipe, sink: Sink, device: torch.device | str = "cpu") -> Outcome | None:
    """Train `recipe` to its end, saving after every epoch and going on from whatever the sink already has.

    Returns the outcome that was committed; None if the parent it starts from has no weights to start from, because
    it diverged before its first finite epoch (the trial is then committed as diverged in epoch 0).
    """
    with begin(recipe, sink, device) as training:
        while not training.finished:
            training.advance()
            sink.save_last(training.state())
        return commit(training, sink)


def begin(recipe: Recipe, sink: Sink, device: torch.device | str, supply: Supply | None = None) -> "Training":
    """A training at the furthest point that the sink knows of, or at its beginning if that lacks a stage to be kept."""
    start = recipe.start
    weights = sink.load_start(start) if isinstance(start, (Parent, WeightsFile)) else None
    training = Training(recipe, weights, torch.device(device), sink.keep_stage, supply)
    saved = sink.load_last()
    if saved is not None and training.goes_on_from(saved):
        training.restore(saved)
    return training


def commit(training: "Training", sink: Sink) -> Outcome:
    """Hand a finished training's weights and result to the sink."""
    outcome = training.outcome()
    sink.commit_training(outcome, training.kept_weights())
    return outcome


def data_set(component: Component) -> DataSet:
    """The data set that a recipe names."""
    return datasets.get(component.name)(**component.parameters)


def build_model(recipe: Recipe) -> Network:
    """The recipe's network with its replicate's initial weights, on the CPU: the same for every method."""
    data = data_set(recipe.data)
    described = models.get(recipe.model.name)(**recipe.model.parameters)
    torch.manual_seed(Key((recipe.replicate, "initial weights")).seed)
    return described.build(data.shape, task_of(recipe.method).outputs(len(data.class_names)))


def task_of(method: Component) -> Task:
    """What a method trains the network for."""
    return methods.get(method.name)(**method.parameters, distortion=None).task


def build_method(recipe: Recipe) -> Method:
    """The recipe's training method, holding its training distortion."""
    distortion = build(recipe.distortions) if recipe.distortions else None
    return methods.get(recipe.method.name)(**recipe.method.parameters, distortion=distortion)


def place(model: nn.Module, recipe: Recipe, device: torch.device) -> nn.Module:
    """The model on its device in channels-last layout, giving float32 logits, compiled if the recipe says so.

    Mixed precision is the network's alone: images, distortions, norms, losses and weights stay in float32.
    """
    if device.type == "cpu":
        check_safe(model)
    model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if recipe.precision != "float32":
        model.forward = torch.autocast(device.type, dtype=torch.bfloat16)(model.forward)
        model.register_forward_hook(lambda _module, _inputs, logits: logits.float())
    if recipe.compile:
        model.compile(recompile_limit=FORMS)
    return model


KeepStage = Callable[[int, State], None]
"""Takes a stage and the weights that it reached."""


def keep_none(_stage: int, _weights: State) -> None:
    """Nobody keeps stages."""


@dataclass(frozen=True)
class Best:
    """The selected epoch so far and its weights, on the CPU."""

    epoch: int
    """0 for the weights as they came."""
    weights: State
    validation_correct: int


class Training:
    """One trial's training, advanced in slices.

    Raises whatever its parts raise; a loss that stops being finite is no error but an end: `diverged_epoch` is set.
    """

    def __init__(
        self,
        recipe: Recipe,
        start: State | None,
        device: torch.device,
        keep_stage: KeepStage = keep_none,
        supply: Supply | None = None,
    ) -> None:
        """`supply`: the images that earlier trainings of this process left; None where it has a device to itself."""
        torch.set_num_threads(recipe.threads)
        self.recipe = recipe
        self.device = device
        self.method = build_method(recipe)
        data = data_set(recipe.data)
        margin = self.method.distortion.margin if self.method.distortion else 0
        images = split_of(data, "train")
        supply = supply or Supply(device)
        self.train, self.validation = supply.sources(data, margin)
        self.residency = supply.residency(data)
        model = build_model(recipe)
        if start is None:
            model.see(images.within(0))
        else:
            model.load_state_dict(dict(fitted(start, model.state_dict())))
        self.parameter_count = sum(weights.numel() for weights in model.parameters())
        self.model = place(model, recipe, device)
        self.method.prepare(self.model)
        self.length = recipe.length(len(images))
        self.keep_stage = keep_stage
        self.stage_steps = recipe.stage_steps(len(images))
        self.kept_stages: tuple[int, ...] = ()
        described = optimizer(recipe.optimizer)
        self.optimizer = described.build(self.model)
        self.schedule = schedule(recipe.schedule)
        self.lr = described.lr
        self.lr_factors = [group["lr"] / self.lr for group in self.optimizer.param_groups]
        self.augmentation = Augmentation(flip=recipe.flip, crop=recipe.crop, margin=margin)
        self.step = 0
        """Steps done in the current epoch."""
        self.sums: dict[str, Tensor] = {}
        """Sums over the images of the current epoch, on the device: nothing waits for them until its end."""
        self.epochs: tuple[Epoch, ...] = ()
        self.best: Best | None = None
        self.diverged_epoch: int | None = None
        self.images_seen = 0
        """Images this process has trained on; not part of the state."""
        orphan = start is None and not isinstance(recipe.start, Scratch)
        if orphan:
            self.diverged_epoch = 0
        elif not self.length.steps:
            self.best = Best(0, to_cpu(self.model.state_dict()), self._validate()[1])

    @property
    def epoch(self) -> int:
        """The epoch in progress, 1 the first."""
        return len(self.epochs) + 1

    @property
    def steps(self) -> int:
        """Of the epoch in progress."""
        return self.length.of_epoch(self.epoch)

    @property
    def share(self) -> float:
        """The part of the whole training that is done."""
        if not self.length.steps:
            return 1.0
        return min(1.0, (len(self.epochs) * self.length.epoch + self.step) / self.length.steps)

    @property
    def finished(self) -> bool:
        return self.diverged_epoch is not None or len(self.epochs) == self.length.epochs

    def advance(self, until: float = math.inf, clock: Callable[[], float] = time.monotonic) -> bool:
        """Train to the end of the epoch, or to the first step after `until`; True if the epoch ended."""
        assert not self.finished
        self.model.train()
        batches = torch.split(self._order(), self.recipe.batch_size)
        self.train.rows.expect(batches[self.step : self.steps])
        while self.step < self.steps:
            self._step(batches[self.step])
            if clock() >= until and self.step < self.steps:
                return False
        self._end_epoch()
        return True

    def _order(self) -> Tensor:
        """Indices of the epoch's images, one batch after another."""
        if not self.recipe.shuffle:
            each = self.length.epoch * self.recipe.batch_size
            return torch.arange((self.epoch - 1) * each, self.epoch * each) % len(self.train.labels)
        generator = Key((self.recipe.replicate, "order", self.epoch)).generator()
        return torch.randperm(len(self.train.labels), generator=generator)

    def _step(self, index: Tensor) -> None:
        key = Key((self.recipe.replicate, "step", self.epoch, self.step))
        torch.manual_seed(key.child("global").seed)  # dropout takes no generator
        batch = self.train.batch(index, self.augmentation.drawn(key.child("augmentation")))
        loss = self.method.loss(self.model, batch, key)
        rate = self.schedule.rate(self.lr, len(self.epochs) * self.length.epoch + self.step, self.length)
        for group, factor in zip(self.optimizer.param_groups, self.lr_factors, strict=True):
            group["lr"] = rate * factor
        self.optimizer.zero_grad(set_to_none=True)
        loss.total.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self._add({"loss": loss.total, **loss.terms}, len(batch.labels))
        self.step += 1
        self.images_seen += len(batch.labels)
        self._keep_stage()

    def _keep_stage(self) -> None:
        """Keep the weights if these are to be kept."""
        stage = self.stage_steps.get(len(self.epochs) * self.length.epoch + self.step)
        if stage is not None:
            self.keep_stage(stage, self.model.state_dict())
            self.kept_stages = (*self.kept_stages, stage)

    def _add(self, losses: dict[str, Tensor], n: int) -> None:
        for name, value in losses.items():
            weighted = value.detach().double() * n
            self.sums[name] = self.sums[name] + weighted if name in self.sums else weighted

    def _end_epoch(self) -> None:
        shown = self.recipe.shown(self.steps, len(self.train.labels))
        means = {name: float(total) / shown for name, total in self.sums.items()}
        loss, correct = self._validate()
        if not all(math.isfinite(value) for value in (*means.values(), loss)):
            self.diverged_epoch = self.epoch
            return
        ended = Epoch(
            epoch=self.epoch,
            loss=means.pop("loss"),
            terms=means,
            validation_loss=loss,
            validation_correct=correct,
            validation_n=len(self.validation.labels),
            learning_rate=self.optimizer.param_groups[0]["lr"],
        )
        if self._selects(ended):
            self.best = Best(ended.epoch, to_cpu(self.model.state_dict()), ended.validation_correct)
        self.epochs = (*self.epochs, ended)
        self.step, self.sums = 0, {}

    def _selects(self, ended: Epoch) -> bool:
        """Whether `ended` becomes the kept epoch: the latest, or the first that gets most validation images right."""
        if self.recipe.select == "last" or self.best is None:
            return True
        return ended.validation_correct > self.best.validation_correct

    @torch.no_grad()
    def _validate(self) -> tuple[float, int]:
        self.model.eval()
        index = torch.split(torch.arange(len(self.validation.labels)), VALIDATION_BATCH)
        self.validation.rows.expect(index)
        batches = (self.validation.batch(one) for one in index)
        return self.method.task.validate(self.model, ((batch.images, batch.labels) for batch in batches))

    def state(self) -> State:
        """Everything needed to go on from here, bit for bit; raises OSError if the images were lost on the way."""
        self._check()
        return {
            "step": self.step,
            "sums": self.sums,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "best": None if self.best is None else {"epoch": self.best.epoch, "weights": self.best.weights},
            "diverged_epoch": self.diverged_epoch,
            "stages": list(self.kept_stages),
        }

    def _check(self) -> None:
        for source in (self.train, self.validation):
            source.rows.check()

    def close(self) -> None:
        """End what fetches images ahead."""
        for source in (self.train, self.validation):
            source.rows.close()

    def __enter__(self) -> "Training":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def goes_on_from(self, state: State) -> bool:
        """Whether every stage up to there was kept."""
        done = len(state["epochs"]) * self.length.epoch + state["step"]
        passed = {stage for steps, stage in self.stage_steps.items() if steps <= done}
        return passed.issubset(state.get("stages", ()))

    def restore(self, state: State) -> None:
        """Go back to a state that `state()` gave, in this process or another."""
        self.step = state["step"]
        self.sums = {name: total.to(self.device) for name, total in state["sums"].items()}
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epochs = tuple(Epoch(**epoch) for epoch in state["epochs"])
        self.best = None if state["best"] is None else self._kept(**state["best"])
        self.diverged_epoch = state["diverged_epoch"]
        self.kept_stages = tuple(state.get("stages", ()))

    def _kept(self, epoch: int, weights: State) -> Best:
        """The best epoch, once `epochs` are there."""
        return Best(epoch, weights, self.epochs[epoch - 1].validation_correct)

    def kept_weights(self) -> State | None:
        """The selected epoch's weights, on the CPU; None if no epoch was finite."""
        return None if self.best is None else self.best.weights

    def outcome(self) -> Outcome:
        """The result, once `finished`; raises OSError if the images were lost on the way."""
        assert self.finished
        self._check()
        begun = len(self.epochs) if self.diverged_epoch is None else self.diverged_epoch
        shown = sum(
            self.recipe.shown(self.length.of_epoch(epoch), len(self.train.labels)) for epoch in range(1, begun + 1)
        )
        return Outcome(
            planned_epochs=self.length.epochs,
            epochs=self.epochs,
            selected_epoch=self.best.epoch if self.best else None,
            diverged_epoch=self.diverged_epoch,
            validation_correct=self.best.validation_correct if self.best else None,
            validation_n=len(self.validation.labels),
            parameter_count=self.parameter_count,
            weights_hash=weights_hash(self.best.weights) if self.best else None,
            images_seen=shown * self.method.forward_passes(),
            labels_used=shown * self.method.labelled_passes(),
        )
