"""Broken studies thrown at the loader: always a study or its faults, never anything else."""

import random
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.spec import Spec, SpecError, load
from tests.study.spec.demo import DEMO

WORDS = (
    "study", "data", "model", "train", "methods", "method", "ST", "Baseline", "scratch", "from", "epochs", "zip",
    "vary", "distortion", "all", "gaussian_noise", "rotation then gaussian_noise", "fgsm", "sigma", "alpha", "log",
    "linear", "step", "values", "uniform", "evaluate", "sweeps", "practical", "figures", "resources", "mnist_5k",
    "tracking", "mlflow", "cifar10", "lenet", "small_cnn", "standard", "stability_training", "optimizer", "sgd", "lr",
    "weights", "/", "name",
    "0", "1", "-1", "1e-3", "1e999", ".nan", "8/255", "0x10", "true", "null", "", "[]", "{}", "*a", "&a", "!x", "<<",
    "'", '"', "|", ">", "-", "?", ":", "#", "%YAML 1.1", "---", "...", "\t", "\n", "é", "😀", "\u2028",
)  # fmt: skip
LOADING = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def outcome(folder: Path, content: bytes) -> Spec | SpecError:
    """The study or its faults; anything else is raised."""
    path = folder / "broken.yaml"
    path.write_bytes(content)
    try:
        return load(path)
    except SpecError as error:
        return _told(error)


def _told(error: SpecError) -> SpecError:
    """An error with something to read, one line a fault."""
    assert error.faults
    assert len(str(error).split("\n")) == len(error.faults) + 1
    return error


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The demo with a few pieces cut, doubled, swapped or written over."""
    text = DEMO
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        put = draw(st.sampled_from([*WORDS, text[start:end] * 2, text[start:end][::-1]]))
        text = text[:start] + put + text[end:]
    return text


def trees() -> st.SearchStrategy[object]:
    """Random trees over the words of the grammar, as Python writes them (which YAML reads)."""
    words = st.sampled_from([word for word in WORDS if word.isprintable() and '"' not in word])
    scalars = st.one_of(words, st.integers(), st.floats(), st.booleans(), st.none(), st.text(max_size=8))
    return st.recursive(
        scalars,
        lambda part: st.one_of(st.lists(part, max_size=4), st.dictionaries(words, part, max_size=5)),
        max_leaves=25,
    )


@LOADING
@given(mutated())
def test_mutations_of_the_demo(tmp_path: Path, text: str) -> None:
    outcome(tmp_path, text.encode())


@LOADING
@given(st.dictionaries(st.sampled_from(["study", "data", "model", "train", "methods", "evaluate"]), trees()))
def test_random_trees(tmp_path: Path, tree: object) -> None:
    outcome(tmp_path, repr(tree).encode(errors="replace"))


@LOADING
@given(st.sampled_from([line for line in DEMO.splitlines() if ":" in line and not line.startswith("#")]), trees())
def test_any_line_of_the_demo_with_anything_behind_its_colon(tmp_path: Path, line: str, tree: object) -> None:
    name, _, _ = line.partition(":")
    outcome(tmp_path, DEMO.replace(line, f"{name}: {tree!r}").encode(errors="replace"))


@LOADING
@given(st.one_of(st.text(max_size=200).map(lambda text: text.encode()), st.binary(max_size=200)))
def test_random_text_and_bytes(tmp_path: Path, content: bytes) -> None:
    outcome(tmp_path, content)


@LOADING
@given(
    st.text(max_size=30),
    st.one_of(st.text(max_size=30), trees().map(repr)),
    st.sampled_from(["train.", "methods.ST.", "methods.", "", "model.", "evaluate.sweeps.", "distortions.", "data."]),
)
def test_random_overrides(path: str, value: str, section: str) -> None:
    try:
        load("demo_mnist", [f"{section}{path}={value}"])
    except SpecError as error:
        _told(error)


@pytest.mark.parametrize("cut", range(0, len(DEMO), 97))
def test_a_truncated_file(tmp_path: Path, cut: int) -> None:
    outcome(tmp_path, DEMO.encode()[:cut])


def test_large_nonsense_is_told_in_time(tmp_path: Path) -> None:
    letters = random.Random(0).choices(string.printable, k=50_000)
    assert isinstance(outcome(tmp_path, "".join(letters).encode()), SpecError)
