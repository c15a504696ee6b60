"""Everything that a search must know of a user's own network, built and counted once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import partial

from scalesearch.design.coefficients import Coefficients, Multipliers
from scalesearch.design.factory import FactoryNetwork
from scalesearch.nets.factory import Factory, count_factory
from scalesearch.search.budget import Budget
from scalesearch.search.catalogue import Entry, FactoryBaseline, literal_px


def catalogue(
    factory: Factory, grid: Sequence[Coefficients], phi: Decimal, budget: Budget, match: str
) -> FactoryBaseline:
    """Count the unscaled network, every scaled one of the grid, and their proxies.

    Args:
        factory: the user's function.
        grid: the points that passed the nominal sieve.
        phi: the compound coefficient; the wanted cost is 2^φ × the unscaled network's.
        budget: gives the proxies' width (a `width_divisor`-th) and size.
        match: `flops` searches for each depth and width the px whose counted multiply-adds are nearest to
            the wanted ones, never below the function's own; `none` takes γ^φ literally.

    Raises:
        InputError: the function fails for one of them.
    """
    count = partial(count_factory, factory)
    one, px = Decimal(1), factory.resolution
    base = count(one, one, px)
    wanted = float(base.macs) * 2 ** float(phi)
    networks: dict[tuple[Decimal, Decimal, int], FactoryNetwork] = {}
    for by in (point.at(phi).rounded() for point in grid):
        side = 0 if match == "flops" else literal_px(px, by.resolution)
        key = (by.depth, by.width, side)
        if key not in networks:
            networks[key] = _matched(factory, by, wanted) if match == "flops" else count(*key)

    def entry(network: FactoryNetwork) -> Entry:
        width = round(network.width / budget.width_divisor, 12)
        small = max(1, literal_px(budget.resolution, Decimal(network.resolution) / px))
        return Entry(network, count(network.depth, width, small))

    return FactoryBaseline(
        _name(factory.name), factory.fingerprint, entry(base), tuple(entry(found) for found in networks.values())
    )


def _matched(factory: Factory, by: Multipliers, wanted: float) -> FactoryNetwork:
    """The px from the function's own on at which the counted multiply-adds are nearest to `wanted`.

    Multiply-adds grow about as px², so each guess is scaled from the last; near the goal px are tried one by
    one, as long as the cost does not pass it.
    """
    seen: dict[int, FactoryNetwork] = {}

    def at(px: int) -> FactoryNetwork:
        if px not in seen:
            seen[px] = count_factory(factory, by.depth, by.width, px)
        return seen[px]

    px = factory.resolution
    while True:
        guess = max(factory.resolution, round(px * (wanted / at(px).macs) ** 0.5))
        if guess in seen:
            break
        px = guess
    step = 1 if at(px).macs < wanted else -1
    while px + step >= factory.resolution and (at(px).macs < wanted) == (step > 0):
        px += step
        at(px)
    return min(seen.values(), key=lambda one: (abs(one.macs - wanted), one.resolution))


def _name(factory: str) -> str:
    """A study's name from `package.module:function`: lower case, at most 57 characters."""
    return re.sub(r"[^a-z0-9._-]", "-", factory.lower()).strip("._-")[:57] or "factory"
