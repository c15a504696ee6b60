"""Names of exported networks: the stems of their files, and their description."""

from __future__ import annotations

import keyword
import re
import sys

from scalesearch.design.decimals import format_decimal
from scalesearch.design.scaling import Baseline

_RESERVED = sys.stdlib_module_names | {"torch", "timm", "torchvision", "safetensors", "numpy"}
"""Names of modules that an exported file must not shadow."""


def file_stem(name: str) -> str:
    """Return a baseline's name as a valid name of a Python module: `b0-d1.4-w1.2-300px` is `b0_d1_4_w1_2_300px`."""
    stem = re.sub(r"[^a-z0-9_]", "_", name)
    # In a folder with a torch.py, for example, torch cannot be imported.
    is_reserved = keyword.iskeyword(stem) or stem in _RESERVED
    return f"net_{stem}" if is_reserved or not stem[0].isalpha() else stem


def describe_baseline(baseline: Baseline) -> str:
    """Return a line with the name, the origin and the source of a baseline, safe inside a docstring."""
    origin = baseline.origin
    scaled = ""
    if origin is not None:
        multipliers = origin.multipliers
        depth, width = format_decimal(multipliers.depth), format_decimal(multipliers.width)
        scaled = f"{origin.baseline} scaled by depth {depth}, width {width}; "
    source = baseline.source.replace("\\", "/").replace('"', "'")
    return f"{baseline.name}: {scaled}{source.rstrip('. ')}."
