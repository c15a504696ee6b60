"""Labels at the ends of curves, moved apart so that none hides another."""

from __future__ import annotations

from collections.abc import Sequence


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Places in the order of `wanted`, at least `gap` apart, moved as little as that needs.

    Labels that crowd form a block around the mean of where they want to be (pool adjacent violators: the
    least-squares answer, Barlow et al. 1972).

    Args:
        wanted: where each would be alone, in any order and unit.
        gap: in the same unit.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    # Less its place in the row times the gap, "at least `gap` apart" is "not falling".
    blocks: list[list[float]] = []
    for place, i in enumerate(order):
        blocks.append([wanted[i] - place * gap])
        while len(blocks) > 1 and _mean(blocks[-2]) > _mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    level = [_mean(block) for block in blocks for _ in block]
    found = [0.0] * len(wanted)
    for place, i in enumerate(order):
        found[i] = level[place] + place * gap
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
