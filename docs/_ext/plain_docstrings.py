"""Escape reStructuredText markup in docstrings, which are written as plain text for editors."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

_MARKS = re.compile(r"([|*])")
_QUOTED = re.compile(r"`([^`]+)`")


def escape(*event: Any) -> None:
    """Escape the lines of a docstring in place; they are the last of the event's arguments.

    Text in backticks becomes a literal. Bars and asterisks elsewhere are escaped.
    """
    lines: list[str] = event[-1]
    lines[:] = [_escape_line(line) for line in lines]


def _escape_line(line: str) -> str:
    if line.lstrip().startswith(":"):  # a field that napoleon wrote, which has markup
        return line
    parts = _QUOTED.split(line)
    return "".join(f"``{part}``" if i % 2 else _MARKS.sub(r"\\\1", part) for i, part in enumerate(parts))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect `escape` before napoleon, which writes markup."""
    app.connect("autodoc-process-docstring", escape, priority=100)
    return {"parallel_read_safe": True}
