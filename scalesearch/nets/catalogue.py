"""Everything that a search must know of a user's own network, built and counted once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from math import log

from scalesearch.design.coefficients import Coefficients
from scalesearch.design.exact import power
from scalesearch.design.factory import FactoryNetwork
from scalesearch.nets.factory import Factory, check_training_step, count_factory
from scalesearch.search.budget import Budget
from scalesearch.search.factory_grid import FactoryBaseline, NetworkPair, literal_px


def catalogue(
    factory: Factory, grid: Sequence[Coefficients], phi: Decimal, budget: Budget, match: str, by: str = "macs"
) -> FactoryBaseline:
    """Count the unscaled network, every scaled one of the grid, and their proxies.

    Args:
        factory: the user's function.
        grid: the points that passed the nominal sieve.
        phi: the compound coefficient; the wanted cost is 2^φ × the unscaled network's.
        budget: gives the proxies' width (a `width_divisor`-th) and size, and the φ at which they are made.
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
            networks[key] = (
                _matched(factory, point.depth, point.width, px, wanted, by) if match == "flops" else count(*key)
            )
    small = _Proxies(factory, budget, phi, match, by)
    entries = tuple(NetworkPair(network, small.of(network)) for network in networks.values())
    return FactoryBaseline(_name(factory.name), factory.fingerprint, NetworkPair(base, small.base), entries)


@dataclass(frozen=True)
class _Proxies:
    """The small networks that stand for those of a function; see `search.proxies.candidate_proxy`."""

    factory: Factory
    budget: Budget
    phi: Decimal
    match: str
    by: str

    @cached_property
    def base(self) -> FactoryNetwork:
        """That of the unscaled network."""
        return self._trainable(
            count_factory(self.factory, Decimal(1), self._width(Decimal(1)), self.budget.resolution)
        )

    def of(self, network: FactoryNetwork) -> FactoryNetwork:
        """That of a scaled network, at the φ of the proxies."""
        phi = max(self.phi, self.budget.proxy_phi or self.phi)
        longer = phi / self.phi
        sides = Decimal(network.resolution) / self.factory.resolution
        depth, width = (round(power(one, longer), 12) for one in (network.depth, network.width))
        if longer == 1 or self.match == "none":
            px = max(1, literal_px(self.budget.resolution, sides if longer == 1 else power(sides, longer)))
            return self._trainable(count_factory(self.factory, depth, self._width(width), px))
        wanted = float(getattr(self.base, self.by)) * 2 ** float(phi)
        least = self.budget.resolution
        return self._trainable(_matched(self.factory, depth, self._width(width), least, wanted, self.by))

    def _width(self, multiplier: Decimal) -> Decimal:
        return round(multiplier / self.budget.width_divisor, 12)

    @staticmethod
    def _trainable(proxy: FactoryNetwork) -> FactoryNetwork:
        check_training_step(proxy)
        return proxy


def _matched(
    factory: Factory, depth: Decimal, width: Decimal, least: int, wanted: float, by: str
) -> FactoryNetwork:
    """The px from `least` on at which the counted cost is nearest to `wanted`.

    Costs grow about as a power of px, 2 for convolutions and up to 4 for attention: each guess follows the power
    between the last two sizes; near the goal px are tried one by one, as long as the cost does not pass it.
    """
    seen: dict[int, FactoryNetwork] = {}

    def cost_at(px: int) -> int:
        if px not in seen:
            seen[px] = count_factory(factory, depth, width, px)
        return int(getattr(seen[px], by))

    px, rise = least, 2.0
    while True:
        guess = max(least, round(px * (wanted / cost_at(px)) ** (1 / rise)))
        if guess in seen:
            break
        growth = log(cost_at(guess) / cost_at(px)) / log(guess / px)
        px, rise = guess, min(4.0, max(2.0, growth))
    step = 1 if cost_at(px) < wanted else -1
    while px + step >= least and (cost_at(px) < wanted) == (step > 0):
        px += step
    cost_at(px)
    return min(seen.values(), key=lambda one: (abs(getattr(one, by) - wanted), one.resolution))


def _name(factory: str) -> str:
    """A study's name from `package.module:function`: lower case, at most 57 characters."""
    return re.sub(r"[^a-z0-9._-]", "-", factory.lower()).strip("._-")[:57] or "factory"
