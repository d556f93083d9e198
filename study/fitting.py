"""Whether a plan's trials fit on nodes, and what to type where they do not."""

import math
import os
import shlex
from collections.abc import Iterator, Sequence

import torch

from study.plan import Plan, Resources


def here() -> Resources:
    """What this machine offers to trials."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Resources(cpus=cpus, gpus=torch.cuda.device_count())


def slots(node: Resources, need: Resources) -> int:
    """Units of this size that fit on the node at once."""
    by_cpu = node.cpus / need.cpus if need.cpus else math.inf
    by_gpu = node.gpus / need.gpus if need.gpus else math.inf
    return int(min(by_cpu, by_gpu) + 1e-9)


def largest(plan: Plan) -> Resources:
    """What the most demanding of its trials occupies."""
    return max((trial.resources for trial in plan.trials), key=lambda resources: (resources.gpus, resources.cpus))


def unfit(plan: Plan, nodes: Sequence[Resources], local: bool) -> Iterator[str]:
    """For each size of trial that fits on none of the nodes: what it needs, what there is, and the ways out.

    `local`: the nodes are this machine.
    """
    whose = "this machine has" if local else "the nodes have"
    elsewhere = "on another machine, or with --address of a cluster" if local else "with --address of a larger cluster"
    there = ", and ".join(dict.fromkeys(told(node) for node in nodes)) or "nothing"
    for need in dict.fromkeys(trial.resources for trial in plan.expected().trials):
        if not any(slots(node, need) for node in nodes):
            yield (
                f"a trial needs {told(need)} on one node; {whose} {there}: "
                f"give {less(plan, need, nodes)}, or launch it {elsewhere}"
            )


def less(plan: Plan, need: Resources, nodes: Sequence[Resources]) -> str:
    """`--set resources.gpus=0 --set resources.cpus=1`: what makes trials of this size fit on the nodes.

    Where methods differ in what they need, each has a line of its own.
    """
    trials = plan.expected().trials
    labels = dict.fromkeys(trial.label for trial in trials if trial.resources == need)
    alike = all(trial.resources == need for trial in trials)
    places = ["resources"] if alike else [f"methods.{label}.resources" for label in labels]
    only_cpus = any(node.gpus >= need.gpus and node.cpus < need.cpus for node in nodes)
    lines = ["cpus=1"] if only_cpus else ["gpus=0", "cpus=1"]
    return shlex.join(word for place in places for line in lines for word in ("--set", f"{place}.{line}"))


def told(resources: Resources) -> str:
    """`4 CPUs and 1 GPU`, `2 CPUs and no GPU`"""
    return f"{counted(resources.cpus, 'CPU')} and {counted(resources.gpus, 'GPU') if resources.gpus else 'no GPU'}"


def counted(number: float, noun: str) -> str:
    """`1 GPU`, `0.5 GPUs`"""
    return f"{number:g} {noun}{'s' * (number != 1)}"
