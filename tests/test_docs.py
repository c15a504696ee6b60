"""README and docs are executed: every `scalesearch …` line, every YAML block, every link."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from command import scalesearch
from pages import PAGES, ROOT

from scalesearch.design.baseline_file import parse_baseline
from scalesearch.design.baselines import load_baseline
from scalesearch.search.budget_file import parse_budget

SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
YAML = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
FILE = re.compile(r"```(?:yaml|python)\n# (\S+\.(?:yaml|py))\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)")


def commands(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    lines = [line for block in SHELL.findall(text) for line in block.splitlines()]
    lines += [line[4:] for line in text.splitlines() if line.startswith("    scalesearch ")]
    return [line.split("  #")[0].strip() for line in lines if line.startswith("scalesearch ")]


def is_slow(page: Path) -> bool:
    slow = (
        " grid ",
        " nas ",
        " export ",
        " compare ",
        " validate-proxy ",
        " latency ",
        " cam ",
        " train ",
        " transfer ",
        " solve ",
        " --rerun ",
    )
    return any(verb in command for command in commands(page) for verb in slow)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.slow] if is_slow(page) else [], id=page.name)
        for page in PAGES
        if commands(page)
    ],
)
def test_commands_run(page: Path, tmp_path: Path) -> None:
    """One page's commands in their order, in a folder that has the committed results."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "reference").symlink_to(ROOT / "results" / "reference")
    for name, text in FILE.findall(page.read_text(encoding="utf-8")):
        (tmp_path / name).write_text(text)
    for command in commands(page):
        done = scalesearch(*shlex.split(command)[1:], cwd=tmp_path, timeout=1800)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert done.stdout


def test_cheap_readme_commands_run(tmp_path: Path) -> None:
    """The README's commands that train nothing, in the default suite too; but those of a page that runs there."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "reference").symlink_to(ROOT / "results" / "reference")
    elsewhere = {one for page in PAGES if not is_slow(page) for one in commands(page)}
    cheap = [
        one
        for one in commands(ROOT / "README.md")
        if not any(verb in one for verb in (" grid ", " nas ", " export ")) and one not in elsewhere
    ]
    assert len(cheap) >= 3
    for command in cheap:
        done = scalesearch(*shlex.split(command)[1:], cwd=tmp_path, timeout=1800)
        assert done.returncode == 0, f"{command}: {done.stderr}"


def test_the_readmes_result_is_what_show_prints() -> None:
    (shown,) = re.findall(
        r"```text\n(.*?Recommended: α.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    printed = scalesearch("show", "results/reference/b0-phi1-quick", cwd=ROOT).stdout.splitlines()
    places = [[line.rstrip() for line in printed].index(line) for line in shown.splitlines()]
    assert places == sorted(places)


def test_yaml_blocks_are_what_they_say() -> None:
    (shown,) = YAML.findall((ROOT / "docs" / "baseline-files.md").read_text(encoding="utf-8"))
    assert parse_baseline(shown, "docs") == load_baseline("tiny")
    (budget,) = YAML.findall((ROOT / "docs" / "budgets.md").read_text(encoding="utf-8"))
    assert parse_budget(budget, "docs").name == "mine"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), target


def test_setup_is_two_commands() -> None:
    block = SHELL.findall((ROOT / "README.md").read_text(encoding="utf-8"))[0]
    assert [line.split("#")[0].strip() for line in block.splitlines()] == ["make grid", "make test"]


def test_every_test_that_the_page_of_faults_names_is_there() -> None:
    text = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| fault")]
    assert len(rows) > 12
    for row in rows:
        named = re.findall(r"`(tests/[a-z_/]+[.]py)`", row)
        assert named, row
        assert all((ROOT / name).is_file() for name in named)
