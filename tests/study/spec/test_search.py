"""The section `search:` and open axes: what a sound search says, and every fault of an unsound one."""

from pathlib import Path

import pytest

from study.spec import SpecError
from study.spec.grid import corners, count, open_axes, points, searched
from tests.study.search.peaked import spec, written

SIGMA = "{sigma: {uniform: [0.05, 0.5]}}"
ALPHA = "alpha: {loguniform: [0.01, 10]}"
SEARCH = "  sampler:    tpe"
OBJECTIVES = "objectives: [clean, robust]"


def faults(folder: Path, *replaced: tuple[str, str]) -> list[str]:
    with pytest.raises(SpecError) as error:
        spec(folder, *replaced)
    return [f"{fault.path}: {fault.message}" for fault in error.value.faults]


def test_the_shipped_search_as_it_is_drawn(tmp_path: Path) -> None:
    read = spec(tmp_path)
    assert read.search is not None
    assert (read.search.trials, read.search.seed, read.search.objectives) == (16, 0, ("clean", "robust"))
    assert read.search.sampler.name == "tpe"
    st = read.method("ST")
    (setting,) = searched(st)
    drawn = [(axis.name, axis.draw, axis.values) for _, axis in open_axes(st, setting)]
    assert drawn == [("alpha", "loguniform", (0.01, 10.0)), ("sigma", "uniform", (0.05, 0.5))]
    assert (count(st), list(points(st)), len(corners(st, setting))) == (0, [], 4)
    assert searched(read.method("Baseline")) == ()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("tpe  ", "tpee ", "search.sampler: no sampler is called 'tpee'; did you mean 'tpe'?"),
        ("tpe  ", "{tpe: {n_startup: 1}}", "is called 'n_startup'; did you mean 'n_startup_trials'?"),
        ("tpe  ", "{nsga2: {population_size: 1}}", "population_size, points a generation"),
        ("trials:     16", "trials:     0", "search.trials: trials, points to draw"),
        ("  trials:     16 ", "  # ", "search: trials must be given"),
        ("clean, robust", "clean, robots", "no objective is called 'robots'; did you mean 'robust'?"),
        ("clean, robust", "clean, thumbnail.practicl", "did you mean 'thumbnail.practical'?"),
        ("clean, robust", "clean, jpeg.mean", "no objective is called 'jpeg.mean'"),
        ("clean, robust", "clean, clean", "'clean' stands twice"),
        ("clean, robust", "", "a search has 1 to 4 objectives, got 0"),
        (ALPHA, "alpha: {loguniform: [0, 10]}", "{loguniform: …} runs between numbers above 0, got 0"),
        (ALPHA, "alpha: {loguniform: [10, 0.01]}", "the lower end comes first, and the two differ; got 10 and 0.01"),
        (ALPHA, "alpha: {loguniform: [1]}", "{loguniform: [low, high]} takes two numbers, got '1'"),
        (ALPHA, "alpha: {uniform: [-1, 10]}", "must be at least 0; got -1"),
        (ALPHA, "alpha: {int: [0.5, 10]}", "{int: …} runs between whole numbers, got 0.5 and 10"),
        (ALPHA, "alpha: {choice: [1]}", "{choice: [value, value, …]} takes two values or more, got '1'"),
        (ALPHA, "alpha: [0.1, 1]", "sigma is open, so alpha is one value or open too, such as {choice: […]}"),
        (ALPHA, f"{ALPHA}, zip: [alpha, sigma]", "methods.ST: alpha is open, and zip and vary are for grids"),
        (ALPHA, f"{ALPHA}, vary: one_at_a_time", "methods.ST: alpha is open, and zip and vary are for grids"),
        ("divergence: kl", "divergence: {uniform: [0, 1]}", "divergence is one of"),
        ("p: {uniform: [0, 1]}", "p: {uniform: [0, 1]}, from: ST", "and ST is searched; start from another"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_a_way_out(tmp_path: Path, old: str, new: str, fault: str) -> None:
    found = faults(tmp_path, (old, new))
    assert any(fault in one for one in found), found


def test_a_grid_with_an_open_axis_is_told_how_to_search(tmp_path: Path) -> None:
    text = written(tmp_path).read_text()
    before, _, rest = text.partition("search:  ")
    (tmp_path / "grid.yaml").write_text(before + "evaluate:" + rest.partition("evaluate:")[2])
    from study.spec import load

    with pytest.raises(SpecError) as error:
        load(tmp_path / "grid.yaml")
    assert "{uniform: …} is an axis for a search, and this study is a grid; list its values, or say how" in str(
        error.value
    )


def test_a_search_with_nothing_open_is_told(tmp_path: Path) -> None:
    closed = ((SIGMA, "{sigma: 0.1}"), (ALPHA, "alpha: 1"), ("p: {uniform: [0, 1]}", "p: 1"))
    (fault,) = faults(tmp_path, *closed)
    assert fault.startswith("search: there is nothing to search: no axis is open")


def test_a_whole_number_is_drawn_as_one(tmp_path: Path) -> None:
    thumbnail = ("gaussian_noise: {sigma: {uniform: [0.05, 0.5]}}", "thumbnail: {size: {int: [5, 22]}}")
    named = [("distortion: gaussian_noise", "distortion: thumbnail")] * 2
    read = spec(tmp_path, thumbnail, *named)
    st = read.method("ST")
    drawn = {axis.name: axis.values for _, axis in open_axes(st, searched(st)[0])}
    assert drawn["size"] == (5, 22)
    wrong = ("gaussian_noise: {sigma: {uniform: [0.05, 0.5]}}", "thumbnail: {size: {uniform: [5, 22]}}")
    assert any("size is a whole number; write {int: [5, 22]}" in one for one in faults(tmp_path, wrong, *named))
    large = ("gaussian_noise: {sigma: {uniform: [0.05, 0.5]}}", "thumbnail: {size: {int: [5, 220]}}")
    assert any("size is at most the 28 px" in one for one in faults(tmp_path, large, *named))
