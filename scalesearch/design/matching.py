"""Match costs: find the resolution at which a network costs a given multiple of its baseline.

The cost is multiply-adds or activations. Activations are the elements of the outputs of convolutions and linear
layers. Dollár et al. 2021 (section 3) found that run time on memory-bound hardware depends more on activations than
on multiply-adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from scalesearch.design.architecture import Architecture, Stem
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost, cost_grid
from scalesearch.design.images import Rectangle

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
    Rectangles keep the proportions of the baseline's images (`Architecture.proportional`).

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
    return [
        baseline.resized(*shape, baseline.proportional(int(px))) for shape, px in zip(shapes, sides, strict=True)
    ]


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

    Where the baseline has a `resolution_multiple`, they are multiples of it.

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
        (N,) sides, in px; of rectangles the longer ones.
    """
    targets = ratios * getattr(cost(baseline), cost_kind)
    candidates = _Sides(baseline, shrinks)

    def costs(indices: Ints) -> Floats:
        values = getattr(cost_grid(baseline, widths, depths, candidates.px(indices)), cost_kind)
        return np.asarray(values, dtype=np.float64)

    low, high = candidates.lowest, candidates.highest(ratios)
    lowest = low.copy()
    while np.any(low < high):
        middle = (low + high) // 2
        reaches_target = costs(middle) >= targets
        low, high = (
            np.where(reaches_target, low, np.minimum(middle + 1, high)),
            np.where(reaches_target, middle, high),
        )
    one_less = np.maximum(low - 1, lowest)
    is_nearer = np.abs(costs(one_less) - targets) <= np.abs(costs(low) - targets)
    return candidates.px(np.where(is_nearer, one_less, low))


@dataclass(frozen=True, slots=True)
class _Sides:
    """The image sides that a match tries, by an index that rises with the cost.

    The index is the side of the output of the stem's first convolution, of which several image sides may be the
    input. Where sides must be a multiple of some px, it is the number of times of that multiple. Of rectangles it
    is the longer side, since the other one changes at other places.
    """

    baseline: Architecture
    shrinks: npt.NDArray[np.bool_]
    """(N,) whether a side is at most the baseline's; otherwise it is at least the baseline's."""

    @property
    def lowest(self) -> Ints:
        """(N,) The indices of the smallest sides."""
        base, smallest = self.baseline.longer_side, self.baseline.smallest_longer_side
        return np.where(self.shrinks, self._at_least(smallest), self._at_least(base)).astype(np.int64)

    def highest(self, ratios: Floats) -> Ints:
        """Return the indices (N,) of the largest sides that a target of `ratios` (N,) may need."""
        base = self.baseline.longer_side
        largest = _largest_sides(base, np.maximum(ratios, 1))
        indices = np.where(self.shrinks, self._at_most(np.asarray(base)), self._at_most(largest))
        return np.maximum(indices.astype(np.int64), self.lowest)

    def px(self, indices: Ints) -> Ints:
        """Return the sides (N,) of indices (N,)."""
        if self._multiple is not None:
            return indices * self._multiple
        return _input_sides(indices, self.baseline.stem.first, self.baseline.longer_side, self.shrinks)

    @property
    def _multiple(self) -> int | None:
        """The number of px from one side to the next; None: one side is taken for each output of the stem."""
        base = self.baseline
        by_output = base.resolution_multiple == 1 and not isinstance(base.resolution, Rectangle)
        return None if by_output else base.resolution_multiple

    def _at_least(self, px: int) -> int:
        return int(self.baseline.stem.first.out_px(px)) if self._multiple is None else -(-px // self._multiple)

    def _at_most(self, px: Floats) -> Floats:
        index = self.baseline.stem.first.out_px(px) if self._multiple is None else px // self._multiple
        return np.asarray(index, dtype=np.float64)


def _largest_sides(base_px: int, ratios: Floats) -> Floats:
    """Return the largest side to search; a shape that rounding made smaller may need more than √ratio."""
    largest: Floats = np.minimum(_LARGEST_PX, 2 * base_px * np.sqrt(ratios) + 8)
    return largest


def sides_from(baseline: Architecture, ratio: Decimal) -> tuple[int, ...]:
    """Return the sides (px) that a match at ratio × the baseline's cost searches, ascending.

    There is one side for each side of the output of the stem's first convolution, or for each multiple of
    `resolution_multiple`. For a ratio of 1 or more, they begin at the baseline's side. For a smaller ratio, they
    end there.
    """
    candidates = _Sides(baseline, np.array([ratio < 1]))
    (first,), (last,) = candidates.lowest, candidates.highest(np.array([float(ratio)]))
    return tuple(int(candidates.px(np.array([index]))[0]) for index in range(first, last + 1))


def _input_sides(outputs: Ints, stem: Stem, base_px: int, shrinks: npt.NDArray[np.bool_]) -> Ints:
    """Return the image sides from which the stem makes sides `outputs`, each the nearest to the baseline's."""
    smallest: Ints = stem.smallest_px(outputs)
    return np.where(shrinks, np.minimum(base_px, smallest + stem.stride - 1), np.maximum(base_px, smallest))
