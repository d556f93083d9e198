"""`study evaluate`: what a study lacks, from its checkpoints; and models that no study trained, as labels of one."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.cli.errors import CommandError
from study.cli.launching import conduct, where_it_ran
from study.cli.places import newest, open_store, study_name
from study.cli.planning import existing
from study.cli.terminal import Terminal
from study.launch import LaunchOptions
from study.plan import PlannedTrial
from study.spec import FromWeights, MethodSpec, Source, Spec, load, load_text
from study.spec.benchmarks import NORMALIZE_BY as NORMALIZE
from study.spec.faults import Faults, Place, unknown
from study.spec.overrides import write
from study.spec.reading import Mapping as Tree
from study.spec.reading import plain, read
from study.spec.sources import find
from study.spec.stability import STABILITY
from study.store import Launch, Store
from study.store.location import store_location
from trainables.datasets import datasets
from trainables.models import models
from trainables.parameters import complete, parameters
from trainables.recipe import Component, WeightsFile

WAYS = "a study of the store, or a model with --weights FILE or --checkpoint FILE (`study evaluate --help`)"
PARTS = re.compile(r",(?=\s*\w+\s*=)")
LABEL = 60
NORMALIZE_BY = NORMALIZE.name


@dataclass(frozen=True, kw_only=True)
class Outside:
    """A model that no study trained, as it was typed."""

    model: str | None = None
    weights: Path | None = None
    checkpoint: Path | None = None
    data: str | None = None
    name: str | None = None
    study: str | None = None
    like: str | None = None
    corruptions: str | None = None
    perturbations: str | None = None
    severities: str | None = None


def evaluate_study(
    typed: str, overrides: Sequence[str], store: str | None, options: LaunchOptions, terminal: Terminal
) -> int:
    """The missing cells of a study's trained trials; the exit status."""
    if Path(typed).is_file():
        return conduct(load(typed, overrides), where_it_ran(typed, overrides, options), store, options, terminal)
    opened = open_store(store)
    launch = newest(opened, study_name(typed, opened))
    launched = Source(name=launch.study, folder=Path.cwd(), text=launch.spec_text)
    spec = located(load_text(launched, overrides), launch)
    return conduct(spec, None, store, options, terminal)


def evaluate_outside(
    outside: Outside, overrides: Sequence[str], store: str | None, options: LaunchOptions, terminal: Terminal
) -> int:
    """The model as a label of a study, new or there already; the exit status."""
    file = outside.weights or outside.checkpoint
    if file is None or (outside.weights and outside.checkpoint):
        raise CommandError(f"study evaluate takes {WAYS}; got {'both' if file else 'neither'}")
    if not file.is_file():
        raise CommandError(f"there is no file of weights at {file}")
    trial = _trial_of(file) if outside.checkpoint else None
    asked = _asked(outside, trial)
    launch = _launch(asked["study"], store)
    base = asked if launch is None else _joined(outside, asked, launch)
    label = outside.name or _label(file, trial)
    entry = {"method": "pretrained", "model": _network(outside, trial), "from": {"weights": str(file.absolute())}}
    known = base.setdefault("methods", {}).get(label)
    if known is not None and not _same(known, entry):
        raise CommandError(
            f"{base['study']} has another method called {label!r}; --name gives this one a name of its own"
        )
    base["methods"][label] = entry
    base.setdefault("model", entry["model"])
    if not base["data"]:
        raise CommandError(f"{base['study']} is not in the store: --data says which images it is to be on")
    made = Source(name=base["study"], folder=Path.cwd(), text=_yaml(base), written=False)
    spec = load_text(made, overrides)
    others = [one for one in base["methods"].values() if one.get("method") != "pretrained"]
    if launch is not None and others:
        line = _yaml({"methods": {label: entry}}).strip()
        terminal.print(f"{base['study']} has it from now on; so that its YAML has it too, add to it\n{line}\n")
    for line in _left_out(outside) if launch is None else ():
        terminal.print("\n".join(terminal.wrap(line)))
    return conduct(located(spec, launch), None, store, options, terminal)


