"""`--json`: one JSON object on standard output, and nothing else there."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any

from scalesearch.cli.facts import OUTPUTS, Facts


@contextmanager
def output_kept(json: bool) -> Iterator[None]:
    """Keep standard output free for JSON where that was asked for.

    What is printed inside, by progress or by a user's own function, goes to standard error.

    Args:
        json: whether `--json` was given.
    """
    if not json:
        yield
        return
    with redirect_stdout(sys.stderr):
        yield


def print_json(facts: Facts) -> None:
    """Print what a command found as one JSON object, in ASCII, so that it is the same on every terminal."""
    print(_text(as_tree(facts)))


def _text(tree: object, margin: str = "\n") -> str:
    """JSON as a person reads it, with a list of numbers on one line."""
    from json import dumps

    deeper = f"{margin}  "
    if isinstance(tree, dict) and tree:
        rows = (f"{dumps(key)}: {_text(one, deeper)}" for key, one in tree.items())
        return f"{{{deeper}{f',{deeper}'.join(rows)}{margin}}}"
    if isinstance(tree, list) and not all(isinstance(one, int | float) for one in tree):
        return f"[{deeper}{f',{deeper}'.join(_text(one, deeper) for one in tree)}{margin}]"
    return dumps(tree, allow_nan=False)


def json_schema(command: str) -> dict[str, object]:
    """The JSON Schema of what a command prints.

    Args:
        command: one of `OUTPUTS`.
    """
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **_schema(OUTPUTS[command]), "title": f"scalesearch {command} --json"}


def _schema(kind: type) -> dict[str, Any]:
    from pydantic import TypeAdapter
    from pydantic.json_schema import GenerateJsonSchema

    class Untitled(GenerateJsonSchema):
        """Leaves out the titles that repeat the keys."""

        def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 (pydantic's)
            return False

    schema = TypeAdapter(kind).json_schema(mode="serialization", schema_generator=Untitled)
    if (base := kind.__bases__[0]) is not Facts:  # pydantic reads the docstrings of a class's own fields alone
        schema["properties"] |= _schema(base)["properties"]
    return schema


def schema_file(command: str) -> str:
    """The name of its file in docs/schema/output: `cost-breakdown.schema.json` of `cost --breakdown`."""
    return f"{command.replace(' --', '-')}.schema.json"


def as_tree(value: object) -> object:
    """A value of `facts` as JSON has it: dataclasses as objects, tuples as lists, NaN and infinity as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_tree(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_tree(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [as_tree(one) for one in value]
    if isinstance(value, float) and not isfinite(value):
        return None
    return value
