"""The images a study is about: what their size allows a model and a distortion to do."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from study.spec.components import constructible, is_whole
from study.spec.faults import Faults, Place
from study.spec.reading import Node, Scalar
from trainables.datasets import DataSet, MissingDataError, datasets
from trainables.distortions import Distortion, Level
from trainables.models import models
from trainables.parameters import Value, parameters
from trainables.recipe import Component
from trainables.sequence import find


@dataclass(frozen=True, kw_only=True)
class ImageShape:
    """Their shape and what surrounds them, from the data set's description: no image is opened."""

    data: str
    shape: tuple[int, int, int]
    """(C, H, W)"""
    classes: int | None
    """None where they are counted in files that are not here; whoever needs the images says so."""
    border: int | None
    """Pixels around each image, for distortions that need a margin; None where what says so is at fault."""

    @property
    def side(self) -> int:
        """The shorter side, in pixels."""
        return min(self.shape[1:])


def images_of(data: Component | None) -> ImageShape | None:
    """The images of a data set, as far as parameters at fault leave them known; None if they cannot be had."""
    if data is None:
        return None
    kind = datasets.get(data.name)
    faulty = [described for described in parameters(kind) if described.name not in data.parameters]
    if any(described.required for described in faulty):
        return None
    try:
        found: DataSet = kind(**data.parameters)
    except ValueError:  # a fault by now
        return None
    classes = _classes(found)
    for described in faulty:  # whatever depends on it is no whole number any more
        object.__setattr__(found, described.name, math.nan)
    if not all(isinstance(length, int) for length in found.shape):
        return None
    border = found.border if isinstance(found.border, int) else None
    return ImageShape(data=data.name, shape=found.shape, classes=classes, border=border)


def _classes(data: DataSet) -> int | None:
    try:
        return len(data.class_names)
    except (MissingDataError, OSError):
        return None


def check_model(model: Component, images: ImageShape, place: Place, faults: Faults) -> None:
    """The model must take the images."""
    kind = models.get(model.name)
    if images.classes is None or not is_whole(model, kind) or not constructible(kind, model.parameters, place, faults):
        return
    try:
        kind(**model.parameters).check(images.shape, images.classes)
    except ValueError as error:
        faults.add(place, f"{error} (the images of {images.data})")


def check_level(level: Level, value: Value, images: ImageShape, place: Place, faults: Faults) -> None:
    """A level measured in pixels is no more than the images' side."""
    if level.in_pixels and isinstance(value, (int, float)) and value > images.side:
        message = f"{level.name} is at most the {images.side} px of the images of {images.data}, got {value:g}"
        faults.add(place, message)


def check_crop(lines: Mapping[str, Node], images: ImageShape | None, faults: Faults) -> None:
    """The standard augmentation leaves a part of every image in view; `lines` are those of a `train:`."""
    node = lines.get("crop")
    shift = node.number if isinstance(node, Scalar) else None
    if node is not None and images is not None and shift is not None and shift >= images.side:
        side = images.side
        faults.add(node.place, f"a shift of {shift} px can leave nothing of images of {side} px; usual is {side // 8}")


def margin(step: Component) -> int:
    """Pixels that a distortion at its level needs around the image."""
    kind = find(step.name)
    others = {name: value for name, value in step.items if name != kind.level.name}
    level = step.parameters[kind.level.name]
    assert isinstance(level, (int, float))
    return kind(**others).margin(level) if issubclass(kind, Distortion) else 0


def check_margin(needed: int, images: ImageShape, place: Place, faults: Faults) -> None:
    """The data set keeps as many pixels around its images as a distortion consumes."""
    if images.border is not None and needed > images.border:
        faults.add(
            place,
            f"it needs {needed} px around each image and {images.data} keeps {images.border}; "
            f"give data a border ({{name: {images.data}, border: {needed}}}) if it takes one, or choose a lower level",
        )
