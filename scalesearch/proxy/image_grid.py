"""Render images and heat maps over them as one picture: one row an image, one column a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

TILE = 128
"""The side of an image or a heat map, in px."""
_GAP, _TEXT_HEIGHT = 6, 16
_MAX_OPACITY = 0.8
RAMP = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], np.float64)
"""Black over purple, red and orange to pale yellow, as matplotlib's inferno. Lightness rises throughout, so strong
and weak places also differ for people with a colour-vision deficiency."""

Tile = tuple[Image.Image, str]
"""A picture and the text below it."""


def overlay_heatmap(image_HWC: NDArray[np.uint8], map_HW: NDArray[np.float32]) -> Image.Image:
    """Blend the positive part of a map over its image, relative to the map's own maximum: stronger is brighter.

    Negative places, and a map without a positive place, show the image alone, as with Grad-CAM's ReLU.
    """
    heat = np.maximum(map_HW, 0)
    heat = heat / heat.max() if heat.max() > 0 else heat
    unscaled = Image.fromarray(heat.astype(np.float32))
    share = np.asarray(unscaled.resize((TILE, TILE), Image.Resampling.BILINEAR))[:, :, None]
    background = np.asarray(resize_to_tile(image_HWC)).astype(np.float32)
    blended = background + _MAX_OPACITY * share * (colormap(share[:, :, 0]) - background)
    return Image.fromarray(np.clip(np.rint(blended), 0, 255).astype(np.uint8))


def colormap(share_HW: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the colours of values between 0 and 1."""
    positions = np.linspace(0, 1, len(RAMP))
    return np.stack([np.interp(share_HW, positions, channel) for channel in RAMP.T], axis=-1)


def resize_to_tile(image_HWC: NDArray[np.uint8]) -> Image.Image:
    """Return the image at the size of a tile."""
    return Image.fromarray(image_HWC).resize((TILE, TILE), Image.Resampling.BILINEAR)


def render_grid(columns: Sequence[str], rows: Sequence[Sequence[Tile]]) -> Image.Image:
    """Render all tiles below the names of their columns.

    Args:
        columns: one name for each column.
        rows: one tile for each column.
    """
    width = _GAP + len(columns) * (TILE + _GAP)
    height = _GAP + _TEXT_HEIGHT + len(rows) * (TILE + _TEXT_HEIGHT + _GAP)
    canvas = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(canvas)
    for column, name in enumerate(columns):
        _draw_text(draw, _GAP + column * (TILE + _GAP), _GAP, name)
    for row, tiles in enumerate(rows):
        top = _GAP + _TEXT_HEIGHT + row * (TILE + _TEXT_HEIGHT + _GAP)
        for column, (picture, text) in enumerate(tiles):
            left = _GAP + column * (TILE + _GAP)
            canvas.paste(picture, (left, top))
            _draw_text(draw, left, top + TILE + 1, text)
    return canvas


def _draw_text(draw: ImageDraw.ImageDraw, left: int, top: int, text: str) -> None:
    """Draw one line of text, cut where the tile ends."""
    font = ImageFont.load_default(11)
    while text and draw.textlength(text, font) > TILE:
        text = text[:-1]
    draw.text((left, top), text, "black", font)
