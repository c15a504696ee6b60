"""A document as Markdown for a terminal, a commit or a pull request; no name in it is read as markup."""

from __future__ import annotations

import html
import re

from scalesearch.errors import printable
from scalesearch.report.document import Block, BulletList, Code, Document, Paragraph, Picture, Table
from scalesearch.report.figures.frame import Drawing


def markdown(document: Document) -> str:
    """Write the document as Markdown; captions stand for figures."""
    parts = [
        f"# {escape_markdown(document.title)}",
        escape_markdown(document.byline),
        f"**{escape_markdown(document.answer)}**",
    ]
    figure_number = 0
    for section in document.sections:
        parts.append(f"## {escape_markdown(section.heading)}")
        for block in section.blocks:
            figure_number += isinstance(block, Drawing | Picture)
            parts.append(_render_block(block, figure_number))
    return "\n\n".join(parts) + "\n"


def _render_block(block: Block, figure_number: int) -> str:
    if isinstance(block, Paragraph):
        return escape_markdown(block.words)
    if isinstance(block, Code):
        return f"    {printable(block.line)}"
    if isinstance(block, BulletList):
        return "\n".join(f"- {escape_markdown(item)}" for item in block.items)
    if isinstance(block, Table):
        return _render_table(block)
    location = "report.html" if isinstance(block, Drawing) else escape_markdown(block.name)
    return (
        f"*Figure {figure_number}, in {location}: {escape_markdown(block.heading)}.* "
        f"{escape_markdown(block.caption)}"
    )


def _render_table(table: Table) -> str:
    alignments = ["---" if name in table.left else "---:" for name in table.columns]
    lines = [_render_row(table.columns), f"| {' | '.join(alignments)} |"]
    for i, row in enumerate(table.rows):
        cells = [escape_markdown(cell) for cell in row]
        lines.append(f"| {' | '.join(f'**{cell}**' if i in table.strong and cell else cell for cell in cells)} |")
    return "\n".join(lines) + (f"\n\n{escape_markdown(table.caption)}" if table.caption else "")


def _render_row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(escape_markdown, cells))} |"


def escape_markdown(text: str) -> str:
    """Escape `text` so that Markdown shows it letter for letter: no tag, link, emphasis, table or heading."""
    escaped = html.escape(printable(text), quote=False)
    escaped = re.sub(r"([\\`*_\[\]|~#$])", r"\\\1", escaped)
    escaped = escaped.replace("://", "&#58;//").replace("@", "&#64;")  # what GitHub would make links of
    escaped = re.sub(r"(?i)www\.", lambda match: f"{match.group()[:-1]}&#46;", escaped)
    return re.sub(
        r"^(\s*)([-+]|\d+[.)])(?=[-\s]|$)", lambda match: f"{match[1]}{_escape_marker(match[2])}", escaped
    )


def _escape_marker(marker: str) -> str:
    """Escape a marker that would begin a list or a rule at the start of a line."""
    return f"{marker[:-1]}\\{marker[-1]}"
