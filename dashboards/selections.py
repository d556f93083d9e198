"""Pairs of a training and a test distortion: which there are, and which a page opens with."""

from dataclasses import dataclass

from dashboards.figures.bands import Selection
from dashboards.parts import Choice
from dashboards.results import Results
from dashboards.wording import spoken
from study.plan import Figure

UNTRAINED = "nobody trained on"
PICK_OPTIONS = (("test", "test images"), ("validation", "validation images"))

BAND_OPTIONS = (
    ("all", "all trials, min to max"),
    ("q10-q90", "10–90 % of the trials"),
    ("q25-q75", "25–75 % of the trials"),
    ("none", "no band"),
)
POINTS = ("points", "points above the baseline")


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


def band_choice() -> Choice:
    """What bands hold."""
    return Choice(name="band", title="band", options=BAND_OPTIONS, default="all")


def scale_choice(results: Results) -> Choice:
    """What the y axis reads."""
    options = (("accuracy", results.plan.measure), *((POINTS,) if results.baselines else ()))
    return Choice(name="scale", title="as", options=options, default="accuracy")


def paper_figures(results: Results) -> tuple[PaperFigure, ...]:
    """Those of the study's `figures:`, in their order."""
    return tuple(PaperFigure(name=figure.name, selection=_selection(figure)) for figure in results.plan.figures)


def _selection(figure: Figure) -> Selection:
    return Selection(
        train_distortion=figure.trained.train_distortion,
        test_distortion=figure.test_distortion,
        labels=figure.trained.labels,
        also=tuple((beside.train_distortion, beside.labels) for beside in figure.also),
        pick_at=figure.pick_at,
        paper=True,
    )
