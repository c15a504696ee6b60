"""A parser of Python text without running it: assignments, lists, numbers, strings, and calls of names."""

from __future__ import annotations

import ast
import warnings
from dataclasses import replace
from typing import TypeGuard

from scalesearch.errors import InputError
from scalesearch.export.values import Call, Definition, Items, Literal, Symbol, Value

_HARMLESS = ("eval", "train")
"""Methods that return the network unchanged."""
_LIBRARIES = ("functools", "timm", "torch", "torchvision")
"""Packages whose names are known without their module."""


def read_definition(text: str, source: str) -> Definition:
    """Parse a text of assignments and calls.

    Args:
        text: Python; imports and docstrings are skipped, the statements of functions are read in order.
        source: the name that error messages begin with, such as the file's path.

    Raises:
        InputError: anything else is in the text; one line, `where:line: reason`.
    """
    definition = Definition(source)
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
        self._imported: set[str] = set()
        self._unbound: set[str] = set()
        """Names that were used before they were assigned."""
        self._functions: dict[str, Value] = {}
        """The value that each function returns."""
        self._returned: list[Value] = []

    def statements(self, body: list[ast.stmt]) -> None:
        """Read statements in order."""
        for statement in body:
            self._statement(statement)

    def _statement(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            self._import(statement)
            return
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            return
        if isinstance(statement, ast.FunctionDef):
            self._function(statement)
            return
        if isinstance(statement, ast.AnnAssign):
            self._check_annotation(statement.annotation)
        target, expression = _assignment(statement)
        if expression is None:
            raise self._refused(statement, "only assignments, calls and functions of them are read")
        value = self._value(expression)
        self._definition.values.append(value)
        if target is not None:
            self._bind(target, value, statement)
        if isinstance(statement, ast.Return):
            self._returned.append(value)

    def _bind(self, name: str, value: Value, statement: ast.stmt) -> None:
        if name in self._definition.names:
            raise self._refused(statement, f"{name} is assigned twice; keep one")
        if name in self._unbound:
            raise self._refused(statement, f"{name} is used above; assign it before")
        self._definition.names[name] = value

    def _import(self, statement: ast.Import | ast.ImportFrom) -> None:
        """Bind each imported name to its name in its module."""
        for alias in statement.names:
            module = (
                "." * statement.level + (statement.module or "")
                if isinstance(statement, ast.ImportFrom)
                else alias.name
            )
            top = module.partition(".")[0]
            is_foreign = top not in _LIBRARIES
            if isinstance(statement, ast.Import):
                local, name = alias.asname or top, alias.name if alias.asname else top
                name = name if is_foreign else name.rpartition(".")[2]
            elif alias.name == "*":
                if is_foreign:
                    raise self._refused(statement, f"import * from {module}: name what is imported")
                continue
            else:
                local, name = alias.asname or alias.name, f"{module}.{alias.name}" if is_foreign else alias.name
            known = self._definition.names.get(local)
            if local not in self._imported or not isinstance(known, Symbol) or known.name != name:
                self._bind(local, Symbol(statement.lineno, name, is_foreign), statement)
            self._imported.add(local)

    def _function(self, function: ast.FunctionDef) -> None:
        """Read the statements of a function.

        A parameter must not hide a value of the same name, because the value of a parameter is not known.
        """
        for decorator in function.decorator_list:
            raise self._refused(decorator, "a decorator is not followed; write the final network out")
        arguments, names = function.args, self._definition.names
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self._value(default)
        optional = (parameter for parameter in (arguments.vararg, arguments.kwarg) if parameter is not None)
        parameters = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *optional)
        if {"depth", "width", "resolution"} <= {parameter.arg for parameter in parameters}:
            raise self._refused(
                function,
                f"{function.name} scales its network itself; it needs no import: give MODULE:{function.name} as a "
                "baseline",
            )
        self._check_annotation(function.returns)
        for parameter in parameters:
            self._check_annotation(parameter.annotation)
            if parameter.arg in names:
                line = parameter.lineno
                raise self._definition.refused(line, f"{parameter.arg} is assigned above as well; rename one")
        names |= {
            parameter.arg: Symbol(parameter.lineno, f"{function.name}.{parameter.arg}", True)
            for parameter in parameters
        }
        outer_returned, self._returned = self._returned, []
        self.statements(function.body)
        self._functions[function.name] = self._returned[0] if self._returned else Literal(function.lineno, None)
        self._returned = outer_returned
        for parameter in parameters:
            del names[parameter.arg]
        self._bind(function.name, Symbol(function.lineno, f"{function.name}()", True), function)

    def _check_annotation(self, node: ast.expr | None) -> None:
        """Refuse calls in an annotation: Python runs annotations, so a call could change the network."""
        for inner in ast.walk(node) if node is not None else ():
            if isinstance(inner, ast.Call | ast.NamedExpr):
                raise self._refused(inner, "a call in an annotation is not followed; leave it out")

    def _value(self, node: ast.expr) -> Value:
        line = node.lineno
        if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | bool | None):
            return Literal(line, node.value)
        if isinstance(node, ast.List | ast.Tuple):
            items = Items(line, tuple(self._value(element) for element in node.elts))
            self._definition.made.append(items)
            return items
        if isinstance(node, ast.Name | ast.Attribute):
            return self._resolve(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Dict):
            return self._dict(node)
        raise self._refused(node, "is neither a number, string, list nor call of a name; write the value out")

    def _resolve(self, node: ast.expr) -> Value:
        """Return what a name stands for; attributes are followed only in modules."""
        if isinstance(node, ast.Name):
            bound = self._definition.names.get(node.id)
            if bound is None:
                self._unbound.add(node.id)
                return Symbol(node.lineno, node.id)
            if isinstance(bound, Symbol) and node.id in self._imported:
                return replace(bound, line=node.lineno)
            return bound
        inner, members = node, list[str]()
        while isinstance(inner, ast.Attribute):
            members.insert(0, inner.attr)
            inner = inner.value
        if not members or not isinstance(inner, ast.Name):
            raise self._refused(node, "is not a plain name; write the value out")
        owner = self._resolve(inner)
        if not isinstance(owner, Symbol):
            path = ".".join((inner.id, *members))
            raise self._refused(node, f"{path} is not followed; write the final network out")
        name = ".".join((owner.name, *members)) if owner.outside else members[-1]
        return Symbol(node.lineno, name, owner.outside)

    def _call(self, node: ast.Call) -> Value:
        unchanged_network = self._unchanged_network(node)
        if unchanged_network is not None:
            return unchanged_network
        callee = self._resolve(node.func)
        arguments, keywords = self._arguments(node)
        if isinstance(node.func, ast.Name) and node.func.id in self._functions:
            if arguments or keywords:
                raise self._refused(node, f"arguments of {node.func.id} are not followed; write them in its place")
            return self._functions[node.func.id]
        if _is_partial(callee):  # as functools.partial: torchvision's `bneck_conf`
            callee, arguments, keywords = self._apply_partial(callee, arguments, keywords)
        if not isinstance(callee, Symbol):
            raise self._refused(node, "calls a value, which is not followed; write the final network out")
        if callee.name == "partial" and arguments and _is_partial(arguments[0]):
            target, arguments, keywords = self._apply_partial(arguments[0], arguments[1:], keywords)
            arguments = (target, *arguments)
        if callee.name == "dict" and arguments:
            raise self._refused(node, "dict of a value is not followed; write its keywords out")
        return self._make_call(node, callee.name, arguments, keywords)

    def _apply_partial(
        self, partial: Call, arguments: tuple[Value, ...], keywords: dict[str, Value]
    ) -> tuple[Value, tuple[Value, ...], dict[str, Value]]:
        """Return what a `partial` calls, with its arguments followed by further ones.

        The `partial` is removed from the values of the definition.
        """
        made, values = self._definition.made, self._definition.values
        made[:] = [value for value in made if value is not partial]
        values[:] = [value for value in values if value is not partial]
        target, *bound = partial.arguments
        return target, (*bound, *arguments), partial.keywords | keywords

    def _unchanged_network(self, node: ast.Call) -> Call | None:
        """Return the network that a harmless method returns unchanged: `net.eval()`, `EfficientNet(…).eval()`."""
        method = node.func
        if not isinstance(method, ast.Attribute) or method.attr not in _HARMLESS:
            return None
        owner = self._value(method.value) if isinstance(method.value, ast.Name | ast.Call) else None
        if not isinstance(owner, Call):
            return None
        self._arguments(node)
        return owner

    def _arguments(self, node: ast.Call) -> tuple[tuple[Value, ...], dict[str, Value]]:
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
        return tuple(self._value(arg) for arg in node.args), keywords

    def _make_call(
        self, node: ast.expr, name: str, arguments: tuple[Value, ...], keywords: dict[str, Value]
    ) -> Call:
        call = Call(node.lineno, name, arguments, keywords)
        self._definition.made.append(call)
        return call

    def _dict(self, node: ast.Dict) -> Call:
        keywords: dict[str, Value] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                raise self._refused(value, "a dict's keys must be words")
            self._add(keywords, key.value, self._value(value), key)
        return self._make_call(node, "dict", (), keywords)

    def _add(self, mapping: dict[str, Value], key: str, value: Value, node: ast.expr) -> None:
        if key in mapping:
            raise self._refused(node, f"{key} stands twice; keep one")
        mapping[key] = value

    def _refused(self, node: ast.stmt | ast.expr, reason: str) -> InputError:
        return self._definition.refused(node.lineno, reason)


def _is_partial(value: Value) -> TypeGuard[Call]:
    return isinstance(value, Call) and value.name == "partial" and bool(value.arguments)


def _assignment(statement: ast.stmt) -> tuple[str | None, ast.expr | None]:
    """Return the name that a statement assigns and the expression, or (None, None) for any other statement."""
    if (
        isinstance(statement, ast.Assign)
        and len(statement.targets) == 1
        and isinstance(statement.targets[0], ast.Name)
    ):
        return statement.targets[0].id, statement.value
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id, statement.value
    if isinstance(statement, ast.Return | ast.Expr):
        return None, statement.value
    return None, None
