"""Evaluate a source file of timm as far as the call of a network's class, without running or importing it.

Each function with `@register_model` ends in a call of `build_model_with_cfg`, which builds a network of a class.
That call, with its arguments as literals, is a definition that `import_definition.read_network` reads.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scalesearch.export.library_rules import make_divisible

FAMILIES = ("efficientnet", "mobilenetv3", "regnet", "resnet", "convnext", "byobnet", "ghostnet")
"""The files of timm's `models` whose registered functions are read."""
_BUILDER, _CONFIGS = "build_model_with_cfg", "default_cfgs"
_ABSORBED = (
    "features_only",
    "pretrained_strict",
    "pretrained_filter_fn",
    "kwargs_filter",
    "feature_cfg",
    "pretrained_cfg",
    "pretrained_cfg_overlay",
    "pretrained",
)
"""Keywords of `build_model_with_cfg` that do not reach the class of the network."""


class NotFollowedError(Exception):
    """The error of a source that has something which is not evaluated."""


@dataclass(frozen=True)
class Name:
    """A name is one that stands for itself in the definition: a class or a function of a library."""

    text: str


@dataclass
class Made:
    """A made value is a call that stands for itself in the definition."""

    name: str
    arguments: list[Any]
    keywords: dict[str, Any]


@dataclass
class Function:
    """A function is one of the source, with the values around it."""

    node: ast.FunctionDef | ast.Lambda
    outer: dict[str, Any] = field(default_factory=dict)


class _NetworkFound(Exception):  # noqa: N818 it ends the evaluation, and is no error
    """The call of a network's class, at which the evaluation ends."""

    def __init__(self, call: Made) -> None:
        super().__init__(call.name)
        self.call = call


class _Returned(Exception):  # noqa: N818
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


def round_channels(
    channels: float,
    multiplier: float = 1.0,
    divisor: int = 8,
    channel_min: int | None = None,
    round_limit: float = 0.9,
) -> float:
    """Return what timm's rounding of channels gives, where the source calls it for a keyword's value."""
    return make_divisible(channels * multiplier, divisor, channel_min, round_limit) if multiplier else channels


_PLAIN = (max, min, len, tuple, list, zip, range, int, float, round, enumerate, str, sum, reversed, bool)
_CALLABLE: dict[str, Any] = {one.__name__: one for one in (*_PLAIN, round_channels)}
_SYMBOLIC = ("decode_arch_def", "partial")
"""Functions whose calls stand in the definition as they are."""
_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
    ast.Pow: lambda a, b: a**b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: lambda a, b: a is b,
    ast.IsNot: lambda a, b: a is not b,
}


