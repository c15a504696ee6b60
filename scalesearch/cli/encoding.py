"""Output to terminals and pipes that cannot encode every character: characters are replaced, nothing fails."""

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
    """Make standard output and error write a character that they cannot encode as the nearest that they can.

    Streams whose encoding has every character stay as they are.
    """
    codecs.register_error(HANDLER, _replace_unencodable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=HANDLER)


def _replace_unencodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(map(_to_ascii, text)), error.end


def _to_ascii(char: str) -> str:
    """Return the character in ASCII: from the table, else without accents, else + for box drawings, else ?."""
    if char in _NEAREST:
        return _NEAREST[char]
    plain = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    if plain:
        return plain
    return "+" if "BOX DRAWINGS" in unicodedata.name(char, "") else "?"
