"""Everything that a search must know of a user's own network, built and counted once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from math import log

from scalesearch.design.coefficients import Coefficients, Multipliers
from scalesearch.design.factory import FactoryNetwork
from scalesearch.nets.factory import Factory, check_training_step, count_factory
from scalesearch.search.budget import Budget
from scalesearch.search.catalogue import Entry, FactoryBaseline, literal_px


def catalogue(
    factory: Factory, grid: Sequence[Coefficients], phi: Decimal, budget: Budget, match: str, by: str = "macs"
) -> FactoryBaseline:
    """Count the unscaled network, every scaled one of the grid, and their proxies.

    Args:
        factory: the user's function.
        grid: the points that passed the nominal sieve.
        phi: the compound coefficient; the wanted cost is 2^φ × the unscaled network's.
        budget: gives the proxies' width (a `width_divisor`-th) and size.
        match: `flops` searches for each depth and width the px whose counted cost is nearest to the wanted
            one, never below the function's own; `none` takes γ^φ literally.
        by: the cost, `macs` or `activations`.

    Raises:
        InputError: the function fails for one of them.
    """
    count = partial(count_factory, factory)
    one, px = Decimal(1), factory.resolution
    base = count(one, one, px)
    wanted = float(getattr(base, by)) * 2 ** float(phi)
    networks: dict[tuple[Decimal, Decimal, int], FactoryNetwork] = {}
    for point in (one.at(phi).rounded() for one in grid):
        side = 0 if match == "flops" else literal_px(px, point.resolution)
        key = (point.depth, point.width, side)
        if key not in networks:
            networks[key] = _matched(factory, point, wanted, by) if match == "flops" else count(*key)

    def entry(network: FactoryNetwork) -> Entry:
        width = round(network.width / budget.width_divisor, 12)
        small = max(1, literal_px(budget.resolution, Decimal(network.resolution) / px))
        proxy = count(network.depth, width, small)
        check_training_step(proxy)
        return Entry(network, proxy)

    return FactoryBaseline(
        _name(factory.name), factory.fingerprint, entry(base), tuple(entry(found) for found in networks.values())
    )


def _matched(factory: Factory, point: Multipliers, wanted: float, by: str) -> FactoryNetwork:
    """The px from the function's own on at which the counted cost is nearest to `wanted`.

    Costs grow about as a power of px, 2 for convolutions and up to 4 for attention: each guess follows the power
    between the last two sizes; near the goal px are tried one by one, as long as the cost does not pass it.
    """
    seen: dict[int, FactoryNetwork] = {}

    def cost_at(px: int) -> int:
        if px not in seen:
            seen[px] = count_factory(factory, point.depth, point.width, px)
        return int(getattr(seen[px], by))

    px, power = factory.resolution, 2.0
    while True:
        guess = max(factory.resolution, round(px * (wanted / cost_at(px)) ** (1 / power)))
        if guess in seen:
            break
        growth = log(cost_at(guess) / cost_at(px)) / log(guess / px)
        px, power = guess, min(4.0, max(2.0, growth))
    step = 1 if cost_at(px) < wanted else -1
    while px + step >= factory.resolution and (cost_at(px) < wanted) == (step > 0):
        px += step
    cost_at(px)
    return min(seen.values(), key=lambda one: (abs(getattr(one, by) - wanted), one.resolution))


def _name(factory: str) -> str:
    """A study's name from `package.module:function`: lower case, at most 57 characters."""
    return re.sub(r"[^a-z0-9._-]", "-", factory.lower()).strip("._-")[:57] or "factory"
