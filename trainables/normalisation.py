"""A network's measures next to a baseline's: ratios, by corruption or perturbation, and their mean.

1 is as good as the baseline, below is better; the papers print percent. Pure functions of rates, which follow from
counts, so that another baseline needs no other evaluation.
"""

from collections.abc import Collection, Mapping
from statistics import fmean

from trainables import alexnet

MAIN_CORRUPTIONS = tuple(alexnet.CORRUPTION_ERRORS)
"""The 15 of mCE, in the paper's order."""
MAIN_PERTURBATIONS = tuple(alexnet.FLIP_PROBABILITIES)[:10]
"""The ten of mFR and mT5D, in the paper's order. The released evaluation of CIFAR-10-P has spatter instead of snow."""


def ratios(network: Mapping[str, float], baseline: Mapping[str, float]) -> dict[str, float]:
    """CE of error rates, FR of flip probabilities, T5D of top-5 distances: each over the baseline's, which is not 0.

    Raises ValueError if the baseline lacks a name that the network has.
    """
    return {name: value / _named(name, baseline, "the baseline has") for name, value in network.items()}


def mean_over(names: Collection[str], values: Mapping[str, float]) -> float:
    """mCE, mFR, mT5D of ratios; of CIFAR-10-C's error rates and CIFAR-10-P's flip probabilities the unnormalised mean.

    Over all `names`, each counting alike. Raises ValueError if one is missing: a mean over fewer is another measure.
    """
    return fmean(_named(name, values, "there are") for name in names)


def _named(name: str, values: Mapping[str, float], known: str) -> float:
    if name not in values:
        raise ValueError(f"no value for {name!r}: {known} {', '.join(values) or 'none'}")
    return values[name]
