"""Build and count, once, every network that a study needs of a user's own function."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property, partial

from scalesearch.design.decimals import power
from scalesearch.design.factory import FactoryNetwork
from scalesearch.design.factory_call import factory_name
from scalesearch.errors import InputError
from scalesearch.nets.factory import Factory, check_training_step, count_factory, measure_factory
from scalesearch.search.budget import Budget
from scalesearch.search.factory_grid import FactoryBaseline, NetworkPair, literal_px
from scalesearch.search.kinds import StudyKind
from scalesearch.search.match_side import match_side
from scalesearch.search.setting import Setting


def count_function(
    factory: Factory,
    kind: StudyKind,
    phi: Decimal,
    budget: Budget,
    match: str = "flops",
    cost_kind: str = "macs",
    multiple: int = 1,
) -> FactoryBaseline:
    """Count the unscaled network, every scaled one that a study needs, and their proxies.

    Args:
        factory: the user's function.
        kind: the kind of study, which says what networks those are (`StudyKind.count_networks`).
        phi: the compound coefficient; the target cost is 2^φ × the unscaled network's.
        budget: gives the proxies' width (a `width_divisor`-th) and size and, for kinds that enlarge proxies, the φ
            at which they are made.
        match: whether costs are matched by the px: `flops` or `none`.
        cost_kind: the cost, `macs` or `activations`.
        multiple: the number of px that matched sides are multiples of.

    Raises:
        InputError: the function fails for one of them.
        SpaceError: studies of this kind are not made with functions, or a multiplier is out of range.
    """
    proxy_phi = max(phi, budget.proxy_phi or phi) if kind.enlarges_proxies and phi > 0 else phi
    proxies = _Proxies(factory, budget, phi, proxy_phi, match, cost_kind)
    base = NetworkPair(count_factory(factory, Decimal(1), Decimal(1), factory.resolution), proxies.base)
    unscaled = FactoryBaseline(factory_name(factory.name), factory.fingerprint, base, (), multiple)
    setting = Setting(unscaled, phi, budget, match=match, cost=cost_kind)
    networks = kind.count_networks(setting, _Counter(factory, setting.shrinks, multiple))
    proxy_of = {network: proxies.proxy_of(network) for network in dict.fromkeys(networks)}
    return replace(unscaled, entries=tuple(NetworkPair(network, proxy_of[network]) for network in networks))


@dataclass(frozen=True, slots=True)
class _Counter:
    """Builds and counts networks of a function (`search.factory_grid.NetworkCounter`)."""

    factory: Factory
    shrinks: bool
    multiple: int

    def count(self, depth: Decimal, width: Decimal, px: int) -> FactoryNetwork:
        """Return the counted and checked network of these multipliers and px."""
        return count_factory(self.factory, depth, width, px)

    def measure(self, depth: Decimal, width: Decimal, px: int) -> FactoryNetwork:
        """Return the counted network, which is not checked in other ways."""
        return measure_factory(self.factory, depth, width, px)

    def match(
        self, depth: Decimal, width: Decimal, target_cost: float, cost_kind: str, start_px: int | None = None
    ) -> FactoryNetwork:
        """Return the network at the px whose cost is nearest to `target_cost`; see `match_side`."""
        base_px, measure = self.factory.resolution, partial(self.measure, depth, width)
        found = match_side(measure, base_px, target_cost, cost_kind, self.shrinks, start_px, self.multiple)
        return self.count(depth, width, found.resolution)


@dataclass(frozen=True)
class _Proxies:
    """The small networks that are trained in place of a function's (see `search.proxies.candidate_proxy`)."""

    factory: Factory
    budget: Budget
    phi: Decimal
    proxy_phi: Decimal
    """The φ at which proxies are made: `phi`, or a larger one."""
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
        phi_ratio = self.proxy_phi / self.phi
        side_ratio = Decimal(network.resolution) / self.factory.resolution
        depth, width = (round(power(multiplier, phi_ratio), 12) for multiplier in (network.depth, network.width))
        if self.match == "none" or (phi_ratio == 1 and self.budget.proxy_side == "proportional"):
            side_ratio = side_ratio if phi_ratio == 1 else power(side_ratio, phi_ratio)
            return self._at(depth, width, literal_px(self.budget.resolution, side_ratio))
        target_cost = float(getattr(self.base, self.cost_kind)) * 2 ** float(self.proxy_phi)
        measure = partial(measure_factory, self.factory, depth, self._width(width))
        px = match_side(measure, self.budget.resolution, target_cost, self.cost_kind, self.phi < 0).resolution
        return self._at(depth, width, px)

    def _at(self, depth: Decimal, width: Decimal, px: int) -> FactoryNetwork:
        """Return the proxy at a side.

        Raises:
            InputError: the function fails for it.
        """
        try:
            return self._check_trainable(count_factory(self.factory, depth, self._width(width), px))
        except InputError as error:
            if px >= self.budget.resolution:
                raise
            raise InputError(
                f"{error}; it is the proxy of a smaller network: give the budget a larger resolution than "
                f"{self.budget.resolution}"
            ) from error

    def _width(self, multiplier: Decimal) -> Decimal:
        return round(multiplier / self.budget.width_divisor, 12)

    @staticmethod
    def _check_trainable(proxy: FactoryNetwork) -> FactoryNetwork:
        check_training_step(proxy)
        return proxy
