"""A trainable that trains nothing, on the real session: what is under test is everything around it.

Its epochs carry a chain of hashes, so that a resume from the wrong point, a lost epoch or one done twice shows in the
tables.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import ray
import torch

from study.progress import Event, Progress
from trainables.recipe import Parent, Recipe
from trainables.records import Cell, Epoch, Outcome
from trainables.tune import Session, Slices, StudyTrainable, Unit

EPOCH_SECONDS = 0.05


def link(before: float, recipe: Recipe, epoch: int) -> float:
    """The next number of the chain, in [0, 1)."""
    digest = hashlib.sha256(repr((before, recipe.replicate, epoch)).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


class NoOp(StudyTrainable):
    """Units that last `epoch_seconds` an epoch."""

    epoch_seconds = EPOCH_SECONDS

    def work(self, unit: Unit, session: Session) -> Slices:
        if unit.phase == "train":
            return self._pretend_training(unit.recipe, session, unit.until)
        return self._pretend_evaluation(unit.recipe, session)

    def _pretend_training(self, recipe: Recipe, session: Session, until: int | None) -> Slices:
        state: dict[str, Any] = dict(session.load_last() or {"epochs": [], "step": 0})
        if isinstance(recipe.start, Parent) and not state["epochs"]:
            session.load_start(recipe.start)
        losses = list(state["epochs"])
        end = until or recipe.epochs
        while len(losses) < end:
            time.sleep(self.epoch_seconds)
            losses.append(link(losses[-1] if losses else 0.0, recipe, len(losses) + 1))
            session.save_last({"epochs": losses, "step": 0})
            self.images += 100
            if len(losses) < end:
                yield self.report("running", epoch=len(losses))
        if len(losses) < recipe.epochs:
            epochs = outcome(losses).epochs
            session.halt(epochs[end - 1])
            yield self.report("halted", epoch=len(losses), epochs=epochs)
            return
        session.commit_training(outcome(losses), None)
        yield self.report("done", epoch=len(losses))

    def _pretend_evaluation(self, recipe: Recipe, session: Session) -> Slices:
        session.load_trained()
        measured = list(cells(session.wanted, recipe))
        session.commit_cells(measured)
        self.images += 100 * len(measured)
        yield self.report("done", cells=tuple(measured))


class Quick(NoOp):
    """Units that last no time."""

    epoch_seconds = 0.0


class Raising(NoOp):
    """Raises in the training of every trial whose replicate is odd."""

    def _pretend_training(self, recipe: Recipe, session: Session, until: int | None) -> Slices:
        if recipe.replicate % 2:
            raise ArithmeticError(f"no luck with replicate {recipe.replicate}")
        return super()._pretend_training(recipe, session, until)


class Greedy(NoOp):
    """Takes three gibibytes in the training of every trial whose replicate is odd."""

    def _pretend_training(self, recipe: Recipe, session: Session, until: int | None) -> Slices:
        held = torch.ones(3 * 2**28 if recipe.replicate % 2 else 2**20)
        assert held[-1] == 1
        return super()._pretend_training(recipe, session, until)


class Placed(NoOp):
    """Notes in the store on which node each trial is trained."""

    def _pretend_training(self, recipe: Recipe, session: Any, until: int | None) -> Slices:
        node = ray.get_runtime_context().get_node_id()
        session.store.objects.put(f"placed/{recipe.replicate}", node.encode())
        return super()._pretend_training(recipe, session, until)


def outcome(losses: Sequence[float]) -> Outcome:
    epochs = tuple(
        Epoch(
            epoch=number,
            loss=loss,
            terms={"clean": loss},
            validation_loss=loss,
            validation_correct=int(100 * loss),
            validation_n=100,
            learning_rate=0.01,
        )
        for number, loss in enumerate(losses, start=1)
    )
    return Outcome(
        planned_epochs=len(losses),
        epochs=epochs,
        selected_epoch=len(losses),
        diverged_epoch=None,
        validation_correct=epochs[-1].validation_correct,
        validation_n=100,
        parameter_count=0,
        weights_hash=None,
        images_seen=0,
        labels_used=0,
    )


def cells(wanted: Sequence[str], recipe: Recipe) -> Iterator[Cell]:
    for condition_id in wanted:
        yield Cell(
            condition_id=condition_id,
            n=100,
            correct=recipe.replicate % 100,
            top5_correct=None,
            loss_sum=1.0,
            confidence_sum=1.0,
            at_chance=False,
            correct_bits=b"\0" * 13,
        )


@dataclass
class Log:
    """An observer that remembers."""

    events: list[Event]
    last: Progress | None = None

    def changed(self, progress: Progress) -> None:
        self.last = progress

    def happened(self, event: Event, progress: Progress) -> None:
        self.events.append(event)
        self.last = progress
