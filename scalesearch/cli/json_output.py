"""The `--json` option: one JSON object on standard output, and nothing else there."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any

from scalesearch.cli.facts import OUTPUTS, Facts


@contextmanager
def reserve_stdout(json: bool) -> Iterator[None]:
    """Reserve standard output for JSON if `json` is set.

    Text that is printed inside the block, by progress bars or by a user's own function, goes to standard error.

    Args:
        json: whether `--json` was given.
    """
    if not json:
        yield
        return
    with redirect_stdout(sys.stderr):
        yield


def print_json(facts: Facts) -> None:
    """Print a command's output as one JSON object, in ASCII, so that it is the same on every terminal."""
    print(_format_tree(as_tree(facts)))


def _format_tree(tree: object, newline: str = "\n") -> str:
    """Return the tree as indented JSON, with a list of numbers on one line."""
    from json import dumps

    indent = f"{newline}  "
    if isinstance(tree, dict) and tree:
        rows = (f"{dumps(key)}: {_format_tree(item, indent)}" for key, item in tree.items())
        return f"{{{indent}{f',{indent}'.join(rows)}{newline}}}"
    if isinstance(tree, list) and not all(isinstance(item, int | float) for item in tree):
        return f"[{indent}{f',{indent}'.join(_format_tree(item, indent) for item in tree)}{newline}]"
    return dumps(tree, allow_nan=False)


def json_schema(command: str) -> dict[str, object]:
    """Return the JSON Schema of a command's output.

    Args:
        command: one of `OUTPUTS`.
    """
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **_schema(OUTPUTS[command]), "title": f"scalesearch {command} --json"}


def _schema(facts_class: type) -> dict[str, Any]:
    from pydantic import TypeAdapter
    from pydantic.json_schema import GenerateJsonSchema

    class Untitled(GenerateJsonSchema):
        """Leaves out the titles, which repeat the keys."""

        def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 (pydantic's)
            return False

    schema = TypeAdapter(facts_class).json_schema(mode="serialization", schema_generator=Untitled)
    if (base := facts_class.__bases__[0]) is not Facts:  # pydantic reads docstrings of a class's own fields only
        schema["properties"] |= _schema(base)["properties"]
    return schema


def schema_file(command: str) -> str:
    """Return the schema's file name in docs/schema/output: `cost-breakdown.schema.json` of `cost --breakdown`."""
    return f"{command.replace(' --', '-')}.schema.json"


def as_tree(value: object) -> object:
    """Convert a value of `facts` for JSON: dataclasses to objects, tuples to lists, NaN and infinity to null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_tree(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_tree(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [as_tree(item) for item in value]
    if isinstance(value, float) and not isfinite(value):
        return None
    return value
