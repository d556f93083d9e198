"""What is typed: every command of `study`, its arguments, its help. Heavy imports wait inside the commands."""

import json
from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal

import typer

from study.cli.clustering import SLURM, cluster
from study.cli.errors import UNFINISHED, Commands
from study.cli.options import (
    Install,
    Json,
    Overrides,
    Spec,
    StorePlace,
    Study,
    Trial,
    complete_study,
    complete_trial,
    examples,
)
from study.cli.query_help import QueryCommand
from study.cli.terminal import terminal
from study.data.ilsvrc import GET_IMAGENET

NOT_HERE = "--install is for a cluster, with --address or --submit; on this machine all is installed"

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 108},
    **examples("study launch demo_mnist.yaml", "study plan my_study.yaml", "study query demo_mnist bands"),
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"study {metadata.version('robustness-study')}")
        raise typer.Exit


@app.callback()
def every_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Hyperparameter studies of robustness training: one YAML becomes trained and evaluated models, in tables."""


@app.command(
    **examples(
        "study launch demo_mnist.yaml",
        "study launch my_study.yaml --limit 3 --set train.epochs=1",
        "study launch my_study.yaml --store /nfs/studies --address auto",
        "study launch my_study.yaml --store s3://bucket/studies --submit http://head:8265",
        "study launch my_study.yaml --retry oom --set resources.gpus=0.5",
    )
)
def launch(
    spec: Spec,
    overrides: Overrides = None,
    store: StorePlace = None,
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="A running Ray cluster, `auto` for this node's.  Default: Ray here."),
    ] = None,
    submit: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Run it on a cluster's head, as a Ray job: http://head:8265.", show_default=False
        ),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="With --submit: wait until it begins, not for its end.")
    ] = False,
    install: Install = False,
    max_concurrent: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Run at most so many trials at once.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Run only so many of the missing trials, to try things out.")
    ] = None,
    retry: Annotated[
        Literal["failed", "oom", "all"] | None,
        typer.Option(help="Try failed trials again: those that raised, those out of memory, or all."),
    ] = None,
    retrain: Annotated[
        bool, typer.Option("--retrain", help="Train trials again of which a test needs weights that were never kept.")
    ] = False,
) -> None:
    """Train and evaluate what is missing of a study.

    Launching again does nothing and says so; a widened grid runs only its new points.  Ctrl-C stops cleanly, and the
    next launch goes on from there.

    With --submit the launch outlives this terminal, where Ctrl-C only ends the watching: `study status`, `logs` and
    `stop` reach it from anywhere on the store.

    Exit status: 0 complete (or as far as --limit asked), 1 some trials failed or are blocked, 2 the spec or the command
    is wrong, 3 another launch has the study, 130 stopped by hand.
    """
    from study.cli.launching import run
    from study.launch import LaunchOptions

    options = LaunchOptions(
        address=address, max_concurrent=max_concurrent, limit=limit, retry=retry, retrain=retrain, install=install
    )
    if install and address is None and submit is None:
        raise typer.BadParameter(NOT_HERE)
    if submit is not None:
        from study.cli.submitting import submit as submit_job

        if address is not None:
            raise typer.BadParameter("a submitted launch uses the cluster it runs on; leave --address out")
        raise typer.Exit(submit_job(spec, overrides or (), store, options, submit, detach=detach, terminal=terminal()))
    if detach:
        raise typer.BadParameter("only a launch that is submitted goes on without this terminal: --submit URL")
    raise typer.Exit(run(spec, overrides or (), store, options, terminal()))


@app.command(
    **examples(
        "study evaluate demo_mnist",
        "study evaluate demo_mnist --set evaluate.corruptions.set=imagenet_c",
        "study evaluate my_study_with_new_lines.yaml",
        "study evaluate --model torchvision:resnet18 --weights peer.pt --data cifar10:root=data --name Peer",
        "study evaluate --model resnet18:width=16 --weights peer.pt --study my_study",
        "study evaluate --checkpoint other-store/trials/3f9a…/0001-5a…/best.ckpt --like my_study.yaml",
    )
)
def evaluate(
    study: Annotated[
        str | None,
        typer.Argument(
            metavar="STUDY",
            help="A study in the store, or its YAML.",
            autocompletion=complete_study,
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[:KEY=VALUE,…]",
            help="The network: torchvision:resnet18, resnet18:width=16.",
            show_default=False,
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Its weights: a state dict that torch.save wrote.", show_default=False),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A checkpoint of any store, which knows its network.", show_default=False),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[:KEY=VALUE,…]",
            help="The images: cifar10:root=data.  Default: the study's.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="LABEL", help="What tables call it.  Default: the file's name.", show_default=False),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(
            "--study",
            metavar="NAME",
            help="The study it joins or begins.  Default: models_on_DATA.",
            show_default=False,
        ),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help="Test it as this study's evaluate: says, on its data.", show_default=False),
    ] = None,
    corruptions: Annotated[
        str | None, typer.Option(metavar="all|none|A,B", help="Default: all of the 15.", show_default=False)
    ] = None,
    perturbations: Annotated[
        str | None, typer.Option(metavar="all|none|A,B", help="Default: none.", show_default=False)
    ] = None,
    severities: Annotated[
        str | None, typer.Option(metavar="1,2,…", help="Of the corruptions.  Default: all five.", show_default=False)
    ] = None,
    overrides: Overrides = None,
    store: StorePlace = None,
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="A running Ray cluster, `auto` for this node's.  Default: Ray here."),
    ] = None,
    install: Install = False,
    max_concurrent: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Evaluate at most so many trials at once.")
    ] = None,
) -> None:
    """Evaluate what is trained, or a model that no study trained.

    Of a study: the cells that are missing, from the stored checkpoints; nothing is trained.  With --weights or
    --checkpoint: a model from elsewhere, into the same tables, so that SQL compares it with a study's.  It becomes a
    label with the method `pretrained`; more models may join the same --study.  The same file twice does nothing.
    """
    from study.cli.evaluating import Outside, evaluate_outside, evaluate_study
    from study.launch import LaunchOptions

    outside = Outside(
        model=model, weights=weights, checkpoint=checkpoint, data=data, name=name, study=into, like=like,
        corruptions=corruptions, perturbations=perturbations, severities=severities,
    )  # fmt: skip
    options = LaunchOptions(address=address, max_concurrent=max_concurrent, train=False, install=install)
    if install and address is None:
        raise typer.BadParameter(NOT_HERE)
    if study is not None and outside != Outside():
        raise typer.BadParameter("either a study, or a model with --weights or --checkpoint", param_hint="STUDY")
    if study is not None:
        raise typer.Exit(evaluate_study(study, overrides or (), store, options, terminal()))
    raise typer.Exit(evaluate_outside(outside, overrides or (), store, options, terminal()))


@app.command(
    **examples("study plan demo_mnist.yaml", "study plan my_study.yaml --pilot", "study plan demo_mnist --json")
)
def plan(
    spec: Spec,
    overrides: Overrides = None,
    store: StorePlace = None,
    as_json: Json = False,
    pilot: Annotated[bool, typer.Option("--pilot", help="Time one trial a kind for seconds, to estimate.")] = False,
) -> None:
    """Show what a study would do and cost; run nothing.

    Trials by training distortion and method, their order, what the store has of them already, expected time and disk.
    """
    from study.cli.planning import show_plan

    show_plan(spec, overrides or (), store, as_json=as_json, with_pilot=pilot, terminal=terminal())


@app.command(**examples("study validate my_study.yaml"))
def validate(spec: Spec, overrides: Overrides = None) -> None:
    """Check a study's YAML and tell every fault at once.

    Each fault has its file and line, the rule, the value and a way out.  Exit status 2 if there are any.
    """
    from study.cli.planning import validated

    terminal().print(validated(spec, overrides or ()))


@app.command(**examples("study schema > study.schema.json"))
def schema() -> None:
    """Print the JSON Schema of a study's YAML, for editors.

    Editors that know the YAML language server complete and check as one types.
    """
    from study.spec import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command("list", **examples("study list", "study list --store /nfs/studies"))
def list_studies(store: StorePlace = None) -> None:
    """List the studies in the store, and how far each is."""
    from study.cli.places import open_store
    from study.cli.status_screen import print_studies

    print_studies(open_store(store), terminal())


@app.command(**examples("study status demo_mnist", "study status demo_mnist --json"))
def status(study: Study, store: StorePlace = None, as_json: Json = False) -> None:
    """Show how far a study is, and what failed why."""
    from study.cli.places import newest, store_suffix, study_of
    from study.cli.status_screen import print_status
    from study.cli.submitted import awaited_json, print_awaited
    from study.standing import look
    from study.store.submissions import awaited
    from study.summary import summarise

    opened, name = study_of(study, store)
    submission = awaited(opened.objects, name)
    if submission is not None and opened.newest_launch(name) is None:
        if as_json:
            typer.echo(json.dumps(awaited_json(opened, submission), ensure_ascii=False))
        else:
            print_awaited(opened, submission, store_suffix(store), terminal())
        return
    found_plan = newest(opened, name).plan
    found = look(opened, found_plan)
    summary = summarise(found_plan, found)
    if as_json:
        typer.echo(json.dumps(summary.to_json(), ensure_ascii=False))
    else:
        print_status(opened, found_plan, summary, terminal(), store_suffix(store))


@app.command(
    **examples("study logs demo_mnist --follow", "study logs demo_mnist --all", "study logs demo_mnist 3f9a1c07")
)
def logs(
    study: Study,
    trial: Annotated[
        str | None,
        typer.Argument(
            metavar="TRIAL",
            help="Only this trial, with every attempt at it.",
            autocompletion=complete_trial,
            show_default=False,
        ),
    ] = None,
    store: StorePlace = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Until the launch ends.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Of every launch that is kept.  Default: the newest.")] = False,
) -> None:
    """Show what a study's launches said, wherever they ran.

    Who launched it where, a line a change of state, how it ended; times are this machine's.  Of each launch 8 MB of
    lines are kept, the first and the newest; of each study, 50 launches.
    """
    from study.cli.logs import print_logs

    print_logs(study, trial, store, every=every, follow=follow, terminal=terminal())


@app.command(**examples("study stop demo_mnist", "study stop demo_mnist --no-wait --store s3://bucket/studies"))
def stop(
    study: Study,
    store: StorePlace = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Whether to wait until it has stopped.")] = True,
    timeout: Annotated[float, typer.Option(min=0.0, metavar="S", help="For how long.")] = 120.0,
) -> None:
    """Stop a study's launch, wherever it runs, as Ctrl-C does.

    The request is kept in the store, where the launch looks every few seconds; trials finish their slice and keep a
    checkpoint, and the next launch goes on from there.

    A submitted launch that has not begun trains nothing when it begins.

    Exit status: 0 it has stopped, 1 no launch was running, 3 it was asked and is still at work, or has yet to begin.
    """
    from study.cli.halting import stop as ask

    raise typer.Exit(ask(study, store, wait=wait, seconds=timeout, terminal=terminal()))


@app.command(**examples("study spec", "study spec demo_mnist > my_study.yaml"))
def spec(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A shipped search space.  Without one: list them.")
    ] = None,
) -> None:
    """Print a shipped search space, to begin one's own from."""
    from study.cli.planning import shipped_text

    typer.echo(shipped_text(name), nl=False)


