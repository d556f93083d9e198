"""Measures of robustness over several test conditions: pure functions of error rates."""

from collections.abc import Mapping
from statistics import fmean


def mean_corruption_error(errors: Mapping[str, float], baseline_errors: Mapping[str, float]) -> float:
    """mCE in percent: the mean over corruptions of 100 × error / the baseline's error (Hendrycks & Dietterich 2019).

    Both by corruption, errors in [0, 1], the baseline's above 0; 100 is as good as the baseline. Raises ValueError
    if they are not of the same corruptions.
    """
    if errors.keys() != baseline_errors.keys():
        raise ValueError(
            "mean_corruption_error: the errors and the baseline's are of the same corruptions; "
            f"only one has {', '.join(sorted(errors.keys() ^ baseline_errors.keys()))}"
        )
    return fmean(100 * error / baseline_errors[corruption] for corruption, error in errors.items())
