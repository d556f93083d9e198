"""Search: points drawn one after another from what is known so far, with Optuna's samplers, instead of swept."""

from study.search.searches import Searches, resumed

__all__ = ["Searches", "resumed"]