@app.command(**examples("study show 3f9a1c07"))
def show(trial: Trial, store: StorePlace = None) -> None:
    """Show a trial: recipe, parent, results, checkpoint."""
    from study.cli.places import open_store, trial_places
    from study.cli.trial_screen import print_trial

    opened = open_store(store)
    print_trial(opened, trial_places(trial, opened), terminal())


@app.command(**examples("study why 9ab03f55"))
def why(trial: Trial, store: StorePlace = None) -> None:
    """Show how a trial came about: attempts, errors, code.

    Its state, its parents' states, who launched it with which code and versions, and every attempt with its error and
    traceback.
    """
    from study.cli.places import open_store, trial_places
    from study.cli.trial_screen import print_why

    opened = open_store(store)
    print_why(opened, trial_places(trial, opened), terminal())


@app.command(
    cls=QueryCommand,
    **examples(
        "study query demo_mnist practical",
        "study query demo_mnist --columns bands",
        'study query demo_mnist "FROM evaluations" --format parquet -o cells.parquet',
    ),
)
def query(
    study: Study,
    sql: Annotated[
        str | None, typer.Argument(metavar="SQL", help="DuckDB SQL; a bare word is FROM it.", show_default=False)
    ] = None,
    store: StorePlace = None,
    form: Annotated[
        Literal["table", "csv", "json", "parquet"], typer.Option("--format", help="How to print.")
    ] = "table",
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file.", show_default=False)
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(metavar="VIEW", help="Describe the columns of a view instead: name, type, unit, meaning."),
    ] = None,
) -> None:
    """Ask a study's tables and views, in SQL."""
    from study.cli.querying import ask, describe_columns

    if columns is not None:
        describe_columns(columns, terminal())
    elif sql is None:
        raise typer.BadParameter("give SQL or the name of a view (`study query --help` lists them)", param_hint="SQL")
    else:
        ask(study, sql, store, form, output, terminal())


