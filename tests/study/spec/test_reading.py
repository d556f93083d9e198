"""Reading YAML 1.2: what scalars are, where parts stand, what is refused."""

import itertools
import math
from fractions import Fraction

import pytest

from study.spec.faults import Faults, Place, SpecError
from study.spec.reading import MAX_BYTES, Mapping, Scalar, Series, decode, plain, read, rounded

FILE = Place(file="my_study.yaml")


def tree(text: str) -> Mapping:
    faults = Faults()
    node = read(text, FILE, faults)
    assert not faults.found
    assert isinstance(node, Mapping)
    return node


def refused(text: str) -> str:
    with pytest.raises(SpecError) as error:
        read(text, FILE, Faults())
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("1E3", 1000), (".5", 0.5), ("5.", 5), ("-0.0", 0), ("+7", 7), ("010", 10), ("0o10", 8),
        ("0x1F", 31), ("on", "on"), ("off", "off"), ("yes", "yes"), ("no", "no"), ("y", "y"), ("true", True),
        ("False", False), ("null", None), ("~", None), ("", None), ("1_000", "1_000"), ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"), ("8/255", "8/255"), ('"1"', "1"), ("'true'", "true"), ("1e-3x", "1e-3x"),
        ("0b11", "0b11"), ("=", "="), ("<<", "<<"), (".inf", math.inf), ("-.Inf", -math.inf), ("1e999", math.inf),
    ],
)  # fmt: skip
def test_scalars_are_what_yaml_1_2_says(text: str, value: object) -> None:
    found = plain(tree(f"key: {text}\n"))["key"]
    assert (found, type(found) is bool) == (value, type(value) is bool)


@pytest.mark.parametrize("directive", ["%YAML 1.1\n---\n", "%YAML 1.2\n---\n", "---\n"])
def test_a_directive_does_not_bring_yaml_1_1_back(directive: str) -> None:
    assert plain(tree(f"{directive}key: [on, 010, 1e-3]\n")) == {"key": ["on", 10, 0.001]}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("8/255", Fraction(8, 255)), ("1 / 4", Fraction(1, 4)), ("-0.5/2", Fraction(-1, 4)), ("3", Fraction(3)),
        ("1/0", None), ("a/b", None), ("8/", None), ("true", None), ("", None),
    ],
)  # fmt: skip
def test_a_ratio_is_a_number_where_one_is_expected(text: str, number: Fraction | None) -> None:
    assert Scalar(place=FILE, text=text).number == number


def test_numbers_are_rounded_to_twelve_digits_and_whole_ones_kept() -> None:
    assert rounded(Fraction(1, 3)) == 0.333333333333
    assert rounded(Fraction(2**60)) == 2**60
    assert rounded(Fraction("0.1") + Fraction("0.2")) == 0.3


def test_every_part_knows_its_line_and_path() -> None:
    root = tree("methods:\n  ST sym:\n    {alpha: [0.1,\n             0.2]}\n  empty:\nlast: 1\n")
    methods = root.entries["methods"]
    assert isinstance(methods, Mapping)
    method = methods.entries["ST sym"]
    assert isinstance(method, Mapping)
    alpha = method.entries["alpha"]
    assert isinstance(alpha, Series)
    places = [method.place, alpha.place, alpha.items[1].place, methods.entries["empty"].place]
    assert [(place.line, place.path) for place in places] == [
        (2, "methods.ST sym"),
        (3, "methods.ST sym.alpha"),
        (4, "methods.ST sym.alpha[1]"),
        (5, "methods.empty"),
    ]


def test_a_key_twice_is_a_fault_with_both_lines() -> None:
    faults = Faults()
    node = read("a: 1\nb: 2\na: 3\nmethods:\n  ST: 1\n  DA: 2\n  ST: 3\n", FILE, faults)
    assert [str(fault) for fault in faults.found] == [
        "my_study.yaml:3  a: the key stands twice (first on line 1); keep one of them",
        "my_study.yaml:7  methods.ST: the name stands twice (first on line 5); give one of them another",
    ]
    assert plain(node)["a"] == 1


def test_an_alias_stands_for_what_was_anchored_under_its_own_path() -> None:
    root = tree("a: &x {p: [1, 2]}\nb: *x\n")
    assert plain(root) == {"a": {"p": [1, 2]}, "b": {"p": [1, 2]}}
    b = root.entries["b"]
    assert isinstance(b, Mapping)
    assert (b.entries["p"].place.path, b.entries["p"].place.line) == ("b.p", 1)


def test_a_billion_laughs_are_refused() -> None:
    names = "abcdefghij"
    lines = ["a: &a [1,1,1,1,1,1,1,1,1,1]"]
    lines += [f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]" for before, name in itertools.pairwise(names)]
    assert "at most 200,000 values, aliases written out" in refused("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("a: [1, 2\n", "my_study.yaml:2  this is not YAML"),
        ("a: b: c\n", "my_study.yaml:1  this is not YAML"),
        ("\ta: 1\n", "this is not YAML"),
        ('a: "\\UFFFFFFFF"\n', "this is not YAML"),
        ('a: "\\ud800"\n', "an escape here is half a character"),
        ("a: 1\n---\nb: 2\n", "my_study.yaml:2  a file holds one study"),
        ("a: *nothing\n", "*nothing stands for nothing"),
        ("a: &a [*a]\n", "*a stands for nothing"),
        ("a: !!python/object/apply:os.system [ls]\n", "tags such as 'tag:yaml.org,2002:python/object/apply:os.system'"),
        ("a: !mine 3\n", "tags such as '!mine' are not read here"),
        ("? [a, b]\n: 1\n", "left of a colon is a plain name"),
        ("[" * 50 + "]" * 50, "nested at most 20 deep"),
        ("[" * 30_000, "nested at most 20 deep"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, message: str) -> None:
    assert message in refused(text)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "a study is text in UTF-8; byte 0 of this file is not"),
        (b"study: a\x00b", "this file is binary"),
        (b"x" * (MAX_BYTES + 1), "a study is at most 1,000,000 bytes"),
    ],
)
def test_a_file_that_is_no_text_is_told(content: bytes, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        decode(content, FILE)


def test_a_byte_order_mark_is_no_fault() -> None:
    assert decode(b"\xef\xbb\xbfstudy: a", FILE) == "study: a"