def located(spec: Spec, launch: Launch | None) -> Spec:
    """The spec with its data and files of weights where the launch had them: its text may begin at another folder."""
    trials = launch.plan.trials if launch is not None else ()
    if not trials:
        return spec
    data = trials[0].recipe.data
    moved = {**spec.data.parameters, "root": data.parameters.get("root")}
    same = spec.data.name == data.name and moved == {"root": None, **data.parameters}
    files = {one.label: one.recipe.start.path for one in trials if isinstance(one.recipe.start, WeightsFile)}
    methods = tuple(_found(method, files.get(method.label)) for method in spec.methods)
    return spec.model_copy(update={"methods": methods, **({"data": data} if same else {})})


def _found(method: MethodSpec, path: str | None) -> MethodSpec:
    start = method.train.start
    if path is None or not isinstance(start, FromWeights) or Path(start.path).exists():
        return method
    train = method.train.model_copy(update={"start": start.model_copy(update={"path": path})})
    return method.model_copy(update={"train": train})


def _launch(study: str, store: str | None) -> Launch | None:
    """The newest of the study, if the store has it."""
    there = existing(store_location(store))
    return None if there is None else there.newest_launch(study)


def _asked(outside: Outside, trial: PlannedTrial | None) -> dict[str, Any]:
    """The sections of a study that begins with the model, without it; of one that is there, as far as they are said."""
    like = _sections(find(outside.like).text) if outside.like is not None else {}
    if outside.data is not None:
        data = component(outside.data, "data", datasets, "data set")
    elif "data" in like:
        data = _named(like["data"])
    else:
        data = _written(trial.recipe.data) if trial is not None else {}
    if not data and outside.study is None:
        raise CommandError("--data says which images: --data cifar10:root=FOLDER (`study datasets` lists them)")
    study = outside.study or f"models_on_{data['name']}"
    title = f"Models from elsewhere on {data['name']}" if data else study
    tests = _borrowed(like) if like else _tests(outside)
    return {"study": study, "title": title, "data": data, "evaluate": tests}


def _borrowed(like: Mapping[str, Any]) -> dict[str, Any]:
    """The lines of `evaluate:` that a file of weights can be put to: it has no stages, and not that study's labels."""
    lines = {name: line for name, line in (like.get("evaluate") or {}).items() if name != STABILITY}
    labels = like.get("methods") or {}
    return {name: _of_nobody(line, labels) for name, line in lines.items()}


def _of_nobody(line: Any, labels: Mapping[str, Any]) -> Any:
    """A benchmark's line, or several, without the label that it is divided by."""
    if not isinstance(line, dict):
        return line
    return {name: _of_nobody(part, labels) for name, part in line.items() if name != NORMALIZE_BY or part not in labels}


def _left_out(outside: Outside) -> Iterator[str]:
    """What of the study that it is tested like cannot be said of it."""
    like = _sections(find(outside.like).text) if outside.like is not None else {}
    evaluate = like.get("evaluate") or {}
    if STABILITY in evaluate:
        yield f"left out: {STABILITY}: a file of weights has no stages"
    if _borrowed(like) != {name: line for name, line in evaluate.items() if name != STABILITY}:
        yield f"left out: {NORMALIZE_BY}: its label is none of the study that the model goes to"


def _joined(outside: Outside, asked: dict[str, Any], launch: Launch) -> dict[str, Any]:
    """The sections of the study that the model joins; raises CommandError where it was asked for something else."""
    there = _sections(launch.spec_text)
    said = any(
        one is not None for one in (outside.like, outside.corruptions, outside.perturbations, outside.severities)
    )
    if said and asked["evaluate"] not in (there.get("evaluate"), _borrowed(there)):
        raise CommandError(
            f"{launch.study} says how its models are tested, and otherwise; leave the options out, or change its lines "
            "for all of them with --set evaluate.…"
        )
    if outside.data is not None and _without_root(asked["data"]) != _without_root(_named(there["data"])):
        images = json.dumps(_without_root(_named(there["data"])))
        raise CommandError(f"{launch.study} is on {images}; give another --study, or no --data")
    return there


def _without_root(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name != "root"}


