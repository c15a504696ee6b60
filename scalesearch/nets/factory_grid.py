"""Build and count, once, every network that a search needs of a user's own function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from math import log

from scalesearch.design.coefficients import Coefficients
from scalesearch.design.decimals import power
from scalesearch.design.factory import FactoryNetwork
from scalesearch.design.factory_call import factory_name
from scalesearch.nets.factory import Factory, check_training_step, count_factory
from scalesearch.search.budget import Budget
from scalesearch.search.factory_grid import FactoryBaseline, NetworkPair, literal_px


def count_factory_grid(
    factory: Factory,
    grid: Sequence[Coefficients],
    phi: Decimal,
    budget: Budget,
    match: str,
    cost_kind: str = "macs",
) -> FactoryBaseline:
    """Count the unscaled network, every scaled one of the grid, and their proxies.

    Args:
        factory: the user's function.
        grid: the points whose nominal cost is within the tolerance.
        phi: the compound coefficient; the target cost is 2^φ × the unscaled network's.
        budget: gives the proxies' width (a `width_divisor`-th) and size, and the φ at which they are made.
        match: `flops` searches for each depth and width the px whose counted cost is nearest to the target, never
            below the function's own; `none` takes γ^φ literally.
        cost_kind: the cost, `macs` or `activations`.

    Raises:
        InputError: the function fails for one of them.
    """
    count = partial(count_factory, factory)
    unit, px = Decimal(1), factory.resolution
    base = count(unit, unit, px)
    target_cost = float(getattr(base, cost_kind)) * 2 ** float(phi)
    networks: dict[tuple[Decimal, Decimal, int], FactoryNetwork] = {}
    for point in (coefficients.at(phi).rounded() for coefficients in grid):
        side = 0 if match == "flops" else literal_px(px, point.resolution)
        key = (point.depth, point.width, side)
        if key not in networks:
            networks[key] = (
                match_cost(factory, point.depth, point.width, px, target_cost, cost_kind)
                if match == "flops"
                else count(*key)
            )
    proxies = _Proxies(factory, budget, phi, match, cost_kind)
    entries = tuple(NetworkPair(network, proxies.proxy_of(network)) for network in networks.values())
    return FactoryBaseline(
        factory_name(factory.name), factory.fingerprint, NetworkPair(base, proxies.base), entries
    )


@dataclass(frozen=True)
class _Proxies:
    """The small networks that are trained in place of a function's (see `search.proxies.candidate_proxy`)."""

    factory: Factory
    budget: Budget
    phi: Decimal
    match: str
    cost_kind: str

    @cached_property
    def base(self) -> FactoryNetwork:
        """The proxy of the unscaled network."""
        return self._check_trainable(
            count_factory(self.factory, Decimal(1), self._width(Decimal(1)), self.budget.resolution)
        )

    def proxy_of(self, network: FactoryNetwork) -> FactoryNetwork:
        """Return the proxy of a scaled network, at the φ of the proxies."""
        phi = max(self.phi, self.budget.proxy_phi or self.phi)
        phi_ratio = phi / self.phi
        side_ratio = Decimal(network.resolution) / self.factory.resolution
        depth, width = (round(power(multiplier, phi_ratio), 12) for multiplier in (network.depth, network.width))
        if phi_ratio == 1 or self.match == "none":
            px = max(
                1,
                literal_px(self.budget.resolution, side_ratio if phi_ratio == 1 else power(side_ratio, phi_ratio)),
            )
            return self._check_trainable(count_factory(self.factory, depth, self._width(width), px))
        target_cost = float(getattr(self.base, self.cost_kind)) * 2 ** float(phi)
        min_px = self.budget.resolution
        return self._check_trainable(
            match_cost(self.factory, depth, self._width(width), min_px, target_cost, self.cost_kind)
        )

    def _width(self, multiplier: Decimal) -> Decimal:
        return round(multiplier / self.budget.width_divisor, 12)

    @staticmethod
    def _check_trainable(proxy: FactoryNetwork) -> FactoryNetwork:
        check_training_step(proxy)
        return proxy


def match_cost(
    factory: Factory, depth: Decimal, width: Decimal, min_px: int, target_cost: float, cost_kind: str
) -> FactoryNetwork:
    """Return the network of the px, at least `min_px`, at which the counted cost is nearest to `target_cost`.

    Costs grow about as a power of px, 2 for convolutions and up to 4 for attention. Each guess follows the power
    between the last two sizes; near the target px are tried one by one, as long as the cost does not pass it.
    """
    counted: dict[int, FactoryNetwork] = {}

    def cost_at(px: int) -> int:
        if px not in counted:
            counted[px] = count_factory(factory, depth, width, px)
        return int(getattr(counted[px], cost_kind))

    px, exponent = min_px, 2.0
    while True:
        guess = max(min_px, round(px * (target_cost / cost_at(px)) ** (1 / exponent)))
        if guess in counted:
            break
        slope = log(cost_at(guess) / cost_at(px)) / log(guess / px)
        px, exponent = guess, min(4.0, max(2.0, slope))
    step = 1 if cost_at(px) < target_cost else -1
    while px + step >= min_px and (cost_at(px) < target_cost) == (step > 0):
        px += step
    cost_at(px)
    return min(
        counted.values(), key=lambda network: (abs(getattr(network, cost_kind) - target_cost), network.resolution)
    )
