"""Baseline files: what is wrong is said in one line, with its place; what is right comes back equal."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from networks import SOURCES, random_baseline

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.baseline_file import baseline_text, parse_baseline
from scalesearch.design.baselines import baseline_names, load_baseline
from scalesearch.design.coefficients import Coefficients, Multipliers
from scalesearch.design.family import family, published
from scalesearch.design.rounding import Rounding
from scalesearch.design.scaling import Baseline
from scalesearch.design.strict_yaml import read_text
from scalesearch.errors import InputError

GOOD = """\
name: good
source: "a test"
resolution: 33
rounding: paper
batch_norm_eps: 0.001
axes: [depth, width]
stem: {kernel: 3, stride: 2, width: 7}
stages:
  - {kind: conv, kernel: 1, stride: 1, width: 9, depth: 2}
  - kind: mbconv
    kernel: 5
    stride: 2
    expansion: 6
    width: 11
    depth: 3
    se: 0.25
head: {width: 13, classes: 4}
scaled_from:
  baseline: bad
  rounding: balanced
  depth: 1.2
  width: 1.1
  resolution: 1.15
  nominal_flops_ratio: 1.92
  flops_ratio: 2.01
"""


def complaint(text: str) -> str:
    """The message for a bad text, without its `file:`; it must be one printable line, and come quickly."""
    start = time.perf_counter()
    with pytest.raises(InputError) as caught:
        parse_baseline(text, "f")
    assert time.perf_counter() - start < 5  # 1 s where nothing else runs
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith("f:")
    return message[2:]


def test_a_good_file_is_read_to_the_letter() -> None:
    read = parse_baseline(GOOD, "f")
    stages = (Stage("conv", 1, 1, 1, 9, 2), Stage("mbconv", 5, 2, 6, 11, 3, Decimal("0.25")))
    assert read.architecture == Architecture(33, Stem(3, 2, 7), stages, Head(13, 4))
    assert (read.name, read.source, read.axes) == ("good", "a test", ("depth", "width"))
    assert read.rounding == Rounding("paper", 8)
    assert read.origin is not None
    assert read.origin.multipliers == Multipliers(Decimal("1.2"), Decimal("1.1"), Decimal("1.15"))
    assert read.origin.flops_ratio == Decimal("2.01")


# What is replaced, by what, and how the message begins: line, key, reason.
WRONG = [
    ("resolution: 33", "resolutoin: 33", "3: resolutoin: is not a key here"),
    ("resolution: 33", "name: twice", "3: name: stands twice"),
    ("resolution: 33\n", "", "1: resolution: field required"),
    ("resolution: 33", "resolution: &a 33", "3: file: uses an anchor or alias"),
    ("resolution: 33", "resolution: *a", "3: file: uses an anchor or alias"),
    ("resolution: 33", "resolution: .nan", "3: resolution: '.nan' is ambiguous"),
    ("resolution: 33", "resolution: .inf", "3: resolution: '.inf' is ambiguous"),
    ("resolution: 33", "resolution: no", "3: resolution: 'no' is ambiguous"),
    ("resolution: 33", "resolution: 010", "3: resolution: '010' is ambiguous"),
    ("resolution: 33", "resolution: 0x21", "3: resolution: '0x21' is ambiguous"),
    ("resolution: 33", "resolution: 1:30", "3: resolution: '1:30' is ambiguous"),
    ("resolution: 33", "resolution: 1_000", "3: resolution: '1_000' is ambiguous"),
    ("resolution: 33", "resolution: +33", "3: resolution: '+33' is ambiguous"),
    ("resolution: 33", "resolution: 2020-01-01", "3: resolution: '2020-01-01' is ambiguous"),
    ("resolution: 33", "resolution: ~", "3: resolution: '~' is ambiguous"),
    ("resolution: 33", "resolution:", "3: resolution: has no value"),
    ("resolution: 33", "resolution: -33", "3: resolution: must be a side in px"),
    ("resolution: 33", "resolution: 0", "3: resolution: must be a side in px"),
    ("resolution: 33", "resolution: 33.5", "3: resolution: must be a side in px"),
    ("resolution: 33", "resolution: '33'", "3: resolution: must be a side in px"),
    ("resolution: 33", "resolution: [33]", "3: resolution: must be a side in px"),
    ("resolution: 33", "resolution: !!int 33", "3: file: uses a tag"),
    ("resolution: 33", "resolution: 16385", "3: resolution: resolution is 16385, but it must be in 1"),
    ("resolution: 33", f"resolution: {'9' * 18}", "3: resolution: resolution is 9999"),
    ("resolution: 33", f"resolution: {'9' * 5000}", "3: resolution: '9999"),
    ("resolution: 33", "resolution: 33\n\tx: 3", "4: file: is not YAML"),
    ("resolution: 33", "resolution: 3\x003", "3: file: is not YAML"),
    ("resolution: 33", "resolution: 33\n---\na: 1", "4: file: holds a second document"),
    ("resolution: 33", "resolution: {a: 1", "4: file: is not YAML"),
    ("resolution: 33", "resolution: 33\n[1]: 2", "4: file: a key must be a word"),
    ("resolution: 33", "resolution: 33\n<<: {a: 1}", "4: <<: is not a key here"),
    ("resolution: 33", 'resolution: 33\n"a\\nb": 1', r"4: 'a\nb': is not a key here"),
    ("resolution: 33", f"resolution: 33\n{'k' * 90}: 1", f"4: {'k' * 37}...: is not a key here"),
    ("resolution: 33", "resolution: " + "[" * 13 + "]" * 13, "3: file: is nested more than 12 deep"),
    ("batch_norm_eps: 0.001", "batch_norm_eps: 1e-99", "5: batch_norm_eps: '1e-99' is ambiguous"),
    ("batch_norm_eps: 0.001", "batch_norm_eps: -0.001", "5: batch_norm_eps: input should be greater"),
    ("batch_norm_eps: 0.001", "batch_norm_eps: '0.001'", "5: batch_norm_eps: input should be"),
    ("batch_norm_eps: 0.001", "batch_norm_eps: 0", "5: batch_norm_eps: batch_norm_eps is 0"),
    ("batch_norm_eps: 0.001", "batch_norm_eps: 0.0000000001", "5: batch_norm_eps: batch_norm_eps is"),
    ("[depth, width]", "[depth, depth]", "6: axes: axes is ['depth', 'depth']"),
    ("[depth, width]", "[]", "6: axes: axes is []"),
    ("[depth, width]", "[depth, height]", "6: axes.1: input should be 'depth', 'width' or 'resolution'"),
    ("{kernel: 3, stride: 2, width: 7}", "{kernel: 4, stride: 2, width: 7}", "7: stem.kernel: kernel is 4"),
    ("{kernel: 3, stride: 2, width: 7}", "{stride: 2, width: 7}", "7: stem.kernel: field required"),
    ("{kernel: 3, stride: 2, width: 7}", "3", "7: stem: must be a mapping of keys"),
    ("kind: conv,", "kind: dense,", "9: stages.0.kind: input should be 'conv', 'mbconv'"),
    ("width: 9, depth: 2", "width: 9, depth: 2, se: 0.5", "9: stages.0.se: se is given, but a conv stage has none"),
    ("width: 9, depth: 2", "width: 70000, depth: 2", "9: stages.0.width: width is 70000"),
    ("kernel: 5", "kernel: 6", "11: stages.1.kernel: kernel is 6, but it must be odd"),
    ("kernel: 5", "kernel: 17", "11: stages.1.kernel: kernel is 17, but it must be in 1 … 15"),
    ("stride: 2\n", "stride: 9\n", "12: stages.1.stride: stride is 9"),
    ("expansion: 6", "expansion: 65", "13: stages.1.expansion: expansion is 65"),
    ("depth: 3", "depth: 5000", "15: stages.1.depth: depth is 5000"),
    (
        "width: 9, depth: 2",
        "width: 9, depth: 2, group_width: 3",
        "9: stages.0.group_width: group_width is given, but a conv stage has none",
    ),
    (
        "kind: conv, kernel: 1, stride: 1, width: 9",
        "kind: bottleneck, kernel: 1, stride: 1, group_width: 2, width: 9",
        "9: stages.0.width: width is 9, but groups of 2 channels do not divide the inner width, 9; make it a multi",
    ),
    (
        "kind: conv, kernel: 1, stride: 1, width: 9",
        "kind: bottleneck, kernel: 1, stride: 1, group_width: 99999, width: 9",
        "9: stages.0.group_width: group_width is 99999, but it must be in 1 … 65536",
    ),
    (
        "kind: conv, kernel: 1, stride: 1, width: 9",
        "kind: bottleneck, kernel: 1, stride: 1, group_width: 0, width: 9",
        "9: stages.0.group_width: input should be greater than or equal to 1",
    ),
    ("se: 0.25", "se: 1.5", "16: stages.1.se: se is 1.5, but it is a share"),
    ("se: 0.25", "se: 0.3333333333", "16: stages.1.se: se is 0.3333333333, but it must have at most 9"),
    ("se: 0.25", "ratio: 0.25", "16: stages.1.ratio: is not a key here"),
    ("classes: 4", "classes: 1000001", "17: head.classes: classes is 1000001"),
    ("baseline: bad", 'baseline: "b\\x7f"', "19: scaled_from.baseline: string should match"),
    ("rounding: balanced", "rounding: up", "20: scaled_from.rounding: input should be"),
    ("depth: 1.2\n", "depth: 65\n", "21: scaled_from.depth: depth multiplier is 65"),
    ("resolution: 1.15", "resolution: 0", "23: scaled_from.resolution: resolution multiplier is 0"),
    ("name: good", 'name: "go\\nod"', "1: name: string should match"),
    ("name: good", "name: Good", "1: name: string should match"),
    ("name: good", "name: ../good", "1: name: string should match"),
    ("name: good", "name: 7", "1: name: input should be a valid string"),
    ('"a test"', '"a\\x07test"', "2: source: source holds a line break or control character"),
    ('"a test"', "|\n  a\n  test", "2: source: source holds a line break or control character"),
    ('"a test"', f"{'x' * 1001}", "2: source: string should have at most 1000 characters"),
]


@pytest.mark.parametrize(("part", "by", "begins"), WRONG, ids=[one[2][:40] for one in WRONG])
def test_a_bad_file_is_refused_with_its_line(part: str, by: str, begins: str) -> None:
    assert GOOD.count(part) >= 1
    assert complaint(GOOD.replace(part, by, 1)).startswith(begins)


def test_every_missing_key_is_named() -> None:
    for key in ("name", "source", "resolution", "rounding"):
        kept = [line for line in GOOD.splitlines() if not line.startswith(f"{key}:")]
        assert complaint("\n".join(kept)) == f"1: {key}: field required"


def test_several_mistakes_are_counted_and_the_misspelt_key_comes_first() -> None:
    message = complaint(GOOD.replace("resolution: 33", "resolutoin: 33").replace("stride: 2\n", "stride: 0\n"))
    assert message == "3: resolutoin: is not a key here (and 2 more)"


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("", "1: file: is empty"),
        ("# nothing", "1: file: is empty"),
        ("3", "1: file: must be a mapping"),
        ("[1, 2]", "1: file: must be a mapping"),
        ("[" * 32768, "1: file: is nested more than 12 deep"),
        ("{" * 32768, "1: file: is nested more than 12 deep"),
        ("- " * 16384, "1: file: is nested more than 12 deep"),
        ("? " * 16384, "1: file: is nested more than 12 deep"),
        ("'" + "x" * 32766, "1: file: is not YAML"),
        ("a: &a 1\nb: *a", "1: file: uses an anchor"),
        ("%TAG ! x:\n---\na: 1", "3: a: is not a key here"),
        ("a: \ud800", "1: file: is not YAML"),
    ],
)
def test_hostile_texts_are_refused_within_a_second(text: str, begins: str) -> None:
    assert complaint(text).startswith(begins)


@pytest.mark.parametrize("unit", ["a: 1\n", "- 1\n", "k", " ", "\n", "#", '"', ": ", "&a ", "!", "|\n"])
def test_a_whole_file_of_anything_is_refused_within_two_seconds(unit: str) -> None:
    text = (unit * 32768)[:32768]
    start = time.perf_counter()
    with pytest.raises(InputError) as caught:
        parse_baseline(text, "f")
    assert time.perf_counter() - start < 10  # 2 s where nothing else runs
    assert str(caught.value).isprintable()


def refusal(path: Path) -> str:
    start = time.perf_counter()
    with pytest.raises(InputError) as caught:
        load_baseline(str(path))
    assert time.perf_counter() - start < 5  # 1 s where nothing else runs
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(str(path))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    assert refusal(path).startswith(": does not exist")
    assert refusal(tmp_path).startswith(": is not a file")
    os.mkfifo(path)
    assert refusal(path).startswith(": is not a file")


@pytest.mark.parametrize(
    ("content", "begins"),
    [
        (b"[" * 2**20, ":1: file: is larger than 32768 bytes"),
        (b"name: x\n" + b"\xff\xfe", ":2: file: is not UTF-8"),
        (GOOD.encode("utf-16"), ":1: file: is not UTF-8"),
        (b"\x00" * 100, ":1: file: is not YAML"),
        (b"", ":1: file: is empty"),
    ],
)
def test_contents_that_are_no_text(tmp_path: Path, content: bytes, begins: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    assert refusal(path).startswith(begins)


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_baseline(str(path)) == parse_baseline(GOOD, "f")
    assert read_text(path).startswith("name")


def test_a_call_of_a_function_is_no_network_of_stages() -> None:
    text = "# px\nfactory: mine:build\ndepth: 1.9\nwidth: 1\nresolution: 37\nnominal_flops_ratio: 3.8\n"
    with pytest.raises(InputError) as caught:
        parse_baseline(text, "phi1.yaml")
    assert str(caught.value) == (
        "phi1.yaml:2: factory: is the call of a Python function, but a network of stages is needed here; "
        "give a baseline file"
    )


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(InputError, match=r"baseline 'b99': is none of .*b0"):
        load_baseline("b99")


def examples() -> Iterator[Baseline]:
    yield from (load_baseline(name) for name in baseline_names())
    yield from (random_baseline(Random(seed)) for seed in range(300))
    b0 = load_baseline("b0")
    yield from (member.baseline for member in published(b0))
    searched = Coefficients(Decimal("1.205"), Decimal("1.1"), Decimal("1.07177"))
    yield from (member.baseline for member in family(b0, searched))
    yield from (member.baseline for member in family(b0, searched, "paper", match=False))


def test_what_is_written_reads_back_equal() -> None:
    seen = set()
    for made in examples():
        text = baseline_text(made)
        assert parse_baseline(text, made.name) == made, text
        assert baseline_text(parse_baseline(text, made.name)) == text
        seen.add((made.origin is None, made.architecture.head.width is None))
    assert len(seen) == 4


def test_nasty_sources_read_back_equal() -> None:
    b0 = load_baseline("b0").architecture
    letters = "".join(chr(code) for code in range(32, 0x30000) if chr(code).isprintable())
    for source in (
        *SOURCES,
        *(letters[start : start + 1000] for start in range(0, 20_000, 1000)),
        letters[-1000:],
    ):
        made = Baseline("x", source, b0, Rounding("paper"))
        head, _, rest = baseline_text(made).partition("\nresolution")
        assert rest
        assert parse_baseline(GOOD.replace('source: "a test"', head.partition("\n")[2]), "f").source == source
