"""What a definition's text is made of: literals, symbols, lists and calls, each with its line."""

from __future__ import annotations

from dataclasses import dataclass, field

from scalesearch.errors import InputError


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, string, boolean or None, and its line."""

    line: int
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name that the text does not assign, without its module: `nn.SiLU` is `SiLU`."""

    line: int
    name: str
    outside: bool = False
    """Of none of the libraries; then the module stays in the name: `mine.SiLU`."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list or tuple."""

    line: int
    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a name, with its arguments in order and by name; a dict is a call of `dict`."""

    line: int
    name: str
    arguments: tuple[Value, ...]
    keywords: dict[str, Value]


Value = Literal | Symbol | Items | Call


@dataclass(frozen=True, slots=True)
class Definition:
    """What a text assigns and calls."""

    where: str
    names: dict[str, Value] = field(default_factory=dict)
    """What is assigned, imported or defined, by its name."""
    values: list[Value] = field(default_factory=list)
    """What is assigned, returned or stands by itself, in order."""
    made: list[Items | Call] = field(default_factory=list)
    """Every list and call, inner ones first; but no `partial` that is called, as its arguments are in that call."""

    def refused(self, line: int, reason: str) -> InputError:
        """The error for something that is not understood."""
        return InputError(f"{self.where}:{line}: {reason}")
