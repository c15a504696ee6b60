"""Command lines, URLs and names without the secrets that a user may have given in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from urllib.parse import unquote

HIDDEN = "***"

_USERINFO = re.compile(r"(://[^:/@?#]*):.*@", re.DOTALL)
"""A URL's user and all that may be a password, up to the last `@`: one may hold `@`, `:`, `/` or `?` unescaped."""
_NO_SLASHES = re.compile(r"\b([a-z][a-z0-9+.-]*:/?(?!/)[^:/@\s]*):.*@", re.DOTALL | re.IGNORECASE)
"""The same where the `//` was forgotten, or a path's `/` made of it."""
_NO_SCHEME = re.compile(r"^(?!hf:)([^:/@\s]+):[^/@\s][^@\s]*@")
_TOKEN_AS_USER = re.compile(
    r"(?<![a-z0-9+.-])(?!(?:postgres(?:ql)?|mysql|mariadb|mssql|oracle|cockroachdb)[+:])([a-z][a-z0-9+.-]*://)[^/@?#\s]+@",
    re.IGNORECASE,
)
"""Git and package servers take a token in the place of the user; only a database's user is one for certain."""
_KEY = re.compile(r"[^\s?&;=/:@,'\"]+(?==)")
_SECRET_KEY = re.compile(
    r"(?i)pass|pwd|secret|token|credential|api[_-]?key|access[_-]?key|auth|cookie|jwt|bearer|^sig$|signature|key$"
)
_VALUE = re.compile(r"=((?![\s;]+[\w.-]+=)[^&])*", re.DOTALL)
"""Up to the next key, of a query or of a connection string: a password may hold spaces."""
_TOKEN = re.compile(
    r"\b((?:hf|gh[pousr]|github_pat|npm|dckr_pat)_|(?:glpat|sk|xox[abp]|xapp|nvapi|pypi)-|AKIA|ASIA|AIza|ya29\.|eyJ)"
    r"[A-Za-z0-9_.-]{16,}"
)
"""Access tokens by the prefixes that Hugging Face, GitHub, GitLab, AWS, NVIDIA, Google and others give them; `eyJ`
begins a JSON web token."""


def redacted(word: str) -> str:
    """A word, such as a URL or a data set's name, with every password and token in it replaced by `***`."""
    word = _masked(word)
    plain = unquote(word)  # a connection string may stand, percent-encoded, in a URL's query
    masked = _masked(plain)
    return word if masked == plain else masked


def _masked(word: str) -> str:
    word = _TOKEN.sub(rf"\1{HIDDEN}", word)
    word = _without_values(word)
    word = _TOKEN_AS_USER.sub(rf"\1{HIDDEN}@", word)
    word = _USERINFO.sub(rf"\1:{HIDDEN}@", word)
    word = _NO_SLASHES.sub(rf"\1:{HIDDEN}@", word)
    return _NO_SCHEME.sub(rf"\1:{HIDDEN}@", word)


def _without_values(word: str) -> str:
    """Without what is assigned to a key that may name a secret, in a URL's query or in a connection string."""
    parts, done = [], 0
    for key in _KEY.finditer(word):
        if key.start() < done or not _SECRET_KEY.search(unquote(key[0])):
            continue
        value = _VALUE.match(word, key.end())
        assert value is not None, "the pattern of a key ends before ="
        parts.append(f"{word[done : key.end()]}={HIDDEN}")
        done = value.end()
    return "".join(parts) + word[done:]


def redacted_command(words: Sequence[str]) -> str:
    """A command line as it may be kept and printed: quoted for a shell, without secrets."""
    return shlex.join(map(redacted, words))


def redacted_line(line: str) -> str:
    """The same for a command line that is one string already."""
    try:
        return redacted_command(shlex.split(line))
    except ValueError:  # an open quote
        return redacted(line)
