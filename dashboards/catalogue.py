"""Figures by name, for notebooks: the same ones that the page shows."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dashboards.answers import why_no_epochs, why_no_rates, why_nothing
from dashboards.benchmarks import benchmarks
from dashboards.captions import AT_FIRST, Shown
from dashboards.drawing import Drawing, as_figure
from dashboards.figures.bands import Selection, bands_info
from dashboards.figures.corruptions import corruptions_info
from dashboards.figures.corruptions import measures as corruption_measures
from dashboards.figures.draw_bands import draw_bands
from dashboards.figures.draw_heat_map import draw_heat_map
from dashboards.figures.draw_knobs import draw_knobs
from dashboards.figures.draw_near_duplicates import draw_near_duplicates
from dashboards.figures.draw_panels import draw_panels
from dashboards.figures.draw_ratios import draw_ratios
from dashboards.figures.draw_training import draw_training
from dashboards.figures.heat_map import grids, heat_map_info
from dashboards.figures.knobs import knobs_info
from dashboards.figures.near_duplicates import near_duplicates_info
from dashboards.figures.pareto import draw_course, draw_front, pairs, search_info, searched_on
from dashboards.figures.perturbations import measures as perturbation_measures
from dashboards.figures.perturbations import no_distances, perturbations_info
from dashboards.figures.ratios import RatiosInfo
from dashboards.figures.standing import draw_standing, standing_info
from dashboards.figures.training import ACCURACY, measures, training_info
from dashboards.page import data_uri
from dashboards.palette import Look, looks
from dashboards.picks import BY
from dashboards.ranges import BANDS
from dashboards.reading import read_results
from dashboards.results import Results
from dashboards.selections import opening_pair, opening_train, paper_figures, train_options
from dashboards.wording import listed
from study.store import Store

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class FigureError(ValueError):
    """A figure that cannot be drawn; says why, and what can be."""


def figure(
    store: Store,
    study: str,
    name: str,
    *,
    train: str | None = None,
    test: str | None = None,
    methods: Sequence[str] | None = None,
    level: float | None = None,
    measure: str | None = None,
    pick: str | None = None,
    band: str | None = None,
) -> "Figure":
    """A figure as Plotly's, of the study as it stands.

    One of FIGURES, `pareto` of a search, `near_duplicates` of a ranking, `corruptions` or, at difficulty 1,
    `perturbations` of a benchmark; or one of the study's own by its name under `figures:`, as "1c", and `figures` for
    all of these in panels, which say themselves what they are of. `train` and `test` name the distortions, by default
    those that the page opens with; `methods` are labels, by default all (bands, standing, knobs). `level` is one of
    the sweep's: by default the practical one (heat_map), or the first at which the study's own figure picks best and
    worst. `measure` is what is drawn by epoch (training), or `ce`, `relative_ce`, `error` (corruptions), or
    `flip_rate`, `t5d`, `flip_probability`, `top5_distance` (perturbations). `pick` names the images that best and worst
    are picked on: `test`, as by default, or `validation` (bands, standing, training, those of a benchmark and the
    study's own). `band` is what bands hold: `all` trials, as by default, `q10-q90` or `q25-q75` of them, or `none`
    (bands and the study's own). Raises FigureError, or QueryError for a study that is not in the store.
    """
    results = read_results(store, study)
    own = {one.name: one.selection for one in paper_figures(results)}
    everything = (TOGETHER,) if own else ()
    one_of("figure", name, (*FIGURES, PARETO, *OF_RANKINGS, *OF_BENCHMARKS, *everything, *own))
    methods = (methods,) if isinstance(methods, str) else methods
    if name in own or name in everything:
        told = {"train": train, "test": test, "methods": methods, "measure": measure}
        _check_is_told_by_the_study(name, own, told, level)
        chosen_figures = own if name in everything else {name: own[name]}
        return as_figure(_illustrated(results, _of_study(results, chosen_figures, level, _shown(pick, band))))
    wanted = _wanted(name, measure or ACCURACY, pick, band)
    if level is not None and name != "heat_map":
        raise FigureError(f"level is for heat_map; {name} is at the practical level, or at all of them")
    if name == PARETO:
        return as_figure(_pareto(results, train))
    if name in OF_BENCHMARKS:
        return as_figure(_of_benchmark(results, name, train, measure, wanted))
    if not results.sweeps:
        raise FigureError(f"{study} tests nothing but undistorted images; a figure needs a sweep in `evaluate:`")
    usual_train, usual_test = opening_pair(results)
    chosen = Selection(
        train_distortion=one_of("training distortion", train or usual_train, train_options(results)),
        test_distortion=one_of("test distortion", test or usual_test, [s.test_distortion for s in results.sweeps]),
        labels=None if methods is None else tuple(one_of("method", label, results.labels) for label in methods),
        pick_at=() if level is None else (float(level),),
    )
    drawn_as = looks(results.labels, {trial.label for trial in results.baselines})
    return as_figure(_illustrated(results, {**FIGURES, **OF_RANKINGS}[name](results, chosen, drawn_as, wanted)))


def _illustrated(results: Results, made: Drawing) -> Drawing:
    """With its pictures in it."""
    for image in made["layout"].get("images", ()):
        image["source"] = data_uri(results.examples[image["source"].removeprefix("example:")])
    return made


def one_of(kind: str, name: str, there: Sequence[str] | Mapping[str, object]) -> str:
    """`name`, if it is there; raises FigureError with the nearest one."""
    if name in there:
        return name
    near = difflib.get_close_matches(name, list(there), n=1)
    meant = f"did you mean {near[0]!r}?" if near else f"there are {listed(list(there)) or 'none'}"
    raise FigureError(f"no {kind} is called {name!r}; {meant}")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What some figures can be told besides."""

    measure: str
    shown: Shown


def _wanted(name: str, measure: str, pick: str | None, band: str | None) -> Wanted:
    for kind, value, figures in (("pick", pick, PICKED), ("band", band, BANDED)):
        if value is not None and name not in figures:
            raise FigureError(f"{kind} is for {listed(figures)}; {name} has none")
    return Wanted(measure=measure, shown=_shown(pick, band))


def _shown(pick: str | None, band: str | None) -> Shown:
    return {
        "pick": one_of("pick", pick or AT_FIRST["pick"], BY),
        "band": one_of("band", band or AT_FIRST["band"], (*BANDS, "none")),
    }


PICKED, BANDED = ("bands", "standing", "training", "corruptions", "perturbations"), ("bands",)
"""Figures with a best and a worst, and with bands."""
Looks = Mapping[str, Look]


def _check_there_is_something(results: Results, chosen: Selection) -> None:
    missing = why_nothing(results, chosen.train_distortion, chosen.test_distortion)
    if missing:
        raise FigureError(missing)


def _bands(results: Results, chosen: Selection, drawn_as: Looks, wanted: Wanted) -> Drawing:
    _check_there_is_something(results, chosen)
    return draw_bands(bands_info(results, chosen), drawn_as, wanted.shown)


def _standing(results: Results, chosen: Selection, drawn_as: Looks, wanted: Wanted) -> Drawing:
    _check_there_is_something(results, chosen)
    return draw_standing(standing_info(results, chosen), drawn_as, wanted.shown)


def _knobs(results: Results, chosen: Selection, drawn_as: Looks, _wanted: Wanted) -> Drawing:
    _check_there_is_something(results, chosen)
    info = knobs_info(results, chosen)
    if not info.panels:
        raise FigureError("no hyperparameter of these methods takes more than one value among the trials evaluated")
    return draw_knobs(info, drawn_as)


def _heat_map(results: Results, chosen: Selection, _drawn_as: Looks, _wanted: Wanted) -> Drawing:
    found = [
        grid
        for grid in grids(results)
        if grid.group.train_distortion == chosen.train_distortion
        and (chosen.labels is None or grid.group.label in chosen.labels)
    ]
    if not found:
        there = listed([grid.name for grid in grids(results)]) or "none"
        raise FigureError(f"a heat map needs a grid of two hyperparameters, 5 × 5 points at least; there is {there}")
    _check_there_is_something(results, chosen)
    sweep = results.sweep(chosen.test_distortion)
    level = _level(results, chosen, chosen.pick_at[0] if chosen.pick_at else sweep.practical)
    return draw_heat_map(heat_map_info(results, found[0], sweep, level))


def _training(results: Results, chosen: Selection, drawn_as: Looks, wanted: Wanted) -> Drawing:
    missing = why_no_epochs(results, chosen.train_distortion)
    if missing:
        raise FigureError(missing)
    there = measures(results, chosen.train_distortion)
    info = training_info(results, chosen.train_distortion, one_of("measure", wanted.measure, there))
    return draw_training(info, drawn_as, chosen.test_distortion, wanted.shown)


def _near_duplicates(results: Results, chosen: Selection, drawn_as: Looks, _wanted: Wanted) -> Drawing:
    info = near_duplicates_info(results, chosen.train_distortion, results.sweep(chosen.test_distortion))
    if not info.curves:
        raise FigureError("near-duplicates are of evaluated networks that give embeddings, and there is none here")
    return draw_near_duplicates(info, drawn_as)


TOGETHER = "figures"
"""All that a study's `figures:` names."""


def _check_is_told_by_the_study(
    name: str, own: Mapping[str, Selection], told: Mapping[str, object], level: float | None
) -> None:
    given = [one for one, value in told.items() if value is not None]
    if given:
        raise FigureError(
            f"{name} takes no {listed(given)}: the study's `figures:` says what it draws; `bands` draws others"
        )
    if level is not None and name not in own:
        raise FigureError(f"level is for one figure, as {next(iter(own))!r}; {name} draws all as the study has them")


def _of_study(results: Results, own: Mapping[str, Selection], level: float | None, shown: Shown) -> Drawing:
    """One figure, or panels of several, each picked at the first of its levels."""
    drawn_as = looks(results.labels, {trial.label for trial in results.baselines})
    infos = []
    for name, selection in own.items():
        _check_there_is_something(results, selection)
        at = selection.pick_at[:1] if level is None else (_level(results, selection, level),)
        infos.append((name, bands_info(results, replace(selection, pick_at=at))))
    return draw_panels(infos, drawn_as, shown) if len(infos) > 1 else draw_bands(infos[0][1], drawn_as, shown)


def _level(results: Results, chosen: Selection, level: float) -> float:
    """One of the sweep's."""
    sweep = results.sweep(chosen.test_distortion)
    if float(level) not in sweep.levels:
        levels = listed([f"{one:g}" for one in sweep.levels])
        raise FigureError(f"{level:g} is no level of {sweep.test_distortion}; there are {levels}")
    return float(level)


PARETO = "pareto"
"""Of a search: it has no pair of a training and a test distortion."""


def _pareto(results: Results, train: str | None) -> Drawing:
    """The points with the front, on test images; with a single objective, the course of the search."""
    trained = searched_on(results)
    if not trained:
        raise FigureError("this study searches nothing: it has no section search:")
    info = search_info(results, one_of("training distortion that is searched", train or trained[0], trained))
    if not info.dots:
        raise FigureError("no point of the search is evaluated yet")
    drawn_as = looks(results.labels, {trial.label for trial in results.baselines})
    return draw_front(info, drawn_as, "test", 0, 1) if pairs(info) else draw_course(info, drawn_as, 0)


OF_BENCHMARKS = ("corruptions", "perturbations")
"""Of a benchmark, which has no pair of distortions either."""


def _of_benchmark(results: Results, name: str, train: str | None, measure: str | None, wanted: Wanted) -> Drawing:
    """The first benchmark of the kind; as its first measure unless told."""
    there = benchmarks(results, "corruption" if name == "corruptions" else "perturbation")
    if not there:
        raise FigureError(f"this study tests no {name}: `evaluate:` has no line `{name}:`")
    offered = corruption_measures if name == "corruptions" else perturbation_measures
    measures_ = {one.name: one for one in offered(results, there[0])}
    chosen = measures_[one_of("measure", measure or next(iter(measures_)), measures_)]
    trained = train if train is None else one_of("training distortion", train, train_options(results))
    trained = trained or opening_train(results)
    info = (
        corruptions_info(results, there[0], chosen, trained)
        if name == "corruptions"
        else perturbations_info(results, there[0], chosen, 1, trained)
    )
    missing = _nothing_of(results, info, name)
    if missing:
        raise FigureError(missing)
    return draw_ratios(info, looks(results.labels, {trial.label for trial in results.baselines}), wanted.shown)


def _nothing_of(results: Results, info: RatiosInfo, name: str) -> str:
    """Why there is nothing to draw; empty where there is."""
    measured = {curve.trial_id for curve in info.curves}
    missing = "" if info.train_distortion is None else why_no_rates(results, info.train_distortion, measured, name)
    return missing or (no_distances(results, info) if name == "perturbations" else "")


FIGURES: Mapping[str, Callable[[Results, Selection, Looks, Wanted], Drawing]] = {
    "bands": _bands,
    "standing": _standing,
    "knobs": _knobs,
    "heat_map": _heat_map,
    "training": _training,
}
"""By the name that a notebook calls it by."""
OF_RANKINGS: Mapping[str, Callable[[Results, Selection, Looks, Wanted], Drawing]] = {
    "near_duplicates": _near_duplicates,
}
"""Those that only networks that give embeddings have."""
