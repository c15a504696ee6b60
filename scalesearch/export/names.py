"""How an exported network is called: in its files, and in words."""

from __future__ import annotations

import re

from scalesearch.design.exact import plain
from scalesearch.design.scaling import Baseline


def file_stem(name: str) -> str:
    """A baseline's name as a Python module can be called: `b0-scaled` is `b0_scaled`."""
    stem = re.sub(r"[^a-z0-9_]", "_", name)
    return stem if stem[0].isalpha() else f"net_{stem}"


def described(baseline: Baseline) -> str:
    """One line: the name, what it was scaled from, and the source; safe inside a docstring."""
    origin = baseline.origin
    scaled = ""
    if origin is not None:
        by = origin.multipliers
        scaled = f"{origin.baseline} scaled by depth {plain(by.depth)}, width {plain(by.width)}; "
    source = baseline.source.replace("\\", "/").replace('"', "'")
    return f"{baseline.name}: {scaled}{source.rstrip('. ')}."
