"""Tables that fit a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from scalesearch.study.columns import Column, RowT, of_medium


def narrow_table(title: str, columns: str, caption: str | None = None) -> Table:
    """Return an empty table; `columns` are names separated by |, and names that end in < are left-aligned."""
    table = Table(
        title=title,
        title_justify="left",
        caption=caption,
        caption_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=0,
    )
    for name in columns.split("|"):
        table.add_column(name.rstrip("<"), justify="left" if name.endswith("<") else "right", no_wrap=True)
    return table


def column_table(
    title: str,
    caption: str,
    columns: Iterable[Column[RowT]],
    rows: Sequence[RowT],
    is_strong: Callable[[RowT], bool],
) -> Table:
    """Return a table of the rows, with the columns that a terminal shows."""
    terminal_columns = of_medium(columns, "terminal")
    titles = [f"{column.terminal_title}{'<' if column.is_text else ''}" for column in terminal_columns]
    table = narrow_table(title, "|".join(titles), caption)
    for row in rows:
        cells = [column.terminal_cell(row) for column in terminal_columns]
        table.add_row(*cells, style="bold" if is_strong(row) else None)
    return table
