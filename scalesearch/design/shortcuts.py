"""List the shortcuts that a ResNet's block may have, where it changes the shape, in place of a 1×1 convolution."""

from __future__ import annotations

from typing import Literal, get_args

ShortcutName = Literal["avg_pool", "none"]
"""The names of the shortcuts in baseline files.

`avg_pool` (He et al. 2019, arXiv 1812.01187, Figure 2c, ResNet-D): a mean of 2×2 places, then a 1×1 convolution
without a stride. `none` (timm `byobnet.py`, `create_shortcut`): a block that changes the shape has no shortcut.
"""

SHORTCUTS: tuple[ShortcutName, ...] = get_args(ShortcutName)
