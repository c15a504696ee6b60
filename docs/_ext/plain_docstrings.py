"""Docstrings are read in editors first: what reStructuredText would take for markup is text here."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

_MARKS = re.compile(r"([|*])")
_QUOTED = re.compile(r"`([^`]+)`")


def escape(*event: Any) -> None:
    """Of the event's arguments the last is the lines, changed in place.

    What stands in backticks becomes a literal; bars and asterisks elsewhere lose their meaning.
    """
    lines: list[str] = event[-1]
    lines[:] = [_line(line) for line in lines]


def _line(line: str) -> str:
    if line.lstrip().startswith(":"):  # a field that napoleon wrote, with marks of its own
        return line
    parts = _QUOTED.split(line)
    return "".join(f"``{part}``" if i % 2 else _MARKS.sub(r"\\\1", part) for i, part in enumerate(parts))


def setup(app: Sphinx) -> dict[str, bool]:
    """Before napoleon, which writes markup of its own."""
    app.connect("autodoc-process-docstring", escape, priority=100)
    return {"parallel_read_safe": True}
