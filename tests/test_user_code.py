"""What a user's own code raises is told in words, whatever it raises."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from scalesearch.errors import InputError
from scalesearch.proxy.failures import training_failure
from scalesearch.proxy.metrics import score_function, try_metric
from scalesearch.user_code import describe_error


class WordlessError(RuntimeError):
    """Its message fails."""

    def __str__(self) -> str:
        raise ValueError("no words")


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def test_the_place_is_told_and_a_long_message_cut() -> None:
    said = describe_error(raised(ValueError("one\n  two " + "x" * 900)), 100)
    assert said.startswith("ValueError: one two xxx")
    assert " at test_user_code.py:" in said
    assert len(said) == 100


def test_a_message_that_fails_is_left_out() -> None:
    assert describe_error(WordlessError()) == "WordlessError"
    assert describe_error(raised(WordlessError())).startswith("WordlessError at test_user_code.py:")
    assert training_failure(WordlessError()) is None


@pytest.mark.parametrize("where", ["whole file", "function"])
def test_a_metric_that_raises_one_is_refused_in_a_line(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = ["class Odd(Exception):", "    def __str__(self): raise ValueError", "def m(a, b): raise Odd()"]
    text = "\n".join([*lines, "raise Odd()"] if where == "whole file" else lines)
    (tmp_path / "own.py").write_text(text)
    metric = f"own.py:m@{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    with pytest.raises(InputError, match=r"(cannot be run|fails) \(Odd at own.py:[34]\)"):
        try_metric(metric, 3) if where == "function" else score_function(metric, text)
