"""What the program prints, put into pages when they are built: `{scalesearch} tables`, verbs' help, JSON keys."""

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
"""Columns of a terminal, as wide as the theme's text."""


class Printed(SphinxDirective):
    """A command and what it prints."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """The prompt and the output as one block."""
        words = self.arguments[0]
        return [block(f"$ scalesearch {words}\n\n{printed(shlex.split(words), self)}")]


class Verbs(SphinxDirective):
    """A section for every verb, of its help."""

    def run(self) -> list[nodes.Node]:
        """In the order of `scalesearch --help`."""
        from scalesearch.cli.main import app

        return [self._section(str(one.name)) for one in app.registered_commands]

    def _section(self, verb: str) -> nodes.section:
        title = f"scalesearch {verb}"
        section = nodes.section(ids=[nodes.make_id(title)], names=[title])
        section += nodes.title(title, title)
        section += block(printed([verb, "--help"], self))
        return section


class Outputs(SphinxDirective):
    """A section for every command with `--json`, of the keys that it prints."""

    def run(self) -> list[nodes.Node]:
        """In the order of `OUTPUTS`."""
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


def _keys(schema: dict[str, Any], known: dict[str, Any], before: str = "") -> Iterator[tuple[str, str, str]]:
    """A row a key, each followed by those of the objects in it: `limits[].option`."""
    for key, one in schema["properties"].items():
        yield f"`{before}{key}`", _type(one), one.get("description", "")
        (inner, path) = (one["items"], f"{before}{key}[].") if "items" in one else (one, f"{before}{key}.")
        options = inner.get("anyOf", [inner])
        for name in [option["$ref"].rpartition("/")[2] for option in options if "$ref" in option]:
            yield from _keys(known[name], known, path)


def _type(one: dict[str, Any]) -> str:
    """`integer`, `number or null`, `list of objects`, or the values of a choice."""
    if "anyOf" in one:
        return " or ".join(_type(option) for option in one["anyOf"])
    if "enum" in one:
        return ", ".join(f"`{value}`" for value in one["enum"])
    if "prefixItems" in one:
        return "list of two numbers"
    if "items" in one:
        return f"list of {_type(one['items'])}s"
    return "object" if "$ref" in one else str(one["type"])


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> nodes.table:
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=width) for width in (3, 2, 5)]
    group += nodes.thead("", _row(head))
    group += nodes.tbody("", *map(_row, rows))
    return nodes.table("", group)


def _row(cells: tuple[str, ...]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *_inline(cell))) for cell in cells))


def _inline(text: str) -> list[nodes.Node]:
    """Text in which what stands in backticks is a literal."""
    parts = " ".join(text.split()).split("`")
    return [nodes.literal(part, part) if place % 2 else nodes.Text(part) for place, part in enumerate(parts)]


def printed(words: list[str], directive: SphinxDirective) -> str:
    """Standard output of `scalesearch …`; an exit code but 0 is an error of the page."""
    environment = {**os.environ, "COLUMNS": str(WIDTH), "NO_COLOR": "1", "TERM": "dumb", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "scalesearch", *words], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise directive.error(f"scalesearch {shlex.join(words)}: {done.stderr.strip()}")
    return done.stdout.rstrip().replace("python -m scalesearch", "scalesearch")


def block(text: str) -> nodes.literal_block:
    """As it stands, without highlighting."""
    return nodes.literal_block(text, text, language="text")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("scalesearch", Printed)
    app.add_directive("verbs", Verbs)
    app.add_directive("outputs", Outputs)
    return {"parallel_read_safe": True}
