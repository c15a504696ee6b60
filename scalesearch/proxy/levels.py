"""Pictures of more than 8 bits: one range for a whole set, so that levels that differ stay apart.

Cameras and scanners write 10 or 12 bits into files of 16, so the range is that of the data, not of the format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scalesearch.errors import InputError
from scalesearch.proxy.channels import of_channels
from scalesearch.proxy.decoding import Decoded

_HALF = 128
_FEW = 64
"""Levels below which a set is said to have few."""
_NEARLY_ALL = 0.99
"""Share of the values of 16-bit colours whose levels are counted, so that a few bright pixels do not matter."""


def scale_greys(decoded: Sequence[Decoded], channels: int, source: str) -> tuple[list[Decoded], tuple[str, ...]]:
    """16-bit greys scaled from the lowest and highest level of all of them to 0 … 255; other pictures as they are.

    Args:
        decoded: all pictures of a set.
        channels: of the result.
        source: what a message begins with.

    Returns:
        The pictures, and a line on the range that was used.

    Raises:
        InputError: only some pictures have 16 bits, their pixels all have one level, or 16-bit colours are so dark
            that their upper 8 bits, which are all that is read, lose levels.
    """
    ranges = [one.grey_range for one in decoded if one.grey_range is not None]
    colours = _colours(decoded, source)
    if not ranges:
        return list(decoded), colours
    if len(ranges) < len(decoded):
        others = len(decoded) - len(ranges)
        raise InputError(
            f"{source}: {len(ranges)} images are 16-bit greys and {others} are not, so there is no one range of "
            "levels; convert all to one depth"
        )
    low, high = min(one for one, _ in ranges), max(one for _, one in ranges)
    if low == high:
        raise InputError(f"{source}: every pixel of its 16-bit greys has the level {low}: there is nothing to see")
    note = f"16-bit greys are scaled from {low} … {high}, the range of all images, to 0 … 255"
    scaled = [_scaled(one, low, high, channels) for one in decoded]
    return scaled, (note, *_few_levels(scaled))


def _few_levels(scaled: Sequence[Decoded]) -> tuple[str, ...]:
    """A line where little is left: one pixel far too bright makes the range so wide that the rest is one level."""
    present = np.zeros(256, bool)
    for one in scaled:
        present[one.square[..., 0]] = True
    count = int(present.sum())
    return (
        (f"only {count} of 256 levels are used: look for a pixel that is far too bright",) if count < _FEW else ()
    )


def _scaled(one: Decoded, low: int, high: int, channels: int) -> Decoded:
    """Bicubic scaling may leave the range; what is outside of it is cut off."""
    levels_HW = np.clip(np.rint((one.square - low) * (255 / (high - low))), 0, 255).astype(np.uint8)
    rgb_HWC = np.repeat(levels_HW[..., None], 3, axis=2)
    return replace(one, square=levels_HW[..., None] if channels == 1 else of_channels(rgb_HWC, channels))


def _colours(decoded: Sequence[Decoded], source: str) -> tuple[str, ...]:
    """Lines on 16-bit colours, where there are any; raises `InputError` where they lose levels."""
    counts = [one.colour_counts for one in decoded if one.colour_counts is not None]
    if not counts:
        return ()
    total = np.stack(counts).astype(np.int64).sum(axis=0)
    highest = int(total.nonzero()[0][-1])
    if highest < _HALF:
        raise InputError(
            f"{source}: {len(counts)} images of 16-bit colour use {256 * highest + 255} of 65535 at most, of "
            f"which {highest + 1} levels would be left; convert them to 8 bits"
        )
    return (colours_note(decoded), *_few_colours(total))


def colours_note(decoded: Sequence[Decoded]) -> str:
    """What is read of 16-bit colours."""
    count = sum(one.colour_counts is not None for one in decoded)
    return f"of {count} images of 16-bit colour the upper 8 bits are read"


def _few_colours(total: NDArray[np.int64]) -> tuple[str, ...]:
    """A line where few levels hold nearly all values: one bright pixel hides that 12 bits were written into 16."""
    held = np.cumsum(np.sort(total)[::-1]) / total.sum()
    count = int(np.searchsorted(held, _NEARLY_ALL)) + 1
    if count >= _FEW:
        return ()
    return (
        f"{count} of 256 levels hold 99% of their values: if fewer than 16 bits are used, convert them to 8 bits",
    )
