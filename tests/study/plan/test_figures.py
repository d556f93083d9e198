"""Trials counted by the figures that show them."""

from pathlib import Path

import pytest

from study.cli.plan_screen import _figures
from study.figures import figure_counts
from study.planning import make_plan
from study.spec import load
from study.store.plans import conditions, membership, plan_of

ON_DIGITS = """
study: counted
data: mnist_5k
model: lenet
train: {from: Baseline, epochs: 1, batch_size: 32, optimizer: {sgd: {lr: 0.1}}}
distortions:
  gaussian_noise: {sigma: [0.1, 0.3]}
  rotation: {degrees: [30, 60, 90]}
  jpeg: {quality: [50]}
methods:
  Baseline: {method: standard, from: scratch}
  ST: {method: stability_training, alpha: [0.1, 1], distortion: all}
  DA: {method: data_augmentation, p: 1, distortion: all}
  DA again: {method: data_augmentation, p: 1, distortion: rotation}
evaluate: {sweeps: {rotation: {degrees: [30, 60], practical: 30}}}
figures:
"""


def told(folder: Path, figures: str) -> dict[str, str]:
    path = folder / "counted.yaml"
    path.write_text(ON_DIGITS + figures)
    return dict(_figures(figure_counts(make_plan(load(path), "0" * 32))))


def test_a_trial_counts_in_the_first_figure_that_shows_it(tmp_path: Path) -> None:
    figures = (
        "  a: {train: rotation, test: rotation, methods: [ST, DA]}\n"
        "  b: {train: gaussian_noise, test: rotation, methods: ST, also: {train: rotation, methods: [DA again]}}\n"
    )
    assert told(tmp_path, figures) == {
        "figures": "a 9 · b 4 (+3 of a): 13 trials",
        "in no figure": "5: trained on jpeg 3; DA on gaussian_noise 2",
    }


def test_the_baseline_is_in_every_figure_and_counted_in_none(tmp_path: Path) -> None:
    figures = "".join(
        f"  {name}: {{train: {name}, test: rotation}}\n" for name in ("gaussian_noise", "rotation", "jpeg")
    )
    assert told(tmp_path, figures) == {"figures": "gaussian_noise 6 · rotation 9 · jpeg 3: 18 trials"}


def test_the_figures_of_the_paper_are_counted_as_it_counts_them() -> None:
    """Laermann et al. 2019, Table 2 and Figures 1a to 2c."""
    plan = make_plan(load("grid_tifs"), "0" * 32)
    assert (len(plan.trials), len(plan.trials) * len(plan.conditions)) == (296, 38_480)
    assert dict(_figures(figure_counts(plan))) == {
        "figures": "1a 28 · 1b 15 · 1c 42 (+12 of 1a) · 2a 24 · 2b 24 · 2c 96 (+24 of 2a): 229 trials",
        "in no figure": "66: trained on jpeg 24; ST sym on gaussian_noise, thumbnail, fgsm 12 + 9 + 21",
    }


@pytest.mark.parametrize("name", ["grid_tifs", "tifs_mini"])
def test_figures_come_back_from_the_tables(name: str) -> None:
    plan = make_plan(load(name), "0" * 32)
    assert len(plan.figures) == 6
    assert plan_of(membership(plan), conditions(plan)).figures == plan.figures
