"""Finds the side of the image at which a network of a Python function costs nearest to a target.

The cost at a side is known only once the network is built and counted, so few sides are tried. Costs are taken to
rise with the side, smoothly or in steps (a function may pad its images to a multiple of 32 px).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log, sqrt

from scalesearch.design.factory import FactoryNetwork
from scalesearch.errors import InputError

_GUESSES = 3
"""The number of guesses from the power of the side; a cost that rises in steps follows none."""


def match_side(
    count: Callable[[int], FactoryNetwork],
    base_px: int,
    target_cost: float,
    cost_kind: str,
    shrinks: bool = False,
    start_px: int | None = None,
    multiple: int = 1,
) -> FactoryNetwork:
    """Return the network whose cost is nearest to the target; of equally near ones, the one of the fewest px.

    Args:
        count: builds and counts the network for images of a side, px.
        base_px: the side that no network is below or, where networks shrink, above.
        target_cost: the cost to match.
        cost_kind: `macs` or `activations`.
        shrinks: whether networks are to be smaller than the baseline.
        start_px: the side of a similar network at this cost, which is tried first; None: there is none.
        multiple: the number of px that sides are multiples of.

    Raises:
        InputError: the function fails for its own side, a larger one, or every smaller one that is tried.
    """
    base = max(1, base_px // multiple) if shrinks else -(-base_px // multiple)
    start = base if start_px is None else start_px // multiple
    first = count(start * multiple)
    ratio = target_cost / getattr(first, cost_kind)
    # As for networks of stages, a side beyond twice the nominal one is not tried: the cost may not depend on it.
    lowest, highest = (1, base) if shrinks else (base, round(2 * start * sqrt(max(1.0, ratio))) + 8)
    search = _SideSearch(count, multiple, target_cost, cost_kind, lowest, highest, {start: first}, {})
    low, high = search.bracket(search.approach(base) if start_px is None else start)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if search.cost(middle) < target_cost else (low, middle)
    if search.too_small and min(search.networks) >= base:
        raise next(iter(search.too_small.values()))  # a function of one side, or of multiples, cannot be matched
    return search.nearest


@dataclass(frozen=True, slots=True)
class _SideSearch:
    """The networks that were counted so far, and the sides that may be counted, in units of `multiple` px."""

    count: Callable[[int], FactoryNetwork]
    multiple: int
    target_cost: float
    cost_kind: str
    lowest: int
    highest: int
    networks: dict[int, FactoryNetwork]
    too_small: dict[int, InputError]
    """The sides below all counted ones at which the function failed."""

    @property
    def nearest(self) -> FactoryNetwork:
        """The network of the cost nearest to the target, so far."""
        return min(
            self.networks.values(),
            key=lambda network: (abs(getattr(network, self.cost_kind) - self.target_cost), network.resolution),
        )

    def cost(self, side: int) -> int:
        """Return the cost at a side; each is counted once. Below the function's least side it is 0.

        Raises:
            InputError: the function fails, and not for a smaller side than those that it takes.
        """
        if side in self.too_small:
            return 0
        if side not in self.networks:
            try:
                self.networks[side] = self.count(side * self.multiple)
            except InputError as error:
                if side > min(self.networks):
                    raise
                self.too_small[side] = error
                return 0
        return int(getattr(self.networks[side], self.cost_kind))

    def approach(self, side: int) -> int:
        """Return a side near the target: each guess follows the power of the side between the last two costs.

        The power is 2 for convolutions and up to 4 for attention.
        """
        exponent = 2.0
        for _ in range(_GUESSES):
            guess = self._clamp(round(side * (self.target_cost / self.cost(side)) ** (1 / exponent)))
            if guess in self.networks or not self.cost(guess):
                break
            slope = log(self.cost(guess) / self.cost(side)) / log(guess / side)
            side, exponent = guess, min(4.0, max(2.0, slope))
        return side

    def bracket(self, side: int) -> tuple[int, int]:
        """Return two sides of which only the larger reaches the target, or the last side that may be counted twice.

        Steps from `side` double, so that a step of the cost that is many sides wide is passed soon.
        """
        step = 1 if self.cost(side) < self.target_cost else -1
        while (other := self._clamp(side + step)) != side:
            if (self.cost(other) < self.target_cost) == (step < 0):
                return min(side, other), max(side, other)
            side, step = other, 2 * step
        return side, side

    def _clamp(self, side: int) -> int:
        return min(self.highest, max(self.lowest, side))
