"""The source that a user's function is made of: its module and every module of the project that it imports."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

_INSTALLED = {"site-packages", "dist-packages"}


def source_fingerprint(module: str, root: Path) -> str:
    """SHA-256 (hex) of a module's file and of all that it imports from its own project, directly or not.

    Imports are read from the source, inside functions too; the packages around each module count as imported. A
    project is what lies below `root` or in the module's own folder tree and is neither installed nor of Python
    itself. A module without imports from its project has the SHA-256 of its file.

    Args:
        module: the dotted name of the user's module, which has been imported.
        root: the folder that the command was started in.

    Raises:
        OSError: a file cannot be read.
    """
    files = _project_files(module, root)
    if len(files) == 1:
        (content,) = (path.read_bytes() for path in files.values())
        return hashlib.sha256(content).hexdigest()
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _project_files(module: str, root: Path) -> dict[str, Path]:
    """File by module name, of the module and of everything of its project that it imports."""
    first = _file(module)
    if first is None:
        return {}
    roots = (root.resolve(), _folder_of_top_package(module, first))
    files = {module: first}
    waiting = [*_parents(module), *_imports(module, first)]
    while waiting:
        name = waiting.pop()
        if name in files or not _is_of_project(name.partition(".")[0], module.partition(".")[0], roots):
            continue
        path = _file(name)
        if path is not None:
            files[name] = path
            waiting += _imports(name, path)
        waiting += [parent for parent in _parents(name) if parent not in files]
    return files


def _is_of_project(package: str, user_package: str, roots: tuple[Path, Path]) -> bool:
    """Whether a top package belongs to the project; the user's module's own does, even where it is installed."""
    if package == user_package:
        return True
    if package in sys.stdlib_module_names or package == __name__.partition(".")[0]:
        return False
    spec = _spec(package)
    if spec is None:
        return False
    folder = next(iter(spec.submodule_search_locations or [spec.origin or ""]))
    path = Path(folder).resolve()
    return not _INSTALLED & set(path.parts) and any(path.is_relative_to(one) for one in roots)


def _folder_of_top_package(module: str, path: Path) -> Path:
    inside = path.parent if path.name == "__init__.py" else path
    return inside.parents[module.count(".")]


def _parents(name: str) -> Iterator[str]:
    """The packages that are imported before a module is."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _spec(name: str) -> ModuleSpec | None:
    """Where the module is; asking for a submodule imports the packages around it."""
    spec: ModuleSpec | None = getattr(sys.modules.get(name), "__spec__", None)
    if spec is None:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, AttributeError, ValueError):
            return None
    return spec


def _file(name: str) -> Path | None:
    """The module's file; None where there is no such module or it has no file."""
    spec = _spec(name)
    if spec is None or not spec.has_location or spec.origin is None:
        return None
    return Path(spec.origin).resolve()


def _imports(name: str, path: Path) -> Iterator[str]:
    """The dotted names of all that a file imports; of `from a import b` both `a` and `a.b`."""
    if path.suffix != ".py":
        return
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(package, node.level, node.module)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _absolute(package: str, level: int, module: str | None) -> str:
    """The dotted name that `from …module` means within a package; as `importlib.util.resolve_name`."""
    parts = package.split(".") if level else []
    base = parts[: len(parts) - level + 1]
    return ".".join([*base, *([module] if module else [])])
