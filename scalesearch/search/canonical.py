"""Converts frozen values to canonical JSON and back, and hashes it: trials and networks get their ids from it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from decimal import Decimal
from functools import cache, lru_cache, partial
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from scalesearch.design.decimals import format_decimal
from scalesearch.design.serialization import has_own_keys, is_omitted_at_default, is_shared, key_of
from scalesearch.design.strict_yaml import dotted
from scalesearch.errors import did_you_mean

ID_DIGITS = 16
"""The number of hex digits of a trial's or a network's id."""

_MOST_SHARED = 2**13
"""The number of shared values that are kept."""

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def as_json(value: object, floats: bool = False) -> Json:
    """Convert a frozen value to JSON: dataclasses to objects, tuples to lists, decimals to plain strings.

    Keys are the serialized names of the fields, and some fields are left out at their default; see
    `design.serialization`.

    Args:
        value: the value.
        floats: whether floats are allowed: measurements contain them, but values that are hashed must not.

    Raises:
        TypeError: a float where none is allowed, or anything else that has no unique exact text.
    """
    if value is None or type(value) in (bool, int, str):
        return cast("Json", value)
    if is_dataclass(value) and not isinstance(value, type):
        tree: dict[str, Json] = {}
        for written in _written_fields(type(value)):
            field_value = getattr(value, written.name)
            if written.has_own_keys:
                tree |= field_value.to_json()
            elif not (written.is_omitted and field_value == written.default):
                shared = written.is_shared
                tree[written.key] = _shared_json(field_value) if shared else as_json(field_value, floats)
        return tree
    if isinstance(value, Decimal):
        return format_decimal(value)
    if isinstance(value, tuple | list):
        return [as_json(item, floats) for item in value]
    if floats and isinstance(value, float):
        return value
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"{type(value).__name__} has no canonical text")


@dataclass(frozen=True, slots=True)
class _WrittenField:
    """Holds how a field is written."""

    name: str
    key: str
    has_own_keys: bool
    is_shared: bool
    is_omitted: bool
    """Whether the field is omitted at its default."""
    default: object


@cache
def _written_fields(type_: type) -> tuple[_WrittenField, ...]:
    return tuple(
        _WrittenField(
            field.name,
            key_of(field),
            has_own_keys(field),
            is_shared(field),
            is_omitted_at_default(field),
            field.default,
        )
        for field in fields(type_)
    )


@lru_cache(maxsize=_MOST_SHARED)
def _shared_json(value: object) -> Json:
    """Return the JSON of a value that many objects share; it must not be changed."""
    return as_json(value)


def digest(value: object) -> str:
    """Return the first 16 hex digits of the SHA-256 of the value's canonical JSON (sorted keys, no spaces)."""
    return json_digest(as_json(value))[:ID_DIGITS]


def json_digest(tree: Json) -> str:
    """Return the SHA-256 (hex) of canonical JSON: sorted keys, no spaces, ASCII.

    Raises:
        ValueError: the tree contains NaN or an infinity.
    """
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


_T = TypeVar("_T")
_hints = cache(get_type_hints)


def from_json(kind: type[_T], value: object, path: tuple[str | int, ...] = ()) -> _T:
    """Read strictly the frozen value that `as_json` wrote, or that a person wrote in a file.

    Raises:
        MalformedError: a missing, unknown or ill-typed key, with its path.
        SpaceError: a value breaks a rule of its own type.
    """
    return cast("_T", _read(kind, value, path))


class MalformedError(ValueError):
    """Raised for a value of the wrong form; `path` locates it."""

    def __init__(self, path: tuple[str | int, ...], reason: str) -> None:
        super().__init__(f"{dotted(path)}: {reason}")
        self.path = path
        self.reason = reason


def _read(type_: Any, value: object, path: tuple[str | int, ...]) -> object:
    return _reader(type_)(value, path)


_Reader = Callable[[object, tuple[str | int, ...]], object]


