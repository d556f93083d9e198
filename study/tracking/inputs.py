"""The data set of a study as inputs of its runs: one a split. MLflow tells data sets apart by name and digest."""

import json

from study.tracking.records import DataInput
from study.tracking.tables import Tables
from trainables.recipe import Component

SPLITS = ("train", "validation", "test")
DIGEST_DIGITS = 12
"""Of the fingerprint of every pixel and label, which is whole in the profile; the split's name follows."""


def data_inputs(tables: Tables) -> tuple[DataInput, ...]:
    """What the study's trials were trained, selected and tested on."""
    data = tables.plan.trials[0].recipe.data
    fingerprint = str(json.loads(tables.plan.trials[0].identity).get("data_fingerprint", ""))
    images = tables.launch.provenance.get("data", {}).get("images", {})
    return tuple(_input(data, fingerprint, split, images.get(split)) for split in SPLITS)


def _input(data: Component, fingerprint: str, split: str, images: int | None) -> DataInput:
    counted = {} if images is None else {"images": images}
    return DataInput(
        name=data.name,
        digest=f"{fingerprint[:DIGEST_DIGITS]}-{split}",
        context=split,
        source=json.dumps({"data": data.name, **data.parameters}, sort_keys=True),
        profile=json.dumps({"split": split, **counted, "fingerprint": fingerprint}),
    )
