"""What the program prints, put into pages when they are built: `{scalesearch} tables`, and every verb's help."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

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
    """Register both directives."""
    app.add_directive("scalesearch", Printed)
    app.add_directive("verbs", Verbs)
    return {"parallel_read_safe": True}
