"""The spec: a study's YAML, read safely, checked whole, and told as frozen values."""

from study.spec.faults import Fault, SpecError
from study.spec.form import (
    BenchmarkSpec,
    Evaluate,
    FromLabel,
    FromScratch,
    FromWeights,
    MethodSpec,
    SearchSpec,
    Setting,
    Spec,
    SweepSpec,
    TestSpec,
    Train,
)
from study.spec.loading import load, load_text
from study.spec.schema import json_schema
from study.spec.sources import Source, shipped

__all__ = [
    "BenchmarkSpec",
    "Evaluate",
    "Fault",
    "FromLabel",
    "FromScratch",
    "FromWeights",
    "MethodSpec",
    "SearchSpec",
    "Setting",
    "Source",
    "Spec",
    "SpecError",
    "SweepSpec",
    "TestSpec",
    "Train",
    "json_schema",
    "load",
    "load_text",
    "shipped",
]
