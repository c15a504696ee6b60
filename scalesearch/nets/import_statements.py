"""Find what a Python source imports, by import statements and by calls of `import_module` with a literal name."""

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
"""The functions that load modules which no import statement names."""


class ComputedImportError(Exception):
    """Reports that a source loads modules whose names are not in it.

    Args:
        line: the line in the source.
        function: the function that loads them, with its module.
    """

    def __init__(self, line: int, function: str) -> None:
        super().__init__(line, function)
        self.line, self.function = line, function


def imported_names(source: bytes, module: str, is_package: bool) -> Iterator[str]:
    """Yield the dotted names of all that a source imports, in functions too.

    For `from a import b` both `a` and `a.b` are yielded. A source that is not valid Python imports nothing: a
    module may try to import such a file and continue without it.

    Args:
        source: the bytes of a file.
        module: its dotted name.
        is_package: whether it is the `__init__.py` of a package.

    Raises:
        ComputedImportError: it loads modules by other means than a literal name.
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
            yield from _base_and_members(
                _absolute(package, node.level, node.module), [name.name for name in node.names]
            )
    yield from _names_in_calls(nodes, _Names(nodes), module, package)


class _Names:
    """Maps the names of a source to what its import statements bind them to."""

    def __init__(self, nodes: list[ast.AST]) -> None:
        self._targets: dict[str, str] = {}
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    self._targets[alias.asname or top] = alias.name if alias.asname else top
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    self._add(node.module, alias)

    def _add(self, module: str, alias: ast.alias) -> None:
        if alias.name == "*":
            star_names = (name for name in _COMPUTED if name.rpartition(".")[0] == module)
            self._targets |= {name.rpartition(".")[2]: name for name in star_names}
        else:
            self._targets[alias.asname or alias.name] = f"{module}.{alias.name}"

    def dotted_name(self, node: ast.AST) -> str:
        """Return the dotted name that an expression stands for; empty where it stands for none."""
        members: list[str] = []
        while isinstance(node, ast.Attribute):
            members.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self._targets.get(node.id, node.id), *reversed(members)])


def _names_in_calls(nodes: list[ast.AST], names: _Names, module: str, package: str) -> Iterator[str]:
    """Yield the names in calls of `import_module` and `__import__`; any other use of such a function is refused."""
    handled: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.Call) and names.dotted_name(node.func) in _BY_NAME:
            call_names = _names_in_call(node, names.dotted_name(node.func), module, package)
            if call_names:
                handled.add(id(node.func))
                yield from call_names
    for node in nodes:
        function = names.dotted_name(node)
        if function in _COMPUTED and id(node) not in handled and isinstance(node, ast.Name | ast.Attribute):
            raise ComputedImportError(node.lineno, function)


def _names_in_call(call: ast.Call, function: str, module: str, package: str) -> list[str]:
    """Return the names that one call imports; empty where they are not literal."""
    signature = "name package" if function == _MODULE else "name globals locals fromlist level"
    arguments: dict[str | None, ast.expr] = dict(zip(signature.split(), call.args, strict=False))
    arguments |= {keyword.arg: keyword.value for keyword in call.keywords}
    try:
        name = ast.literal_eval(arguments["name"])
        if function == _MODULE:
            anchor = _anchor(arguments.get("package"), module, package)
            return [resolve_name(name, anchor)]
        level = ast.literal_eval(arguments["level"]) if "level" in arguments else 0
        members = ast.literal_eval(arguments["fromlist"]) if "fromlist" in arguments else ()
        return list(_base_and_members(_absolute(package, level, name), members or ()))
    except (ValueError, TypeError, KeyError, AttributeError, ImportError, SyntaxError, RecursionError):
        return []


def _anchor(node: ast.expr | None, module: str, package: str) -> str | None:
    """Return the package that a relative name starts from: a string, `__package__` or `__name__`."""
    if isinstance(node, ast.Name) and node.id in ("__package__", "__name__"):
        return package if node.id == "__package__" else module
    if node is None or isinstance(node, ast.Constant):
        return None if node is None else str(ast.literal_eval(node))
    return None


def _base_and_members(base: str, members: Iterable[str]) -> Iterator[str]:
    yield base
    yield from (f"{base}.{member}" for member in members)


def _absolute(package: str, level: int, module: str | None) -> str:
    """Return the dotted name that `from …module` means within a package; as `importlib.util.resolve_name`."""
    parts = package.split(".") if level else []
    base = parts[: len(parts) - level + 1]
    return ".".join([*base, *([module] if module else [])])
