"""Images of 1, 3 or 4 channels: luminance, RGB, and RGB with alpha."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalesearch.errors import InputError
from scalesearch.proxy.cache import SplitArrays

CHANNELS = (1, 3, 4)
"""Luminance, RGB, RGBA."""
RGB = 3
RGBA = 4
_LUMINANCE = np.array([19595, 38470, 7471], np.uint32)
"""ITU-R BT.601's 0.299, 0.587 and 0.114 in 1/65536, as Pillow's `convert("L")` has them."""


def check_channels(channels: int) -> None:
    """Raises `InputError` unless images of so many channels can be read."""
    if channels not in CHANNELS:
        raise InputError(
            f"images of {channels} channels cannot be read: take 1 (luminance), 3 (RGB) or 4 (RGB and alpha)"
        )


def key_of_channels(key: str, channels: int) -> str:
    """The cache key (hex) of a data set at so many channels; that of RGB is `key` itself."""
    return key if channels == RGB else hashlib.sha256(f"{key} channels {channels}".encode()).hexdigest()


def of_channels(rgb: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """RGB images (..., 3) as luminance (..., 1), as they are, or with an opaque alpha (..., 4)."""
    if channels == RGB:
        return rgb
    if channels == RGBA:
        return np.concatenate([rgb, np.full_like(rgb[..., :1], 255)], axis=-1)
    weighed: NDArray[Any] = rgb @ _LUMINANCE + np.uint32(0x8000)
    return (weighed >> 16).astype(np.uint8)[..., None]


def split_of_channels(arrays: SplitArrays, channels: int) -> SplitArrays:
    """An RGB data set at so many channels, see `of_channels`."""
    return replace(
        arrays,
        train_images_NHWC=of_channels(arrays.train_images_NHWC, channels),
        val_images_NHWC=of_channels(arrays.val_images_NHWC, channels),
    )
