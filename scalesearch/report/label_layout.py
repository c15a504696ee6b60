"""The layout of labels at the ends of curves and beside points, so that none hides another."""

from __future__ import annotations

from collections.abc import Sequence


def spread_labels(targets: Sequence[float], gap: float) -> list[float]:
    """Return positions in the order of `targets` that are at least `gap` apart, moved as little as that needs.

    Labels that crowd form a block around the mean of their targets (pool adjacent violators: the least-squares
    answer, Barlow et al. 1972).

    Args:
        targets: the position that each label would have alone, in any order and unit.
        gap: the smallest distance, in the same unit.
    """
    order = sorted(range(len(targets)), key=lambda i: targets[i])
    # After subtracting rank * gap, "at least `gap` apart" means "not decreasing".
    blocks: list[list[float]] = []
    for rank, i in enumerate(order):
        blocks.append([targets[i] - rank * gap])
        while len(blocks) > 1 and _mean(blocks[-2]) > _mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    offsets = [_mean(block) for block in blocks for _ in block]
    positions = [0.0] * len(targets)
    for rank, i in enumerate(order):
        positions[i] = offsets[rank] + rank * gap
    return positions


def place_labels(points: Sequence[tuple[float, float]], names: Sequence[str], below: Sequence[bool]) -> list[str]:
    """Return each label's position as plotly's `textposition`, so that no label hides another, or a mark.

    A label stands above or below its point rather than beside it, where a line may run. Where no position is free
    it stands above to the right.

    Args:
        points: (x, y) in px.
        names: the labels, in the order of the points.
        below: whether a label should preferably stand below its point.
    """
    marks = [(x - _MARK_RADIUS, x + _MARK_RADIUS, y - _MARK_RADIUS, y + _MARK_RADIUS) for x, y in points]
    occupied: list[tuple[float, float, float, float]] = []
    positions = []
    for (x, y), name, prefers_below in zip(points, names, below, strict=True):
        width = _CHARACTER_WIDTH * len(name) + _LABEL_OFFSET
        boxes = {
            f"{vertical} {side}": _box(x, y, width, vertical, side)
            for vertical in (("bottom", "top", "middle") if prefers_below else ("top", "bottom", "middle"))
            for side in ("right", "left")
        }
        obstacles = [*occupied, *(mark for mark in marks if not mark[0] < x < mark[1])]
        free = [
            position
            for position, box in boxes.items()
            if not any(_overlap(box, obstacle) for obstacle in obstacles)
        ]
        position = free[0] if free else "top right"
        occupied.append(boxes[position])
        positions.append(position)
    return positions


_CHARACTER_WIDTH, _LABEL_OFFSET, _LINE_HEIGHT, _MARK_RADIUS = 8.0, 14.0, 16.0, 7.0
"""Pixels: a character's width, a label's distance from its mark, a line's height, half a mark's side."""


def _box(x: float, y: float, width: float, vertical: str, side: str) -> tuple[float, float, float, float]:
    left = x if side == "right" else x - width
    bottom = y + {"middle": -_LINE_HEIGHT / 2, "top": _LINE_HEIGHT / 2, "bottom": -1.5 * _LINE_HEIGHT}[vertical]
    return left, left + width, bottom, bottom + _LINE_HEIGHT


def _overlap(first: tuple[float, float, float, float], second: tuple[float, float, float, float]) -> bool:
    return first[0] < second[1] and second[0] < first[1] and first[2] < second[3] and second[2] < first[3]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
