"""The journal: a study's searches as Optuna keeps them, for its own tools. `optuna-dashboard FILE` opens it.

It is written from the points and the tables, and never read.
"""

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from study.plan import Drawn, Search
from study.search.history import distribution


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A point whose end is known."""

    drawn: Drawn
    values: tuple[float, ...] | None
    """None if it failed, or was pruned."""
    halts: tuple[tuple[int, float], ...] = ()
    """(epochs, validation accuracy) at each rung of a point of which no more is known."""


def journal(study: str, searches: Sequence[tuple[Search, Sequence[Ended]]]) -> bytes:
    """One Optuna study a search, named `STUDY · LABEL · TRAINING DISTORTION`; points in the order of their draws.

    Points still running are left out, so that none is left behind as running by a kill.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="study-optuna-") as folder:
        file = Path(folder, "journal")
        storage = JournalStorage(JournalFileBackend(str(file)))
        for search, ended in searches:
            kept = optuna.create_study(
                storage=storage, study_name=study_name(study, search), directions=["maximize"] * len(search.objectives)
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)  # since Optuna 3.2
                kept.set_metric_names([objective.name for objective in search.objectives])
            kept.add_trials([_trial(search, one) for one in ended])
        return file.read_bytes()


def study_name(study: str, search: Search) -> str:
    """What Optuna calls it."""
    return " · ".join(part for part in (study, search.label, search.train_distortion) if part)


def _state(ended: Ended) -> TrialState:
    if ended.values is not None:
        return TrialState.COMPLETE
    return TrialState.PRUNED if ended.halts else TrialState.FAIL


def _trial(search: Search, ended: Ended) -> FrozenTrial:
    return create_trial(
        state=_state(ended),
        values=ended.values,
        intermediate_values=dict(ended.halts),
        params=dict(ended.drawn.parameters),
        distributions={one.key: distribution(one) for one in search.space},
        user_attrs={"trial_ids": list(ended.drawn.trial_ids)},
    )
