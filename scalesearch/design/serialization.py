"""Define how fields of dataclasses are serialised: under which key, and when a field is omitted.

Ids are hashes of the serialised form, and studies of users contain it, so a key never changes. The name of a field
in Python may change. A field whose name differs from its key says so in its metadata, as in
`alpha: int = field(metadata=written_as("a"))`. `tests/fixtures/disk_format.json` lists every key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field
from typing import Any

_KEY, _OMIT, _OWN_KEYS, _SHARED = "key", "omit_if_default", "own_keys", "shared"
OMIT_IF_DEFAULT: Mapping[str, Any] = {_OMIT: True}
"""The metadata of a field that is omitted at its default value.

Fields that were added after results had been written have it, so that older ids stay valid.
"""

OWN_KEYS: Mapping[str, Any] = {_OWN_KEYS: True}
"""The metadata of a field whose value has a `to_json()`, the keys of which join those of the other fields."""

SHARED: Mapping[str, Any] = {_SHARED: True}
"""The metadata of a field whose value many objects have in common: it is serialised and read once.

The value must be hashable and hold no floats.
"""


def written_as(key: str, omit_if_default: bool = False) -> Mapping[str, Any]:
    """Return the metadata of a field that is serialised under another key than its name."""
    return {_KEY: key, _OMIT: omit_if_default}


def key_of(field: Field[Any]) -> str:
    """Return the key that a field is serialised under: its name, unless its metadata names another key."""
    key: str = field.metadata.get(_KEY, field.name)
    return key


def has_own_keys(field: Field[Any]) -> bool:
    """Return whether a field is serialised under the keys that its value names."""
    return bool(field.metadata.get(_OWN_KEYS, False))


def is_omitted_at_default(field: Field[Any]) -> bool:
    """Return whether a field is omitted from the serialised form where it has its default value."""
    return bool(field.metadata.get(_OMIT, False))


def is_shared(field: Field[Any]) -> bool:
    """Return whether many objects have the same value of a field."""
    return bool(field.metadata.get(_SHARED, False))