def _tests(outside: Outside) -> dict[str, Any]:
    lines = {
        "corruptions": _chosen(outside.corruptions or "all"),
        "perturbations": _chosen(outside.perturbations or "none"),
    }
    if outside.severities is not None and lines["corruptions"] is not None:
        lines["corruptions"]["severities"] = [_value(one) for one in outside.severities.split(",")]
    return {name: line for name, line in lines.items() if line is not None}


def _chosen(asked: str) -> dict[str, Any] | None:
    if asked == "none":
        return None
    return {"extras": False} if asked == "all" else {"only": [one.strip() for one in asked.split(",")]}


def _network(outside: Outside, trial: PlannedTrial | None) -> dict[str, Any]:
    if outside.model is not None:
        return component(outside.model, "model", models, "model")
    if trial is None:
        raise CommandError(
            "--model says which network the weights are of: torchvision:resnet18, or one that `study models` lists"
            + ("; only a checkpoint inside a store knows its own" if outside.checkpoint else "")
        )
    return _written(trial.recipe.model)


def component(typed: str, option: str, registry: Any, kind: str) -> dict[str, Any]:
    """`NAME:KEY=VALUE,…` as a YAML has it; a first part without `=` is the first parameter."""
    name, _, rest = typed.partition(":")
    if name not in registry.names():
        raise CommandError(f"--{option}: {unknown(kind, name, registry.names())}")
    known = [one.name for one in parameters(registry.get(name))]
    found: dict[str, Any] = {"name": name}
    for place, part in enumerate(PARTS.split(rest) if rest else ()):
        key, equals, value = part.partition("=")
        if not equals and place == 0 and known:
            key, value = known[0], part
        elif not equals:
            raise CommandError(f"--{option}: a parameter is KEY=VALUE, as in {name}:KEY=VALUE,…; got {part!r}")
        found[key.strip()] = _value(value.strip())
    if isinstance(found.get("root"), str):
        found["root"] = str(Path(found["root"]).expanduser().absolute())
    return found


def _value(text: str) -> Any:
    """As YAML has it; what YAML takes for something of several parts, and is no list, is a text."""
    faults = Faults()
    value = plain(read(text, Place(file=text), faults, lines=False)) if text else text
    return text if isinstance(value, Mapping) or faults.found else value


def _trial_of(checkpoint: Path) -> PlannedTrial | None:
    """The trial whose checkpoint it is: STORE/trials/TRIAL/ATTEMPT/best.ckpt; None for a file elsewhere."""
    above = checkpoint.absolute().parents
    if len(above) < 4 or above[2].name != "trials" or not (above[3] / "studies").is_dir():
        return None
    store = Store.open(str(above[3]), create=False)
    launches = filter(None, map(store.newest_launch, store.studies()))
    return next(
        (one for launch in launches for one in launch.plan.trials if one.trial_id == above[1].name), None
    )  # fmt: skip


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both are the same file of the same network, however its defaults are written."""
    return {**one, "model": _full(one.get("model"))} == {**other, "model": _full(other.get("model"))}


def _full(network: Any) -> Any:
    """With all its parameters; as it is where one is at fault, which the spec then says."""
    own = _named(network)
    try:
        return own["name"], complete(models.get(own["name"]), {key: own[key] for key in own if key != "name"})
    except (ValueError, KeyError, TypeError):
        return network


def _label(file: Path, trial: PlannedTrial | None) -> str:
    return file.stem[:LABEL] if trial is None else f"{trial.label} {trial.trial_id[:8]}"


def _written(described: Component) -> dict[str, Any]:
    """A component as a YAML has it."""
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in described.items}
    return {"name": described.name, **values}


def _named(written: Any) -> dict[str, Any]:
    """The long form of a section that may be a name alone."""
    return written if isinstance(written, dict) else {"name": written}


def _sections(text: str) -> dict[str, Any]:
    found: dict[str, Any] = plain(read(text, Place(file="the study"), Faults()))
    return found


def _yaml(sections: Mapping[str, Any]) -> str:
    tree = read(json.dumps(sections, ensure_ascii=False), Place(file=""), Faults())
    assert isinstance(tree, Tree)
    return write(tree)