@cache
def _reader(type_: Any) -> _Reader:
    """Return the function that reads values of a type: a study has many values of few types."""
    if is_dataclass(type_):
        return partial(_read_fields, _fields_of(cast("Any", type_)))
    origin, arguments = get_origin(type_), get_args(type_)
    if origin is tuple:
        return partial(_read_tuple, _reader(arguments[0]))
    if origin is Literal:
        return partial(_read_literal, arguments)
    if arguments:  # X | None, or one of several kinds of value
        return partial(_read_union, arguments)
    return partial(_read_plain, type_)


def _read_literal(choices: tuple[object, ...], value: object, path: tuple[str | int, ...]) -> object:
    if value in choices:
        return value
    raise MalformedError(path, f"is {value!r}, but must be one of {', '.join(map(str, choices))}")


def _read_union(types: tuple[Any, ...], value: object, path: tuple[str | int, ...]) -> object:
    return None if value is None else _reader(_select_type(types, value))(value, path)


def _read_plain(type_: Any, value: object, path: tuple[str | int, ...]) -> object:
    if type(value) is type_:
        return value
    if type_ is Decimal and _PLAIN_NUMBER.fullmatch(str(value)) and not isinstance(value, float):
        return Decimal(str(value))
    if type_ is float and type(value) is int:
        return float(value)
    text = str(value) if isinstance(value, Decimal) else repr(value)
    raise MalformedError(path, f"is {text}, but must be {_TYPE_NAMES.get(type_, type_.__name__)}")


def _select_type(types: tuple[Any, ...], value: object) -> Any:
    """Choose the type of a union to read: Decimal for text, a dataclass whose keys fit, otherwise the first."""
    for type_ in types:
        if type_ is Decimal and isinstance(value, str | Decimal):
            return type_
        if (
            is_dataclass(type_)
            and isinstance(value, dict)
            and set(value) <= {key_of(field) for field in fields(type_)}
        ):
            return type_
    return types[0]


_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,100})?")
"""The numbers that `plain` writes: no NaN, no infinity, and no exponent, which could expand to gigabytes."""

_TYPE_NAMES = {int: "a whole number", str: "a text", float: "a number", Decimal: "a number", bool: "true or false"}


def _read_tuple(read_item: _Reader, value: object, path: tuple[str | int, ...]) -> object:
    if not isinstance(value, list | tuple):
        raise MalformedError(path, "must be a list")
    return tuple(read_item(item, (*path, index)) for index, item in enumerate(value))


@dataclass(frozen=True, slots=True)
class _Fields:
    """Holds how the fields of a class are read."""

    type_: Any
    names: dict[str, str]
    """The name of each field by its key."""
    readers: dict[str, _Reader]
    """What reads each field, by its key."""
    required: tuple[str, ...]
    """The keys without a default."""


@cache
def _fields_of(type_: Any) -> _Fields:
    known, hints = {key_of(field): field for field in fields(type_)}, _hints(type_)
    return _Fields(
        type_,
        names={key: field.name for key, field in known.items()},
        readers={
            key: partial(_read_shared, _reader(hints[field.name]))
            if is_shared(field)
            else _reader(hints[field.name])
            for key, field in known.items()
        },
        required=tuple(key for key, field in known.items() if field.default is MISSING),
    )


def _read_fields(of: _Fields, value: object, path: tuple[str | int, ...]) -> object:
    if not isinstance(value, dict):
        raise MalformedError(path, "must be a mapping of keys")
    for key in value:
        if key not in of.names:
            raise MalformedError(
                (*path, key),
                f"is not a key here; known are {', '.join(of.names)}{did_you_mean(str(key), of.names)}",
            )
    for key in of.required:
        if key not in value:
            raise MalformedError((*path, key), "is missing")
    return of.type_(**{of.names[key]: of.readers[key](item, (*path, key)) for key, item in value.items()})


def _read_shared(read: _Reader, value: object, path: tuple[str | int, ...]) -> object:
    try:
        text = json.dumps(value)
    except TypeError:  # a file that a person wrote has decimals
        return read(value, path)
    return _read_text(read, text, path)


@lru_cache(maxsize=_MOST_SHARED)
def _read_text(read: _Reader, text: str, path: tuple[str | int, ...]) -> object:
    return read(json.loads(text), path)
