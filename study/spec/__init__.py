"""The spec: a study's YAML, read safely, checked whole, and told as frozen values."""

from study.spec.faults import Fault, SpecError
from study.spec.form import (
    Evaluate,
    FromLabel,
    FromScratch,
    FromWeights,
    MethodSpec,
    SearchSpec,
    Setting,
    Spec,
    SweepSpec,
    Train,
)
from study.spec.loading import load
from study.spec.schema import json_schema
from study.spec.sources import shipped

__all__ = [
    "Evaluate",
    "Fault",
    "FromLabel",
    "FromScratch",
    "FromWeights",
    "MethodSpec",
    "SearchSpec",
    "Setting",
    "Spec",
    "SpecError",
    "SweepSpec",
    "Train",
    "json_schema",
    "load",
    "shipped",
]
