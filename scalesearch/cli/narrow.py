"""Tables that fit a terminal of 80 columns."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table


def narrow_table(title: str, columns: str, caption: str | None = None) -> Table:
    """An empty table of `columns`, by name with | between them; those that end in < are left-aligned."""
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
