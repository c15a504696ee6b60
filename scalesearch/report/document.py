"""A report as a document: sections of paragraphs, tables and figures, which `html` and `markdown` write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scalesearch.report.figures.frame import Drawing


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of plain text; no markup in it is interpreted."""

    words: str


@dataclass(frozen=True, slots=True)
class Code:
    """A command line for a shell."""

    line: str


@dataclass(frozen=True, slots=True)
class BulletList:
    """A list of items, each with a bullet."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `left` names the columns that hold text, all others hold numbers."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: frozenset[str] = frozenset()
    strong: frozenset[int] = frozenset()
    """The indices of the rows that stand out."""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"table {self.caption!r}: every row must have {len(self.columns)} cells")


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG file of the study, with a heading and a caption."""

    name: str
    """The path within the study's folder."""
    heading: str
    caption: str
    png: bytes


Block = Paragraph | Code | BulletList | Table | Drawing | Picture


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the blocks under it."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A report: a title, a byline, the answer, and sections."""

    title: str
    """The question that the study answers."""
    byline: str
    """A line that names the study, its images, its budget and its version of scalesearch."""
    answer: str
    """The answer in one sentence, with its certainty."""
    sections: tuple[Section, ...]

    def drawings(self) -> Iterator[Drawing]:
        """Yield the figures in their order."""
        for section in self.sections:
            yield from (block for block in section.blocks if isinstance(block, Drawing))
