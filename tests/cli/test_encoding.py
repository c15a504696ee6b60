"""A stream that cannot encode a character gets the nearest one; no command ends for it, and files are UTF-8."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from command import scalesearch

from scalesearch.cli.encoding import degrade_output

ROOT = Path(__file__).parents[2]
STUDY = str(ROOT / "results" / "reference" / "b0-phi1-quick")
CODE_PAGES = ["ascii", "latin-1", "cp1252", "cp437", "gb2312"]


@pytest.mark.parametrize("encoding", CODE_PAGES)
def test_characters_become_their_nearest(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    degrade_output()
    line = "▸= α/β/γ 0.85 ± 0.02 × 2^φ → “é”… ├ 図"
    print(line)
    stream.flush()
    shown = raw.getvalue().decode(encoding)
    assert len(shown.splitlines()) == 1
    kept = {char for char in line if char.encode(encoding, "ignore")}
    assert kept <= set(shown)
    if encoding == "ascii":
        assert shown == '>= a/b/g 0.85 +- 0.02 x 2^phi -> "e"... + ?\n'


def test_utf8_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, "utf-8")
    monkeypatch.setattr(sys, "stdout", stream)
    degrade_output()
    print("α ± 1")
    stream.flush()
    assert raw.getvalue() == "α ± 1\n".encode()


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        (("show", STUDY), "ascii"),
        (("solve", "b0", "--max-flops", "600M"), "latin-1"),
        (("tables",), "cp1252"),
        (("grid", "--help"), "cp437"),
        (("family", "b0", "--coefficients", "1.2", "x", "1.1"), "ascii"),
    ],
)
def test_commands_print_on_any_code_page(words: tuple[str, ...], encoding: str, tmp_path: Path) -> None:
    plain, degraded = (scalesearch(*words, cwd=tmp_path, encoding=name) for name in ("utf-8", encoding))
    assert degraded.returncode == plain.returncode
    assert degraded.stderr.count("\n") == plain.stderr.count("\n")
    assert len(degraded.stdout.splitlines()) == len(plain.stdout.splitlines())


@pytest.mark.slow  # a search
def test_a_search_on_a_code_page_ends_with_its_report(tmp_path: Path) -> None:
    words = ("grid", "--baseline", "tiny", "--budget", "smoke", "--data", "digits", "--runner", "inline")
    done = scalesearch(*words, cwd=tmp_path, encoding="cp1252")
    assert done.returncode == 0, done.stderr
    assert "Recommended: a = " in done.stdout
    study = tmp_path / "results" / "tiny-phi1-smoke"
    assert "α" in (study / "report.md").read_text(encoding="utf-8")
    assert (study / "report.html").is_file()
