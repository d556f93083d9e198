"""Laws of the parameters of everything registered."""

import pytest

from trainables.attacks import attacks
from trainables.datasets import datasets
from trainables.distortions import distortions
from trainables.methods import methods
from trainables.models import models
from trainables.optimizers import OPTIMIZERS
from trainables.parameters import Parameter, Parameterised, parameters
from trainables.registry import Registry, UnknownNameError
from trainables.schedules import SCHEDULES

REGISTRIES: dict[str, Registry] = {
    "method": methods, "attack": attacks, "distortion": distortions, "model": models, "data set": datasets,
}  # fmt: skip
COMPONENTS: dict[str, type[Parameterised]] = {
    **{f"{kind} {name}": found for kind, registry in REGISTRIES.items() for name, found in registry.all().items()},
    **{f"optimizer {name}": found for name, found in OPTIMIZERS.items()},
    **{f"schedule {name}": found for name, found in SCHEDULES.items()},
}


def described() -> dict[str, Parameter]:
    levels = {f"{name}.level": found.level for name, found in COMPONENTS.items() if hasattr(found, "level")}
    fields = {f"{name}.{one.name}": one for name, found in COMPONENTS.items() for one in parameters(found)}
    return levels | fields


def test_everything_is_found() -> None:
    assert {kind: len(registry.names()) for kind, registry in REGISTRIES.items()} == {
        "method": 15, "attack": 2, "distortion": 6, "model": 8, "data set": 8,
    }  # fmt: skip
    assert methods.names() == (
        "adversarial_training", "augmix", "bang", "cutmix", "data_augmentation", "feature_stability",
        "manifold_mixup", "mixup", "noise_injection", "noisy_feature_mixup", "noisymix", "pretrained",
        "stability_training", "standard", "triplet_ranking",
    )  # fmt: skip
    assert distortions.names() == (
        "gaussian_noise", "jpeg", "random_crop", "rotation", "thumbnail", "uniform_noise",
    )  # fmt: skip
    assert attacks.names() == ("fgsm", "pgd")
    assert models.names() == (
        "cifar10_quick", "lenet", "preact_resnet18", "resnet18", "resnet50", "small_cnn", "torchvision", "wide_resnet",
    )  # fmt: skip
    assert datasets.names() == (
        "cifar10", "cifar100", "fashion_mnist", "image_folder", "mnist", "mnist_5k", "tifs",
        "tiny_imagenet",
    )  # fmt: skip
    assert (list(OPTIMIZERS), list(SCHEDULES)) == (
        ["sgd"], ["constant", "inverse", "multi_step", "cosine"],
    )  # fmt: skip
    assert len(described()) == 128


@pytest.mark.parametrize("name", described())
def test_a_parameter_says_what_it_is_where_it_lies_and_whence(name: str) -> None:
    parameter = described()[name]
    assert parameter.doc
    assert parameter.source
    bounded = parameter.choices or parameter.range not in ("number", "whole number")
    assert parameter.unit or bounded


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_says_what_it_is(name: str) -> None:
    found = COMPONENTS[name]
    assert found.__doc__
    assert found.revision >= 1
    kind = name.rpartition(" ")[0]
    if kind in REGISTRIES:
        assert getattr(found, "summary", "")
    if kind in ("method", "model", "data set"):
        assert getattr(found, "label", "")


def test_one_symbol_never_means_two_things() -> None:
    """Of several owners, who say which is meant (`attack.epsilon`), a symbol stands for parameters of one name."""
    names: dict[str, set[str]] = {}
    for parameter in described().values():
        names.setdefault(parameter.symbol, set()).add(parameter.name)
    assert all(len(found) == 1 for symbol, found in names.items() if symbol)


@pytest.mark.parametrize("registry", REGISTRIES.values(), ids=REGISTRIES)
def test_a_misspelt_name_is_answered_with_the_nearest(registry: Registry) -> None:
    name = registry.names()[-1]
    with pytest.raises(UnknownNameError, match=f"did you mean '{name}'"):
        registry.get(name + "x")
