"""Command lines, URLs and names without the secrets that a user may have given in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

HIDDEN = "***"

_USERINFO = re.compile(r"(://[^:/@?#]*):.*@", re.DOTALL)
"""A URL's user and all that may be a password, up to the last `@`: one may hold `@`, `:`, `/` or `?` unescaped."""
_KEY = r"[a-z0-9_-]*(?:pass|pwd|secret|token|credential|api[_-]?key|access[_-]?key|auth)[a-z0-9_-]*"
_ASSIGNED = re.compile(rf"(?i)(\b{_KEY}=)[^&\s]+")
"""A value in a URL's query or in a connection string, by the name of its key."""
_TOKEN = re.compile(r"\b(hf|ghp|gho|ghs|github_pat|glpat|sk|xox[abp])([_-])[A-Za-z0-9_-]{16,}")
"""Access tokens by the prefixes that Hugging Face, GitHub, GitLab and others give them."""


def redacted(word: str) -> str:
    """A word, such as a URL or a data set's name, with every password and token in it replaced by `***`."""
    word = _TOKEN.sub(rf"\1\2{HIDDEN}", word)
    word = _ASSIGNED.sub(rf"\1{HIDDEN}", word)
    return _USERINFO.sub(rf"\1:{HIDDEN}@", word)


def redacted_command(words: Sequence[str]) -> str:
    """A command line as it may be kept and printed: quoted for a shell, without secrets."""
    return shlex.join(map(redacted, words))


def redacted_line(line: str) -> str:
    """The same for a command line that is one string already."""
    try:
        return redacted_command(shlex.split(line))
    except ValueError:  # an open quote
        return redacted(line)
