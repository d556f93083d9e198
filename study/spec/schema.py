"""The JSON Schema of a study's YAML, for editors: completion and checks as one types, from the same descriptions."""

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from study.plan import Draw, Keep
from study.pruners import PRUNERS
from study.samplers import SAMPLERS
from study.spec.attacks import ATTACKS, SHARED
from study.spec.axes import FORMS, RANGES
from study.spec.benchmarks import CHOICE, CORRUPTIONS, PERTURBATIONS, Line
from study.spec.components import distortion_names, distortion_parameters
from study.spec.evaluation import SEED
from study.spec.file_sets import NAME as FILES
from study.spec.file_sets import OTHERS as OF_FILES
from study.spec.keeping import KEPT
from study.spec.loading import MAX_TITLE, REQUIRED_SECTIONS, STUDY
from study.spec.methods import VARY
from study.spec.needs import (
    AMOUNT,
    AUTO,
    CUSTOM,
    CUSTOM_MEANING,
    LABELS,
    LABELS_MEANING,
    MEMORY,
    MEMORY_MEANING,
    OCCUPIED,
    SIZE,
)
from study.spec.open_axes import DRAWS
from study.spec.reading import FRACTION
from study.spec.searching import MOST_OBJECTIVES, NUMBERS
from study.spec.searching import REQUIRED_LINES as REQUIRED_OF_SEARCH
from study.spec.stability import ALL, EVERY, SIGMA, STABILITY, STAGE
from study.spec.stability import NUMBERS as COUNTED
from study.spec.tracking import MLFLOW, TRACKED
from study.spec.training import CHECKPOINTS, PRUNE, SINGLE, STAGES
from trainables.datasets import DataSet, datasets
from trainables.methods import Method, methods
from trainables.models import Model, models
from trainables.optimizers import OPTIMIZERS
from trainables.parameters import Parameter, Parameterised, parameters
from trainables.quality import quality_attacks
from trainables.schedules import SCHEDULES
from trainables.sequence import JOIN, find

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}


