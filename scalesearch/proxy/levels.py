"""Scale pictures of more than 8 bits: one range for a whole data set, so that different levels stay different.

Cameras and scanners write 10 or 12 bits into files of 16, so the range is that of the data, not of the format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scalesearch.errors import InputError
from scalesearch.proxy.channels import convert_channels
from scalesearch.proxy.decoding import Decoded

_HALF = 128
_FEW_LEVELS = 64
"""The number of levels below which a note says that few are used."""
_NEARLY_ALL = 0.99
"""The share of the values of 16-bit colours whose levels are counted, so that a few bright pixels do not matter."""


def scale_greys(decoded: Sequence[Decoded], channels: int, source: str) -> tuple[list[Decoded], tuple[str, ...]]:
    """Scale 16-bit greys from the lowest and highest level of all of them to 0 … 255; other pictures are kept.

    Args:
        decoded: all pictures of a data set.
        channels: the number of channels of the result.
        source: the beginning of messages.

    Returns:
        The pictures, and notes on the range that was used.

    Raises:
        InputError: only some pictures have 16 bits, their pixels all have one level, or 16-bit colours are so dark
            that their upper 8 bits, which are all that is read, lose levels.
    """
    ranges = [picture.grey_range for picture in decoded if picture.grey_range is not None]
    colours = _check_colours(decoded, source)
    if not ranges:
        return list(decoded), colours
    if len(ranges) < len(decoded):
        others = len(decoded) - len(ranges)
        raise InputError(
            f"{source}: {len(ranges)} images are 16-bit greys and {others} are not, so there is no one range of "
            "levels; convert all to one depth"
        )
    low, high = min(level for level, _ in ranges), max(level for _, level in ranges)
    if low == high:
        raise InputError(f"{source}: every pixel of its 16-bit greys has the level {low}: there is nothing to see")
    note = f"16-bit greys are scaled from {low} … {high}, the range of all images, to 0 … 255"
    scaled = [_scale_grey(picture, low, high, channels) for picture in decoded]
    return scaled, (note, *_few_levels_note(scaled))


def _few_levels_note(scaled: Sequence[Decoded]) -> tuple[str, ...]:
    """Return a note where few levels are used.

    One pixel that is far too bright makes the range so wide that the rest becomes one level.
    """
    present = np.zeros(256, bool)
    for picture in scaled:
        present[picture.square[..., 0]] = True
    count = int(present.sum())
    return (
        (f"only {count} of 256 levels are used: look for a pixel that is far too bright",)
        if count < _FEW_LEVELS
        else ()
    )


def _scale_grey(picture: Decoded, low: int, high: int, channels: int) -> Decoded:
    """Scale one picture; values outside the range, which bicubic scaling may give, are clipped."""
    levels_HW = np.clip(np.rint((picture.square - low) * (255 / (high - low))), 0, 255).astype(np.uint8)
    rgb_HWC = np.repeat(levels_HW[..., None], 3, axis=2)
    return replace(picture, square=levels_HW[..., None] if channels == 1 else convert_channels(rgb_HWC, channels))


def _check_colours(decoded: Sequence[Decoded], source: str) -> tuple[str, ...]:
    """Return notes on 16-bit colours, where there are any; raise `InputError` where they lose levels."""
    counts = [picture.colour_counts for picture in decoded if picture.colour_counts is not None]
    if not counts:
        return ()
    total = np.stack(counts).astype(np.int64).sum(axis=0)
    highest = int(total.nonzero()[0][-1])
    if highest < _HALF:
        raise InputError(
            f"{source}: {len(counts)} images of 16-bit colour use {256 * highest + 255} of 65535 at most, of "
            f"which {highest + 1} levels would be left; convert them to 8 bits"
        )
    return (colours_note(decoded), *_few_colours_note(total))


def colours_note(decoded: Sequence[Decoded]) -> str:
    """Return a note on what is read of 16-bit colours."""
    count = sum(picture.colour_counts is not None for picture in decoded)
    return f"of {count} images of 16-bit colour the upper 8 bits are read"


def _few_colours_note(total: NDArray[np.int64]) -> tuple[str, ...]:
    """Return a note where few levels hold nearly all values, as when 12 bits were written into 16.

    The brightest values do not count: one bright pixel would hide it.
    """
    cumulative_share = np.cumsum(np.sort(total)[::-1]) / total.sum()
    count = int(np.searchsorted(cumulative_share, _NEARLY_ALL)) + 1
    if count >= _FEW_LEVELS:
        return ()
    return (
        f"{count} of 256 levels hold 99% of their values: if fewer than 16 bits are used, convert them to 8 bits",
    )
