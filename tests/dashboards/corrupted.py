"""A study of benchmarks, of which every result is made by a rule (tests/dashboards/made.py)."""

from dashboards.benchmarks import benchmarks
from dashboards.figures.ratios import Measure
from dashboards.results import Results
from study.plan import Benchmark

TEXT = """\
study: corrupted
title: Corrupted
data: {name: mnist_5k, train: 200, validation: 100, test: 400}
model: lenet
train: {from: Baseline, epochs: 3, batch_size: 50, optimizer: {sgd: {lr: 0.01}}}
distortions: {gaussian_noise: {sigma: 0.1}, rotation: {degrees: 30}}
methods:
  Baseline: {method: standard, from: scratch}
  ST: {method: stability_training, alpha: {log: [0.01, 10, 10]}, distortion: gaussian_noise}
  <i>DA</i>: {method: data_augmentation, p: [0.2, 0.6, 1], distortion: [gaussian_noise, rotation]}
evaluate:
  sweeps:
    gaussian_noise: {sigma: [0.1, 0.3], practical: 0.3}
  corruptions: {severities: [1, 3], extras: true}
  perturbations: {only: [gaussian_noise, translate]}
"""
"""1 + 10 + 6 trials, two of ST diverged, × (clean, 2 of a sweep, 18 corruptions × 2, 2 perturbations): images of one
channel cannot be put to the extra corruption saturate."""
ALONE = TEXT.replace("  sweeps:\n    gaussian_noise: {sigma: [0.1, 0.3], practical: 0.3}\n", "")
"""Without sweeps."""
CE = Measure(name="ce", title="corruption error, Baseline = 100", mean="mCE", normalizer="Baseline", unit="")


def corruption_benchmark(results: Results) -> Benchmark:
    (found,) = benchmarks(results, "corruption")
    return found


def perturbation_benchmark(results: Results) -> Benchmark:
    (found,) = benchmarks(results, "perturbation")
    return found
