"""The components that the views share: tables, facts, key figures, banners, hints and buttons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from scalesearch.errors import printable

Cell = Any
"""A text, or a component such as that of `open_button`."""


def table(
    columns: Sequence[Cell],
    rows: Sequence[Sequence[Cell]],
    left: frozenset[int],
    strong: frozenset[int] = frozenset(),
) -> html.Div:
    """Return a table.

    Args:
        columns: the headings.
        rows: the cells, as many in each row as there are columns.
        left: the indices of text columns; all others hold numbers.
        strong: the indices of rows that stand out.
    """
    css_classes = ["words" if i in left else "number" for i in range(len(columns))]
    header = [
        html.Th(cell, className=css_class, scope="col")
        for css_class, cell in zip(css_classes, columns, strict=True)
    ]
    body = [
        html.Tr(
            [html.Td(cell, className=css_class) for css_class, cell in zip(css_classes, row, strict=True)],
            className="strong" if i in strong else "",
        )
        for i, row in enumerate(rows)
    ]
    return html.Div(html.Table([html.Thead(html.Tr(header)), html.Tbody(body)]), className="scroll")


def facts(rows: Sequence[tuple[str, Cell]]) -> html.Table:
    """Return a table of names and their values."""
    return html.Table(
        html.Tbody([html.Tr([html.Td(name), html.Td(cell, className="words")]) for name, cell in rows]),
        className="facts",
    )


def key_figures(rows: Sequence[tuple[str, str]]) -> html.Div:
    """Return key figures in large type, each above the name of what it counts."""
    return html.Div([html.Div([html.B(value), html.Span(name)]) for name, value in rows], className="figures")


def open_button(kind: str, key: str, text: str, place: int = 0) -> html.Button:
    """Return a button that opens what `key` names.

    Args:
        kind: the kind of what is opened, such as `network`.
        key: the key by which the server looks it up in its own list.
        text: the text on the button.
        place: a number that distinguishes buttons that open the same.
    """
    return html.Button(printable(text), id={"open": kind, "key": key, "place": place}, n_clicks=0)


def error_banner(problems: Sequence[str]) -> html.Div:
    """Return a banner that says what is wrong; it is empty where nothing is."""
    return html.Div([html.P(printable(problem), className="problem") for problem in problems], role="status")


def hint(text: str) -> html.P:
    """Return a sentence in a quiet colour."""
    return html.P(text, className="quiet")
