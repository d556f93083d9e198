"""Overrides: `--set path=value`, and the YAML that is frozen with them."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.spec import SpecError, load
from study.spec.faults import Faults, Place
from study.spec.overrides import write
from study.spec.reading import Mapping, Node, Scalar, Series, plain, read

PLACE = Place(file="f")


def refused(*overrides: str) -> str:
    with pytest.raises(SpecError) as error:
        load("demo_mnist", overrides)
    return str(error.value)


def test_a_value_is_read_as_yaml() -> None:
    spec = load("demo_mnist", ["train.epochs=1", "distortions.fgsm.epsilon=[8/255, 1e-3]", "title=Mine"])
    assert spec.method("DA").train.epochs == 1
    assert spec.distortions["fgsm"].steps[0].axes[0].values == (0.0313725490196, 0.001)
    assert spec.title == "Mine"


def test_a_label_may_hold_spaces_and_dots() -> None:
    spec = load("demo_mnist", ["methods.ST sym.alpha=5"])
    assert spec.method("ST sym").axes[0].values == (5.0,)


def test_the_short_form_of_a_model_takes_a_parameter() -> None:
    spec = load("demo_mnist", ["model=resnet18", "model.width=16"])
    assert (spec.model.name, spec.model.parameters["width"]) == ("resnet18", 16)


def test_a_test_is_switched_off_and_on() -> None:
    spec = load("demo_mnist", ["evaluate.sweeps.rotation=false", "evaluate.corruptions=true"])
    whole = load("demo_mnist").evaluate.sweeps
    assert [one.test_distortion for one in spec.evaluate.sweeps] == [
        one.test_distortion for one in whole if one.test_distortion != "rotation"
    ]
    assert spec.evaluate.corruptions is not None
    assert load("demo_mnist", ["evaluate.sweeps=false"]).evaluate.sweeps == ()
    assert load("bang_mnist", ["evaluate.noise_stability=false"]).evaluate.noise_stability is None


def test_a_section_that_is_not_there_begins() -> None:
    spec = load("demo_mnist", ["resources.gpus=0.5", "evaluate.seed=7", "methods.DA.optimizer.sgd.lr=0.1"])
    assert (spec.resources.gpus, spec.evaluate.seed) == (0.5, 7)
    assert spec.method("DA").train.optimizer.parameters["lr"] == 0.1
    assert spec.method("ST").train.optimizer.parameters["lr"] == 0.01


def test_the_frozen_text_gives_the_same_study_again(tmp_path: Path) -> None:
    spec = load("demo_mnist", ["train.epochs=1", "model.dropout=0.5", "methods.ST sym.alpha={log: [0.1, 10, 3]}"])
    (tmp_path / "again.yaml").write_text(spec.text)
    again = load(tmp_path / "again.yaml")
    assert again.model_copy(update={"text": ""}) == spec.model_copy(update={"text": ""})
    assert again.text == spec.text
    assert "--set train.epochs=1" in spec.text


def test_without_overrides_the_text_is_the_file() -> None:
    assert load("demo_mnist").text.startswith("# yaml-language-server: $schema=study.schema.json\n")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.epochs", "an override is path=value"),
        ("=3", "an override is path=value"),
        ("trian.epochs=3", "no section of a study is called 'trian'; did you mean 'train'?"),
        ("train.epoch=3", "no line of train is called 'epoch'; did you mean 'epochs'?"),
        ("methods.SD.alpha=3", "no method of this study is called 'SD'; there are Baseline, ST, ST sym, DA, AT"),
        ("train.epochs.x=3", "train.epochs is 2, so nothing lies below it; set it whole"),
        ("distortions.fgsm.epsilon.0=3", "distortions.fgsm.epsilon is a list, so nothing lies below it"),
        ("train.epochs=[1", "this is not YAML"),
        ("train.epochs=0", "--set train.epochs=0  train.epochs: epochs, passes over the training images, lies in"),
        ("methods=", "a study needs at least one method"),
    ],
)
def test_a_bad_override_says_what_is_there(override: str, message: str) -> None:
    assert message in refused(override)


SCALARS = st.builds(
    lambda text, quoted: Scalar(place=PLACE, text=text, quoted=quoted or _needs_quotes(text)),
    st.one_of(
        st.text(max_size=20), st.sampled_from(["1e-3", "010", "true", "null", "8/255", "on", "a, b", "{", "~", ""])
    ),
    st.booleans(),
)


def _needs_quotes(text: str) -> bool:
    """A text that no plain scalar could have: only a quoted one reads back with it."""
    return text != text.strip() or not text.isprintable()


def trees() -> st.SearchStrategy[Node]:
    names = st.text(min_size=1, max_size=10)
    below = st.recursive(
        SCALARS,
        lambda part: st.one_of(
            st.lists(part, max_size=3).map(lambda items: Series(place=PLACE, items=tuple(items))),
            st.dictionaries(names, part, max_size=3).map(lambda entries: Mapping(place=PLACE, entries=entries)),
        ),
        max_leaves=10,
    )
    return st.dictionaries(names, below, min_size=1, max_size=4).map(
        lambda entries: Mapping(place=PLACE, entries=entries)
    )


@settings(deadline=None)
@given(trees())
def test_what_is_written_reads_back(tree: Node) -> None:
    faults = Faults()
    assert plain(read(write(tree), PLACE, faults)) == plain(tree) or plain(tree) != plain(tree)  # NaN
    assert not faults.found
