"""A small study made by hand: its plan, and results of which every number is known."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from study.plan import Plan, PlannedTrial, Resources, Sweep
from study.store import AttemptRow, Store
from trainables.recipe import Component, Condition, Parent, Recipe, Scratch, Start
from trainables.records import AttackCounts, Cell, Epoch, NearDuplicates, Outcome

DATA = Component.of("mnist_5k", {"train": 3000})
N = 1000


def noise(sigma: float) -> Component:
    return Component.of("gaussian_noise", {"sigma": sigma})


def rotation(degrees: float) -> Component:
    return Component.of("rotation", {"degrees": degrees})


def fgsm(epsilon: float) -> Component:
    return Component.of("fgsm", {"epsilon": epsilon})


def trial(
    trial_id: str,
    label: str,
    method: Component,
    distortions: Iterable[Component] = (),
    start: Start | None = None,
    replicate: int = 0,
) -> PlannedTrial:
    recipe = Recipe(
        data=DATA,
        model=Component.of("lenet", {"dropout": 0.0}),
        method=method,
        distortions=tuple(distortions),
        start=start or Parent(trial_id="base"),
        epochs=3,
        batch_size=128,
        optimizer=Component.of("sgd", {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.0}),
        schedule=Component.of("constant"),
        replicate=replicate,
    )
    stage = 0 if isinstance(recipe.start, Scratch) else 1
    identity = f'{{"{trial_id}":1}}'
    return PlannedTrial(
        trial_id=trial_id, label=label, stage=stage, recipe=recipe, identity=identity, resources=Resources()
    )


def stability(alpha: float, divergence: str = "kl") -> Component:
    return Component.of("stability_training", {"alpha": alpha, "divergence": divergence})


BASELINE = trial("base", "Baseline", Component.of("standard"), start=Scratch())
ST = tuple(
    trial(f"st-{index}", "ST", stability(alpha), [noise(sigma)])
    for index, (alpha, sigma) in enumerate([(0.01, 0.1), (0.01, 0.3), (10.0, 0.1), (10.0, 0.3)])
)
DA = tuple(
    trial(f"da-{index}", "DA", Component.of("data_augmentation", {"p": p}), [rotation(30.0), noise(0.1)])
    for index, p in enumerate([0.5, 1.0])
)
AT = (trial("at", "AT", Component.of("adversarial_training", {"mu": 0.5}), [fgsm(8 / 255)]),)


def clean(condition_id: str = "c-clean") -> Condition:
    return Condition(
        condition_id=condition_id, data=DATA, split="test", family="clean", test_distortion="clean", parameter=None,
        level=None,
    )  # fmt: skip


def swept(name: str, parameter: str, level: float) -> Condition:
    return Condition(
        condition_id=f"c-{name}-{level:g}",
        data=DATA,
        split="test",
        family="sweep",
        test_distortion=name,
        parameter=parameter,
        level=level,
        steps=(Component.of(name, {parameter: level}),),
    )


def sweep(name: str, parameter: str, unit: str, symbol: str, levels: Sequence[float], practical: float) -> Sweep:
    return Sweep(
        test_distortion=name,
        parameter=parameter,
        unit=unit,
        symbol=symbol,
        levels=tuple(levels),
        practical=practical,
        condition_ids=tuple(f"c-{name}-{level:g}" for level in levels),
    )


SWEEPS = (
    sweep("gaussian_noise", "sigma", "pixels in [0, 1]", "σ", (0.1, 0.3), 0.3),
    sweep("jpeg", "quality", "", "q", (90.0, 30.0, 5.0), 30.0),
)


def plan(
    trials: Sequence[PlannedTrial] = (BASELINE, *ST, *DA, *AT), sweeps: Sequence[Sweep] = SWEEPS, study: str = "small"
) -> Plan:
    levels = (swept(one.test_distortion, one.parameter, level) for one in sweeps for level in one.levels)
    return Plan(
        study=study,
        title="A small study – with σ",
        trials=tuple(trials),
        conditions=(clean(), *levels),
        sweeps=tuple(sweeps),
    )


def epoch(number: int) -> Epoch:
    return Epoch(
        epoch=number,
        loss=1.0 / number,
        terms={"stability": 0.25, "clean": 0.5},
        validation_loss=0.5,
        validation_correct=450,
        validation_n=500,
        learning_rate=0.01,
    )


OUTCOME = Outcome(
    planned_epochs=3,
    epochs=(epoch(1), epoch(2), epoch(3)),
    selected_epoch=2,
    diverged_epoch=None,
    validation_correct=450,
    validation_n=500,
    parameter_count=61706,
    weights_hash="ab" * 32,
    images_seen=18000,
    labels_used=9000,
)
DIVERGED = Outcome(
    planned_epochs=3,
    epochs=(),
    selected_epoch=None,
    diverged_epoch=1,
    validation_correct=None,
    validation_n=500,
    parameter_count=61706,
    weights_hash=None,
    images_seen=3000,
    labels_used=3000,
)


def cell(condition_id: str, correct: int, at_chance: bool = False) -> Cell:
    return Cell(
        condition_id=condition_id,
        n=N,
        correct=correct,
        top5_correct=min(N, correct + 50),
        loss_sum=None if at_chance else 2.0 * N,
        confidence_sum=None if at_chance else 0.5 * N,
        at_chance=at_chance,
        correct_bits=None if at_chance else bytes(N // 8),
    )


def evaluated(plan: Plan, correct: int) -> list[Cell]:
    """Every condition, one image fewer right from condition to condition."""
    return [cell(one.condition_id, correct - position) for position, one in enumerate(plan.conditions)]


RANKING = replace(
    plan((trial("ranked", "FS", Component.of("feature_stability", {"alpha": 0.3}), [noise(0.1)], start=Scratch()),)),
    study="ranking",
    measure="triplet ranking score",
)
"""A study of embeddings."""
NEAR = (
    NearDuplicates(threshold=0.5, pairs=N, found=0, false_alarms=0),
    NearDuplicates(threshold=1.0, pairs=N, found=800, false_alarms=200),
)


def ranked(correct: int) -> list[Cell]:
    """As `evaluated`, of embeddings."""
    return [replace(one, top5_correct=None, near_duplicates=NEAR) for one in evaluated(RANKING, correct)]


def attack(name: str, variant: str | None, **parameters: float | str) -> Condition:
    said = variant or parameters["epsilon"]
    return Condition(
        condition_id=f"c-{name}-{said}", data=DATA, split="test", family="attack",
        test_distortion=f"{name} ({variant})" if variant else name, parameter=None if variant else "epsilon",
        level=None if variant else float(said),
        steps=(Component.of(name, {**parameters, "align": "ecc", "images": N}),),
    )  # fmt: skip


ATTACKS = (
    attack("fgs", "paper", rule="paper"),
    attack("fgs", "unmasked", rule="unmasked"),
    attack("pgd", None, epsilon=0.1, steps=20, step_size=2 / 255, restarts=1),
)
ATTACKED = replace(plan(), study="attacked", conditions=(*plan().conditions, *ATTACKS))
"""The small study with adversarial quality."""


def counted(condition: Condition, attempts: int, successes: int, aligned: bool = True) -> AttackCounts:
    """L∞ 20 and 40 by turns, PASS 0.6 and 0.8, without alignment 0.5."""
    found = next(iter(condition.steps))
    return AttackCounts(
        attack=found.name, variant=condition.test_distortion.partition("(")[2].rstrip(")") or None, attempts=attempts,
        successes=successes, blank=attempts - successes if "paper" in condition.condition_id else None,
        linf_sum=30.0 * successes, linf_square_sum=1000.0 * successes, pass_sum=0.7 * successes if aligned else None,
        pass_square_sum=0.5 * successes if aligned else None, pass_unaligned_sum=0.5 * successes,
        pass_unaligned_square_sum=0.25 * successes,
    )  # fmt: skip


def attacked(correct: int, successes: Sequence[int]) -> list[Cell]:
    """As `evaluated`; of the images right on clean ones so many are attacked with success, an attack each."""
    plain = [one for one in evaluated(ATTACKED, correct) if one.condition_id not in {c.condition_id for c in ATTACKS}]
    return [
        *plain,
        *(
            replace(cell(one.condition_id, correct - number), top5_correct=None, loss_sum=None, confidence_sum=None,
                    attacks=(counted(one, correct, number),))
            for one, number in zip(ATTACKS, successes, strict=True)
        ),
    ]  # fmt: skip


def run(store: Store, plan: Plan, correct: dict[str, int]) -> None:
    """Commit every trial of `correct`: id → images right on clean ones."""
    for trial in plan.unique_trials():
        if trial.trial_id in correct:
            store.commit_training(trial, OUTCOME)
            store.commit_cells(trial.trial_id, plan.conditions, evaluated(plan, correct[trial.trial_id]))


def attempt(trial_id: str, token: str = "0001") -> AttemptRow:
    return AttemptRow(
        trial_id=trial_id,
        attempt=token,
        unit="train",
        status="done",
        started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        seconds=1.5,
        host="here",
        device="cpu",
        images=9000,
        versions={"torch": "2.15", "a": None},
    )
