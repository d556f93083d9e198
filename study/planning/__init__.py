"""Planning: from a spec to its plan. A pure function of the spec and the data's fingerprint; imports torch."""

from study.planning.checks import check_test_images
from study.planning.conditions import skipped
from study.planning.data import data_set
from study.planning.make import make_plan
from study.planning.searches import drawn_trials
from study.planning.starts import WAY_OUT, absent_weights, check_weights
from study.planning.trials import shown

__all__ = [
    "WAY_OUT",
    "absent_weights",
    "check_test_images",
    "check_weights",
    "data_set",
    "drawn_trials",
    "make_plan",
    "shown",
    "skipped",
]
