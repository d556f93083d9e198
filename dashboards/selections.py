"""Pairs of a training and a test distortion: which there are, and which a page opens with."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from dashboards.figures.bands import Selection
from dashboards.parts import Choice
from dashboards.results import Results
from dashboards.wording import spoken

UNTRAINED = "nobody trained on"
PICK_OPTIONS = (("test", "test images"), ("validation", "validation images"))


@dataclass(frozen=True, kw_only=True)
class PaperFigure:
    """One entry of the spec's `figures:`: a pair with its methods, and what is drawn beside it."""

    name: str
    selection: Selection


def opening_pair(results: Results) -> tuple[str, str]:
    """The first training distortion that is also tested; else the first of each."""
    tested = [sweep.test_distortion for sweep in results.sweeps]
    train = opening_train(results)
    assert train is not None
    return train, train if train in tested else tested[0]


def opening_train(results: Results) -> str | None:
    """None for a study that trains its baseline alone and tests no distortion."""
    tested = [sweep.test_distortion for sweep in results.sweeps]
    both = [one for one in results.trained_on if one in tested]
    return next(iter((*both, *results.trained_on, *tested)), None)


def train_options(results: Results) -> dict[str, str]:
    """Value → text: what was trained on, then what is only tested."""
    tested = [sweep.test_distortion for sweep in results.sweeps]
    return {one: spoken(one) for one in dict.fromkeys((*results.trained_on, *tested))}


def train_choice(results: Results) -> Choice | None:
    """The question that most pages hang on; None where there is nothing to choose from."""
    trained, first = train_options(results), opening_train(results)
    return None if first is None else Choice(
        name="train", title="Trained on", options=tuple(trained.items()), default=first,
        groups={one: UNTRAINED for one in trained if one not in results.trained_on},
    )  # fmt: skip


def pick_choice() -> Choice:
    """By which images best and worst are told."""
    return Choice(name="pick", title="picked by", options=PICK_OPTIONS, default="test")


def paper_figures(results: Results) -> tuple[PaperFigure, ...]:
    """Those of the spec that this study has the distortions for."""
    return tuple(_figures(results, _written(results.launch.spec_text)))


def _written(spec_text: str) -> dict[str, Any]:
    try:
        read = YAML(typ="safe", pure=True).load(spec_text)
    except YAMLError:
        return {}
    figures = read.get("figures") if isinstance(read, dict) else None
    return figures if isinstance(figures, dict) else {}


def _figures(results: Results, written: dict[str, Any]) -> Iterator[PaperFigure]:
    tested = {sweep.test_distortion for sweep in results.sweeps}
    for name, entry in written.items():
        given = entry if isinstance(entry, dict) else {}
        train, test = given.get("train"), given.get("test")
        if train in results.trained_on and test in tested:
            also = given.get("also")
            beside = [also] if isinstance(also, dict) and also.get("train") in results.trained_on else []
            yield PaperFigure(
                name=str(name),
                selection=Selection(
                    train_distortion=str(train),
                    test_distortion=str(test),
                    labels=_labels(given),
                    also=tuple((str(one["train"]), _labels(one)) for one in beside),
                    pick_at=tuple(float(level) for level in _several(given.get("pick_at"))),
                ),
            )


def _labels(entry: dict[str, Any]) -> tuple[str, ...] | None:
    return tuple(map(str, _several(entry["methods"]))) if "methods" in entry else None


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [] if value is None else [value]
