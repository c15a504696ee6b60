"""Find the source of a user's function: its module and every module of the project that it imports."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from scalesearch.errors import InputError
from scalesearch.nets.import_statements import ComputedImportError, imported_names

_INSTALLED = {"site-packages", "dist-packages"}


def source_fingerprint(module: str, root: Path) -> str:
    """Return the SHA-256 (hex) of a module's file and of all that it imports from its own project, directly or not.

    Imports are read from the source, inside functions too, including calls of `import_module` with a literal name;
    the packages around each module count as imported. A file that is not valid Python counts by its bytes. The
    project is all that lies below `root` or in the module's own folder tree and is neither installed nor part of
    Python. A module without imports from its project has the SHA-256 of its file.

    Args:
        module: the dotted name of the user's module, which has been imported.
        root: the folder in which the command was started.

    Raises:
        InputError: a file loads modules by computed names.
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
    """Return the files by module name, of the module and of everything of its project that it imports."""
    first = _module_file(module)
    if first is None:
        return {}
    roots = (root.resolve(), _folder_of_top_package(module, first))
    files = {module: first}
    queue = [*_parent_packages(module), *_file_imports(module, first)]
    while queue:
        name = queue.pop()
        if name in files or not _is_in_project(name.partition(".")[0], module.partition(".")[0], roots):
            continue
        path = _module_file(name)
        if path is not None:
            files[name] = path
            queue += _file_imports(name, path)
        queue += [parent for parent in _parent_packages(name) if parent not in files]
    return files


def _is_in_project(package: str, user_package: str, roots: tuple[Path, Path]) -> bool:
    """Return whether a top package belongs to the project; the user's own does, even where it is installed."""
    if package == user_package:
        return True
    if package in sys.stdlib_module_names or package == __name__.partition(".")[0]:
        return False
    spec = _find_spec(package)
    if spec is None:
        return False
    folder = next(iter(spec.submodule_search_locations or [spec.origin or ""]))
    path = Path(folder).resolve()
    return not _INSTALLED & set(path.parts) and any(path.is_relative_to(root) for root in roots)


def _folder_of_top_package(module: str, path: Path) -> Path:
    package_path = path.parent if path.name == "__init__.py" else path
    return package_path.parents[module.count(".")]


def _parent_packages(name: str) -> Iterator[str]:
    """Yield the packages that are imported before a module is."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _find_spec(name: str) -> ModuleSpec | None:
    """Return the module's spec, without importing a package: that may fail on one machine and not on another."""
    parent = name.rpartition(".")[0]
    try:
        spec: ModuleSpec | None = getattr(sys.modules.get(name), "__spec__", None)
        if spec is not None:
            return spec
        if not parent:
            return importlib.util.find_spec(name)
        package = _find_spec(parent)
        folders = package and package.submodule_search_locations
        return PathFinder.find_spec(name, folders) if folders else None
    except Exception:  # a user's module or finder may raise anything; the import is skipped, as it may be optional
        return None


def _module_file(name: str) -> Path | None:
    """Return the module's file; None where there is no such module or it has no file."""
    spec = _find_spec(name)
    if spec is None or not spec.has_location or spec.origin is None:
        return None
    return Path(spec.origin).resolve()


def _file_imports(name: str, path: Path) -> Iterator[str]:
    """Yield the dotted names of all that a file imports."""
    if path.suffix != ".py":
        return
    try:
        yield from imported_names(path.read_bytes(), name, path.name == "__init__.py")
    except ComputedImportError as error:
        file_name = f"{path.parent.name}/{path.name}" if path.name == "__init__.py" else path.name
        raise InputError(
            f"{file_name}:{error.line}: {error.function} imports modules by computed names, so its source cannot "
            "be told; import them by name"
        ) from error
