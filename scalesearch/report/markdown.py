"""An article as Markdown: for a terminal, a commit, a pull request. Names in it are inert."""

from __future__ import annotations

import html
import re

from scalesearch.errors import printable
from scalesearch.report.article import Block, BulletList, Code, Document, Picture, Table, Text
from scalesearch.report.figures.frame import Drawing


def markdown(article: Document) -> str:
    """The whole article; figures by their captions."""
    parts = [f"# {escaped(article.title)}", escaped(article.byline), f"**{escaped(article.answer)}**"]
    number = 0
    for section in article.sections:
        parts.append(f"## {escaped(section.heading)}")
        for block in section.blocks:
            number += isinstance(block, Drawing | Picture)
            parts.append(_block(block, number))
    return "\n\n".join(parts) + "\n"


def _block(block: Block, number: int) -> str:
    if isinstance(block, Text):
        return escaped(block.words)
    if isinstance(block, Code):
        return f"    {printable(block.line)}"
    if isinstance(block, BulletList):
        return "\n".join(f"- {escaped(item)}" for item in block.items)
    if isinstance(block, Table):
        return _table(block)
    where = "report.html" if isinstance(block, Drawing) else escaped(block.name)
    return f"*Figure {number}, in {where}: {escaped(block.heading)}.* {escaped(block.caption)}"


def _table(table: Table) -> str:
    marks = ["---" if name in table.left else "---:" for name in table.columns]
    lines = [_row(table.columns), f"| {' | '.join(marks)} |"]
    for i, row in enumerate(table.rows):
        cells = [escaped(cell) for cell in row]
        lines.append(f"| {' | '.join(f'**{cell}**' if i in table.strong and cell else cell for cell in cells)} |")
    return "\n".join(lines) + (f"\n\n{escaped(table.caption)}" if table.caption else "")


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(escaped, cells))} |"


def escaped(text: str) -> str:
    """`text` as Markdown shows it letter for letter: no tag, link, emphasis, table or heading comes of it."""
    plain = html.escape(printable(text), quote=False)
    plain = re.sub(r"([\\`*_\[\]|~#$])", r"\\\1", plain)
    plain = plain.replace("://", "&#58;//").replace("@", "&#64;")  # what GitHub would make links of
    plain = re.sub(r"(?i)www\.", lambda found: f"{found.group()[:-1]}&#46;", plain)
    return re.sub(r"^(\s*)([-+]|\d+[.)])(?=[-\s]|$)", lambda found: f"{found[1]}{_first(found[2])}", plain)


def _first(mark: str) -> str:
    """A mark that would begin a list or a rule, at the start of a line."""
    return f"{mark[:-1]}\\{mark[-1]}"
