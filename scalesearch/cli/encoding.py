"""Output on terminals and pipes that cannot show every character: the characters degrade, the run goes on."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

HANDLER = "scalesearch.nearest"

_NEAREST = {
    "α": "a",
    "β": "b",
    "γ": "g",
    "φ": "phi",
    "τ": "tau",
    "Δ": "d",
    "σ": "s",
    "Σ": "sum",
    "π": "pi",
    "×": "x",
    "·": "*",
    "±": "+-",
    "≈": "~",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "→": "->",
    "←": "<-",
    "−": "-",
    "–": "-",
    "—": "-",
    "…": "...",
    "▸": ">",
    "•": "*",
    "√": "sqrt ",
    "∞": "inf",
    "│": "|",
    "─": "-",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "µ": "u",
    "é": "e",
    "✓": "ok",
    "█": "#",
    "░": ".",
}


def degrade_output() -> None:
    """From now on a character that standard output or error cannot encode is written as the nearest that it can.

    Streams in an encoding that has every character stay as they are.
    """
    codecs.register_error(HANDLER, _nearest)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=HANDLER)


def _nearest(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(map(_ascii, text)), error.end


def _ascii(char: str) -> str:
    """The character in ASCII: from the table, else without its accents, else a box drawing's or a question mark."""
    if char in _NEAREST:
        return _NEAREST[char]
    plain = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    if plain:
        return plain
    return "+" if "BOX DRAWINGS" in unicodedata.name(char, "") else "?"