@app.command(
    **examples(
        "study dashboard demo_mnist",
        "study dashboard demo_mnist -o ~/public_html/demo.html --no-open",
        "study dashboard demo_mnist.yaml --store /nfs/studies",
    )
)
def dashboard(
    study: Study,
    store: StorePlace = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Where to write.  Default: STUDY.html.", show_default=False
        ),
    ] = None,
    opens: Annotated[bool, typer.Option("--open/--no-open", help="Open it in a browser, where there is one.")] = True,
) -> None:
    """Write a study's dashboard, one HTML file, and open it.

    Sensitivity bands for every pair of a training and a test distortion, worst and best trials with their
    hyperparameters, heat maps, training curves, every trial, failures and cost.  The file needs no network and no
    server; figures in it download as PNG, SVG and CSV.  Write it again to see what has come in since.
    """
    from study.cli.dashboarding import write_dashboard

    write_dashboard(study, store, output, opens, terminal())


@app.command(**examples("study claims tifs_mini", "study claims tifs_mini --format markdown"))
def claims(
    study: Study,
    store: StorePlace = None,
    form: Annotated[
        Literal["table", "markdown", "csv", "json"], typer.Option("--format", help="How to print.")
    ] = "table",
) -> None:
    """Check a paper's claims on stability training against results.

    The paper is Laermann et al. 2019.  For each claim: whether it holds, fails, or the test images cannot tell; the
    difference in points with its 95 % interval, paired image by image; what was compared, and of what it could not be
    asked.  CSV and JSON have a row a claim and a part of it, differences in shares of 1.
    """
    from study.cli.claiming import print_claims

    print_claims(study, store, form, terminal())


