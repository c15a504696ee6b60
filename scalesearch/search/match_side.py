"""Finds the side of the image at which a network of a Python function costs nearest to a target.

The cost at a side is known only once the network is built and counted, so few sides are tried. Costs are taken to
rise with the side, smoothly or in steps (a function may pad its images to a multiple of 32 px).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log, sqrt

from scalesearch.design.factory import FactoryNetwork

_GUESSES = 3
"""The number of guesses from the power of the side; a cost that rises in steps follows none."""


def match_side(
    count: Callable[[int], FactoryNetwork],
    base_px: int,
    target_cost: float,
    cost_kind: str,
    shrinks: bool = False,
    start_px: int | None = None,
) -> FactoryNetwork:
    """Return the network whose cost is nearest to the target; of equally near ones, the one of the fewest px.

    Args:
        count: builds and counts the network for images of a side, px.
        base_px: the side that no network is below or, where networks shrink, above.
        target_cost: the cost to match.
        cost_kind: `macs` or `activations`.
        shrinks: whether networks are to be smaller than the baseline.
        start_px: the side of a similar network at this cost, which is tried first; None: there is none.

    Raises:
        InputError: the function fails at one of the sides.
    """
    first_px = start_px or base_px
    first = count(first_px)
    ratio = target_cost / getattr(first, cost_kind)
    # As for networks of stages, a side beyond twice the nominal one is not tried: the cost may not depend on it.
    lowest, highest = (1, base_px) if shrinks else (base_px, round(2 * first_px * sqrt(max(1.0, ratio))) + 8)
    search = _SideSearch(count, target_cost, cost_kind, lowest, highest, {first_px: first})
    low, high = search.bracket(search.approach(base_px) if start_px is None else start_px)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if search.cost(middle) < target_cost else (low, middle)
    return search.nearest


@dataclass(frozen=True, slots=True)
class _SideSearch:
    """The networks that were counted so far, and the sides that may be counted."""

    count: Callable[[int], FactoryNetwork]
    target_cost: float
    cost_kind: str
    lowest: int
    highest: int
    networks: dict[int, FactoryNetwork]

    @property
    def nearest(self) -> FactoryNetwork:
        """The network of the cost nearest to the target, so far."""
        return min(
            self.networks.values(),
            key=lambda network: (abs(getattr(network, self.cost_kind) - self.target_cost), network.resolution),
        )

    def cost(self, px: int) -> int:
        """Return the cost at a side; each is counted once."""
        if px not in self.networks:
            self.networks[px] = self.count(px)
        return int(getattr(self.networks[px], self.cost_kind))

    def approach(self, px: int) -> int:
        """Return a side near the target: each guess follows the power of px between the last two costs.

        The power is 2 for convolutions and up to 4 for attention.
        """
        exponent = 2.0
        for _ in range(_GUESSES):
            guess = self._clamp(round(px * (self.target_cost / self.cost(px)) ** (1 / exponent)))
            if guess in self.networks:
                break
            slope = log(self.cost(guess) / self.cost(px)) / log(guess / px)
            px, exponent = guess, min(4.0, max(2.0, slope))
        return px

    def bracket(self, px: int) -> tuple[int, int]:
        """Return two sides of which only the larger reaches the target, or the last side that may be counted twice.

        Steps from `px` double, so that a step of the cost that is many px wide is passed soon.
        """
        step = 1 if self.cost(px) < self.target_cost else -1
        while (other := self._clamp(px + step)) != px:
            if (self.cost(other) < self.target_cost) == (step < 0):
                return min(px, other), max(px, other)
            px, step = other, 2 * step
        return px, px

    def _clamp(self, px: int) -> int:
        return min(self.highest, max(self.lowest, px))
