"""Columns of tables, each defined once for data files, pages and terminals."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar

from scalesearch.design.decimals import format_decimal

Medium = Literal["file", "page", "terminal"]
"""Where a table is shown. `file`: CSV, parquet, data frames. `page`: the report, the dashboard. `terminal`:
`scalesearch show`."""
FILE: tuple[Medium, ...] = ("file",)
PAGE: tuple[Medium, ...] = ("page",)
TERMINAL: tuple[Medium, ...] = ("terminal",)
FILE_AND_PAGE: tuple[Medium, ...] = ("file", "page")
EVERYWHERE: tuple[Medium, ...] = ("file", "page", "terminal")

Value = int | float | Decimal | str | None
"""A value of a column."""
RowT = TypeVar("RowT")


def decimals(digits: int) -> Callable[[Any], str]:
    """Return a formatter with this many digits after the point."""
    return lambda value: f"{value:.{digits}f}"


def grouped(value: Any) -> str:
    """Format a whole number with thousands separators: `12,000`."""
    return f"{value:,}"


@dataclass(frozen=True)  # without slots, in which Python 3.11 cannot make a Column[T](...)
class Column(Generic[RowT]):
    """One column: its name in each medium, its value in a row, and how the value is formatted."""

    key: str
    """The name in data files and data frames."""
    title: str
    """The heading on a page."""
    value: Callable[[RowT], Value]
    """Returns the value of a row, or None if the row has none."""
    format: Callable[[Any], str] = str
    """Formats a value that is not None, for people."""
    unit: str = ""
    """Follows the formatted value, as the `x` of `2.001x` does."""
    text: Callable[[RowT], str] | None = None
    """Returns the whole cell of a row, if the cell shows more than the value, such as its standard error; it
    replaces format and unit."""
    short_title: str | None = None
    """The heading in a terminal of 80 columns; None: the title."""
    short_text: Callable[[RowT], str] | None = None
    """Returns the cell in a terminal; None: the cell of a page."""
    media: tuple[Medium, ...] = EVERYWHERE
    """The media that show the column."""
    is_text: bool = False
    """Whether the column is aligned as text."""
    is_nullable_int: bool = False
    """Whether the values are whole numbers that some rows lack, so that a data frame needs a nullable type."""

    def page_cell(self, row: RowT) -> str:
        """Return the cell of a row on a page; '' if the row has no value."""
        if self.text is not None:
            return self.text(row)
        value = self.value(row)
        return "" if value is None else f"{self.format(value)}{self.unit}"

    def terminal_cell(self, row: RowT) -> str:
        """Return the cell of a row in a terminal."""
        return self.page_cell(row) if self.short_text is None else self.short_text(row)

    @property
    def terminal_title(self) -> str:
        """The heading in a terminal."""
        return self.title if self.short_title is None else self.short_title


def of_medium(columns: Iterable[Column[RowT]], medium: Medium) -> tuple[Column[RowT], ...]:
    """Return the columns that a medium shows, in their order."""
    return tuple(column for column in columns if medium in column.media)


def of_files(columns: Iterable[Column[RowT]], first: Sequence[str]) -> tuple[Column[RowT], ...]:
    """Return the columns of a data file, in the order of the file.

    Args:
        columns: the columns of all media.
        first: keys in the order that files have had so far. Other columns follow, so that a new one does not move
            those before it.
    """
    positions = {key: index for index, key in enumerate(first)}
    return tuple(sorted(of_medium(columns, "file"), key=lambda column: positions.get(column.key, len(first))))


def csv_text(columns: Sequence[Column[RowT]], rows: Iterable[RowT]) -> str:
    """Return a CSV file: a line of keys, then one line per row."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    writer.writerows([_csv_cell(column.value(row)) for column in columns] for row in rows)
    return stream.getvalue()


def _csv_cell(value: Value) -> object:
    """Return a value as CSV has it: floats to five places, decimals exactly, and an empty cell for None."""
    if isinstance(value, str):
        return inert_cell(value)
    if isinstance(value, Decimal):
        return format_decimal(value)
    return f"{value:.5f}" if isinstance(value, float) else value


def inert_cell(text: str) -> str:
    """Return `text` with an apostrophe in front if a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
