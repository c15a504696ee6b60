"""The values of a parsed definition: literals, symbols, lists and calls, each with its line."""

from __future__ import annotations

from dataclasses import dataclass, field

from scalesearch.errors import InputError, printable


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, string, boolean or None."""

    line: int
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name that the text does not assign, without its module: `nn.SiLU` is `SiLU`."""

    line: int
    name: str
    outside: bool = False
    """Whether the name is of none of the known libraries; then it keeps its module: `mine.SiLU`."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list or tuple."""

    line: int
    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a name, with its positional and keyword arguments; a dict is a call of `dict`."""

    line: int
    name: str
    arguments: tuple[Value, ...]
    keywords: dict[str, Value]


Value = Literal | Symbol | Items | Call
"""Any value of a definition."""
_LONGEST_TEXT = 60


def value_text(value: Value) -> str:
    """Return a value for messages, on one line and cut to 60 characters: `'se'`, `GroupNorm`, `partial(gelu)`."""
    text = printable(_text(value, 2))
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def _text(value: Value, depth: int) -> str:
    """Return the text of a value whose parts beyond so many levels are left out."""
    if isinstance(value, Literal):
        return repr(value.value)
    if isinstance(value, Symbol):
        return value.name
    if isinstance(value, Items):
        return f"[{', '.join(_text(item, depth - 1) for item in value.items) if depth else '…'}]"
    parts = [_text(item, depth - 1) for item in value.arguments] if depth else ["…"]
    parts += [f"{name}={_text(item, depth - 1)}" for name, item in value.keywords.items()] if depth else []
    return f"{value.name}({', '.join(parts)})"


@dataclass(frozen=True, slots=True)
class Definition:
    """The assignments and calls of a text."""

    where: str
    """The name that error messages begin with, such as the file's path."""
    names: dict[str, Value] = field(default_factory=dict)
    """The values that are assigned, imported or defined, by name."""
    values: list[Value] = field(default_factory=list)
    """The values that are assigned, returned or stand alone as a statement, in order."""
    made: list[Items | Call] = field(default_factory=list)
    """Every list and call, inner ones first. A `partial` that is called is left out: its arguments are part of
    that call."""

    def refused(self, line: int, reason: str) -> InputError:
        """Return the error for something that is not understood, with file and line."""
        return InputError(f"{self.where}:{line}: {reason}")
