"""Holds the networks of a user's Python function, counted before the study, so that the plan stays pure.

How a Python function rounds is unknown, so its networks are built and counted once, each with its proxy
(`nets.factory_grid`). The plan, a resumed study and `show` then need neither the function nor torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from scalesearch.design.coefficients import AXES, Coefficients
from scalesearch.design.factory import FactoryNetwork, Network
from scalesearch.design.serialization import OMIT_IF_DEFAULT
from scalesearch.errors import SpaceError


class NetworkCounter(Protocol):
    """Builds networks of one function and counts them; `nets.factory_grid` has the real one."""

    def count(self, depth: Decimal, width: Decimal, px: int) -> FactoryNetwork:
        """Return the counted network of these multipliers, for images of `px` × `px`.

        Raises:
            InputError: the function fails for them.
        """
        ...

    def measure(self, depth: Decimal, width: Decimal, px: int) -> FactoryNetwork:
        """Return what `count` returns, without its checks: for networks that are only compared by cost.

        Raises:
            InputError: the function fails for them.
        """
        ...

    def match(
        self, depth: Decimal, width: Decimal, target_cost: float, cost_kind: str, start_px: int | None = None
    ) -> FactoryNetwork:
        """Return the network at the px whose cost is nearest to `target_cost`.

        The px is at least the function's own or, in a study at φ < 0, at most that.

        Args:
            depth: the depth multiplier.
            width: the width multiplier.
            target_cost: the cost to match.
            cost_kind: `macs` or `activations`.
            start_px: the px of a similar network at this cost, which is tried first; None: there is none.

        Raises:
            InputError: the function fails at one of the sides.
        """
        ...


@dataclass(frozen=True, slots=True)
class NetworkPair:
    """Holds a network at its own size and the proxy that is trained in its place."""

    network: FactoryNetwork
    proxy: FactoryNetwork


@dataclass(frozen=True, slots=True)
class FactoryBaseline:
    """Holds the unscaled network of a function and every scaled one that the study needs."""

    name: str
    fingerprint: str
    """SHA-256 (hex) of the module's source, so that a study is not resumed with another function."""
    base: NetworkPair
    entries: tuple[NetworkPair, ...]
    """One for each depth and width of a grid (and px, where it is not matched), or one for each rule."""
    resolution_multiple: int = field(default=1, metadata=OMIT_IF_DEFAULT)
    """The number of px that the sides of scaled networks are multiples of."""

    @property
    def architecture(self) -> FactoryNetwork:
        """The unscaled network."""
        return self.base.network

    @property
    def axes(self) -> tuple[str, ...]:
        """The scaled dimensions: all three, since the function takes depth, width and resolution."""
        return AXES

    def proxy_of(self, network: Network) -> FactoryNetwork:
        """Return the proxy of one of the counted networks.

        Raises:
            SpaceError: the network was not counted.
        """
        for entry in (self.base, *self.entries):
            if entry.network == network:
                return entry.proxy
        raise SpaceError(f"network is {network}, but it was not counted; begin the study anew")

    def networks(
        self, grid: Sequence[Coefficients], phi: Decimal, match: str
    ) -> dict[FactoryNetwork, tuple[Coefficients, list[Coefficients]]]:
        """Return every distinct network of the grid, with the point that it was built for and all its aliases.

        Networks count as equal if multiply-adds, parameters, activations and px are equal.
        """
        counted = {grid_key(entry.network, match): entry.network for entry in self.entries}
        merged: dict[tuple[int, ...], tuple[FactoryNetwork, Coefficients, list[Coefficients]]] = {}
        for point in grid:
            multipliers = point.at(phi).rounded()
            px = 0 if match == "flops" else self.literal_px(multipliers.resolution)
            network = counted[multipliers.depth, multipliers.width, px]
            merged.setdefault(_counts(network), (network, point, []))[2].append(point)
        return {network: (built_for, aliases) for network, built_for, aliases in merged.values()}

    def literal_px(self, multiplier: Decimal) -> int:
        """Return the side for a resolution multiplier, a multiple of `resolution_multiple`."""
        return literal_px(self.architecture.resolution, multiplier, self.resolution_multiple)

    @property
    def distinct_networks(self) -> tuple[FactoryNetwork, ...]:
        """The network of each entry or, where an earlier entry's is equal in its counts and px, that one."""
        first: dict[tuple[int, ...], FactoryNetwork] = {}
        return tuple(first.setdefault(_counts(entry.network), entry.network) for entry in self.entries)


def _counts(network: FactoryNetwork) -> tuple[int, ...]:
    return network.macs, network.params, network.activations, network.resolution


def grid_key(network: FactoryNetwork, match: str) -> tuple[Decimal, Decimal, int]:
    """Return the key of a grid point: depth, width and, where the resolution is not matched, px."""
    return network.depth, network.width, 0 if match == "flops" else network.resolution


def literal_px(px: int, multiplier: Decimal, multiple: int = 1) -> int:
    """Return the side for a resolution multiplier, rounded to the nearest multiple of `multiple` px above 0."""
    if multiplier == 1:
        return px
    return multiple * max(1, int(px * multiplier / multiple + Decimal("0.5")))
