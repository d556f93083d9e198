"""What the searches of a study came to."""

from collections.abc import Iterator, Mapping

from dashboards.figures.pareto import (
    Dot,
    On,
    SearchInfo,
    details,
    draw_course,
    draw_front,
    explanation,
    pairs,
    search_info,
    searched_on,
)
from dashboards.palette import Look, looks
from dashboards.parts import Choice, Column, Family, Page, Slot, Table, Variant, choices_html, slot_html
from dashboards.results import Results
from dashboards.wording import count, listed, spoken

ORDER = 5
ON: tuple[tuple[On, str], ...] = (("test", "test images"), ("validation", "validation images, as the search saw them"))


def page(results: Results) -> Page | None:
    """None for a study that searches nothing."""
    trained = searched_on(results)
    if not trained:
        return None
    infos = {one: search_info(results, one) for one in trained}
    first = infos[trained[0]]
    where = Choice(
        name="searched", title="Searched on", options=tuple((one, spoken(one)) for one in trained), default=trained[0]
    )
    choices = tuple(filter(None, (where if len(trained) > 1 else None, _axes(first), _measured(first))))
    course = Choice(
        name="objective", title="Objective", options=tuple((one, one) for one in first.objectives),
        default=first.objectives[0],
    )  # fmt: skip
    drawn_as = looks(results.labels, {trial.label for trial in results.baselines})
    fronts = Slot(name="front", title="Points and front", variants=tuple(_fronts(infos, drawn_as)))
    courses = Slot(name="course", title="Course of the search", variants=tuple(_courses(infos, drawn_as)))
    several = (course,) if len(first.objectives) > 1 else ()
    front = (
        f"<h2>What the search found</h2>{choices_html(choices)}{slot_html(fronts, open_table=True)}"
        if pairs(first)
        else ""
    )
    body = (
        f'{front}<h2>Its course</h2><p class="lead">Every point in the order in which it was drawn, and the best so '
        f"far.</p>{choices_html(several)}{slot_html(courses)}"
    )
    slots = (fronts, courses) if pairs(first) else (courses,)
    return Page(name="search", nav="Search", body=body, choices=(*choices, *several), slots=slots)


def _axes(info: SearchInfo) -> Choice | None:
    """None where there are no two pairs of objectives to choose from."""
    there = pairs(info)
    if len(there) < 2:
        return None
    options = tuple((_pair(x, y), f"{info.objectives[x]} and {info.objectives[y]}") for x, y in there)
    return Choice(name="axes", title="Objectives", options=options, default=options[0][0])


def _pair(x: int, y: int) -> str:
    return f"{x}-{y}"


def _measured(info: SearchInfo) -> Choice | None:
    return Choice(name="measured", title="measured on", options=ON, default="test") if pairs(info) else None


def _fronts(infos: Mapping[str, SearchInfo], drawn_as: Mapping[str, Look]) -> Iterator[Variant]:
    for trained, info in infos.items():
        for x, y in pairs(info):
            for images, _ in ON:
                when: dict[str, str] = {"measured": images}
                when |= {"searched": trained} if len(infos) > 1 else {}
                when |= {"axes": _pair(x, y)} if len(pairs(info)) > 1 else {}
                yield _front(info, drawn_as, images, x, y, when)


def _front(info: SearchInfo, drawn_as: Mapping[str, Look], images: On, x: int, y: int, when: dict[str, str]) -> Variant:
    if not info.dots:
        return Variant(when=when, missing=_missing(info))
    told = explanation(info)
    return Variant(
        when=when, drawing=draw_front(info, drawn_as, images, x, y), text={"": (told, *details(info))}, alt=told,
        table=_table(info), families=_families(info, drawn_as),
    )  # fmt: skip


def _courses(infos: Mapping[str, SearchInfo], drawn_as: Mapping[str, Look]) -> Iterator[Variant]:
    for trained, info in infos.items():
        for number, name in enumerate(info.objectives):
            when = {"searched": trained} if len(infos) > 1 else {}
            when |= {"objective": name} if len(info.objectives) > 1 else {}
            if not info.dots:
                yield Variant(when=when, missing=_missing(info))
                continue
            told = f"{name} on validation images of {count(len(info.dots), 'point')} in the order of their draws."
            drawing = draw_course(info, drawn_as, number)
            yield Variant(
                when=when, drawing=drawing, alt=told, table=_table(info),
                families=_families(info, drawn_as),
            )  # fmt: skip


def _families(info: SearchInfo, drawn_as: Mapping[str, Look]) -> tuple[Family, ...]:
    return tuple(
        Family(
            name=label, label=label, colour=drawn_as[label].colour, symbol=drawn_as[label].symbol, has_band=False,
            note=count(sum(dot.label == label for dot in info.dots), "point"),
        )
        for label in info.planned
    )  # fmt: skip


def _missing(info: SearchInfo) -> str:
    return f"No point of {listed(list(info.planned))} on {spoken(info.train_distortion)} is evaluated yet."


def _table(info: SearchInfo) -> Table:
    """The front first."""
    columns = (
        Column("label", "method"), Column("number", "drawn", "number"), Column("trial_id", "trial", "trial"),
        Column("hyperparameters", "hyperparameters"), Column("front", "front"),
        *(Column(f"test_{name}", f"{name}, test", "rate") for name in info.objectives),
        *(Column(f"validation_{name}", f"{name}, validation", "rate") for name in info.objectives),
    )  # fmt: skip
    ranked = sorted(info.dots, key=lambda dot: not dot.front)
    return Table(columns=columns, rows=tuple(map(_row, ranked)))


def _row(dot: Dot) -> tuple[object, ...]:
    front = "yes" if dot.front else ""
    return (dot.label, dot.number, dot.trial_id, dot.hyperparameters, front, *dot.test, *dot.validation)
