"""Equal cost, counted: the resolution at which a network costs a wanted multiple of its baseline.

The cost is multiply-adds, or activations: the elements of the outputs of convolutions and linear layers, which
Dollár et al. 2021 (section 3) found to go with run time on memory-bound hardware better than multiply-adds do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from scalesearch.design.architecture import Architecture, Stem
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost, cost_grid

TOLERANCE = Decimal("0.05")
"""Networks whose counted cost is within 5 % of the wanted one count as matched."""

COUNTED = ("macs", "activations")
"""The fields of `Cost` that can be matched."""

Shape = tuple[tuple[int, ...], tuple[int, ...]]
"""Widths of stem, stages and head; depths of the stages."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_LARGEST_PX = 16384


def match_resolutions(
    baseline: Architecture, shapes: Sequence[Shape], ratio: Decimal, grows: bool = True, by: str = "macs"
) -> list[Architecture]:
    """For every shape the network whose cost is nearest to ratio × baseline, by resolution alone.

    For a ratio of 1 or more the resolution is never below the baseline's; for a smaller ratio it is never above it.
    It is the baseline's where it does not grow; of two that are equally near, the smaller is taken.

    Args:
        baseline: what the ratio is of.
        shapes: widths and depths of the networks.
        ratio: the wanted cost.
        grows: whether the resolution may change.
        by: the cost, one of `COUNTED`.
    """
    if not grows:
        return [baseline.resized(*shape, baseline.resolution) for shape in shapes]
    if not shapes:
        return []
    widths, depths = (np.array(sizes, dtype=np.int64) for sizes in zip(*shapes, strict=True))
    ratios = np.full(len(shapes), float(ratio))
    sides = nearest_sides(baseline, widths, depths, ratios, np.full(len(shapes), ratio < 1), by)
    return [baseline.resized(*shape, int(px)) for shape, px in zip(shapes, sides, strict=True)]


def before_match(multipliers: Multipliers) -> Multipliers:
    """What a network is scaled by whose resolution is then matched.

    A side that shrinks is left to the match: r alone could make it smaller than any that the network can have.
    """
    return multipliers if multipliers.resolution >= 1 else replace(multipliers, resolution=Decimal(1))


def nearest_sides(
    baseline: Architecture,
    widths: Ints,
    depths: Ints,
    ratios: Floats,
    shrinks: npt.NDArray[np.bool_],
    by: str = "macs",
) -> Ints:
    """The sides, in px, at which N shapes cost nearest to their ratios × the baseline.

    All costs depend on the side through that of the stem's output alone, and grow with it: a bisection over
    those. Of several sides with that output the one nearest to the baseline's is taken; of two outputs that
    are equally near, the smaller.

    Args:
        baseline: what the ratios are of.
        widths: (N, widths) channels.
        depths: (N, stages) layers.
        ratios: (N,) wanted costs.
        shrinks: (N,) whether the side may only be the baseline's or less; else the baseline's or more.
        by: the cost, one of `COUNTED`.

    Returns:
        (N,) sides.
    """
    stem, own = baseline.stem, baseline.resolution
    targets = ratios * getattr(cost(baseline), by)

    def costs(outputs: Ints) -> Floats:
        counted = getattr(cost_grid(baseline, widths, depths, _sides(outputs, stem, own, shrinks)), by)
        return np.asarray(counted, dtype=np.float64)

    first_output, own_output = (stem.out_px(px) for px in (baseline.smallest_resolution, own))
    low = np.where(shrinks, first_output, own_output).astype(np.int64)
    first = low.copy()
    reach = _reach(own, np.maximum(ratios, 1))
    high = np.where(shrinks, own_output, stem.out_px(reach)).astype(np.int64)
    while np.any(low < high):
        middle = (low + high) // 2
        enough = costs(middle) >= targets
        low, high = np.where(enough, low, np.minimum(middle + 1, high)), np.where(enough, middle, high)
    below = np.maximum(low - 1, first)
    nearer = np.abs(costs(below) - targets) <= np.abs(costs(low) - targets)
    return _sides(np.where(nearer, below, low), stem, own, shrinks)


def _reach(own: int, ratios: Floats) -> Floats:
    """The largest side that is looked at: a shape that rounding made a little smaller may need more than √ratio."""
    reach: Floats = np.minimum(_LARGEST_PX, 2 * own * np.sqrt(ratios) + 8)
    return reach


def sides_from(baseline: Architecture, ratio: Decimal) -> tuple[int, ...]:
    """All sides (px) that a match at ratio × baseline looks at, rising, one a stem's output.

    They begin at the baseline's; for a ratio below 1 they end there.
    """
    stem, own = baseline.stem, baseline.resolution
    if ratio < 1:
        outputs = range(stem.out_px(baseline.smallest_resolution), stem.out_px(own) + 1)
        return tuple(min(own, stem.smallest_px(output) + stem.stride - 1) for output in outputs)
    last = stem.out_px(_reach(own, np.array(float(max(ratio, Decimal(1))))))
    return tuple(max(own, stem.smallest_px(output)) for output in range(stem.out_px(own), int(last) + 1))


def _sides(outputs: Ints, stem: Stem, own: int, shrinks: npt.NDArray[np.bool_]) -> Ints:
    """The side nearest to the baseline's of those that the stem makes `outputs` of."""
    smallest: Ints = stem.smallest_px(outputs)
    return np.where(shrinks, np.minimum(own, smallest + stem.stride - 1), np.maximum(own, smallest))
