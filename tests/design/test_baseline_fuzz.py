"""Whatever a baseline file holds, the answer is a baseline or one line of complaint."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalesearch.design.baseline_file import baseline_text, parse_baseline
from scalesearch.design.baselines import load_baseline
from scalesearch.design.scaling import Baseline
from scalesearch.design.strict_yaml import read_text
from scalesearch.errors import InputError

TEXT = baseline_text(load_baseline("tiny"))
BYTES = TEXT.encode()
VALUES = ["", "no", "~", "-1", "0", "1.5", "3", "99999", "0.1", "1e3", "[]", "{}", "[a, b]", "{a: 1}", "'x'"]
VALUES += ["&a", "*a", "!t x", "|", ">", "?", "- 1", "x: y", '"\\x00"', "\x85", "\u2028", "\ufeff", "<<: 1"]


def check(text: str) -> None:
    """Either a baseline that reads back equal, or one printable line that begins with the file and a line."""
    try:
        read = parse_baseline(text, "f")
    except InputError as error:
        message = str(error)
        assert message.isprintable()
        where, line, rest = message.split(":", 2)
        assert where == "f"
        assert 1 <= int(line) <= len(text.splitlines()) + 1
        assert rest.strip()
    else:
        assert isinstance(read, Baseline)
        assert parse_baseline(baseline_text(read), "f") == read


@settings(max_examples=400)
@given(st.data())
def test_edited_bytes(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(BYTES)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path: Path = tmp_path_factory.getbasetemp() / "edited.yaml"
    path.write_bytes(content)
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        with pytest.raises(InputError, match="file: is not UTF-8"):
            read_text(path)
    else:
        check(read_text(path))


@settings(max_examples=400)
@given(st.data())
def test_other_values(data: st.DataObject) -> None:
    lines = TEXT.splitlines()
    index = data.draw(st.integers(0, len(lines) - 1))
    value = data.draw(st.one_of(st.sampled_from(VALUES), st.text(max_size=12), st.floats().map(str)))
    key, colon, old = lines[index].rpartition(": ")
    after = old[len(old.rstrip("}]")) :] if data.draw(st.booleans()) else ""
    lines[index] = key + colon + value + after
    check("\n".join(lines) + "\n")


@settings(max_examples=200)
@given(st.permutations(TEXT.splitlines()), st.integers(1, 40))
def test_shuffled_lines(lines: list[str], kept: int) -> None:
    check("\n".join(lines[:kept]))


@settings(max_examples=200)
@given(st.text(st.characters(), max_size=60))
def test_any_text(text: str) -> None:
    check(text)
