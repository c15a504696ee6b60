"""The documentation site builds without a warning and loads nothing from outside; its examples are sound."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import ray.autoscaler
import yaml
from pages import PAGES, ROOT

LOADED = re.compile(r"""<(?:link|script|img|iframe|source|video)\b[^>]*?(?:href|src)=["']([^"']+)["']""")
PYTHON = re.compile(r"```python\n(?!# \S+\.py\n)(.*?)```", re.DOTALL)
EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    words = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-b",
        "html",
        str(ROOT / "docs"),
        str(folder),
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_every_page_is_there_and_loads_nothing_from_outside(site: Path) -> None:
    for page in PAGES:
        if page != ROOT / "README.md":
            assert (site / page.relative_to(ROOT / "docs").with_suffix(".html")).exists(), page
    for page in site.rglob("*.html"):
        outside = [one for one in LOADED.findall(page.read_text(encoding="utf-8")) if "//" in one]
        assert not outside, f"{page.name}: {outside}"
    assert not re.search(r"@import|url\(\s*[\"']?(?:https?:)?//", _styles(site))


def _styles(site: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))


@pytest.mark.slow
def test_the_command_line_and_the_tables_are_the_programs_own(site: Path) -> None:
    verbs = (site / "commands.html").read_text(encoding="utf-8")
    for verb in ("grid", "compare", "verify"):
        assert f'<section id="scalesearch-{verb}">' in verbs
        assert f"Usage: scalesearch {verb} [OPTIONS]" in verbs
    assert "385,814,752" in (site / "facts.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(one, id=page.name)
        for page in PAGES
        for one in PYTHON.findall(page.read_text("utf-8"))  # but for files, which begin with their name
    ],
)
def test_python_blocks_run_and_print_what_they_say(
    block: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(block, "docs", "exec"), {})
    said = re.findall(r"print\(.*\)  # (.*)", block)
    assert said
    assert capsys.readouterr().out.splitlines() == said


def test_the_cluster_file_is_one_of_rays() -> None:
    schema = json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text())
    cluster = yaml.safe_load((EXAMPLES / "ray-cluster.yaml").read_text())
    jsonschema.validate(cluster, schema)
    assert cluster["head_node_type"] in cluster["available_node_types"]


def test_the_job_file_names_verbs_and_volumes_that_exist() -> None:
    """KubeRay's own schema is not to be had offline: what it would check first is checked here."""
    job = yaml.safe_load((EXAMPLES / "rayjob.yaml").read_text())
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    head = job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]
    mounts = {mount["name"]: mount["mountPath"] for one in head["containers"] for mount in one["volumeMounts"]}
    assert {volume["name"] for volume in head["volumes"]} == set(mounts)
    words = job["spec"]["entrypoint"].split()
    assert words[words.index("--results") + 1] in mounts.values()
    done = subprocess.run(
        [sys.executable, "-m", "scalesearch", words[1], "--help"], capture_output=True, text=True, timeout=60
    )
    assert all(option in done.stdout for option in words if option.startswith("--"))
