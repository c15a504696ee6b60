"""A function is known by all the source that it is made of, and by nothing else."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scalesearch.errors import InputError
from scalesearch.nets.factory import load_factory
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


BY_NAME = {
    "import_module": 'import importlib\nimportlib.import_module("other_net")\n',
    "its alias": 'from importlib import import_module as load\ndef build():\n    load("other_net")\n',
    "module alias": 'import importlib as il\nil.import_module(name="other_net")\n',
    "starred": 'from importlib import *\nimport_module("other_net")\n',
    "__import__": '__import__("other_net")\n',
    "a member": '__import__("group_net", fromlist=["other_net"])\n',
    "relative to a package": 'import importlib\nimportlib.import_module(".other_net", package="group_net")\n',
}


@pytest.mark.parametrize("text", BY_NAME.values(), ids=BY_NAME)
def test_a_call_with_a_name_written_out_is_an_import(text: str, project: Path) -> None:
    other = "group_net/other_net.py" if "group" in text else "other_net.py"
    (project / "group_net").mkdir()
    (project / "group_net" / "__init__.py").write_text("")
    (project / "main_net.py").write_text(text)
    (project / other).write_text("")
    before = source_fingerprint("main_net", project)
    (project / other).write_text("# edited\n")
    assert source_fingerprint("main_net", project) != before


@pytest.mark.parametrize("package", ["__package__", "__name__", "'inner_net'"])
def test_a_relative_call_within_a_package(package: str, project: Path) -> None:
    (project / "inner_net").mkdir()
    init = f"import importlib\nimportlib.import_module('.part', {package})\n"
    (project / "inner_net" / "__init__.py").write_text(init)
    (project / "inner_net" / "part.py").write_text("")
    before = source_fingerprint("inner_net", project)
    (project / "inner_net" / "part.py").write_text("# edited\n")
    assert source_fingerprint("inner_net", project) != before


COMPUTED = [
    ("import importlib\nNAME = 'a'\nimportlib.import_module(NAME)", 3, "importlib.import_module"),
    ("from importlib import import_module\nload = import_module", 2, "importlib.import_module"),
    ("import importlib\nlist(map(importlib.import_module, ['a']))", 2, "importlib.import_module"),
    ("import importlib\nimportlib.import_module('.a', package=where())", 2, "importlib.import_module"),
    ("import importlib\nimportlib.import_module(*names)", 2, "importlib.import_module"),
    ("__import__(f'{__name__}_b')", 1, "__import__"),
    ("__import__('a', fromlist=names)", 1, "__import__"),
    ("def f():\n    exec('import a')", 2, "exec"),
    ("from runpy import run_path as run\nrun('a.py')", 2, "runpy.run_path"),
    ("import pkgutil as p\nfor one in p.iter_modules(): pass", 2, "pkgutil.iter_modules"),
    ("import importlib.util\nimportlib.util.spec_from_file_location('a', 'a.py')", 2, "spec_from_file_location"),
]


@pytest.mark.parametrize(("text", "line", "function"), COMPUTED, ids=[one[0] for one in COMPUTED])
def test_computed_names_are_refused(text: str, line: int, function: str, project: Path) -> None:
    (project / "entry_net.py").write_text("import computing_net\n")
    (project / "computing_net.py").write_text(text)
    with pytest.raises(
        InputError, match=rf"^computing_net\.py:{line}: .*{function} imports modules by computed names"
    ):
        source_fingerprint("entry_net", project)


HARMLESS = "import importlib\nnet.eval()\nself.exec(a)\nself.run_path(b)\nimportlib.reload(x)\nfind_spec(y)\n"


def test_methods_of_such_names_are_no_imports(project: Path) -> None:
    (project / "alone_net.py").write_text(HARMLESS)
    assert source_fingerprint("alone_net", project) == hashlib.sha256(HARMLESS.encode()).hexdigest()


OPTIONAL = {
    "no Python": {"broken_net.py": "print 'hello'\n"},
    "zero bytes": {"broken_net.py": "x = '\0'\n"},
    "a package that fails": {
        "broken_net/__init__.py": "raise RuntimeError('no licence')\n",
        "broken_net/part.py": "",
    },
    "a package that exits": {"broken_net/__init__.py": "raise SystemExit(3)\n", "broken_net/part.py": ""},
    "not there": {},
}


@pytest.mark.parametrize("files", OPTIONAL.values(), ids=OPTIONAL)
def test_an_optional_import_that_fails_counts_by_its_bytes(files: dict[str, str], project: Path) -> None:
    (project / "alone_net.py").write_text("try:\n    import broken_net.part\nexcept BaseException:\n    pass\n")
    for name, text in files.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    before = source_fingerprint("alone_net", project)
    assert "broken_net" not in sys.modules
    for name, text in files.items():
        (project / name).write_text(text + "# edited\n")
        assert source_fingerprint("alone_net", project) != before
        (project / name).write_text(text)
    assert source_fingerprint("alone_net", project) == before


def test_a_function_with_computed_imports_is_refused_by_name(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    text = "import importlib\ndef build(depth=1.0, width=1.0, resolution=9):\n    importlib.import_module(f'a')\n"
    (project / "lazy_net.py").write_text(text)
    with pytest.raises(InputError, match=r"^baseline 'lazy_net:build': lazy_net\.py:3: importlib\.import_module"):
        load_factory("lazy_net:build")


def test_a_package_that_loads_its_modules_is_named(project: Path) -> None:
    (project / "plugins_net").mkdir()
    (project / "plugins_net" / "__init__.py").write_text("import pkgutil\nlist(pkgutil.walk_packages(__path__))\n")
    with pytest.raises(InputError, match=r"^plugins_net/__init__\.py:2: pkgutil\.walk_packages"):
        source_fingerprint("plugins_net", project)
