"""The data set of a study."""

from study.spec import Spec
from trainables.datasets import DataSet, datasets
from trainables.recipe import Component


def data_set(spec: Spec) -> DataSet:
    """The data set that a study is about; it opens no file until it is asked for images."""
    return datasets.get(spec.data.name)(**spec.data.parameters)


def located(spec: Spec) -> Component:
    """The data set with its folder written out: workers have working folders and environments of their own."""
    folder = data_set(spec).folder
    return (
        spec.data
        if folder is None
        else Component.of(spec.data.name, {**spec.data.parameters, "root": str(folder.absolute())})
    )