@app.command(**examples("study track demo_mnist"))
def track(study: Study, store: StorePlace = None) -> None:
    """Bring a study's runs in MLflow up to date.

    Every run is made from the tables: twice, and nothing doubles; a run that a kill left running is put right.  Runs go
    where the YAML's `tracking: {mlflow: …}` says, else $MLFLOW_TRACKING_URI, else into a database in the store.
    """
    from study.cli.tracking import track as bring_up_to_date

    bring_up_to_date(study, store, terminal())


@app.command(**examples("study ui", "study ui --port 5001 --store /nfs/studies"))
def ui(
    store: StorePlace = None,
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="N", help="Where it listens.")] = 5000,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="Who may connect: 127.0.0.1 this machine alone, 0.0.0.0 anyone.")
    ] = "127.0.0.1",
) -> None:
    """Browse every run in MLflow, until Ctrl-C.

    Runs that are behind are brought up to date first.
    """
    from study.cli.ui import serve

    serve(store, host, port, terminal())


@app.command(
    **examples(
        "study distort fog photo.jpg foggy.png --severity 3",
        "study distort gaussian_noise photo.jpg noisy.png --level 0.1",
        "study distort snow test.npy test_snow_5.npy --severity 5 --size-table 32",
        "study distort tilt photo.jpg tilting.gif --difficulty 1",
    )
)
def distort(
    condition: Annotated[
        str, typer.Argument(metavar="CONDITION", help="A distortion, corruption or perturbation.", show_default=False)
    ],
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A picture, or a .npy batch: uint8 (N, H, W, 3).", show_default=False)
    ],
    target: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="Of the same kind; a picture's format is its suffix.", show_default=False),
    ],
    level: Annotated[
        float | None, typer.Option(metavar="X", help="It is a distortion, at this level.", show_default=False)
    ] = None,
    severity: Annotated[
        int | None, typer.Option(metavar="0-5", help="It is a corruption, this strong.", show_default=False)
    ] = None,
    difficulty: Annotated[
        int | None, typer.Option(metavar="1-3", help="It is a perturbation: frames.", show_default=False)
    ] = None,
    size_table: Annotated[
        int | None,
        typer.Option(
            metavar="224|64|32|299",
            help="Published settings to use.  Default: by the images' size.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Another seed draws other noise.")] = 0,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A parameter: --set photographs=DIR of frost.", show_default=False
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over OUT.")] = False,
) -> None:
    """Apply one condition to a picture or a batch of images.

    Some names are a distortion, a corruption and a perturbation: --level, --severity or --difficulty says which.  A
    perturbation's frames are a GIF or a row of pictures; of a batch, uint8 (N, T, H, W, 3).  Equal seeds give equal
    images.  OUT is written whole or not at all.
    """
    from study.cli.distorting import distort as apply
    from trainables.recipe import Family

    strengths: dict[Family, float | None] = {"sweep": level, "corruption": severity, "perturbation": difficulty}
    apply(
        condition, strengths, source, target, overrides or (),
        table=size_table, seed=seed, force=force, terminal=terminal(),
    )  # fmt: skip


