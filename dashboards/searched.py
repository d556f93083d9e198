"""What a search of the plan draws."""

from dashboards.results import Group, Results
from study.plan import Open, Search
from study.report import Setting
from study.summary import UNDISTORTED


def search_of(results: Results, group: Group) -> Search | None:
    """What drew the group's points; None for a grid."""
    named = (one for one in results.plan.searches if one.label == group.label)
    return next((one for one in named if (one.train_distortion or UNDISTORTED) == group.train_distortion), None)


def drawn_as(search: Search, knob: Setting) -> Open | None:
    """How the search draws the hyperparameter; None if it is fixed."""
    key = (knob.owner, knob.name.removeprefix(f"{knob.owner}."))
    return next((one for one in search.space if (_owner(search, one), one.name) == key), None)


def _owner(search: Search, drawn: Open) -> str:
    """`method`, or the name of the training distortion, as settings have it."""
    return "method" if drawn.step is None else search.templates[0].distortions[drawn.step].name
