"""A column of a table, defined once for data files, pages and terminals."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar

from scalesearch.design.exact import plain

Medium = Literal["file", "page", "terminal"]
"""`file`: CSV, parquet, data frames. `page`: the report, the dashboard. `terminal`: `scalesearch show`."""
FILE: tuple[Medium, ...] = ("file",)
PAGE: tuple[Medium, ...] = ("page",)
TERMINAL: tuple[Medium, ...] = ("terminal",)
FILE_AND_PAGE: tuple[Medium, ...] = ("file", "page")
EVERYWHERE: tuple[Medium, ...] = ("file", "page", "terminal")

Value = int | float | Decimal | str | None
RowT = TypeVar("RowT")


def decimals(digits: int) -> Callable[[Any], str]:
    """A format of so many digits after the point."""
    return lambda value: f"{value:.{digits}f}"


def grouped(value: Any) -> str:
    """A whole number with its thousands told apart: `12,000`."""
    return f"{value:,}"


@dataclass(frozen=True)  # without slots, in which Python 3.11 cannot make a Column[T](...)
class Column(Generic[RowT]):
    """One column: what each medium calls it, its value in a row, and how the value is written."""

    key: str
    """Its name in data files and data frames."""
    title: str
    """Its heading on a page."""
    value: Callable[[RowT], Value]
    """None: the row has no value."""
    format: Callable[[Any], str] = str
    """Writes a value that is not None for people."""
    unit: str = ""
    """Follows the formatted value, as the `x` of `2.001x` does."""
    text: Callable[[RowT], str] | None = None
    """Replaces format and unit where a cell says more than the value, such as its standard error."""
    short_title: str | None = None
    """Its heading in a terminal of 80 columns; None: the title."""
    short_text: Callable[[RowT], str] | None = None
    """Its cell in a terminal; None: that of a page."""
    media: tuple[Medium, ...] = EVERYWHERE
    is_text: bool = False
    """Whether it is aligned as words are."""
    is_nullable_int: bool = False
    """Whether its values are whole numbers that some rows lack, so that a data frame needs a type for that."""

    def shown(self, row: RowT) -> str:
        """Its cell on a page; empty where the row has no value."""
        if self.text is not None:
            return self.text(row)
        value = self.value(row)
        return "" if value is None else f"{self.format(value)}{self.unit}"

    def shown_shortly(self, row: RowT) -> str:
        """Its cell in a terminal."""
        return self.shown(row) if self.short_text is None else self.short_text(row)

    @property
    def terminal_title(self) -> str:
        """Its heading in a terminal."""
        return self.title if self.short_title is None else self.short_title


def of_medium(columns: Iterable[Column[RowT]], medium: Medium) -> tuple[Column[RowT], ...]:
    """The columns that a medium shows, in their order."""
    return tuple(column for column in columns if medium in column.media)


def of_files(columns: Iterable[Column[RowT]], first: Sequence[str]) -> tuple[Column[RowT], ...]:
    """The columns of a data file.

    Args:
        columns: of all media.
        first: keys in the order that files have had so far. Others follow, so that a new column moves none.
    """
    place = {key: index for index, key in enumerate(first)}
    return tuple(sorted(of_medium(columns, "file"), key=lambda column: place.get(column.key, len(first))))


def csv_text(columns: Sequence[Column[RowT]], rows: Iterable[RowT]) -> str:
    """A CSV file: the keys, then a line a row."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([column.key for column in columns])
    writer.writerows([_cell(column.value(row)) for column in columns] for row in rows)
    return stream.getvalue()


def _cell(value: Value) -> object:
    """A value as CSV has it: floats to five places, decimals exactly, and nothing for None."""
    if isinstance(value, str):
        return inert_cell(value)
    if isinstance(value, Decimal):
        return plain(value)
    return f"{value:.5f}" if isinstance(value, float) else value


def inert_cell(text: str) -> str:
    """`text` as a spreadsheet shows it: an apostrophe before what it would take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
