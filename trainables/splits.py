"""Splits and limits: which images of a collection belong together, the same on every machine and in every version."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F


def balanced_order(labels: Tensor, seed: int) -> Tensor:
    """A permutation [N] of the images of which every beginning is class-balanced, as far as the classes reach."""
    shuffled = _shuffle(len(labels), seed)
    place = _place_in_class(labels.numpy()[shuffled])
    return torch.from_numpy(shuffled[np.argsort(place, kind="stable")])


def held_out(labels: Tensor, fraction: float, seed: int) -> Tensor:
    """[N] bool: the same share of every class, rounded to whole images, at least one."""
    shuffled = _shuffle(len(labels), seed)
    classes = labels.numpy()[shuffled]
    quota = np.maximum(1, np.rint(fraction * np.bincount(classes)))[classes]
    held = torch.zeros(len(labels), dtype=torch.bool)
    held[torch.from_numpy(shuffled[_place_in_class(classes) < quota])] = True
    return held


def with_border(pixels: Tensor, border: int) -> Tensor:
    """[N, C, H, W] → [N, C, H + 2 border, W + 2 border], black around the image."""
    return F.pad(pixels, (border, border, border, border)) if border else pixels


def _shuffle(count: int, seed: int) -> NDArray[np.int64]:
    """A permutation of 0 … count − 1, from the one generator whose stream numpy has frozen for good (NEP 19)."""
    return np.random.RandomState(seed).permutation(count)


def _place_in_class(classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """[N]: how many images of its class come before each image."""
    place = np.empty(len(classes), dtype=np.int64)
    for label in np.unique(classes):
        members = np.flatnonzero(classes == label)
        place[members] = np.arange(len(members))
    return place