@app.command(
    **examples(
        "study preview -o sheet.png",
        "study preview --conditions fog,frost,jpeg,tilt --image photo.jpg -o sheet.png",
        "study preview --conditions corruptions -o corruptions.jpg",
    )
)
def preview(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write.", show_default=False)],
    conditions: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,…",
            help="Names, or corruptions, distortions, perturbations.  Default: all three.",
            show_default=False,
        ),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Your own picture.  Default: one that is shipped.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Another seed draws other noise.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Write over FILE.")] = False,
) -> None:
    """Draw a picture under every condition at five strengths, as one sheet.

    A large picture is scaled to 224 pixels and a border of 16; a small one is shown as it is, its pixels enlarged.
    """
    from study.cli.previewing import preview as draw

    draw(conditions, image, output, seed=seed, force=force, terminal=terminal())


data = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Build data sets that nobody distributes.")
app.add_typer(data, name="data", **examples("study data tifs --imagenet /nfs/imagenet --out data/tifs"))


@data.command(
    **examples(
        "study data tifs --imagenet /nfs/imagenet --out data/tifs",
        "study data tifs --imagenet /nfs/imagenet --out data/tifs_fold_3 --fold 3",
        "study data tifs --imagenet /nfs/imagenet --out data/small --classes 20.txt --per-class 100 --val 10",
        after=GET_IMAGENET,
    )
)
def tifs(
    imagenet: Annotated[
        Path,
        typer.Option(metavar="DIR", help="ILSVRC2012: train/WNID/*.JPEG and val, as below.", show_default=False),
    ],
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Where to build; $STUDY_DATA/tifs is found by itself.", show_default=False),
    ],
    fold: Annotated[
        int, typer.Option(min=0, metavar="K", help="Which tenth of the 500 images of a class validates.")
    ] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Threads.  Default: a processor each.", show_default=False)
    ] = None,
    classes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A reduced set: only these, a WordNet id a line.", show_default=False),
    ] = None,
    per_class: Annotated[
        int | None,
        typer.Option(min=2, metavar="N", help="A reduced set: so many of a class train or validate.  Default: 500."),
    ] = None,
    val: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="A reduced set: so many of those validate.  Default: 50.")
    ] = None,
) -> None:
    """Build Tiny ImageNet Full-Sized from ImageNet: 21.6 GB.

    Of Tiny ImageNet's 200 classes 450 images each to train, 50 to validate and ImageNet's 50 validation images to test,
    the shorter side scaled to 256 px (Laermann et al. 2019).  Ctrl-C stops it; the same command goes on from there, and
    does nothing where the set is whole.  Images that are missing or cannot be read are all named at the end; once they
    are mended, the same command reads only them.

    Validation images may lie in class folders, or flat beside the devkit or Kaggle's list of labels.

    Exit status: 0 whole, 1 some images cannot be read, 2 the tree or the command is wrong, 130 stopped by hand.
    """
    from study.cli.building import build_tifs

    raise typer.Exit(build_tifs(imagenet, out, classes, per_class, val, fold, workers, terminal()))


