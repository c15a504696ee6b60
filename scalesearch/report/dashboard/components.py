"""Parts that the pages share: tables, facts, key figures, buttons that open what they name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from scalesearch.errors import printable

Cell = Any
"""A text, or a component such as `opener`."""


def table(
    columns: Sequence[Cell],
    rows: Sequence[Sequence[Cell]],
    left: frozenset[int],
    strong: frozenset[int] = frozenset(),
) -> html.Div:
    """A table.

    Args:
        columns: headings.
        rows: cells, as many as columns.
        left: the columns of words; all others are of figures.
        strong: the rows that stand out.
    """
    kinds = ["words" if i in left else "number" for i in range(len(columns))]
    head = [html.Th(cell, className=kind, scope="col") for kind, cell in zip(kinds, columns, strict=True)]
    body = [
        html.Tr(
            [html.Td(cell, className=kind) for kind, cell in zip(kinds, row, strict=True)],
            className="strong" if i in strong else "",
        )
        for i, row in enumerate(rows)
    ]
    return html.Div(html.Table([html.Thead(html.Tr(head)), html.Tbody(body)]), className="scroll")


def facts(rows: Sequence[tuple[str, Cell]]) -> html.Table:
    """Names and what they are."""
    return html.Table(
        html.Tbody([html.Tr([html.Td(name), html.Td(cell, className="words")]) for name, cell in rows]),
        className="facts",
    )


def key_figures(rows: Sequence[tuple[str, str]]) -> html.Div:
    """Key figures, large, each above what it counts."""
    return html.Div([html.Div([html.B(value), html.Span(name)]) for name, value in rows], className="figures")


def open_button(kind: str, key: str, text: str, place: int = 0) -> html.Button:
    """A button that opens what `key` names.

    Args:
        kind: of what is opened, such as `network`.
        key: by which the server looks it up in its own list.
        text: on the button.
        place: tells buttons apart that open the same.
    """
    return html.Button(printable(text), id={"open": kind, "key": key, "place": place}, n_clicks=0)


def error_banner(words: Sequence[str]) -> html.Div:
    """What is wrong, in words; nothing where nothing is."""
    return html.Div([html.P(printable(word), className="problem") for word in words], role="status")


def hint(text: str) -> html.P:
    """A quiet sentence."""
    return html.P(text, className="quiet")
