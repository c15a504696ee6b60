"""Python text as values: assignments, lists, numbers, strings, and calls of names. Nothing is run."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field

from scalesearch.errors import InputError


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, string, boolean or None, and its line."""

    line: int
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name that the text does not assign, without its module: `nn.SiLU` is `SiLU`."""

    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list or tuple."""

    line: int
    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a name, with its arguments in order and by name; a dict is a call of `dict`."""

    line: int
    name: str
    arguments: tuple[Value, ...]
    keywords: dict[str, Value]


_HARMLESS = ("eval", "train")
"""Methods that leave a network as it is."""
Value = Literal | Symbol | Items | Call


@dataclass(frozen=True, slots=True)
class Definition:
    """What a text assigns and calls."""

    where: str
    names: dict[str, Value] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    """Calls that are assigned, returned or stand by themselves, in order; not those inside other calls."""

    def refused(self, line: int, reason: str) -> InputError:
        """The error for something that is not understood."""
        return InputError(f"{self.where}:{line}: {reason}")


def read_definition(text: str, where: str) -> Definition:
    """Read a text of assignments and calls.

    Args:
        text: Python; imports and docstrings are skipped, the statements of functions are read in order.
        where: the name to begin error messages with, such as the file's path.

    Raises:
        InputError: one line, `where:line: reason`, for anything else.
    """
    definition = Definition(where)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        raise definition.refused(error.lineno or 1, f"is not Python: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise definition.refused(1, "is not Python that can be read") from error
    _Reader(definition).statements(tree.body)
    return definition


class _Reader:
    def __init__(self, definition: Definition) -> None:
        self._definition = definition

    def statements(self, body: list[ast.stmt]) -> None:
        for one in body:
            self._statement(one)

    def _statement(self, one: ast.stmt) -> None:
        if isinstance(one, ast.Import | ast.ImportFrom):
            return
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant):
            return
        if isinstance(one, ast.FunctionDef):
            self._function(one)
            return
        self._check_method(one)
        target, expression = _assigned(one)
        if expression is None:
            raise self._refused(one, "only assignments, calls and functions of them are read")
        value = self._value(expression)
        if target is not None:
            if target in self._definition.names:
                raise self._refused(one, f"{target} is assigned twice; keep one")
            self._definition.names[target] = value
        if isinstance(value, Call) and isinstance(expression, ast.Call) and value.name != "partial":
            self._definition.calls.append(value)

    def _function(self, one: ast.FunctionDef) -> None:
        """Its statements; a parameter must not hide a value of the same name, for its own value is not known."""
        given = one.args
        for parameter in (*given.posonlyargs, *given.args, *given.kwonlyargs):
            if parameter.arg in self._definition.names:
                line = parameter.lineno
                raise self._definition.refused(line, f"{parameter.arg} is assigned above as well; rename one")
        self.statements(one.body)

    def _check_method(self, one: ast.stmt) -> None:
        """Refuse `net.reset_classifier(10)`: what a method makes of a network is not followed."""
        if not isinstance(one, ast.Expr) or not isinstance(one.value, ast.Call):
            return
        method = one.value.func
        if isinstance(method, ast.Attribute) and isinstance(method.value, ast.Name):
            owner = method.value.id
            if owner in self._definition.names and method.attr not in _HARMLESS:
                raise self._refused(one, f"{owner}.{method.attr} is not followed; write the final network out")

    def _value(self, node: ast.expr) -> Value:
        line = node.lineno
        if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | bool | None):
            return Literal(line, node.value)
        if isinstance(node, ast.List | ast.Tuple):
            return Items(line, tuple(self._value(one) for one in node.elts))
        if isinstance(node, ast.Name | ast.Attribute):
            name = self._name(node)
            symbol = Symbol(line, name)
            return self._definition.names.get(name, symbol) if isinstance(node, ast.Name) else symbol
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Dict):
            return self._dict(node)
        raise self._refused(node, "is neither a number, string, list nor call of a name; write the value out")

    def _name(self, node: ast.expr) -> str:
        inner = node
        while isinstance(inner, ast.Attribute):
            inner = inner.value
        if isinstance(node, ast.Attribute) and isinstance(inner, ast.Name):
            return node.attr
        if isinstance(node, ast.Name):
            return node.id
        raise self._refused(node, "is not a plain name; write the value out")

    def _call(self, node: ast.Call) -> Call:
        name = self._name(node.func)
        keywords: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self._value(keyword.value)
            if keyword.arg is not None:
                self._add(keywords, keyword.arg, value, keyword.value)
            elif isinstance(value, Call) and value.name == "dict":
                for key, inner in value.keywords.items():
                    self._add(keywords, key, inner, keyword.value)
            else:
                raise self._refused(keyword.value, "** of something unknown; write the arguments out")
        given = tuple(self._value(one) for one in node.args)
        bound = self._definition.names.get(name) if isinstance(node.func, ast.Name) else None
        if isinstance(bound, Call) and bound.name == "partial" and bound.arguments:
            # As functools.partial: torchvision's `bneck_conf`.
            called, *first = bound.arguments
            if isinstance(called, Symbol):
                return Call(node.lineno, called.name, (*first, *given), bound.keywords | keywords)
        return Call(node.lineno, name, given, keywords)

    def _dict(self, node: ast.Dict) -> Call:
        found: dict[str, Value] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                raise self._refused(value, "a dict's keys must be words")
            self._add(found, key.value, self._value(value), key)
        return Call(node.lineno, "dict", (), found)

    def _add(self, found: dict[str, Value], key: str, value: Value, node: ast.expr) -> None:
        if key in found:
            raise self._refused(node, f"{key} stands twice; keep one")
        found[key] = value

    def _refused(self, node: ast.stmt | ast.expr, reason: str) -> InputError:
        return self._definition.refused(node.lineno, reason)


def _assigned(one: ast.stmt) -> tuple[str | None, ast.expr | None]:
    """The name that a statement assigns, and the expression; (None, None) where it is no such statement."""
    if isinstance(one, ast.Assign) and len(one.targets) == 1 and isinstance(one.targets[0], ast.Name):
        return one.targets[0].id, one.value
    if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
        return one.target.id, one.value
    if isinstance(one, ast.Return | ast.Expr):
        return None, one.value
    return None, None
