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


def sides(points: Sequence[tuple[float, float]], names: Sequence[str], below: Sequence[bool]) -> list[str]:
    """Where each point's name stands, as plotly's `textposition`, so that none hides another, or a mark.

    Above or below rather than beside a point, where a line may run; where no place is free, above to the right.

    Args:
        points: in px.
        names: in the order of the points.
        below: whether a name had better stand below its point.
    """
    marks = [(x - _MARK, x + _MARK, y - _MARK, y + _MARK) for x, y in points]
    taken: list[tuple[float, float, float, float]] = []
    found = []
    for (x, y), name, under in zip(points, names, below, strict=True):
        wide = _CHARACTER * len(name) + _GAP
        boxes = {
            f"{height} {side}": _box(x, y, wide, height, side)
            for height in (("bottom", "top", "middle") if under else ("top", "bottom", "middle"))
            for side in ("right", "left")
        }
        others = [*taken, *(mark for mark in marks if not mark[0] < x < mark[1])]
        free = [where for where, box in boxes.items() if not any(_overlap(box, other) for other in others)]
        where = free[0] if free else "top right"
        taken.append(boxes[where])
        found.append(where)
    return found


_CHARACTER, _GAP, _HIGH, _MARK = 8.0, 14.0, 16.0, 7.0
"""Pixels: a character's width, a name's distance from its mark, a line's height, half a mark's side."""


def _box(x: float, y: float, wide: float, height: str, side: str) -> tuple[float, float, float, float]:
    left = x if side == "right" else x - wide
    foot = y + {"middle": -_HIGH / 2, "top": _HIGH / 2, "bottom": -1.5 * _HIGH}[height]
    return left, left + wide, foot, foot + _HIGH


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
