"""One text for one value, its hash (how trials and networks get their ids), and the way back."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from scalesearch.design.exact import plain
from scalesearch.design.serialization import has_own_keys, is_omitted, key_of
from scalesearch.design.strict_yaml import dotted
from scalesearch.errors import did_you_mean

ID_DIGITS = 16
"""Of a trial's or a network's id."""

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def as_json(value: object, floats: bool = False) -> Json:
    """A frozen value as JSON: dataclasses as objects, tuples as lists, decimals as plain strings.

    Args:
        value: what is written.
        floats: measurements are floats and may be written; what an id is made of holds none.

    Keys are those that the fields are written under, and some fields are left out at their default; see
    `design.serialization`.

    Raises:
        TypeError: a float where none is allowed, or anything else that has no one exact text.
    """
    if is_dataclass(value) and not isinstance(value, type):
        found: dict[str, Json] = {}
        for one in fields(value):
            own = getattr(value, one.name)
            if has_own_keys(one):
                found |= own.to_json()
            elif not is_omitted(one, own):
                found[key_of(one)] = as_json(own, floats)
        return found
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, tuple | list):
        return [as_json(one, floats) for one in value]
    if floats and isinstance(value, float):
        return value
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"{type(value).__name__} has no canonical text")


def digest(value: object) -> str:
    """The first 16 hex digits of the SHA-256 of the value's canonical JSON (sorted keys, no spaces)."""
    return json_digest(as_json(value))[:ID_DIGITS]


def json_digest(tree: Json) -> str:
    """The SHA-256 (hex) of canonical JSON: sorted keys, no spaces, ASCII.

    Raises:
        ValueError: it holds NaN or an infinity.
    """
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


_T = TypeVar("_T")
_hints = cache(get_type_hints)


def from_json(kind: type[_T], value: object, path: tuple[str | int, ...] = ()) -> _T:
    """The frozen value that `as_json` wrote, or that a person wrote in a file; strict.

    Raises:
        MalformedError: a missing, unknown or ill-typed key, with its path.
        SpaceError: a value breaks a rule of its own type.
    """
    return cast("_T", _read(kind, value, path))


class MalformedError(ValueError):
    """A value of the wrong form; `path` says where."""

    def __init__(self, path: tuple[str | int, ...], reason: str) -> None:
        super().__init__(f"{dotted(path)}: {reason}")
        self.path = path
        self.reason = reason


def _read(kind: Any, value: object, path: tuple[str | int, ...]) -> object:
    if is_dataclass(kind):
        return _read_fields(kind, value, path)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        return _read_tuple(arguments, value, path)
    if origin is Literal:
        if value in arguments:
            return value
        raise MalformedError(path, f"is {value!r}, but must be one of {', '.join(map(str, arguments))}")
    if arguments:  # X | None, or one of several kinds of value
        return None if value is None else _read(_fitting(arguments, value), value, path)
    if kind is Decimal and _PLAIN_NUMBER.fullmatch(str(value)) and not isinstance(value, float):
        return Decimal(str(value))
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        shown = str(value) if isinstance(value, Decimal) else repr(value)
        raise MalformedError(path, f"is {shown}, but must be {_WORDS.get(kind, kind.__name__)}")
    return value


def _fitting(kinds: tuple[Any, ...], value: object) -> Any:
    """Of several dataclasses the one whose keys the value has; of numbers a decimal for a text; else the first."""
    for kind in kinds:
        if kind is Decimal and isinstance(value, str | Decimal):
            return kind
        if (
            is_dataclass(kind)
            and isinstance(value, dict)
            and set(value) <= {key_of(field) for field in fields(kind)}
        ):
            return kind
    return kinds[0]


_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,100})?")
"""What `plain` writes: no NaN, no infinity, and no exponent that a few characters could make gigabytes of."""

_WORDS = {int: "a whole number", str: "a text", float: "a number", Decimal: "a number", bool: "true or false"}


def _read_tuple(arguments: tuple[Any, ...], value: object, path: tuple[str | int, ...]) -> object:
    if not isinstance(value, list | tuple):
        raise MalformedError(path, "must be a list")
    return tuple(_read(arguments[0], one, (*path, index)) for index, one in enumerate(value))


def _read_fields(kind: Any, value: object, path: tuple[str | int, ...]) -> object:
    if not isinstance(value, dict):
        raise MalformedError(path, "must be a mapping of keys")
    known = {key_of(field): field for field in fields(kind)}
    for key in value:
        if key not in known:
            raise MalformedError(
                (*path, key), f"is not a key here; known are {', '.join(known)}{did_you_mean(str(key), known)}"
            )
    hints = _hints(kind)
    for key, field in known.items():
        if key not in value and field.default is MISSING:
            raise MalformedError((*path, key), "is missing")
    names = {key: field.name for key, field in known.items()}
    return kind(**{names[key]: _read(hints[names[key]], one, (*path, key)) for key, one in value.items()})
