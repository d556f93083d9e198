"""Training curves: whose they are, where trials start, and what is said of a study in which none has begun."""

from collections import Counter
from pathlib import Path

from dashboards.figures.training import ACCURACY, draw_training, training_info
from dashboards.palette import looks
from tests.dashboards.made import TEXT, made

SHARED = "  DA gentle: {method: data_augmentation, p: 0.5, distortion: gaussian_noise}\n"


def test_a_method_has_one_best_and_one_worst_also_where_two_share_trials(tmp_path: Path) -> None:
    results = made(tmp_path, TEXT.replace("  ST: {", f"{SHARED}  ST: {{"))
    ids = [trial.trial_id for trial in results.trials]
    assert len(ids) - len(set(ids)) == 5, "the trials of DA gentle are trials of DA"
    info = training_info(results, "gaussian_noise", ACCURACY)
    for test in ("gaussian_noise", "jpeg", "fgsm"):
        for by in ("test", "validation"):
            roles = Counter((one.label, role) for one in info.curves for place, role in one.roles.items()
                            if place == (test, by))  # fmt: skip
            assert roles == {(label, role): 1 for label in ("ST", "DA", "DA gentle") for role in ("best", "worst")}
    shown = [one["name"] for one in draw_training(info, looks(results.labels), "jpeg")["data"] if one["visible"]]
    strong = [name.split(";")[0] for name in shown if name.startswith(("best ", "worst "))]
    assert len(strong) == len(set(strong)) == 6
