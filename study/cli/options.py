"""Arguments and options that several commands share, and what a shell offers to complete them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer


def shipped_names() -> Iterator[str]:
    """Search spaces that come with the package."""
    import search_spaces

    for folder in search_spaces.__path__:
        yield from sorted(path.name for path in Path(folder).glob("*.yaml"))


def complete_spec(incomplete: str) -> list[str]:
    """Shipped search spaces, and the YAML files and folders that begin so."""
    typed = Path(incomplete)
    folder = typed if incomplete.endswith("/") else typed.parent
    here = sorted(folder.glob("*")) if folder.is_dir() else []
    files = [f"{path}/" if path.is_dir() else str(path) for path in here if path.is_dir() or path.suffix == ".yaml"]
    return [name for name in (*shipped_names(), *files) if name.startswith(incomplete)]


def complete_study(ctx: typer.Context, incomplete: str) -> list[str]:
    """Studies in the store."""
    from study.cli.places import open_store

    try:
        studies = open_store(ctx.params.get("store")).studies()
    except ValueError:
        return []
    return [name for name in studies if name.startswith(incomplete)]


def complete_trial(ctx: typer.Context, incomplete: str) -> list[str]:
    """Trials of every study in the store."""
    from study.cli.places import newest, open_store

    try:
        store = open_store(ctx.params.get("store"))
        plans = [newest(store, study).plan for study in store.studies()]
    except ValueError:
        return []
    return sorted({trial.trial_id for plan in plans for trial in plan.trials if trial.trial_id.startswith(incomplete)})


def examples(*lines: str, after: str = "") -> dict[str, Any]:
    """A command's epilogue: examples as they are typed, and what comes `after` them, not rewrapped."""
    typed = "\n".join(("Examples:" if len(lines) > 1 else "Example:", *(f"  {one}" for one in lines)))
    return {"epilog": f"\b\n{typed}" + (f"\n\n\b\n{after}" if after else "")}


Spec = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        help="A study's YAML file, or the name of a shipped search space.",
        autocompletion=complete_spec,
        show_default=False,
    ),
]
Study = Annotated[
    str,
    typer.Argument(
        metavar="STUDY",
        help="A study in the store: NAME or NAME.yaml.",
        autocompletion=complete_study,
        show_default=False,
    ),
]
Trial = Annotated[
    str,
    typer.Argument(
        metavar="TRIAL",
        help="A trial id, or any unique beginning of one.",
        autocompletion=complete_trial,
        show_default=False,
    ),
]
StorePlace = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="DIR|URL",
        help="Where studies are kept.  Default: $STUDY_STORE, then ./study-store.",
        show_default=False,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Override a field: --set train.epochs=1.  May be given several times.",
        show_default=False,
    ),
]
Install = Annotated[
    bool, typer.Option("--install", help="Have Ray install this machine's libraries on the cluster's nodes (by uv).")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
