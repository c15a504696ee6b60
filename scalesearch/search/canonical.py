"""One text for one value, and its hash: how trials and networks get their ids."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from decimal import Decimal

from scalesearch.design.exact import plain

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def as_json(value: object) -> Json:
    """A frozen value as JSON: dataclasses as objects, tuples as lists, decimals as plain strings.

    Raises:
        TypeError: a float or anything else that has no one exact text.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, tuple | list):
        return [as_json(one) for one in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"{type(value).__name__} has no canonical text")


def digest(value: object) -> str:
    """The first 16 hex digits of the SHA-256 of the value's canonical JSON (sorted keys, no spaces)."""
    text = json.dumps(as_json(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
