"""Define a network that a user's Python function builds, known by its multipliers and by what fvcore counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from scalesearch.design.architecture import Architecture
from scalesearch.design.serialization import OMIT_IF_DEFAULT

SAVED_PER_ACTIVATION = 3
"""The estimated ratio of elements saved for the backward pass to activations.

For the shipped baselines the ratio is 1.9 (ResNet-50) … 3.3 (B0).
"""


@dataclass(frozen=True, slots=True)
class FactoryNetwork:
    """A factory network is built by `factory(depth=…, width=…, resolution=…)`; fvcore counted it for one image."""

    factory: str
    """The name of the function, `package.module:function`."""
    depth: Decimal
    """The depth multiplier that the function is given; the function decides how to round."""
    width: Decimal
    """The width multiplier that the function is given."""
    resolution: int
    """The side of the image, in px."""
    classes: int
    """The number of logits that the network returns."""
    macs: int
    params: int
    activations: int
    in_channels: int = field(default=3, metadata=OMIT_IF_DEFAULT)
    """The channels of the images: the function's argument `in_channels`, or 3 (RGB) where it has none."""

    @property
    def side(self) -> int:
        """The side (px) of the images, which are square."""
        return self.resolution

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        return self.in_channels, self.resolution, self.resolution


Network = Architecture | FactoryNetwork
"""The types of a network that can be counted and trained."""
