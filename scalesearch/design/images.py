"""Define the images that networks take: their size, square or not, and their channels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from scalesearch.errors import SpaceError

LARGEST_IN_CHANNELS = 1024
"""The largest number of image channels of a network, above that of hyperspectral cameras."""

IMAGE_CHANNELS = (1, 3, 4)
"""The numbers of channels with which images are read: grey, RGB, and RGB with an alpha channel."""

LARGEST_SIDE = 16384
"""The largest side of an image, in px."""

RECTANGLE = re.compile(r"([0-9]{1,9})x([0-9]{1,9})")
"""The text of a rectangle: HEIGHTxWIDTH."""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A rectangle is the size of an image or a feature map (px) whose sides differ.

    Arithmetic acts on each side, so that formulas for the side of a square hold for rectangles. Both sides may be
    arrays of one shape.
    """

    height: int
    width: int

    def __add__(self, other: int) -> Rectangle:
        return Rectangle(self.height + other, self.width + other)

    def __sub__(self, other: int) -> Rectangle:
        return Rectangle(self.height - other, self.width - other)

    def __mul__(self, other: int) -> Rectangle:
        return Rectangle(self.height * other, self.width * other)

    def __floordiv__(self, other: int) -> Rectangle:
        return Rectangle(self.height // other, self.width // other)

    def __neg__(self) -> Rectangle:
        return Rectangle(-self.height, -self.width)

    def __str__(self) -> str:
        return f"{self.height}x{self.width}"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


ImageSize = int | Rectangle
"""The size of an image or a feature map, in px: the side of a square, or a rectangle."""


def image_size(height: int, width: int) -> ImageSize:
    """Return the size of an image, which is a plain integer where it is square."""
    return height if height == width else Rectangle(height, width)


def parse_image_size(text: str) -> ImageSize | None:
    """Return the size that a text such as `224` or `192x320` (height x width) names; None: it names none."""
    match = RECTANGLE.fullmatch(text)
    if match is not None:
        return image_size(int(match[1]), int(match[2]))
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def plain_size(size: ImageSize) -> int | str:
    """Return the size as a value for files and JSON: the side of a square, or a text such as `192x320`."""
    return size if isinstance(size, int) else str(size)


def sides_of(size: ImageSize) -> tuple[int, int]:
    """Return height and width."""
    return (size.height, size.width) if isinstance(size, Rectangle) else (size, size)


def longer_side(size: ImageSize) -> int:
    """Return the longer side; the side of a square."""
    return max(sides_of(size))


def area(size: ImageSize) -> int:
    """Return the number of positions, an array where the sides are arrays."""
    return size.height * size.width if isinstance(size, Rectangle) else size**2


def size_ratio(size: ImageSize, base: ImageSize) -> Decimal:
    """Return the ratio of two sides; of rectangles that of the sides of squares of the same areas."""
    if isinstance(size, Rectangle) or isinstance(base, Rectangle):
        return (Decimal(area(size)) / area(base)).sqrt()
    return Decimal(size) / base


def proportional(base: ImageSize, side: int, multiple: int = 1) -> ImageSize:
    """Return the size of the proportions of `base` whose longer side is `side`.

    Args:
        base: the size that gives the proportions.
        side: the longer side, which may be an array.
        multiple: the shorter side is rounded to the nearest multiple of it, halves up, but at least one multiple.
    """
    if not isinstance(base, Rectangle):
        return side
    short, long = sorted(sides_of(base))
    unit = 2 * long * multiple
    count = (2 * side * short + long * multiple) // unit
    other = multiple * (count + (count < 1))  # max(1, count), for arrays as well
    height, width = (side, other) if base.height == long else (other, side)
    return image_size(height, width) if isinstance(side, int) else Rectangle(height, width)


def check_image_channels(channels: int) -> None:
    """Check that images can be read for a network that takes this number of channels.

    Raises:
        SpaceError: they are read with other numbers of channels only.
    """
    if channels not in IMAGE_CHANNELS:
        raise SpaceError(
            f"images are read with 1 (grey), 3 (RGB) or 4 (RGBA) channels, but the network takes {channels}: it "
            "cannot be trained here, but cost, explain, solve, family, latency and export take it"
        )


def square_side(size: ImageSize) -> int:
    """Return the side of a square image.

    Raises:
        SpaceError: the image is a rectangle.
    """
    if isinstance(size, Rectangle):
        raise SpaceError(
            f"the network takes images of {size} px, but here it must take square ones: networks of rectangles are "
            "for cost, explain, solve, family, grid, compare, nas, latency and export"
        )
    return size