class Source:
    """A source is the module of one family with the builder's helpers, evaluated as far as a definition needs."""

    def __init__(self, models: Path, family: str) -> None:
        self.values: dict[str, Any] = {}
        self._expressions: dict[str, ast.expr] = {}
        self._loops: list[ast.For] = []
        self.registered: list[ast.FunctionDef] = []
        for name in ("_efficientnet_builder", family):
            for node in ast.parse((models / f"{name}.py").read_text(encoding="utf-8")).body:
                self._top_level(node, name == family)
        for name in _SYMBOLIC:
            self.values.pop(name, None)
        self.values |= _CALLABLE
        for loop in self._loops:
            self._statement(loop, {})

    def _top_level(self, node: ast.stmt, is_family: bool) -> None:
        if isinstance(node, ast.FunctionDef):
            self.values[node.name] = Function(node)
            decorators = [one.id for one in node.decorator_list if isinstance(one, ast.Name)]
            if is_family and "register_model" in decorators:
                self.registered.append(node)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            self._expressions[node.targets[0].id] = node.value
        elif isinstance(node, ast.For) and is_family:
            self._loops.append(node)

    def network(self, function: ast.FunctionDef) -> Made:
        """Return the call of a class that a registered function ends in.

        Raises:
            NotFollowedError: the function has something that is not evaluated.
        """
        try:
            self._run(Function(function), [], {})
        except _NetworkFound as network:
            return network.call
        except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
            raise NotFollowedError(f"{function.name}: {error!r}") from error
        raise NotFollowedError(f"{function.name} builds no network")

    def default_config(self, name: str) -> Mapping[str, Any]:
        """Return timm's default settings of a model: its `input_size`, and arguments such as `num_classes`.

        They are those of the tag that timm prefers (`models/_registry.py`, `generate_default_cfgs`).

        Raises:
            NotFollowedError: there are none, or the file has something that is not evaluated.
        """
        try:
            table = self._named(_CONFIGS, {}).arguments[0]
        except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
            raise NotFollowedError(f"{_CONFIGS}: {error!r}") from error
        found: deque[Mapping[str, Any]] = deque()
        has_weights = is_set = False
        for key, config in table.items():
            model, _, tag = key.partition(".")
            if model != name:
                continue
            weighted = any(config.get(origin) for origin in ("url", "file", "hf_hub_id"))
            is_preferred = (weighted and not tag) or (tag.endswith("*") and not is_set)
            add = found.appendleft if is_preferred or (weighted and not has_weights) else found.append
            add(config)
            is_set, has_weights = is_set or is_preferred, has_weights or weighted
        if not found:
            raise NotFollowedError(f"{_CONFIGS} has no {name}")
        return found[0]

    def _run(self, function: Function, arguments: Sequence[Any], keywords: dict[str, Any]) -> Any:
        names = dict(function.outer)
        spec = function.node.args
        parameters = [one.arg for one in spec.args]
        defaults = dict(zip(parameters[len(parameters) - len(spec.defaults) :], spec.defaults, strict=True))
        names |= {name: self._value(default, {}) for name, default in defaults.items()}
        names |= dict(zip(parameters, arguments, strict=False))
        if spec.kwarg is not None:
            names[spec.kwarg.arg] = {name: value for name, value in keywords.items() if name not in parameters}
        names |= {name: value for name, value in keywords.items() if name in parameters}
        if isinstance(function.node, ast.Lambda):
            return self._value(function.node.body, names)
        try:
            self._body(function.node.body, names)
        except _Returned as returned:
            return returned.value
        return None

    def _body(self, body: list[ast.stmt], names: dict[str, Any]) -> None:
        for statement in body:
            self._statement(statement, names)

    def _statement(self, node: ast.stmt, names: dict[str, Any]) -> None:
        match node:
            case ast.Return():
                raise _Returned(None if node.value is None else self._value(node.value, names))
            case ast.Assign(targets=[target]):
                self._assign(target, self._value(node.value, names), names)
            case ast.AugAssign(target=ast.Name(id=name)):
                names[name] = _OPERATORS[type(node.op)](names[name], self._value(node.value, names))
            case ast.If():
                self._body(node.body if self._value(node.test, names) else node.orelse, names)
            case ast.For():
                for item in self._value(node.iter, names):
                    self._assign(node.target, item, names)
                    self._body(node.body, names)
            case ast.Expr():
                self._value(node.value, names)
            case ast.FunctionDef():
                names[node.name] = Function(node, names)
            case ast.Assert() | ast.Pass():
                pass
            case _:
                raise NotFollowedError(f"line {node.lineno}: {type(node).__name__} is not followed")

    def _assign(self, target: ast.expr, value: Any, names: dict[str, Any]) -> None:
        match target:
            case ast.Name(id=name):
                names[name] = value
            case ast.Tuple(elts=targets):
                for one, item in zip(targets, value, strict=True):
                    self._assign(one, item, names)
            case ast.Subscript():
                self._value(target.value, names)[self._value(target.slice, names)] = value
            case _:
                raise NotFollowedError(f"line {target.lineno}: this assignment is not followed")

    def _named(self, name: str, names: dict[str, Any]) -> Any:
        if name in names:
            return names[name]
        if name not in self.values and name in self._expressions:
            self.values[name] = self._value(self._expressions[name], {})
        return self.values.get(name, Name(name))

    def _value(self, node: ast.expr, names: dict[str, Any]) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name(id=name):
                return self._named(name, names)
            case ast.List():
                return self._items(node.elts, names)
            case ast.Tuple():
                return tuple(self._items(node.elts, names))
            case ast.Dict():
                return self._dict(node, names)
            case ast.Lambda():
                return Function(node, names)
            case ast.Attribute():
                owner = self._value(node.value, names)
                return Name(f"{owner.text}.{node.attr}") if isinstance(owner, Name) else getattr(owner, node.attr)
            case ast.Subscript():
                return self._value(node.value, names)[self._value(node.slice, names)]
            case ast.Call():
                return self._call(node, names)
            case ast.ListComp() | ast.GeneratorExp():
                return list(self._comprehension(node.elt, node.generators, dict(names)))
            case _:
                return self._operation(node, names)

    def _operation(self, node: ast.expr, names: dict[str, Any]) -> Any:
        match node:
            case ast.BinOp():
                return _OPERATORS[type(node.op)](self._value(node.left, names), self._value(node.right, names))
            case ast.Compare(ops=[operator], comparators=[right]):
                return _OPERATORS[type(operator)](self._value(node.left, names), self._value(right, names))
            case ast.BoolOp():
                value: Any = None
                for one in node.values:
                    value = self._value(one, names)
                    if bool(value) == isinstance(node.op, ast.Or):
                        break
                return value
            case ast.UnaryOp(op=ast.USub()):
                return -self._value(node.operand, names)
            case ast.UnaryOp(op=ast.Not()):
                return not self._value(node.operand, names)
            case ast.JoinedStr():
                return "".join(str(self._value(part, names)) for part in node.values)
            case ast.FormattedValue():
                return self._value(node.value, names)
            case ast.IfExp():
                return self._value(node.body if self._value(node.test, names) else node.orelse, names)
            case _:
                raise NotFollowedError(f"line {node.lineno}: {type(node).__name__} is not followed")

    def _items(self, nodes: Sequence[ast.expr], names: dict[str, Any]) -> list[Any]:
        items: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                items += self._value(node.value, names)
            else:
                items.append(self._value(node, names))
        return items

    def _dict(self, node: ast.Dict, names: dict[str, Any]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            item = self._value(value, names)
            found |= item if key is None else {self._value(key, names): item}
        return found

    def _comprehension(
        self, element: ast.expr, generators: Sequence[ast.comprehension], names: dict[str, Any]
    ) -> Iterator[Any]:
        if not generators:
            yield self._value(element, names)
            return
        for item in self._value(generators[0].iter, names):
            self._assign(generators[0].target, item, names)
            if all(self._value(test, names) for test in generators[0].ifs):
                yield from self._comprehension(element, generators[1:], names)

    def _call(self, node: ast.Call, names: dict[str, Any]) -> Any:
        function = self._value(node.func, names)
        arguments = self._items(node.args, names)
        keywords: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self._value(keyword.value, names)
            keywords |= value if keyword.arg is None else {keyword.arg: value}
        return self._called(function, arguments, keywords)

    def _called(self, function: Any, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        match function:
            case Function():
                return self._run(function, arguments, keywords)
            case Name(text="dict"):
                return {key: value for one in arguments for key, value in dict(one).items()} | keywords
            case Name(text="get_act_layer" | "get_norm_layer" | "deepcopy"):
                return arguments[0]
            case Name(text="replace"):
                return Made(arguments[0].name, arguments[0].arguments, arguments[0].keywords | keywords)
            case Name(text=name) if name == _BUILDER:
                raise _NetworkFound(_network_call(arguments, keywords))
            case Name(text=name):
                return Made(name, arguments, keywords)
            case Made(name="partial"):
                target, *bound = function.arguments
                return self._called(target, [*bound, *arguments], function.keywords | keywords)
            case _ if callable(function):
                return function(*arguments, **keywords)
            case _:
                raise NotFollowedError(f"{function!r} is not called")


def _network_call(arguments: list[Any], keywords: dict[str, Any]) -> Made:
    """The call of the class that `build_model_with_cfg` makes."""
    kept = {name: value for name, value in keywords.items() if name not in _ABSORBED}
    if "model_cfg" in kept:
        kept = {"cfg": kept.pop("model_cfg")} | kept
    return Made(arguments[0].text, [], kept)


def text_of(value: Any) -> str:
    """Return a value as the Python text of a definition."""
    match value:
        case Made():
            inner = [text_of(one) for one in value.arguments]
            inner += [f"{name}={text_of(one)}" for name, one in value.keywords.items()]
            return f"{value.name}({', '.join(inner)})"
        case Name():
            return value.text
        case Function():
            return "a_function"
        case dict():
            return f"dict({', '.join(f'{name}={text_of(one)}' for name, one in value.items())})"
        case list():
            return f"[{', '.join(map(text_of, value))}]"
        case tuple():
            return f"({', '.join(map(text_of, value))},)" if value else "()"
        case _ if callable(value):
            return str(value.__name__)
        case _:
            return repr(value)
