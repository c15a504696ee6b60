"""What a Python source imports: its import statements and its calls of `import_module` with a name written out."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from importlib.util import resolve_name

_MODULE, _BUILTIN = "importlib.import_module", "__import__"
_BY_NAME = (_MODULE, "importlib.__import__", _BUILTIN, "builtins.__import__")
_COMPUTED = (
    *_BY_NAME,
    "exec",
    "builtins.exec",
    "runpy.run_module",
    "runpy.run_path",
    "pkgutil.iter_modules",
    "pkgutil.walk_packages",
    "imp.load_source",
    "importlib.machinery.SourceFileLoader",
    "importlib.util.spec_from_file_location",
)
"""What loads modules that no import statement names."""


class ComputedImportError(Exception):
    """A source loads modules whose names are not in it.

    Args:
        line: of the source.
        function: what loads them, with its module.
    """

    def __init__(self, line: int, function: str) -> None:
        super().__init__(line, function)
        self.line, self.function = line, function


def imported_names(source: bytes, module: str, is_package: bool) -> Iterator[str]:
    """The dotted names of all that a source imports, in functions too; of `from a import b` both `a` and `a.b`.

    A source that is no Python imports nothing: a module may try such a file and go on without it.

    Args:
        source: the bytes of a file.
        module: its dotted name.
        is_package: whether it is the `__init__.py` of a package.

    Raises:
        ComputedImportError: it loads modules otherwise than by a name that is written out.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    package = module if is_package else module.rpartition(".")[0]
    nodes = list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from _with_members(
                _absolute(package, node.level, node.module), [name.name for name in node.names]
            )
    yield from _named_in_calls(nodes, _Names(nodes), module, package)


class _Names:
    """What the names of a source stand for, by its import statements."""

    def __init__(self, nodes: list[ast.AST]) -> None:
        self._meanings: dict[str, str] = {}
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    self._meanings[alias.asname or top] = alias.name if alias.asname else top
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    self._add(node.module, alias)

    def _add(self, module: str, alias: ast.alias) -> None:
        if alias.name == "*":
            starred = (name for name in _COMPUTED if name.rpartition(".")[0] == module)
            self._meanings |= {name.rpartition(".")[2]: name for name in starred}
        else:
            self._meanings[alias.asname or alias.name] = f"{module}.{alias.name}"

    def meaning(self, node: ast.AST) -> str:
        """The dotted name that an expression stands for; empty where it is none."""
        members: list[str] = []
        while isinstance(node, ast.Attribute):
            members.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self._meanings.get(node.id, node.id), *reversed(members)])


def _named_in_calls(nodes: list[ast.AST], names: _Names, module: str, package: str) -> Iterator[str]:
    """The names that calls of `import_module` and `__import__` give; other use of such a function is refused."""
    read: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.Call) and names.meaning(node.func) in _BY_NAME:
            given = _names_of_call(node, names.meaning(node.func), module, package)
            if given:
                read.add(id(node.func))
                yield from given
    for node in nodes:
        function = names.meaning(node)
        if function in _COMPUTED and id(node) not in read and isinstance(node, ast.Name | ast.Attribute):
            raise ComputedImportError(node.lineno, function)


def _names_of_call(call: ast.Call, function: str, module: str, package: str) -> list[str]:
    """The names that one call imports; none where they are not written out."""
    signature = "name package" if function == _MODULE else "name globals locals fromlist level"
    given: dict[str | None, ast.expr] = dict(zip(signature.split(), call.args, strict=False))
    given |= {keyword.arg: keyword.value for keyword in call.keywords}
    try:
        name = ast.literal_eval(given["name"])
        if function == _MODULE:
            anchor = _anchor(given.get("package"), module, package)
            return [resolve_name(name, anchor)]
        level = ast.literal_eval(given["level"]) if "level" in given else 0
        members = ast.literal_eval(given["fromlist"]) if "fromlist" in given else ()
        return list(_with_members(_absolute(package, level, name), members or ()))
    except (ValueError, TypeError, KeyError, AttributeError, ImportError, SyntaxError, RecursionError):
        return []


def _anchor(node: ast.expr | None, module: str, package: str) -> str | None:
    """The package that a relative name starts from: a string, `__package__` or `__name__`."""
    if isinstance(node, ast.Name) and node.id in ("__package__", "__name__"):
        return package if node.id == "__package__" else module
    if node is None or isinstance(node, ast.Constant):
        return None if node is None else str(ast.literal_eval(node))
    return None


def _with_members(base: str, members: Iterable[str]) -> Iterator[str]:
    yield base
    yield from (f"{base}.{member}" for member in members)


def _absolute(package: str, level: int, module: str | None) -> str:
    """The dotted name that `from …module` means within a package; as `importlib.util.resolve_name`."""
    parts = package.split(".") if level else []
    base = parts[: len(parts) - level + 1]
    return ".".join([*base, *([module] if module else [])])
