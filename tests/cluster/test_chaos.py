"""`study chaos`, as it is typed: one fault of each kind, against networks that are trained for real."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from study.chaos import runs
from study.chaos.faults import ORDER, faults
from study.chaos.nodes import RAY_PLACE
from study.store import Store

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

SEED = 3
"""By which the network is cut for a moment: `test_failures.py` cuts it for longer than leases last."""

SPEC = """\
study: small
title: A few networks on few digits
data: {name: mnist_5k, train: 200, validation: 100, test: 100}
model: {name: lenet, dropout: 0.5}
keep: last+best
train: {from: Baseline, epochs: 15, batch_size: 10, optimizer: {sgd: {lr: 0.002, momentum: 0.9}}}
distortions: {gaussian_noise: {sigma: [0.3]}}
methods:
  Baseline: {method: standard, from: scratch}
  DA: {method: data_augmentation, p: [0.5, 1], distortion: gaussian_noise}
evaluate: {sweeps: {gaussian_noise: {sigma: [0.3], practical: 0.3}}}
"""


def chaos(folder: Path, kinds: str, n: int) -> subprocess.CompletedProcess[str]:
    """Nothing of it is left on the machine afterwards."""
    command = [
        sys.executable, "-m", "study.cli", "chaos", "small.yaml", "--kill", kinds, "--n", str(n), "--seed", str(SEED),
        "--store", "store",
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        out, err = process.communicate()
    assert list(RAY_PLACE.glob(f"*chaos*-{process.pid}-*")) == []
    assert str(folder) not in Path("/proc/self/mountinfo").read_text()
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def test_one_fault_of_each_kind_changes_nothing(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("cutting a node off, and filling a disk of its own, need root and iproute2")
    assert tuple(faults()) == ORDER
    (tmp_path / "small.yaml").write_text(SPEC)
    first = chaos(tmp_path, ",".join(ORDER), len(ORDER))
    assert first.returncode == 0, first.stdout + first.stderr
    store = Store.open(tmp_path / "store")
    (study,) = set(store.objects.children("chaos")) - {"runs"}
    rows = runs.read(store, study, SEED).to_pylist()
    assert sorted(row["kind"] for row in rows) == sorted(ORDER)
    for row in rows:
        assert row["holds"]
        assert row["hit"] >= 1
        assert row["launches"] == (2 if row["kind"] == "driver" else 1)
        assert row["lost"] < 60
    again = chaos(tmp_path, ",".join(ORDER), len(ORDER))
    assert again.returncode == 0
    assert "6 of 6 runs have their verdict already" in again.stdout
    assert store.objects.children(f"chaos/{study}/runs") == ()
