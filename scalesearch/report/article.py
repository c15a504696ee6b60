"""A report as a value: sections of text, tables and figures; `html` and `markdown` write it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scalesearch.report.figures.frame import Drawing


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; plain, whatever stands in it."""

    words: str


@dataclass(frozen=True, slots=True)
class Code:
    """A line for a shell."""

    line: str


@dataclass(frozen=True, slots=True)
class BulletList:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `left` names the columns of words, all others are of figures."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: frozenset[str] = frozenset()
    strong: frozenset[int] = frozenset()
    """Rows that stand out."""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"table {self.caption!r}: every row must have {len(self.columns)} cells")


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG file of the study."""

    name: str
    """Its path in the study's folder."""
    heading: str
    caption: str
    png: bytes


Block = Text | Code | BulletList | Table | Drawing | Picture


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report."""

    title: str
    """The configuration."""
    byline: str
    """Which study, made how, in a line."""
    answer: str
    """In one sentence, with its certainty."""
    sections: tuple[Section, ...]

    def drawings(self) -> Iterator[Drawing]:
        """The figures in their order."""
        for section in self.sections:
            yield from (block for block in section.blocks if isinstance(block, Drawing))
