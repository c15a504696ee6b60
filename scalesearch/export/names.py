"""How an exported network is called: in its files, and in words."""

from __future__ import annotations

import keyword
import re
import sys

from scalesearch.design.exact import plain
from scalesearch.design.scaling import Baseline

_TAKEN = sys.stdlib_module_names | {"torch", "timm", "torchvision", "safetensors", "numpy"}


def file_stem(name: str) -> str:
    """A baseline's name as a Python module can be called: `b0-d1.4-w1.2-300px` is `b0_d1_4_w1_2_300px`."""
    stem = re.sub(r"[^a-z0-9_]", "_", name)
    taken = keyword.iskeyword(stem) or stem in _TAKEN  # beside a torch.py, nothing can import torch
    return f"net_{stem}" if taken or not stem[0].isalpha() else stem


def described(baseline: Baseline) -> str:
    """One line: the name, what it was scaled from, and the source; safe inside a docstring."""
    origin = baseline.origin
    scaled = ""
    if origin is not None:
        by = origin.multipliers
        scaled = f"{origin.baseline} scaled by depth {plain(by.depth)}, width {plain(by.width)}; "
    source = baseline.source.replace("\\", "/").replace('"', "'")
    return f"{baseline.name}: {scaled}{source.rstrip('. ')}."
