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
    "attacks": "Adversarial quality: one row an attack on a trial. Rates are over the images that it classifies right, "
    "means and deviations over the successes. A success_rate that falls under fgs paper alone is gradient masking: "
    "that rule counts a gradient as blank where the float32 loss is 0 (blank_share). So is a linf_mean that grows "
    "under fgs unmasked alone, whose float64 gradients are rounded where a network is very sure; exact goes by the "
    "log-odds, which never are, and so does pgd, which gives the accuracy that is left.",
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
    "ce": "The corruption errors: one row a corruption of a trial. CE is the sum of the errors over the severities "
    "tested, over the same sum of the normaliser's; 1 is as good, the papers print percent.",
    "mce": "One row a trial: mCE and its kin, means over the benchmark's main corruptions. The extra ones, kept for "
    "validation, are in none of them. `corruptions` says how many of the 15 they are over.",
    "flip_rates": "One row a perturbation of a trial and difficulty: how often its answer changes within a sequence, "
    "and how far its five likeliest classes move, by themselves and over the normaliser's.",
    "mfr": "One row a trial and difficulty: mFR and its kin, means over the benchmark's main perturbations. "
    "`perturbations` says how many of the ten they are over.",
    "pareto": "One row a point that a search drew: its objectives on validation images, which the search looked at, "
    "and on test images; each the mean over the objective's conditions and the point's replicates.",
    "rungs": "One row a rung that a trial has come to, of a study with prune: how it stood there. Its bracket, the "
    "trials that it was compared with, has the same label, training distortion and epochs.",
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
    "test_attack": ("", "the adversarial-quality attack: fgs, hot_cold (HC1), pgd"),
    "epsilon": ("pixels in [0, 1]", "the bound of pgd; empty for a line search, which has none"),
    "settings": ("", "what else the attack was given, such as pgd's steps, step size and restarts"),
    "success_rate": (
        "rate",
        "share of the attempts that change the label; low for fgs paper where gradients are masked, which is no "
        "robustness: compare fgs exact, and pgd",
    ),
    "blank_share": (
        "rate",
        "share of the attempts without a direction: the gradient is 0, or for fgs paper the loss is in float32",
    ),
    "linf_mean": ("pixels in 0 to 255", "largest change of a pixel, mean over the successes"),
    "linf_std": ("pixels in 0 to 255", "its standard deviation over the successes"),
    "pass_mean": ("", "PASS: similarity with the original after alignment (1 the same), mean over the successes"),
    "pass_std": ("", "its standard deviation over the successes"),
    "pass_unaligned_mean": ("", "PASS without alignment, mean over the successes"),
    "pass_unaligned_std": ("", "its standard deviation over the successes"),
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
    "pruned": ("", "given up before the end of its training, by the study's own rule"),
    "width": ("rate", "best minus worst"),
    "worst": ("rate", "accuracy of the worst trial"),
    "worst_error": ("rate", "its standard error"),
    "worst_trial": ("", "its trial id"),
    "worst_hyperparameters": ("", "its hyperparameters"),
    "best": ("rate", "accuracy of the best trial"),
    "best_error": ("rate", "its standard error"),
    "best_trial": ("", "its trial id"),
    "best_hyperparameters": ("", "its hyperparameters"),
    "benchmark": ("", "the set of tests that a mean is over, and the images' size that its settings are for"),
    "corruption": ("", "as `test_distortion`: `frost (synthetic)` has no photographs of frost"),
    "perturbation": ("", "as `test_distortion`"),
    "severities": ("", "how many it was tested at; the benchmark has five"),
    "error": ("rate", "1 − accuracy, the mean over the severities"),
    "normalizer_error": ("rate", "the normaliser's error at the same severities; empty where one is unknown"),
    "ce": ("ratio", "Σ error / Σ the normaliser's over the severities; empty where one is unknown"),
    "relative_ce": (
        "ratio",
        "the same of errors above the error on undistorted images; empty where the normaliser's are not above it",
    ),
    "seen": ("", "whether the trial's training, or that of what it started from, shows it"),
    "extra": ("", "whether it is kept for validation and in no mean"),
    "noise": ("", "whether it is noise, drawn anew for every pixel"),
    "normalizer": (
        "",
        "whose errors or flips its own are divided by: a label, the mean of its trials, or alexnet; empty where the "
        "study has no baseline: then only what is not normalised is there",
    ),
    "mce": ("ratio", "mean of CE; empty while one of them is"),
    "relative_mce": ("ratio", "mean of relative CE; empty while one of them is"),
    "no_relative_ce": (
        "",
        "the corruptions that keep relative_mce empty: under them the normaliser's error is not above its clean one",
    ),
    "mean_error": ("rate", "mean of the errors, not normalised: what the papers on CIFAR-10-C print"),
    "mce_without_seen": ("ratio", "mCE over the corruptions that its training does not show"),
    "mce_without_noise": ("ratio", "mCE over the corruptions that are no noise"),
    "corruptions": (
        "",
        "how many of the 15 the means are over, and which: `13 of 15: without frost, snow`, `1 of 15: fog`",
    ),
    "perturbations": ("", "how many of the ten the means are over, and which"),
    "flip_probability": ("rate", "FP: share of the pairs of frames whose predictions differ"),
    "top5_distance": ("places", "uT5D: how far the five likeliest classes move, mean over pairs; empty below five"),
    "flip_rate": ("ratio", "FR: flip_probability over the normaliser's; empty where that is unknown or 0"),
    "t5d": ("ratio", "T5D: top5_distance over the normaliser's; empty where that is unknown or 0"),
    "mfr": ("ratio", "mean of the flip rates; empty while one of them is"),
    "no_flip_rate": ("", "the perturbations that keep mfr empty: under them the normaliser never flips"),
    "mfr_without_seen": ("ratio", "mFR over the perturbations that its training does not show"),
    "mfr_without_noise": ("ratio", "mFR over the perturbations that are no noise"),
    "mt5d": ("ratio", "mean of T5D; empty while one of them is"),
    "mean_flip_probability": ("rate", "mean of the flip probabilities, not normalised"),
    "mean_top5_distance": ("places", "mean of uT5D, not normalised"),
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
    ("bands", "pruned"): ("trials", "how many of the label were given up early, and are in none of the numbers"),
    ("rungs", "epochs"): ("epochs", "the rung: how long the trial had been trained"),
    ("rungs", "pruned"): ("", "whether the newest launch left it there, once nothing could take it further"),
    ("rungs", "loss"): ("nats", "on the validation images, their mean"),
    ("practical", "diverged"): ("trials", "how many of them diverged"),
    ("bands", "level"): ("the parameter's", "the test level; empty for clean"),
    ("practical", "level"): ("the parameter's", "the practical level"),
    ("attacks", "n"): ("images", "test images met, classified right or not"),
    ("attacks", "accuracy"): (
        "rate",
        "share of the n images classified right that the attack does not change; for fgs paper also where it merely "
        "found no direction",
    ),
    ("epochs", "loss"): STORED["loss"],
    ("mce", "severities"): ("", "the fewest that any of its corruptions was tested at; the benchmark has five"),
    ("mce", "seen"): ("", "the corruptions among them that its training, or that of what it started from, shows"),
    ("mfr", "seen"): ("", "the perturbations among them that its training, or that of what it started from, shows"),
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
