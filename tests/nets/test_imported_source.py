"""A function is known by all the source that it is made of, and by nothing else."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scalesearch.nets.imported_source import source_fingerprint

FILES = {
    "alone_net.py": "import torch\n\n\ndef build(): ...\n",
    "entry_net.py": "from pieces_net import block\n\n\ndef build():\n    import late_net\n",
    "pieces_net/__init__.py": "",
    "pieces_net/block.py": "from . import sizes\nfrom ..nothing import above\nimport json, torch\n",
    "pieces_net/sizes.py": "WIDTH = 3\n",
    "late_net.py": "import entry_net\n",
    "unused_net.py": "",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0].endswith("_net")]:
        del sys.modules[name]


def test_one_file_is_known_by_its_bytes(project: Path) -> None:
    content = (project / "alone_net.py").read_bytes()
    assert source_fingerprint("alone_net", project) == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("entry_net.py", True),
        ("pieces_net/__init__.py", True),
        ("pieces_net/block.py", True),
        ("pieces_net/sizes.py", True),
        ("late_net.py", True),
        ("unused_net.py", False),
        ("alone_net.py", False),
    ],
)
def test_an_edit_counts_where_the_file_is_imported(project: Path, name: str, counts: bool) -> None:
    before = source_fingerprint("entry_net", project)
    assert source_fingerprint("entry_net", project) == before
    (project / name).write_text(FILES[name] + "# edited\n")
    assert (source_fingerprint("entry_net", project) != before) is counts


def test_a_package_counts_from_any_folder(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    before = source_fingerprint("pieces_net.block", elsewhere)
    (project / "pieces_net" / "sizes.py").write_text("WIDTH = 4\n")
    assert source_fingerprint("pieces_net.block", elsewhere) != before
