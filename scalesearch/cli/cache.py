"""The cache folder, which keeps decoded images between runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the cache folder: `$XDG_CACHE_HOME/scalesearch`, or `~/.cache/scalesearch`."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "scalesearch"
