"""List the published members of EfficientNet-X, scaled by latency-aware compound scaling (LACS).

The paper is Li et al. 2021, "Searching for Fast Model Families on Datacenter Accelerators" (arXiv 2102.05610). The
multipliers are those of tensorflow/tpu, `models/official/efficientnet/efficientnet_x_builder.py`.
"""

from __future__ import annotations

from typing import NamedTuple


class LacsMember(NamedTuple):
    """A member is EfficientNet-X-B0 (224 px) with these multipliers, given as text."""

    name: str
    width: str
    depth: str
    px: int


LACS_PX = 224
"""The side of the unscaled network's images."""

LACS_GPU = (
    LacsMember("b1", "1.05", "1.09", 229),
    LacsMember("b2", "1.13", "1.24", 237),
    LacsMember("b3", "1.31", "1.63", 255),
    LacsMember("b4", "1.63", "2.4", 282),
    LacsMember("b5", "1.94", "3.29", 306),
    LacsMember("b6", "2.25", "4.28", 328),
    LacsMember("b7", "2.58", "5.46", 350),
)
"""The members that were searched for latency on a V100 GPU."""

LACS_TPU = (
    LacsMember("b1", "1.05", "1.09", 229),
    LacsMember("b2", "1.13", "1.29", 244),
    LacsMember("b3", "1.27", "1.62", 263),
    LacsMember("b4", "1.54", "2.38", 299),
    LacsMember("b5", "1.96", "2.76", 332),
    LacsMember("b6", "2.75", "3.01", 328),
    LacsMember("b7", "3.26", "3.44", 350),
)
"""The members that were searched for latency on a TPUv3."""
