"""Define Sphinx directives that run commands and put their output, their help or their JSON keys into pages."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]
WIDTH = 100
"""The columns of the terminal, as wide as the theme's text."""


class Printed(SphinxDirective):
    """The directive `scalesearch` shows a command and its output."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return the prompt and the output as one block."""
        command = self.arguments[0]
        return [block(f"$ scalesearch {command}\n\n{run_command(shlex.split(command), self)}")]


class Commands(SphinxDirective):
    """The directive `commands` adds a section with the help of every command."""

    def run(self) -> list[nodes.Node]:
        """Return the sections in the order of `scalesearch --help`."""
        from scalesearch.cli.main import app

        return [self._section(str(command.name)) for command in app.registered_commands]

    def _section(self, command: str) -> nodes.section:
        title = f"scalesearch {command}"
        section = nodes.section(ids=[nodes.make_id(title)], names=[title])
        section += nodes.title(title, title)
        section += block(run_command([command, "--help"], self))
        return section


class Outputs(SphinxDirective):
    """The directive `outputs` adds a section with the JSON keys of every command that has `--json`."""

    def run(self) -> list[nodes.Node]:
        """Return the sections in the order of `OUTPUTS`."""
        from scalesearch.cli.facts import OUTPUTS

        return [self._section(command) for command in OUTPUTS]

    def _section(self, command: str) -> nodes.section:
        from scalesearch.cli.json_output import json_schema

        schema: dict[str, Any] = json_schema(command)
        title = f"scalesearch {command} --json"
        section = nodes.section(ids=[nodes.make_id(title)], names=[title])
        section += nodes.title(title, title)
        section += nodes.paragraph("", "", *_inline(schema["description"]))
        section += _table(("key", "value", "meaning"), [*_keys(schema, schema.get("$defs", {}))])
        return section


def _keys(schema: dict[str, Any], definitions: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield a row per key, followed by the rows of the objects in it, such as `limits[].option`."""
    for key, value in schema["properties"].items():
        yield f"`{prefix}{key}`", _type(value), value.get("description", "")
        (inner, path) = (value["items"], f"{prefix}{key}[].") if "items" in value else (value, f"{prefix}{key}.")
        options = inner.get("anyOf", [inner])
        for name in [option["$ref"].rpartition("/")[2] for option in options if "$ref" in option]:
            yield from _keys(definitions[name], definitions, path)


def _type(schema: dict[str, Any]) -> str:
    """Return the type as text: `integer`, `number or null`, `list of objects`, or the values of a choice."""
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "prefixItems" in schema:
        return "list of two numbers"
    if "items" in schema:
        return f"list of {_type(schema['items'])}s"
    return "object" if "$ref" in schema else str(schema["type"])


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> nodes.table:
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=width) for width in (3, 2, 5)]
    group += nodes.thead("", _row(head))
    group += nodes.tbody("", *map(_row, rows))
    return nodes.table("", group)


def _row(cells: tuple[str, ...]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *_inline(cell))) for cell in cells))


def _inline(text: str) -> list[nodes.Node]:
    """Return the text as nodes, with text in backticks as literals."""
    parts = " ".join(text.split()).split("`")
    return [nodes.literal(part, part) if i % 2 else nodes.Text(part) for i, part in enumerate(parts)]


def run_command(arguments: list[str], directive: SphinxDirective) -> str:
    """Run `scalesearch …`, and return its standard output.

    A nonzero exit code is an error of the page.
    """
    environment = {**os.environ, "COLUMNS": str(WIDTH), "NO_COLOR": "1", "TERM": "dumb", "PYTHONUTF8": "1"}
    process = subprocess.run(
        [sys.executable, "-m", "scalesearch", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if process.returncode:
        raise directive.error(f"scalesearch {shlex.join(arguments)}: {process.stderr.strip()}")
    return process.stdout.rstrip().replace("python -m scalesearch", "scalesearch")


def block(text: str) -> nodes.literal_block:
    """Return the text as a literal block without highlighting."""
    return nodes.literal_block(text, text, language="text")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("scalesearch", Printed)
    app.add_directive("commands", Commands)
    app.add_directive("outputs", Outputs)
    return {"parallel_read_safe": True}
