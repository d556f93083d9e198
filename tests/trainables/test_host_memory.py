"""A process that may take so much of its host's memory, and no more; each in a process of its own."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

LIMITED = """
import torch
from trainables.host_memory import limit
from trainables.tune import classify
held = torch.ones(2**28)  # 1 GiB that it has already
limit(3 * 2**30)
more = torch.ones(int({gib} * 2**28))
print(float(more[-1]))
"""


def ran(gib: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", LIMITED.format(gib=gib)], capture_output=True, text=True, check=False)


def test_what_it_may_take_it_gets() -> None:
    assert ran(1.0).stdout == "1.0\n"


def test_what_it_has_already_counts() -> None:
    """2.5 GiB are less than its 3, but with the gibibyte that it had they are more."""
    ended = ran(2.5)
    assert ended.returncode == 1
    assert "can't allocate memory" in ended.stderr


@pytest.mark.parametrize("made", ["bytearray({})", "__import__('numpy').ones({}, 'uint8')", "torch.ones({})"])
def test_every_way_to_run_out_is_told_as_that(made: str) -> None:
    attempt = (
        "import torch\nfrom trainables.host_memory import limit\nfrom trainables.tune import classify\n"
        f"limit(2**30)\ntry:\n    {made.format(4 * 2**30)}\nexcept Exception as error:\n    print(classify(error))"
    )
    ended = subprocess.run([sys.executable, "-c", attempt], capture_output=True, text=True, check=False)
    assert ended.stdout == "out_of_memory\n", ended.stderr
