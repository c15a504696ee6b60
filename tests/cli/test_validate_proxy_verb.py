"""`scalesearch validate-proxy`: two further budgets of a finished search, resumed, read, or refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from command import scalesearch

ROOT = Path(__file__).parent.parent.parent
SMOKE = ("grid", "--baseline", "tiny", "--budget", "smoke", "--seeds", "2", "--runner", "inline")
STUDY = "results/tiny-phi1-smoke"


@pytest.mark.slow
def test_a_finished_search_is_asked_and_remembers_the_answer(tmp_path: Path) -> None:
    assert scalesearch(*SMOKE, cwd=tmp_path).returncode == 0
    planned = scalesearch("validate-proxy", STUDY, "--plan", cwd=tmp_path)
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout.count("nothing was trained") == 2
    assert not (tmp_path / STUDY / "trust").exists()
    done = scalesearch("validate-proxy", STUDY, "--runner", "inline", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answer = next(line for line in reversed(done.stdout.splitlines()) if line.startswith("Recommended: "))
    *_, first, longer, larger, family, report = done.stdout.splitlines()
    lines = [first, longer, larger]
    assert "percentage points after training on twice the images, among 6 candidates" in answer
    assert family.startswith("Family: ")
    assert report == f"Report: {STUDY}/report.html"
    assert "The same networks, ranked at each budget" in (tmp_path / STUDY / "report.md").read_text()
    assert not list((tmp_path / STUDY / "trust").rglob("report.*"))
    assert lines[0].startswith("Proxy validation: ")
    assert [line.split()[0] for line in lines[1:]] == ["longer", "larger"]
    winner = yaml.safe_load((tmp_path / STUDY / "winner.yaml").read_text())
    assert winner["decision"]["judged"] == "after training on twice the images"
    written = winner["proxy"]
    assert f"Proxy validation: {written['in_words']};" in lines[0]
    assert [(one["networks"], one["seeds"]) for one in written["budgets"]] == [(6, 2)] * 2
    shown = scalesearch("show", STUDY, cwd=tmp_path)
    assert all(line in shown.stdout for line in lines)
    again = scalesearch("validate-proxy", STUDY, "--runner", "inline", cwd=tmp_path)
    assert again.stdout.count("trials are done") == 2
    assert again.stdout.splitlines()[-5:] == [*lines, family, report]
    more = scalesearch("validate-proxy", STUDY, "--runner", "inline", "--seeds", "3", cwd=tmp_path)
    assert more.returncode == 0, more.stderr
    assert "28/42 done, resuming" in more.stdout
    assert "(6 networks, 3 seeds)" in more.stdout
    fewer = scalesearch("validate-proxy", STUDY, "--runner", "inline", "--seeds", "1", cwd=tmp_path)
    assert fewer.stdout.splitlines()[-5:] == more.stdout.splitlines()[-5:]
    other = scalesearch("validate-proxy", STUDY, "--data", "digits", cwd=tmp_path)
    assert (other.returncode, other.stderr.count("\n")) == (2, 1)
    assert "the study was made with fractal scenes" in other.stderr


def test_an_unfinished_search_is_not_asked(tmp_path: Path) -> None:
    folder = tmp_path / "half"
    shutil.copytree(ROOT / "results" / "reference" / "resnet18-phi1-quick", folder)
    for path in sorted((folder / "trials").iterdir())[:3]:
        path.unlink()
    found = scalesearch("validate-proxy", "half", cwd=tmp_path)
    assert (found.returncode, found.stderr.count("\n")) == (2, 1)
    assert "half: is not finished; resume it first: scalesearch grid" in found.stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("results/reference/resnet18-phi1-quick",), "is a committed reference study, which is never changed"),
        (("results/reference/b0-compare-4x-quick",), "is a committed reference study"),
        (("results/none",), "is not a folder"),
        (("tests",), "holds no study"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_line(words: tuple[str, ...], reason: str) -> None:
    found = scalesearch("validate-proxy", *words, cwd=ROOT)
    assert (found.returncode, found.stderr.count("\n")) == (2, 1)
    assert reason in found.stderr


def test_a_comparison_of_rules_has_no_proxy_to_ask(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests" / "fixtures" / "studies" / "mobilenet_v1-compare-4x-quick", tmp_path / "rules")
    found = scalesearch("validate-proxy", "rules", cwd=tmp_path)
    assert (found.returncode, found.stderr.count("\n")) == (2, 1)
    assert "compares rules" in found.stderr
