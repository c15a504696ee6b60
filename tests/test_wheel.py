"""The wheel holds the baselines, and works where there is no checkout."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("hatchling") is None, reason="hatchling, which builds the wheel, is not installed"
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel unpacks to; built offline, into a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    code = "from hatchling.build import build_wheel; import sys; print(build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_every_baseline_and_module_is_in_the_wheel(installed: Path) -> None:
    inside, here = installed / "scalesearch" / "search_spaces", ROOT / "search_spaces"
    shipped = {path.relative_to(inside) for path in inside.rglob("*") if path.is_file()}
    assert shipped == {path.relative_to(here) for path in here.rglob("*.yaml")}
    assert Path("nas", "mnasnet.yaml") in shipped
    modules = {path.relative_to(ROOT) for path in (ROOT / "scalesearch").rglob("*.py")}
    assert modules <= {path.relative_to(installed) for path in installed.rglob("*.py")}
    assert not list(installed.rglob("test_*.py"))


def test_an_installed_copy_finds_its_baselines(installed: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import scalesearch\n"
        "assert scalesearch.__file__.startswith(sys.argv[1]), scalesearch.__file__\n"
        "from scalesearch.design.baselines import baseline_names, load_baseline\n"
        "from scalesearch.design.cost import cost\n"
        "print(*baseline_names(), cost(load_baseline('b0').architecture).macs)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(installed)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        *sorted(path.stem for path in (ROOT / "search_spaces").glob("*.yaml")),
        "385814752",
    ]
