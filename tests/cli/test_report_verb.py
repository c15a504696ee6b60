"""`scalesearch report`: three files from a study's records, anywhere, or a line that says why not."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from command import scalesearch

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "tests" / "fixtures" / "studies" / "mobilenet_v1-compare-4x-quick"


def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REFERENCE, tmp_path / "rules", ignore=shutil.ignore_patterns("report.*")))


def test_all_three_files_are_written_beside_the_study_or_elsewhere(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    done = scalesearch("report", "rules", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "rules/report.html\n"), done.stderr
    assert sorted(path.name for path in folder.glob("report.*")) == ["report.csv", "report.html", "report.md"]
    again = scalesearch("report", "rules", "--out", "here/there", cwd=tmp_path)
    assert again.stdout == "here/there/report.html\n"
    for path in folder.glob("report.*"):
        assert (tmp_path / "here" / "there" / path.name).read_bytes() == path.read_bytes()
    rows = list(csv.DictReader((folder / "report.csv").open()))
    assert [row["candidate"] for row in rows] == [
        "resolution",
        "width",
        "fast",
        "compound",
        "lacs-tpu",
        "lacs-gpu",
        "depth",
    ]


def test_an_unfinished_study_says_so(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    table = list(csv.DictReader((folder / "trials.csv").open()))
    gone = [row["trial"] for row in table if row["role"] == "candidate"][-3:]
    for trial in gone:
        (folder / "trials" / f"{trial}.json").unlink()
    assert scalesearch("report", "rules", cwd=tmp_path).returncode == 0
    assert "**So far (21 of 24 trials are done): " in (folder / "report.md").read_text()


def test_a_study_without_a_result_is_refused_in_a_line(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    for path in (folder / "trials").iterdir():
        path.unlink()
    done = scalesearch("report", "rules", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "no candidate has a completed trial, so there is nothing to report; resume it: " in done.stderr
    assert not list(folder.glob("report.*"))


@pytest.mark.parametrize(
    ("word", "code", "reason"), [("none", 2, "is not a folder"), ("empty", 2, "holds no study")]
)
def test_what_is_no_study_is_refused(word: str, code: int, reason: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = scalesearch("report", word, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1)
    assert reason in done.stderr


def test_names_from_a_study_are_inert(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    tree = json.loads((folder / "study.json").read_text())
    evil = "</script><script>alert(1)</script> [x](http://evil.example)"
    tree["data"]["name"] = tree["command"] = evil
    tree["environment"]["processor"] = evil
    (folder / "study.json").write_text(json.dumps(tree))
    assert scalesearch("report", "rules", cwd=tmp_path).returncode == 0
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("alert(1)") >= 4
    assert "<script>alert" not in page
    words = [line for line in (folder / "report.md").read_text().splitlines() if not line.startswith("    ")]
    assert not [line for line in words if "<script>" in line or "://" in line or "[x](" in line]


def test_the_trials_are_copied_for_optuna_dashboard(tmp_path: Path) -> None:
    copy(tmp_path)
    done = scalesearch("report", "rules", "--export-optuna", "sqlite:///copied.db", cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "24 trials of rules in sqlite:///copied.db", done.stderr
    assert (tmp_path / "copied.db").stat().st_size > 0
    bad = scalesearch("report", "rules", "--export-optuna", "nonsense", cwd=tmp_path)
    assert (bad.returncode, bad.stderr.count("\n")) == (2, 1)
    assert "--export-optuna nonsense: must be a URL" in bad.stderr
