"""Convert RGB images to 1, 3 or 4 channels: luminance, RGB, or RGB with alpha."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalesearch.proxy.cache import SplitArrays

RGB = 3
RGBA = 4
_LUMINANCE = np.array([19595, 38470, 7471], np.uint32)
"""The weights 0.299, 0.587 and 0.114 of ITU-R BT.601 in units of 1/65536, as in Pillow's `convert("L")`."""


def key_with_channels(key: str, channels: int) -> str:
    """Return the cache key (hex) of a data set with this number of channels; that of RGB is `key` itself."""
    return key if channels == RGB else hashlib.sha256(f"{key} channels {channels}".encode()).hexdigest()


def convert_channels(rgb: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Convert RGB images (..., 3) to luminance (..., 1), to RGB with an opaque alpha (..., 4), or leave them."""
    if channels == RGB:
        return rgb
    if channels == RGBA:
        return np.concatenate([rgb, np.full_like(rgb[..., :1], 255)], axis=-1)
    weighted_sum: NDArray[Any] = rgb @ _LUMINANCE + np.uint32(0x8000)
    return (weighted_sum >> 16).astype(np.uint8)[..., None]


def convert_split(arrays: SplitArrays, channels: int) -> SplitArrays:
    """Convert an RGB data set to this number of channels, see `convert_channels`."""
    return replace(
        arrays,
        train_images_NHWC=convert_channels(arrays.train_images_NHWC, channels),
        val_images_NHWC=convert_channels(arrays.val_images_NHWC, channels),
    )
