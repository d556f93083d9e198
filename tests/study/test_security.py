"""Nothing that is read is run, who may connect is asked for, and secrets stay where they are."""

import ast
import inspect
import os
import pickle
import stat
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
import torch

from study.cli import commands
from study.cli.terminal import terminal
from study.cli.ui import print_address
from study.executor.cluster import _write_token
from study.planning.starts import check_weights
from study.spec import SpecError, load
from tests.study.hand_made import TEXT
from tests.study.launches.tiny import TEXT as SMALL
from trainables.checkpoint import CorruptCheckpointError, parse

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("study", "trainables", "dashboards", "search_spaces")
SAFELY = {"torch.load": "weights_only", "np.load": "allow_pickle"}
"""What may read files only with this said in so many words → True or False, whichever is safe."""
SAFE = {"weights_only": True, "allow_pickle": False}
RUNS_WHAT_IT_READS = {
    "eval", "exec", "compile", "__import__", "pickle.load", "pickle.loads", "marshal.loads", "os.system", "os.popen",
    "yaml.load", "yaml.unsafe_load", "joblib.load", "pd.read_pickle", "cloudpickle.load", "cloudpickle.loads",
}  # fmt: skip


class Evil:
    """Unpickled, it leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.trace),)


@cache
def calls() -> list[tuple[str, str, ast.Call]]:
    """(file, what is called, the call) throughout the packages."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [
        (path.relative_to(ROOT).as_posix(), ast.unparse(node.func), node)
        for path in paths
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
    ]


def test_no_code_reads_what_could_run() -> None:
    readers = [(file, name, node) for file, name, node in calls() if name in SAFELY]
    assert len(readers) >= 5
    for file, name, node in readers:
        said = {word.arg: ast.literal_eval(word.value) for word in node.keywords if word.arg == SAFELY[name]}
        assert said == {SAFELY[name]: SAFE[SAFELY[name]]}, f"{file}:{node.lineno} {name}"
    assert {(file, name) for file, name, _ in calls() if name in RUNS_WHAT_IT_READS} == set()
    shells = [
        f"{file}:{node.lineno}" for file, _, node in calls() if any(word.arg == "shell" for word in node.keywords)
    ]
    assert shells == []


@pytest.mark.parametrize("form", ["torch", "legacy", "pickle"])
def test_a_checkpoint_that_would_run_something_is_refused_and_named(tmp_path: Path, form: str) -> None:
    trace = tmp_path / "trace"
    path = tmp_path / "peer.pt"
    if form == "pickle":
        path.write_bytes(pickle.dumps({"weights": Evil(trace)}))
    else:
        torch.save({"weights": Evil(trace)}, path, _use_new_zipfile_serialization=form == "torch")
    with pytest.raises(CorruptCheckpointError, match="not a whole checkpoint of tensors"):
        parse(path.read_bytes())
    line = "  Peer: {method: pretrained, from: {weights: peer.pt}}\n"
    (tmp_path / "small.yaml").write_text(TEXT.replace("  ST:", f"{line}  ST:"))
    with pytest.raises(SpecError, match=r"peer\.pt") as told:
        check_weights(load(tmp_path / "small.yaml"))
    assert "not a whole checkpoint of tensors" in str(told.value)
    assert not trace.exists()


TRACE = "__import__('os').mkdir('trace')"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("study: small", "study: ../../small"),
        ("study: small", "study: /etc/small"),
        ("study: small", "study: ${HOME}"),
        ("study: small", "study: !!python/object/apply:os.mkdir [trace]"),
        ("model: lenet", "model: ../../evil"),
        ("model: lenet", "model: os"),
        ("model: lenet", f'model: "{TRACE}"'),
        ("model: lenet", "model: __init__"),
        ("name: mnist_5k", "name: study.launch"),
        ("method: standard", "method: ../methods/standard"),
        ("method: standard", "method: subprocess"),
        ("alpha: [0.1, 1]", f'alpha: "{TRACE}"'),
        ("alpha: [0.1, 1]", f'alpha: {{log: [0.1, "{TRACE}", 3]}}'),
        ("alpha: [0.1, 1]", "alpha: 2**9**9**9"),
        ("alpha: [0.1, 1]", "alpha: ${ALPHA}"),
        ("alpha: [0.1, 1]", "alpha: {linear: [0, 1, 999999999999]}"),
        ("alpha: [0.1, 1]", "alpha: 1/0"),
        ("lr: 0.01", "lr: !!python/name:os.system"),
        ("gaussian_noise: {sigma: [0.1, 0.3], practical", "../gaussian_noise: {sigma: [0.1, 0.3], practical"),
    ],
)
def test_a_spec_runs_nothing_and_reaches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALPHA", "0.1")
    assert old in TEXT
    (tmp_path / "hostile.yaml").write_text(TEXT.replace(old, new))
    with pytest.raises(SpecError):
        load(tmp_path / "hostile.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["hostile.yaml"]


def test_what_the_environment_holds_stays_a_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "hunter2")
    (tmp_path / "small.yaml").write_text(TEXT.replace("title: A small study", "title: A ${KEPT} $KEPT study"))
    spec = load(tmp_path / "small.yaml")
    assert "A ${KEPT} $KEPT study" in spec.title
    assert "hunter2" not in spec.text


def test_the_servers_keep_to_this_machine_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert inspect.signature(commands.ui).parameters["host"].default == "127.0.0.1"
    print_address("http://127.0.0.1:5000", (), "127.0.0.1", terminal())
    assert "password" not in capsys.readouterr().out
    print_address("http://127.0.0.1:5000", (), "0.0.0.0", terminal())
    assert "Whoever can reach 0.0.0.0 can read, change and delete runs" in capsys.readouterr().out


def test_the_token_of_a_local_ray_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        _write_token(tmp_path / "ray-token")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "ray-token").stat().st_mode) == 0o600
    assert len((tmp_path / "ray-token").read_text()) == 64


@pytest.mark.ray
@pytest.mark.slow
def test_nothing_of_a_launch_keeps_another_user_from_a_shared_store(tmp_path: Path) -> None:
    """By the modes of all that it leaves: under a umask that lets the group write, it may write everything."""
    (tmp_path / "tiny.yaml").write_text(SMALL)
    store = tmp_path / "store"
    command = [sys.executable, "-m", "study.cli", "launch", "tiny.yaml", "--store", str(store)]
    done = subprocess.run(command, cwd=tmp_path, umask=0o002, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (store / "mlflow" / "mlflow.db").exists()
    assert [str(path) for path in store.rglob("*") if not path.stat().st_mode & stat.S_IWGRP] == []


JOINS = "import ray, sys; ray.init(address=sys.argv[1]); print('joined')"


STRANGERS: tuple[Mapping[str, str], ...] = (
    {"RAY_AUTH_MODE": "disabled"}, {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64},
)  # fmt: skip
"""Without a token, and with a wrong one."""


@pytest.mark.ray
@pytest.mark.slow
def test_ray_lets_nobody_in_without_its_token(tmp_path: Path, cluster: str) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    tries = [
        subprocess.Popen(
            [sys.executable, "-c", JOINS, cluster], env={**own, **known, "HOME": str(tmp_path)}, cwd=tmp_path,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for known in STRANGERS
    ]  # fmt: skip
    for one in tries:
        said, complained = one.communicate(timeout=120)
        assert one.returncode != 0
        assert "joined" not in said
        assert "authentication" in complained.lower() or "token" in complained.lower()