def json_schema() -> Schema:
    """JSON Schema, draft 2020-12, of everything `load` accepts; what one value asks of another is for `load` alone."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A robustness study",
        "$defs": _definitions(),
        **_object(_sections(), REQUIRED_SECTIONS),
    }


def _definitions() -> Schema:
    """What stands in several places."""
    return {
        "fraction": {"type": "string", "pattern": f"^{FRACTION.pattern}$", "description": "a ratio such as 8/255"},
        "number": {"anyOf": [{"type": "number"}, {"$ref": "#/$defs/fraction"}]},
        "model": _named(models.all(), "the network"),
        "optimizer": _chosen(OPTIMIZERS, "how a gradient becomes a step"),
        "schedule": _chosen(SCHEDULES, "how the learning rate changes"),
        "pruner": _chosen(PRUNERS, "which trials are given up early, by validation accuracy on the way"),
        "resources": _resources(),
    }


def _defined(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _sections() -> Schema:
    return {
        "study": {**TEXT, "pattern": f"^{STUDY.pattern}$", "description": "the study's name: its folder in the store"},
        "title": {**TEXT, "maxLength": MAX_TITLE, "description": "one line, for people"},
        "data": _named(datasets.all(), "the images"),
        "model": _defined("model"),
        "train": _object(_train_lines(), description="what all methods share; a method may override any line"),
        "distortions": _distortions(),
        "methods": {
            "type": "object",
            "minProperties": 1,
            "description": "label: {method: …}; the label is the method's name in every table and figure",
            "additionalProperties": {"oneOf": [_method(name, kind) for name, kind in methods.all().items()]},
        },
        "search": _search(),
        "evaluate": _evaluate(),
        "figures": {"type": "object", "description": "pages of the dashboard", "additionalProperties": _figure()},
        "resources": _defined("resources"),
        "tracking": _object({MLFLOW: {**TEXT, "description": TRACKED}}, description="where every run is shown"),
        "keep": {"enum": list(get_args(Keep)), "description": KEPT},
    }


def _object(
    properties: Schema, required: Iterable[str] = (), description: str = "", others: bool | Schema = False
) -> Schema:
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": others}
    if required := list(required):
        schema["required"] = required
    return {"description": description, **schema} if description else schema


def _named(kinds: Mapping[str, type[DataSet] | type[Model]], what: str) -> Schema:
    """A name, or `{name: …, parameters}`."""
    short = {"enum": list(kinds)}
    long = [
        _object({"name": {"const": name}, **_values(parameters(kind))}, ["name"], kind.summary)
        for name, kind in kinds.items()
    ]
    return {"description": what, "oneOf": [short, *long]}


def _chosen(kinds: Mapping[str, type[Parameterised]], what: str) -> Schema:
    """`{name: {parameters}}`, or a name."""
    long = [
        _object({name: _object(_values(parameters(kind)), _required(parameters(kind)))}, [name])
        for name, kind in kinds.items()
    ]
    return {"description": what, "oneOf": [{"enum": list(kinds)}, *long]}


def _values(described: Iterable[Parameter]) -> Schema:
    return {parameter.name: _value(parameter) for parameter in described}


def _axes(described: Iterable[Parameter]) -> Schema:
    """Of a method or a training distortion, which a search may draw from."""
    return {parameter.name: _openable(parameter) for parameter in described}


def _required(described: Iterable[Parameter]) -> list[str]:
    return [parameter.name for parameter in described if parameter.required]


def _value(parameter: Parameter) -> Schema:
    """One value, with its meaning and range."""
    schema = {"description": _meaning(parameter), **_type(parameter)}
    return schema if parameter.required else {**schema, "default": parameter.default}


def _type(parameter: Parameter) -> Schema:
    if parameter.choices:
        plain: Schema = {"enum": list(parameter.choices)}
    elif parameter.type in (int, float):
        plain = _number(parameter)
    else:
        plain = {"type": "boolean" if parameter.type is bool else "string"}
    if parameter.many:
        plain = {"type": "array", "items": plain, "minItems": 1}
    return {"anyOf": [plain, {"type": "null"}]} if parameter.optional else plain


def _number(parameter: Parameter) -> Schema:
    bounds = {
        "minimum": parameter.ge,
        "exclusiveMinimum": parameter.gt,
        "maximum": parameter.le,
        "exclusiveMaximum": parameter.lt,
    }
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    if parameter.type is int:
        return {"type": "integer", **given}
    return {"anyOf": [{"type": "number", **given}, _defined("fraction")]}


def _axis(parameter: Parameter) -> Schema:
    """A value, a list of them, or a range."""
    value = _type(parameter)
    values = {"type": "array", "items": value, "minItems": 1, "uniqueItems": True}
    forms = [_object({"values": values}, ["values"])]
    if parameter.type in (int, float):
        forms += [_object({form: _three(form)}, [form]) for form in RANGES]
    return {"description": _meaning(parameter), "anyOf": [value, values, *forms]}


def _openable(parameter: Parameter) -> Schema:
    """An axis, or a range that a search draws from."""
    axis = _axis(parameter)
    choices = {"type": "array", "items": _type(parameter), "minItems": 2, "uniqueItems": True}
    forms = [_object({"choice": choices}, ["choice"])]
    if parameter.type in (int, float):
        numeric = [draw for draw in DRAWS if draw != "choice" and (draw == "int" or parameter.type is float)]
        forms += [_object({draw: _two(draw)}, [draw]) for draw in numeric]
    return {**axis, "anyOf": [*axis["anyOf"], *forms]}


def _two(draw: Draw) -> Schema:
    two = {"type": "array", "items": _defined("number"), "minItems": 2, "maxItems": 2}
    return {**two, "description": f"{DRAWS[draw]}: drawn by a search"}


def _three(form: str) -> Schema:
    three = {"type": "array", "items": _defined("number"), "minItems": 3, "maxItems": 3}
    return {**three, "description": FORMS[form]}


def _meaning(parameter: Parameter) -> str:
    unit = f"; unit: {parameter.unit}" if parameter.unit else ""
    source = f" ({parameter.source})" if parameter.source else ""
    return f"{parameter.doc or parameter.name}: {parameter.range}{unit}{source}"


def _train_lines() -> Schema:
    start: Schema = {
        "description": "scratch, the label of the method to start from, or a file of weights",
        "oneOf": [TEXT, _object({"weights": TEXT}, ["weights"])],
    }
    chosen = {name: _defined(name) for name in ("optimizer", "schedule")}
    return {
        "from": start, **_values(SINGLE.values()), **chosen, CHECKPOINTS: _checkpoints(), PRUNE: _defined("pruner"),
    }  # fmt: skip


def _checkpoints() -> Schema:
    """Which weights are kept on the way."""
    every, at = _value(STAGES["every"]), _axis(STAGES["at"])
    return {
        "description": "weights to keep in the course of a training, for evaluate.noise_stability",
        "oneOf": [_object({"every": every}, ["every"]), _object({"at": at}, ["at"])],
    }


def _resources() -> Schema:
    """What one trial occupies on a node."""
    values = {"oneOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True}]}
    further: Schema = {
        MEMORY: {"description": MEMORY_MEANING, "type": ["string", "null"], "pattern": f"^{SIZE.pattern}$"},
        CUSTOM: {"description": CUSTOM_MEANING, "type": ["object", "null"], "additionalProperties": _number(AMOUNT)},
        LABELS: {"description": LABELS_MEANING, "type": ["object", "null"], "additionalProperties": values},
    }
    plain = _values(OCCUPIED.values())
    gpus = {**plain["gpus"], "anyOf": [*plain["gpus"]["anyOf"], {"const": AUTO, "description": "as many as pay"}]}
    return _object({**plain, "gpus": gpus, **further}, description="what one trial occupies on a node")


def _distortions() -> Schema:
    """What may be trained on, and how strongly."""
    known = {}
    for name in distortion_names():
        described = distortion_parameters(find(name))
        known[name] = _object(_axes(described), _required(described), find(name).summary)
    return {
        "type": "object",
        "description": "what a method may train on, and how strongly; A then B is a sequence over both ranges",
        "properties": known,
        "patternProperties": {JOIN: {"type": ["object", "null"], "maxProperties": 0}},
        "additionalProperties": False,
    }


def _method(name: str, kind: type[Method]) -> Schema:
    described = parameters(kind)
    own: Schema = {"method": {"const": name}, "model": _defined("model"), **_axes(described)}
    required = ["method", *_required(described)]
    if kind.trains_on_distortion:
        own["distortion"] = {
            "description": "one, a list (each in turn), all, or A then B",
            "oneOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True}],
        }
        required.append("distortion")
    grid = {
        "zip": {"type": "array", "items": TEXT, "minItems": 2, "description": "parameters that advance together"},
        "vary": {"enum": list(VARY), "default": VARY[0], "description": "one_at_a_time: first values are the default"},
    }
    return _object({**own, **grid, "resources": _defined("resources"), **_train_lines()}, required, kind.summary)


SWITCHED = ["object", "null", "boolean"]
"""Lines of `evaluate:` may stand alone, be true, which says the same, or false, as if they were not there."""


def _evaluate() -> Schema:
    known = {}
    for name in distortion_names():
        kind = find(name)
        others = _values(parameters(kind))
        practical = {"description": "the level of the end table: one of the levels", **_type(kind.level)}
        known[name] = _object(
            {kind.level.name: _axis(kind.level), "practical": practical, **others}, [kind.level.name], kind.summary
        )
    sweeps = {
        "type": "object",
        "description": "test distortions, each over its levels",
        "properties": known,
        "patternProperties": {JOIN: {"type": "object"}},
        "additionalProperties": False,
    }
    benchmarks = {line.name: _benchmark(line) for line in (CORRUPTIONS, PERTURBATIONS)}
    lines = {"sweeps": sweeps, **benchmarks, FILES: _file_sets(), ATTACKS: _attacks(), STABILITY: _stability()}
    tests = {name: {**line, "type": SWITCHED} for name, line in lines.items()}
    for line in (CORRUPTIONS, PERTURBATIONS):
        tests[line.name] = {"oneOf": [{"const": line.set}, tests[line.name]]}
    return _object({**tests, "seed": _value(SEED)}, description="what every trial is tested on")


def _file_sets() -> Schema:
    """Corrupted sets that lie on a disk: a folder, or which part of it."""
    named = {"enum": list(CORRUPTIONS.registry.names())}
    which = {"oneOf": [named, {"type": "array", "items": named, "minItems": 1}]}
    strengths = {CORRUPTIONS.strengths.name: _axis(CORRUPTIONS.strengths)}
    part = _object({**_values(OF_FILES), **dict.fromkeys(CHOICE, which), **strengths}, ["path"])
    return _object(
        {}, description="name: folder; CIFAR-10-C, ImageNet-C and their like as files", others={"oneOf": [TEXT, part]}
    )


def _benchmark(line: Line) -> Schema:
    """Which of its tests, at which strengths, and the parameters of single ones."""
    named = {"enum": list(line.registry.names())}
    which = {"oneOf": [named, {"type": "array", "items": named, "minItems": 1}]}
    own = {name: _object(_values(parameters(kind)), (), kind.summary) for name, kind in line.registry.all().items()}
    strengths = {line.strengths.name: _axis(line.strengths)}
    return _object(
        {**_values(line.lines), **dict.fromkeys(CHOICE, which), **strengths, **own},
        description=f"the {len(line.main)} tests of {line.set}, or parts of it",
    )


def _attacks() -> Schema:
    """Adversarial quality; an attack that stands there alone has its usual variants."""
    kinds = quality_attacks.all()
    named = {
        name: {**_object({kind.line: _axis(kind.variant), **_values(parameters(kind))}), "type": SWITCHED}
        for name, kind in kinds.items()
    }
    described = {name: {"description": kinds[name].summary, **schema} for name, schema in named.items()}
    whole = _object({**described, **_values(SHARED)}, description="adversarial quality, by all attacks or those named")
    return {**whole, "type": ["object", "null"]}


def _stability() -> Schema:
    """Noise on images that are right at all stages of a training."""
    stages = {
        "description": "all that checkpoints keep, or a list: epochs or iterations, as the trainings count",
        "oneOf": [{"const": ALL}, _object({EVERY: _value(STAGE)}, [EVERY]), _axis(STAGE)],
        "default": ALL,
    }
    lines = {SIGMA.name: _axis(SIGMA), **_values(COUNTED.values()), STAGE.name: stages}
    return _object(lines, [SIGMA.name], "random noise over the stages of a training: the share of changed answers")


def _search() -> Schema:
    """How open axes are searched."""
    named = {"type": "array", "items": TEXT, "minItems": 1, "maxItems": MOST_OBJECTIVES, "uniqueItems": True}
    objectives = {
        "description": "made as large as possible, on validation images: clean, robust, DISTORTION.practical, "
        "DISTORTION.mean, corruptions.mean (the four that are kept for validation)",
        "oneOf": [TEXT, named],
    }
    lines = {"sampler": _chosen(SAMPLERS, "how the next point is chosen"), "objectives": objectives}
    return _object({**lines, **_values(NUMBERS.values())}, REQUIRED_OF_SEARCH, "how the open axes are searched")


def _figure() -> Schema:
    names = {"oneOf": [TEXT, {"type": "array", "items": TEXT}]}
    trained: Schema = {"train": TEXT, "methods": names}
    beside = _object(trained, ["train"])
    level: Schema = {"type": ["number", "string"]}
    levels = {"oneOf": [level, {"type": "array", "items": level}]}
    return _object(
        {
            **trained,
            "test": TEXT,
            "pick_at": {**levels, "description": "levels at which best and worst are told; none: the practical one"},
            "also": {"oneOf": [beside, {"type": "array", "items": beside}], "description": "drawn beside"},
        },
        ["train", "test"],
    )
