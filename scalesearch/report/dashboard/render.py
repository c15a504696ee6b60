"""Blocks of a report as parts of a page: the same words, tables and figures as in `report.html`."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from scalesearch.errors import printable
from scalesearch.report.dashboard.components import facts, table
from scalesearch.report.document import Block, BulletList, Code, Paragraph, Picture, Section, Table
from scalesearch.report.figures.frame import CONTROLS, Drawing, theme_layout
from scalesearch.report.palette import DARK, LIGHT


def apply_theme(drawing: Drawing, theme: object) -> Any:
    """The figure in the theme of the browser: `dark`, or anything else for light."""
    look = DARK if theme == "dark" else LIGHT
    return drawing.figure.update_layout(theme_layout(look, drawing.figure))


def render_figure(drawing: Drawing, theme: object, key: str) -> html.Figure:
    """A figure above its words.

    Args:
        drawing: the figure.
        theme: of the browser.
        key: tells it apart from all others on the page.
    """
    return html.Figure(
        [
            dcc.Graph(id=key, figure=apply_theme(drawing, theme), config=CONTROLS),
            html.Figcaption([html.B(f"{printable(drawing.heading)}. "), printable(drawing.caption)]),
        ]
    )


def render_sections(found: Sequence[Section | None], theme: object, key: str) -> list[Any]:
    """Sections one after another.

    Args:
        found: None is passed over.
        theme: of the browser.
        key: the beginning of the figures' names.
    """
    shown: list[Any] = []
    for section in found:
        if section is not None:
            shown.append(html.H2(section.heading))
            shown += [_block(block, theme, key) for block in section.blocks]
    return shown


def _block(block: Block, theme: object, key: str) -> Any:
    if isinstance(block, Paragraph):
        return html.P(printable(block.words))
    if isinstance(block, Code):
        return html.Pre(printable(block.line))
    if isinstance(block, BulletList):
        return html.Ul([html.Li(printable(item)) for item in block.items])
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Picture):
        return render_picture(block)
    return render_figure(block, theme, f"{key}-{block.name}")


def render_picture(block: Picture) -> html.Figure:
    """A picture above its words."""
    source = f"data:image/png;base64,{base64.b64encode(block.png).decode()}"
    words = [html.B(f"{printable(block.heading)}. "), printable(block.caption)]
    return html.Figure([html.Img(src=source, alt=printable(block.heading)), html.Figcaption(words)])


def _table(block: Table) -> html.Figure:
    rows = [[printable(cell) for cell in row] for row in block.rows]
    if not block.caption and len(block.columns) == 2:
        return html.Figure(facts([(name, value) for name, value in rows]))
    left = frozenset(i for i, name in enumerate(block.columns) if name in block.left)
    return html.Figure([table(block.columns, rows, left, block.strong), html.Figcaption(printable(block.caption))])