@data.command(**examples("study data verify data/tifs"))
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `study data tifs` built.", show_default=False)],
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Threads.  Default: a processor each.", show_default=False)
    ] = None,
) -> None:
    """Check every pixel and label of a built set.

    A set that was copied without its times is accepted again if it is whole.  Exit status 1 if anything is wrong.
    """
    from study.cli.building import verify_set

    raise typer.Exit(verify_set(folder, workers, terminal()))


app.add_typer(cluster, name="cluster", **examples(SLURM, "study cluster wait --nodes 4"))


@app.command(**examples("study methods", "study methods stability_training"))
def methods(name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only this one.")] = None) -> None:
    """List the training methods with parameters and sources."""
    from study.cli.catalogue_screen import print_catalogue
    from trainables.methods import methods as registered

    print_catalogue("method", registered.all(), name, terminal())


@app.command(**examples("study distortions", "study distortions jpeg"))
def distortions(name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only this one.")] = None) -> None:
    """List the distortions and attacks with levels and sources."""
    from study.cli.catalogue_screen import print_catalogue
    from trainables.attacks import attacks
    from trainables.distortions import distortions as registered

    print_catalogue("distortion", {**registered.all(), **attacks.all()}, name, terminal())


@app.command(**examples("study corruptions", "study corruptions frost"))
def corruptions(name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only this one.")] = None) -> None:
    """List the corruptions of ImageNet-C with sources."""
    from study.cli.catalogue_screen import print_catalogue
    from trainables.corruptions import corruptions as registered

    print_catalogue("corruption", registered.all(), name, terminal())


@app.command(**examples("study perturbations", "study perturbations tilt"))
def perturbations(name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only this one.")] = None) -> None:
    """List the perturbations of ImageNet-P with sources."""
    from study.cli.catalogue_screen import print_catalogue
    from trainables.perturbations import perturbations as registered

    print_catalogue("perturbation", registered.all(), name, terminal())


@app.command(**examples("study attacks", "study attacks hot_cold"))
def attacks(name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only this one.")] = None) -> None:
    """List the attacks that adversarial quality is measured by, with sources."""
    from study.cli.catalogue_screen import print_catalogue
    from trainables.quality import quality_attacks as registered

    print_catalogue("attack", registered.all(), name, terminal())


@app.command(**examples("study models", "study models lenet"))
def models(name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only this one.")] = None) -> None:
    """List the networks with parameters and sources."""
    from study.cli.catalogue_screen import print_catalogue
    from trainables.models import models as registered

    print_catalogue("model", registered.all(), name, terminal())


@app.command(**examples("study datasets", "study datasets mnist_5k"))
def datasets(name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only this one.")] = None) -> None:
    """List the data sets with parameters and sources."""
    from study.cli.catalogue_screen import print_catalogue
    from trainables.datasets import datasets as registered

    print_catalogue("data set", registered.all(), name, terminal())


@app.command(
    **examples(
        "study gc", "study gc --delete", "study gc --delete --results --older-than 168 --store s3://bucket/store"
    )
)
def gc(
    store: StorePlace = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete it.  Default: only show what would go.")] = False,
    results: Annotated[
        bool, typer.Option("--results", help="Also results and weights of trials of no study: they are lost.")
    ] = False,
    older_than: Annotated[
        float, typer.Option("--older-than", min=0.0, metavar="HOURS", help="Leave alone what is younger.")
    ] = 24.0,
) -> None:
    """Show what nobody needs in a store; with --delete, free it.

    Unfinished trainings of trials that the newest launch of no study has, checkpoints that finished trials do not need,
    what killed processes left.  Trials that a launch is at work on stay, and so do parents of trials that stay.
    Results stay unless --results is given.  Safe beside launches, and again after a kill.

    Exit status 3 if another is deleting.
    """
    from study.cli.collecting import collect_garbage

    collect_garbage(store, delete, results, older_than, terminal())


@app.command(
    **examples(
        "study chaos small.yaml --kill driver,worker",
        "study chaos small.yaml --kill driver,worker,node,network,disk,storage --n 100 --seed 1",
        "study chaos small.yaml --kill worker,node --address auto --store /nfs/studies --yes",
    )
)
def chaos(
    spec: Spec,
    kill: Annotated[
        str, typer.Option(metavar="KIND,…", help="What is done to it: driver, worker, node, network, disk, storage.")
    ] = "driver,worker",
    n: Annotated[
        int | None,
        typer.Option("--n", min=1, metavar="N", help="Runs in all, the kinds in turn.  Default: one of each kind."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the faults' moments and victims.")] = 0,
    overrides: Overrides = None,
    store: StorePlace = None,
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="A cluster of yours.  Default: Ray here, or nodes made for it."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Nodes of the cluster at --address may be killed.")] = False,
) -> None:
    """Disturb a small study for real, and see that nothing comes of it.

    Each run launches the study into a store of its own, strikes while units are under way, launches on if it has to,
    and then compares: every planned row once, none computed again after its commit, tables and models equal to the
    undisturbed study's, nothing left over.  A fault that came too late, or that nobody felt, does not count and is
    made again.  Verdicts are kept in the store: the same command goes on where it was ended.

    Exit status 0 only if every run holds, 1 if one does not.
    """
    from study.cli.chaos import disturb

    kinds = [one.strip() for one in kill.split(",") if one.strip()]
    raise typer.Exit(disturb(spec, overrides or (), kinds, n, seed, store, address, yes, terminal()))


@app.command(**examples("study doctor", "study doctor --store s3://bucket/studies"))
def doctor(store: StorePlace = None) -> None:
    """Examine this machine: versions, devices, Ray, disk.

    Each line says ok, warn or fail, with a way out.  Exit status 1 if something fails.
    """
    from study.cli.doctor_screen import print_checks
    from study.doctor import examine
    from study.store.location import store_location

    if print_checks(examine(store_location(store)), terminal()):
        raise typer.Exit(UNFINISHED)
