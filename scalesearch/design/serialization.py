"""How the fields of frozen values are written: under which key, and when a field is left out.

Ids are hashes of what is written, and studies of users hold it, so a written key never changes. The name of a field
in Python may: a field whose name is not its key says so, `alpha: int = field(metadata=written_as("a"))`.
`tests/fixtures/disk_format.json` holds every key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field
from typing import Any

_KEY, _OMIT, _OWN_KEYS = "key", "omit_if_default", "own_keys"
OMIT_IF_DEFAULT: Mapping[str, Any] = {_OMIT: True}
"""Metadata of a field that came after results had been written: left out at its default, so that older ids hold."""


OWN_KEYS: Mapping[str, Any] = {_OWN_KEYS: True}
"""Metadata of a field whose value has a `to_json()` that names its own keys, which stand beside the others."""


def written_as(key: str, omit_if_default: bool = False) -> Mapping[str, Any]:
    """Metadata of a field that is written under another key than its name."""
    return {_KEY: key, _OMIT: omit_if_default}


def key_of(field: Field[Any]) -> str:
    """The key that a field is written under: its name, unless its metadata says otherwise."""
    key: str = field.metadata.get(_KEY, field.name)
    return key


def has_own_keys(field: Field[Any]) -> bool:
    """Whether a field is written by the keys that its value names."""
    return bool(field.metadata.get(_OWN_KEYS, False))


def is_omitted(field: Field[Any], value: object) -> bool:
    """Whether a field of this value is left out of what is written."""
    return bool(field.metadata.get(_OMIT, False)) and value == field.default
