"""A user's own network, counted before the search: what the plan must know, so that it stays pure.

How a Python function rounds is not known, so its networks are built and counted once, each with its proxy
(`nets.factory.catalogue`); the plan, a resumed study and `show` then need neither the function nor torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from scalesearch.design.coefficients import AXES, Coefficients
from scalesearch.design.factory import FactoryNetwork, Network
from scalesearch.errors import SpaceError


@dataclass(frozen=True, slots=True)
class NetworkPair:
    """A network at its own size and the small one that stands for it in the search."""

    network: FactoryNetwork
    proxy: FactoryNetwork


@dataclass(frozen=True, slots=True)
class FactoryBaseline:
    """The unscaled network of a function and every scaled one that the grid asks for."""

    name: str
    fingerprint: str
    """SHA-256 (hex) of the module's source: a study is not resumed with another function."""
    base: NetworkPair
    entries: tuple[NetworkPair, ...]

    @property
    def architecture(self) -> FactoryNetwork:
        """The unscaled network."""
        return self.base.network

    @property
    def axes(self) -> tuple[str, ...]:
        """All three: the function takes depth, width and resolution."""
        return AXES

    def proxy_of(self, network: Network) -> FactoryNetwork:
        """The proxy of one of the counted networks."""
        for entry in (self.base, *self.entries):
            if entry.network == network:
                return entry.proxy
        raise SpaceError(f"network is {network}, but it was not counted; begin the study anew")

    def networks(
        self, grid: Sequence[Coefficients], phi: Decimal, match: str
    ) -> dict[FactoryNetwork, tuple[Coefficients, list[Coefficients]]]:
        """Every different network of the grid, with the grid point that it was built for and all that mean it.

        Networks of one cost and one side are one: multiply-adds, parameters, activations and px are equal.
        """
        counted = {wanted_key(entry.network, match): entry.network for entry in self.entries}
        merged: dict[tuple[int, ...], tuple[FactoryNetwork, Coefficients, list[Coefficients]]] = {}
        for point in grid:
            by = point.at(phi).rounded()
            px = 0 if match == "flops" else literal_px(self.architecture.resolution, by.resolution)
            found = counted[by.depth, by.width, px]
            key = (found.macs, found.params, found.activations, found.resolution)
            merged.setdefault(key, (found, point, []))[2].append(point)
        return {network: (own, aliases) for network, own, aliases in merged.values()}


def wanted_key(network: FactoryNetwork, match: str) -> tuple[Decimal, Decimal, int]:
    """What a grid point asks for: depth, width and, where the resolution is not matched, px."""
    return network.depth, network.width, 0 if match == "flops" else network.resolution


def literal_px(px: int, multiplier: Decimal) -> int:
    """The side for a resolution multiplier: the nearest px."""
    return int(px * multiplier + Decimal("0.5"))
