"""Match costs: find the resolution at which a network costs a given multiple of its baseline.

The cost is multiply-adds or activations. Activations are the elements of the outputs of convolutions and linear
layers. Dollár et al. 2021 (section 3) found that run time on memory-bound hardware depends more on activations than
on multiply-adds.
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
"""The relative tolerance: a network counts as matched if its counted cost is within 5 % of the target."""

COUNTED = ("macs", "activations")
"""The fields of `Cost` that can be matched."""

Shape = tuple[tuple[int, ...], tuple[int, ...]]
"""The widths of stem, stages and head, and the depths of the stages."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_LARGEST_PX = 16384


def match_resolutions(
    baseline: Architecture, shapes: Sequence[Shape], ratio: Decimal, grows: bool = True, cost_kind: str = "macs"
) -> list[Architecture]:
    """Return the network of every shape with the resolution at which its cost is nearest to the target.

    The target is ratio × the baseline's cost.
    For a ratio of 1 or more, the resolution is never below the baseline's. For a smaller ratio, it is never above.
    Where it must not change, it is the baseline's. Of two resolutions that are equally near, the smaller is taken.

    Args:
        baseline: the network whose cost the ratio refers to.
        shapes: widths and depths of the networks.
        ratio: the target cost over the baseline's.
        grows: whether the resolution may change.
        cost_kind: the cost to match, one of `COUNTED`.
    """
    if not grows:
        return [baseline.resized(*shape, baseline.resolution) for shape in shapes]
    if not shapes:
        return []
    widths, depths = (np.array(sizes, dtype=np.int64) for sizes in zip(*shapes, strict=True))
    ratios = np.full(len(shapes), float(ratio))
    sides = nearest_sides(baseline, widths, depths, ratios, np.full(len(shapes), ratio < 1), cost_kind)
    return [baseline.resized(*shape, int(px)) for shape, px in zip(shapes, sides, strict=True)]


def before_match(multipliers: Multipliers) -> Multipliers:
    """Return the multipliers to scale a network by before its resolution is matched.

    A resolution multiplier below 1 becomes 1. By itself it could make the image smaller than the network allows,
    and the match sets the resolution in any case.
    """
    return multipliers if multipliers.resolution >= 1 else replace(multipliers, resolution=Decimal(1))


def nearest_sides(
    baseline: Architecture,
    widths: Ints,
    depths: Ints,
    ratios: Floats,
    shrinks: npt.NDArray[np.bool_],
    cost_kind: str = "macs",
) -> Ints:
    """Return the image sides at which N shapes cost nearest to their ratios × the baseline's cost.

    Every cost depends on the image side only through the side of the output of the stem's first convolution, and
    grows with it. The function therefore bisects over sides of that output. Of several image sides with the same
    output, it takes the one nearest to the baseline's. Of two outputs whose costs are equally near, it takes the
    smaller.

    Args:
        baseline: the network whose cost the ratios refer to.
        widths: (N, widths) channels.
        depths: (N, stages) blocks.
        ratios: (N,) target costs over the baseline's.
        shrinks: (N,) whether the side may be at most the baseline's; otherwise it is at least the baseline's.
        cost_kind: the cost to match, one of `COUNTED`.

    Returns:
        (N,) sides, in px.
    """
    stem, base_px = baseline.stem.first, baseline.resolution
    targets = ratios * getattr(cost(baseline), cost_kind)

    def costs(outputs: Ints) -> Floats:
        values = getattr(
            cost_grid(baseline, widths, depths, _input_sides(outputs, stem, base_px, shrinks)), cost_kind
        )
        return np.asarray(values, dtype=np.float64)

    smallest_output, base_output = (stem.out_px(px) for px in (baseline.smallest_resolution, base_px))
    low = np.where(shrinks, smallest_output, base_output).astype(np.int64)
    lowest = low.copy()
    largest = _largest_sides(base_px, np.maximum(ratios, 1))
    high = np.where(shrinks, base_output, stem.out_px(largest)).astype(np.int64)
    while np.any(low < high):
        middle = (low + high) // 2
        reaches_target = costs(middle) >= targets
        low, high = (
            np.where(reaches_target, low, np.minimum(middle + 1, high)),
            np.where(reaches_target, middle, high),
        )
    one_less = np.maximum(low - 1, lowest)
    is_nearer = np.abs(costs(one_less) - targets) <= np.abs(costs(low) - targets)
    return _input_sides(np.where(is_nearer, one_less, low), stem, base_px, shrinks)


def _largest_sides(base_px: int, ratios: Floats) -> Floats:
    """Return the largest side to search; a shape that rounding made smaller may need more than √ratio."""
    largest: Floats = np.minimum(_LARGEST_PX, 2 * base_px * np.sqrt(ratios) + 8)
    return largest


def sides_from(baseline: Architecture, ratio: Decimal) -> tuple[int, ...]:
    """Return the sides (px) that a match at ratio × the baseline's cost searches, ascending.

    There is one side for each side of the output of the stem's first convolution. For a ratio of 1 or more, they
    begin at the baseline's side. For a smaller ratio, they end there.
    """
    stem, base_px = baseline.stem.first, baseline.resolution
    if ratio < 1:
        outputs = range(stem.out_px(baseline.smallest_resolution), stem.out_px(base_px) + 1)
        return tuple(min(base_px, stem.smallest_px(output) + stem.stride - 1) for output in outputs)
    last = stem.out_px(_largest_sides(base_px, np.array(float(max(ratio, Decimal(1))))))
    return tuple(max(base_px, stem.smallest_px(output)) for output in range(stem.out_px(base_px), int(last) + 1))


def _input_sides(outputs: Ints, stem: Stem, base_px: int, shrinks: npt.NDArray[np.bool_]) -> Ints:
    """Return the image sides from which the stem makes sides `outputs`, each the nearest to the baseline's."""
    smallest: Ints = stem.smallest_px(outputs)
    return np.where(shrinks, np.minimum(base_px, smallest + stem.stride - 1), np.maximum(base_px, smallest))
