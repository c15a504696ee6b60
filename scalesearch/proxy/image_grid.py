"""Images beside maps over them, as one picture: a row an image, a column a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

TILE = 128
"""Side of an image or a map, px."""
_GAP, _LINE = 6, 16
_STRONGEST = 0.8
RAMP = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], np.float64)
"""Black over purple, red and orange to pale yellow, as matplotlib's inferno: lightness rises all the way, also for
people who do not see red, green or blue, so that a strong place is told from a weak one by more than its hue."""

Tile = tuple[Image.Image, str]
"""A picture and the words below it."""


def overlaid(image_HWC: NDArray[np.uint8], map_HW: NDArray[np.float32]) -> Image.Image:
    """The positive part of a map over its image: the stronger, the brighter; scaled to the map's own largest value.

    What is negative, or a map without a positive place, shows the image alone: Grad-CAM's ReLU.
    """
    strength = np.maximum(map_HW, 0)
    strength = strength / strength.max() if strength.max() > 0 else strength
    small = Image.fromarray(strength.astype(np.float32))
    share = np.asarray(small.resize((TILE, TILE), Image.Resampling.BILINEAR))[:, :, None]
    base = np.asarray(plain(image_HWC)).astype(np.float32)
    mixed = base + _STRONGEST * share * (shaded(share[:, :, 0]) - base)
    return Image.fromarray(np.clip(np.rint(mixed), 0, 255).astype(np.uint8))


def shaded(share_HW: NDArray[np.float32]) -> NDArray[np.float64]:
    """The colours of shares of the largest value, 0 … 1."""
    places = np.linspace(0, 1, len(RAMP))
    return np.stack([np.interp(share_HW, places, channel) for channel in RAMP.T], axis=-1)


def plain(image_HWC: NDArray[np.uint8]) -> Image.Image:
    """The image at a tile's size."""
    return Image.fromarray(image_HWC).resize((TILE, TILE), Image.Resampling.BILINEAR)


def strip(columns: Sequence[str], rows: Sequence[Sequence[Tile]]) -> Image.Image:
    """All tiles below their columns' names.

    Args:
        columns: a name a column.
        rows: a tile a column.
    """
    width = _GAP + len(columns) * (TILE + _GAP)
    height = _GAP + _LINE + len(rows) * (TILE + _LINE + _GAP)
    canvas = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(canvas)
    for place, name in enumerate(columns):
        _write(draw, _GAP + place * (TILE + _GAP), _GAP, name)
    for row, tiles in enumerate(rows):
        top = _GAP + _LINE + row * (TILE + _LINE + _GAP)
        for place, (picture, words) in enumerate(tiles):
            left = _GAP + place * (TILE + _GAP)
            canvas.paste(picture, (left, top))
            _write(draw, left, top + TILE + 1, words)
    return canvas


def _write(draw: ImageDraw.ImageDraw, left: int, top: int, text: str) -> None:
    """In one line, cut where the tile ends."""
    font = ImageFont.load_default(11)
    while text and draw.textlength(text, font) > TILE:
        text = text[:-1]
    draw.text((left, top), text, "black", font)
