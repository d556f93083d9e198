"""Whether a plan's trials fit on nodes, and what to type where they do not."""

import math
import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from study.plan import Plan, Resources

CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where a container's share of the memory is told, by the version of its cgroups."""
GIB = 2**30
OF_RAY = "ray.io/node-id"
"""A label that every node has, for Ray's own use."""


def here() -> Resources:
    """What this machine offers to trials."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Resources(cpus=cpus, gpus=torch.cuda.device_count(), memory=_memory())


def _memory() -> int:
    """Bytes of the host's memory, or of the container's share of it."""
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    told = (Path(place).read_text().strip() for place in CGROUP_LIMITS if Path(place).exists())
    return min([whole, *(int(limit) for limit in told if limit.isdigit())])


def slots(node: Resources, need: Resources) -> int:
    """Units of this size that fit on the node at once."""
    if not _labelled(node, need):
        return 0
    there, asked = dict(node.custom), dict(need.custom)
    shares = [
        node.cpus / need.cpus if need.cpus else math.inf,
        node.gpus / need.gpus if need.gpus else math.inf,
        (node.memory or 0) / need.memory if need.memory else math.inf,
        *(there.get(name, 0.0) / amount for name, amount in asked.items()),
    ]
    return int(min(shares) + 1e-9)


def id_of(node: Resources) -> str | None:
    """By which Ray knows it; None of one that is of no cluster."""
    return next((values[0] for name, values in node.labels if name == OF_RAY), None)


def _labelled(node: Resources, need: Resources) -> bool:
    """Whether the node has one of the values of each label that is asked for."""
    there = dict(node.labels)
    return all(set(values) & set(there.get(name, ())) for name, values in need.labels)


def largest(plan: Plan) -> Resources:
    """What the most demanding of its trials occupies."""
    return max((trial.resources for trial in plan.trials), key=lambda resources: (resources.gpus, resources.cpus))


def unfit(plan: Plan, nodes: Sequence[Resources], local: bool) -> Iterator[str]:
    """For each size of trial that fits on none of the nodes: what it needs, what there is, and the ways out.

    `local`: the nodes are this machine.
    """
    whose = "this machine has" if local else "the nodes have"
    elsewhere = "on another machine, or with --address of a cluster" if local else "with --address of a larger cluster"
    for need in dict.fromkeys(trial.resources for trial in plan.expected().trials):
        if not any(slots(node, need) for node in nodes):
            there = ", and ".join(dict.fromkeys(_offered(node, need) for node in nodes)) or "nothing"
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
    lines = _lines(need, nodes)
    return shlex.join(word for place in places for line in lines for word in ("--set", f"{place}.{line}"))


def _lines(need: Resources, nodes: Sequence[Resources]) -> list[str]:
    """What to ask for instead: of what some node lacks, the least."""
    plain = replace(need, memory=None, custom=(), labels=())
    lines: list[str] = []
    if not any(slots(node, plain) for node in nodes):
        only_cpus = any(node.gpus >= need.gpus and node.cpus < need.cpus for node in nodes)
        lines += ["cpus=1"] if only_cpus else ["gpus=0", "cpus=1"]
    if not any(_labelled(node, need) for node in nodes):
        lines.append("labels={}")
    if not any(all(dict(node.custom).get(name, 0.0) >= amount for name, amount in need.custom) for node in nodes):
        lines.append("custom={}")
    if need.memory and not any((node.memory or 0) >= need.memory for node in nodes):
        lines.append("memory=null")
    if lines:
        return lines
    further = {"labels={}": need.labels, "custom={}": need.custom, "memory=null": need.memory}
    return [line for line, asked in further.items() if asked]  # each is there, but never on one node


def _offered(node: Resources, need: Resources) -> str:
    """`2 CPUs and no GPU, no custom resource, label zone=a`: what the node has of the kinds that are asked for."""
    said = [told(replace(node, memory=node.memory if need.memory else None, custom=(), labels=()))]
    if need.custom:
        said.append(_customs(node) or "no custom resource")
    if need.labels:
        own = tuple(label for label in node.labels if label[0] != OF_RAY)
        said.append(_labels(replace(node, labels=own)) or "no label")
    return ", ".join(said)


def told(resources: Resources) -> str:
    """`4 CPUs and 1 GPU`, `2 CPUs and no GPU, 8 GiB of memory, 1 fast_disk, label zone=a`"""
    plain = f"{counted(resources.cpus, 'CPU')} and {counted(resources.gpus, 'GPU') if resources.gpus else 'no GPU'}"
    memory = "" if resources.memory is None else f"{resources.memory / GIB:.3g} GiB of memory"
    return ", ".join(filter(None, (plain, memory, _customs(resources), _labels(resources))))


def _customs(resources: Resources) -> str:
    return ", ".join(f"{amount:g} {name}" for name, amount in resources.custom)


def _labels(resources: Resources) -> str:
    told = ", ".join(f"{name}={' or '.join(values)}" for name, values in resources.labels)
    return f"label{'s' * (len(resources.labels) > 1)} {told}" if told else ""


def counted(number: float, noun: str) -> str:
    """`1 GPU`, `0.5 GPUs`"""
    return f"{number:g} {noun}{'s' * (number != 1)}"
