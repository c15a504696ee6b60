"""The blocks of a report as Dash components: the same text, tables and figures as in `report.html`."""

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
    """Return the figure in the theme of the browser: `dark`, or anything else for light."""
    colours = DARK if theme == "dark" else LIGHT
    return drawing.figure.update_layout(theme_layout(colours, drawing.figure))


def render_figure(drawing: Drawing, theme: object, key: str) -> html.Figure:
    """Return a figure with its heading and caption below it.

    Args:
        drawing: the figure.
        theme: the theme of the browser.
        key: an id that is unique on the page.
    """
    return html.Figure(
        [
            dcc.Graph(id=key, figure=apply_theme(drawing, theme), config=CONTROLS),
            html.Figcaption([html.B(f"{printable(drawing.heading)}. "), printable(drawing.caption)]),
        ]
    )


def render_sections(sections: Sequence[Section | None], theme: object, key: str) -> list[Any]:
    """Return sections one after another.

    Args:
        sections: the sections; None is skipped.
        theme: the theme of the browser.
        key: the beginning of the figures' ids.
    """
    components: list[Any] = []
    for section in sections:
        if section is not None:
            components.append(html.H2(section.heading))
            components += [_render_block(block, theme, key) for block in section.blocks]
    return components


def _render_block(block: Block, theme: object, key: str) -> Any:
    if isinstance(block, Paragraph):
        return html.P(printable(block.words))
    if isinstance(block, Code):
        return html.Pre(printable(block.line))
    if isinstance(block, BulletList):
        return html.Ul([html.Li(printable(item)) for item in block.items])
    if isinstance(block, Table):
        return _render_table(block)
    if isinstance(block, Picture):
        return render_picture(block)
    return render_figure(block, theme, f"{key}-{block.name}")


def render_picture(block: Picture) -> html.Figure:
    """Return a picture with its heading and caption below it."""
    source = f"data:image/png;base64,{base64.b64encode(block.png).decode()}"
    caption = [html.B(f"{printable(block.heading)}. "), printable(block.caption)]
    return html.Figure([html.Img(src=source, alt=printable(block.heading)), html.Figcaption(caption)])


def _render_table(block: Table) -> html.Figure:
    rows = [[printable(cell) for cell in row] for row in block.rows]
    if not block.caption and len(block.columns) == 2:
        return html.Figure(facts([(name, value) for name, value in rows]))
    text_columns = frozenset(i for i, name in enumerate(block.columns) if name in block.left)
    return html.Figure(
        [table(block.columns, rows, text_columns, block.strong), html.Figcaption(printable(block.caption))]
    )
