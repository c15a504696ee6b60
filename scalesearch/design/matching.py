"""Equal cost, measured: the resolution at which a network costs a wanted multiple of its baseline."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from scalesearch.design.architecture import Architecture
from scalesearch.design.cost import cost, cost_grid

TOLERANCE = Decimal("0.05")
"""Networks whose measured cost is within 5 % of the wanted one count as matched."""

Shape = tuple[tuple[int, ...], tuple[int, ...]]
"""Widths of stem, stages and head; depths of the stages."""


def match_resolutions(
    baseline: Architecture, shapes: Sequence[Shape], ratio: Decimal, grows: bool = True
) -> list[Architecture]:
    """For every shape the network whose MACs are nearest to ratio × baseline, by resolution alone.

    The resolution is never below the baseline's, and is the baseline's where it does not grow; of two that
    are equally near, the smaller is taken.
    """
    target = float(ratio) * cost(baseline).macs
    sides = _sides(baseline.resolution, float(ratio)) if grows else np.array([baseline.resolution])
    found = []
    for widths, depths in shapes:
        # One shape at a time keeps the memory flat; the sides of one are a single array operation.
        rows = np.ones((len(sides), 1), dtype=np.int64)
        macs = cost_grid(baseline, rows * np.array(widths), rows * np.array(depths), sides).macs
        nearest = int(np.argmin(np.abs(np.asarray(macs) - target)))
        found.append(baseline.resized(widths, depths, int(sides[nearest])))
    return found


def _sides(smallest: int, ratio: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Every side from the baseline's to a little above the one that alone would multiply the cost."""
    largest = int(smallest * max(ratio, 1.0) ** 0.5 * 1.1) + 8
    return np.arange(smallest, largest + 1, dtype=np.int64)
