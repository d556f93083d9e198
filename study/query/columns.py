"""What the views and their columns mean, for `study query --help VIEW` and the README."""

from dataclasses import dataclass

from study.store.schemas import RESULTS

VIEWS = {
    "trials": "One row a trained trial of the study's newest plan, once for each label it stands under.",
    "evaluations": "One row a cell: a trial under a test condition. Rates are counts divided by n. For the label and "
    "the hyperparameters: JOIN trials USING (trial_id).",
    "epochs": "One row an epoch of a trial; the loss's named terms are fields of `terms`.",
    "attempts": "One row a run of a unit (a training, an evaluation): how it ended, how long it took, on what.",
    "predictions": "One row a cell, with one bit an image: whether it was classified right.",
    "near_duplicates": "One row a threshold of a cell of a ranking trial: how many pairs of an image and its distorted "
    "copy, and of as many of such a copy and another image, lie within it by their embeddings.",
    "noise_stability": "One row a trial, stage of its training and strength of noise: how many of the noisy copies of "
    "images, of the first of each class that it has right without noise at all tested stages, get another label.",
    "stability_pairs": "The same of each trial beside each of the baseline's, on the first images of each class that "
    "both have right at all tested stages, under the same noise.",
    "noise_images": "One row an image of noise_stability, spare ones among them: JOIN two trials' USING (image, "
    "condition_id, role) to compare any two.",
    "bands": "The sensitivity band: accuracies over all trials of a label on a training distortion, at each level of "
    "each test distortion, easy to hard. q25, median and q75 interpolate linearly between the two nearest trials. "
    "Diverged trials count like any other: with their best finite epoch, or at chance.",
    "practical": "The worst and the best trial of each label at each test distortion's practical level. They are "
    "picked on these same images, so they show a range, not a choice. Of equals, the first in the plan.",
    "pareto": "One row a point that a search drew: its objectives on validation images, which the search looked at, "
    "and on test images; each the mean over the objective's conditions and the point's replicates.",
    "all_trials": "One row a trained trial of the whole store, of whichever study.",
}
"""View → what one row is, and how it is computed."""

Meaning = tuple[str, str]
"""(unit, meaning)"""

STORED: dict[str, Meaning] = {
    column.name: (column.unit, column.meaning) for table in RESULTS.values() for column in table.columns
}

COMMON: dict[str, Meaning] = {
    **STORED,
    "label": ("", "the key under `methods:` in the study's YAML"),
    "stage": ("", "0 from scratch or a file, 1 from a stage-0 trial, and so on"),
    "method": ("", "the method: method.name, and a field a parameter: method.alpha; empty where a method has none"),
    "distortion": ("", "the training distortion: distortion.name, and a field a parameter: distortion.sigma"),
    "attack": ("", "the attack trained on: attack.name, and a field a parameter: attack.epsilon"),
    "hyperparameters": ("", "what tells the trial from others of its label, as text: α 0.316, σ 0.3"),
    "validation_accuracy": ("rate", "accuracy on undistorted validation images"),
    "clean_accuracy": ("rate", "accuracy on undistorted test images; empty until evaluated"),
    "terms": ("nats", "the loss's named parts, means over images: terms.stability"),
    "step": ("", "place of the level in its sweep, easy to hard; 0 for clean"),
    "practical": ("", "whether it is the sweep's practical level"),
    "accuracy": (
        "rate",
        "share of the n images that are classified right; of a ranking trial its triplet ranking score: share of the "
        "n triplets whose distorted query lies nearer to an image of its class than to one of another",
    ),
    "standard_error": ("rate", "of the accuracy: √(a (1 − a) / n)"),
    "top5_accuracy": ("rate", "share of images whose class is among the five likeliest; empty below six classes"),
    "loss": ("nats", "cross-entropy (of a ranking trial: triplet hinge), mean over images"),
    "precision": ("rate", "share of the pairs within the threshold that are copies; empty where there are none"),
    "recall": ("rate", "share of the copies that lie within the threshold"),
    "confidence": ("rate", "largest softmax probability, mean over images"),
    "calibration_error": ("rate", "expected calibration error: how far confidence lies from accuracy, in 15 bins"),
    "trials": ("trials", "how many the row is over"),
    "min": ("rate", "lowest accuracy"),
    "q25": ("rate", "first quartile of the accuracies"),
    "median": ("rate", "median of the accuracies"),
    "q75": ("rate", "third quartile of the accuracies"),
    "max": ("rate", "highest accuracy"),
    "baseline": (
        "rate",
        "accuracy of the method `standard` (`triplet_ranking`, where embeddings are ranked) on undistorted images "
        "under the same condition, the mean of several trials; empty until one is evaluated",
    ),
    "width": ("rate", "best minus worst"),
    "worst": ("rate", "accuracy of the worst trial"),
    "worst_error": ("rate", "its standard error"),
    "worst_trial": ("", "its trial id"),
    "worst_hyperparameters": ("", "its hyperparameters"),
    "best": ("rate", "accuracy of the best trial"),
    "best_error": ("rate", "its standard error"),
    "best_trial": ("", "its trial id"),
    "best_hyperparameters": ("", "its hyperparameters"),
    "sigma": ("pixels of 0 to 255", "standard deviation of the noise; copies are clipped, and not rounded"),
    "fewest": ("images", "of the class that has the fewest of them"),
    "short": ("", "which classes have fewer images than `per_class`; empty where none has"),
    "changed": ("rate", "share of the images' noisy copies that are not given their label"),
    "baseline_changed": ("rate", "the same of the baseline, on the same images"),
    "difference": ("rate", "the trial's share minus the baseline's: below 0, noise changes fewer of its answers"),
    "baseline_id": ("", "the baseline's trial; of several replicates, each in turn"),
    "image": ("", "index in the test set, from 0"),
    "class": ("", "of the image, from 0"),
    "number": ("", "of the point in its search, 0 the first drawn"),
    "front": (
        "",
        "whether no other point of its search is as good in every objective on validation images, and better in one",
    ),
    "validation": (
        "rate",
        "its objectives on validation images, a field each (validation.clean); empty until evaluated",
    ),
    "test": ("rate", "its objectives on test images, a field each (test.clean); empty until evaluated"),
}

OWN: dict[tuple[str, str], Meaning] = {
    ("bands", "diverged"): ("trials", "how many of them diverged"),
    ("practical", "diverged"): ("trials", "how many of them diverged"),
    ("bands", "level"): ("the parameter's", "the test level; empty for clean"),
    ("practical", "level"): ("the parameter's", "the practical level"),
    ("epochs", "loss"): STORED["loss"],
    ("noise_stability", "images"): ("images", "how many the row is over"),
    ("stability_pairs", "images"): ("images", "how many the row is over, of those that both have right"),
    ("noise_images", "changed"): STORED["changed"],
    ("pareto", "trials"): ("trials", "replicates of the point"),
    ("pareto", "trial_id"): ("", "its trial; of several replicates, the first"),
}
"""(view, column) → what it means there, where that differs."""


@dataclass(frozen=True, kw_only=True)
class ViewColumn:
    """One column of a view."""

    name: str
    type: str
    """In DuckDB's words; the fields of a struct depend on the study."""
    unit: str
    meaning: str


def column(view: str, name: str, kind: str) -> ViewColumn:
    """What `name` means in `view`."""
    unit, meaning = OWN.get((view, name), COMMON[name])
    return ViewColumn(name=name, type=kind, unit=unit, meaning=meaning)
