"""Removal of passwords and tokens from command lines, URLs and names, before they are stored or printed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from urllib.parse import unquote

HIDDEN = "***"
"""What replaces a secret."""

_USERINFO = re.compile(r"(://[^:/@?#]*):.*@", re.DOTALL)
"""The user of a URL and everything that may be its password, up to the last `@`: a password may contain `@`,
`:`, `/` or `?` unescaped."""
_NO_SLASHES = re.compile(r"\b([a-z][a-z0-9+.-]*:/?(?!/)[^:/@\s]*):.*@", re.DOTALL | re.IGNORECASE)
"""The same for a URL without its `//`, or with one `/`, as a path keeps it."""
_NO_SCHEME = re.compile(r"^(?!hf:)([^:/@\s]+):[^/@\s][^@\s]*@")
"""The same without a scheme (`user:password@host`); `hf:` begins the name of a data set."""
_TOKEN_AS_USER = re.compile(
    r"(?<![a-z0-9+.-])(?!(?:postgres(?:ql)?|mysql|mariadb|mssql|oracle|cockroachdb)[+:])([a-z][a-z0-9+.-]*://)[^/@?#\s]+@",
    re.IGNORECASE,
)
"""The user of any other URL than a database's, because Git and package servers accept a token in place of the
user."""
_KEY = re.compile(r"[^\s?&;=/:@,'\"]+(?==)")
"""The key of an assignment, in the query of a URL or in a connection string."""
_SECRET_KEY = re.compile(
    r"(?i)pass|pwd|secret|token|credential|api[_-]?key|access[_-]?key|auth|cookie|jwt|bearer|^sig$|signature|key$"
)
"""Keys whose values may be secrets."""
_VALUE = re.compile(r"=((?![\s;]+[\w.-]+=)[^&])*", re.DOTALL)
"""A value, up to the next key of a query or of a connection string: a password may contain spaces."""
_TOKEN = re.compile(
    r"\b((?:hf|gh[pousr]|github_pat|npm|dckr_pat)_|(?:glpat|sk|xox[abp]|xapp|nvapi|pypi)-|AKIA|ASIA|AIza|ya29\.|eyJ)"
    r"[A-Za-z0-9_.-]{16,}"
)
"""Access tokens, by the prefixes that Hugging Face, GitHub, GitLab, AWS, NVIDIA, Google and others give them;
`eyJ` begins a JSON web token."""


def redacted(word: str) -> str:
    """Return a word, such as a URL or the name of a data set, with every password and token replaced by `***`."""
    word = _mask(word)
    decoded = unquote(word)  # a URL's query may contain a percent-encoded connection string
    decoded_masked = _mask(decoded)
    return word if decoded_masked == decoded else decoded_masked


def _mask(word: str) -> str:
    word = _TOKEN.sub(rf"\1{HIDDEN}", word)
    word = _mask_values(word)
    word = _TOKEN_AS_USER.sub(rf"\1{HIDDEN}@", word)
    word = _USERINFO.sub(rf"\1:{HIDDEN}@", word)
    word = _NO_SLASHES.sub(rf"\1:{HIDDEN}@", word)
    return _NO_SCHEME.sub(rf"\1:{HIDDEN}@", word)


def _mask_values(word: str) -> str:
    """Mask what is assigned to a key that may name a secret, in the query of a URL or in a connection string."""
    parts, done = [], 0
    for key in _KEY.finditer(word):
        if key.start() < done or not _SECRET_KEY.search(unquote(key[0])):
            continue
        value = _VALUE.match(word, key.end())
        assert value is not None, "the pattern of a key ends before ="
        parts.append(f"{word[done : key.end()]}={HIDDEN}")
        done = value.end()
    return "".join(parts) + word[done:]


def redacted_command(arguments: Sequence[str]) -> str:
    """Return a command line as it may be stored and printed: quoted for a shell, without secrets."""
    return shlex.join(map(redacted, arguments))


def redacted_line(line: str) -> str:
    """Return a command line that is one string as it may be stored and printed; see `redacted_command`."""
    try:
        return redacted_command(shlex.split(line))
    except ValueError:  # a quote that is not closed
        return redacted(line)
