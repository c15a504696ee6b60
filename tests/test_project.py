"""What surrounds the code: one version in every place, pages whose paths exist, hooks and a workflow that run."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import scalesearch

ROOT = Path(__file__).parent.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def project() -> dict[str, str]:
    found: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def test_every_place_states_the_same_version() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert scalesearch.__version__ == project()["version"] == cited["version"]
    assert cited["license"] == project()["license"]


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(scalesearch.__file__).parent / "py.typed").is_file()
    assert "Typing :: Typed" in project()["classifiers"]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make ([a-z-]+)`", CONTRIBUTING))))
def test_make_targets_of_contributing_exist(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)


@pytest.mark.parametrize(
    "path",
    sorted(
        {
            *re.findall(r"\]\(([^)#:]+)\)", CONTRIBUTING),
            *re.findall(r"`((?:scalesearch|tests|benchmarks|docs|results)/[\w/.]*)`", CONTRIBUTING),
        }
    ),
)
def test_paths_of_contributing_exist(path: str) -> None:
    assert (ROOT / path.removesuffix("NAME.py")).exists()  # NAME stands for what a contributor adds


def test_the_workflow_covers_the_versions_that_are_declared() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["ci"]
    declared = [one.rpartition(" ")[2] for one in project()["classifiers"] if "Python :: 3." in one]
    assert job["strategy"]["matrix"]["python"] == declared
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100


def test_hooks_run_what_lint_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    run = {Path(hook["entry"].split()[0]).name for hook in hooks}
    lint = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nlint:")[2].partition("\n\n")[0]
    assert run == set(re.findall(r"\$\(BIN\)/([\w-]+)", lint))
