"""List the ways in which strided layers may be anti-aliased: they have no stride, and a smoothing layer has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

AntialiasName = Literal["avg_pool", "blur", "blur_zero"]
"""The names of the smoothing layers in baseline files."""


@dataclass(frozen=True, slots=True)
class Smoothing:
    """A smoothing is the layer that strides in place of a convolution."""

    kernel: int = 0
    """The side of the depthwise kernel of constant weights; 0: the layer is a mean, which has no multiply-adds."""
    padding: str = "constant"
    """How torch pads the input of the kernel: `constant` with zeros, `reflect` with the map's own places."""


ANTIALIASES: Mapping[AntialiasName, Smoothing] = {
    # Means of stride × stride places, as with torch's AvgPool2d (timm `resnet.py`, `resnetaa50`).
    "avg_pool": Smoothing(),
    # Zhang 2019 (arXiv 1904.11486), section 3.2: the binomial kernel [1 2 1] both ways; timm's `BlurPool2d`
    # (`blur_pool.py`), and its name `blurpc` for zeros in place of reflected places.
    "blur": Smoothing(3, "reflect"),
    "blur_zero": Smoothing(3),
}
"""The smoothings by name."""
