"""Explain the size of a function's scaled network: the φ of each dimension, and the costs that it adds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import log2

from scalesearch.design.coefficients import Coefficients, Multipliers
from scalesearch.design.explain import effective_phi, multiplier_ranges
from scalesearch.design.factory import FactoryNetwork
from scalesearch.errors import InputError
from scalesearch.nets.factory_definition import FactoryDefinition


@dataclass(frozen=True, slots=True)
class FactoryExplanation:
    """A factory explanation compares a function's network with the one that it was scaled from."""

    baseline: FactoryDefinition
    member: FactoryDefinition
    coefficients: Coefficients
    multipliers: Multipliers
    """The member's depth, width and side over the baseline's."""
    phis: tuple[float | None, float | None, float | None]
    """The φ that gives each multiplier, for depth, width and resolution; None where its coefficient is 1."""
    ranges: tuple[tuple[float, float], ...]
    """The lowest and highest φ that round to each multiplier, as in `design.explain.Explanation`."""
    steps: tuple[FactoryNetwork, FactoryNetwork, FactoryNetwork, FactoryNetwork]
    """The baseline, with the member's depth, with its width too, and the member."""
    at_one: FactoryNetwork
    """The network at φ = 1."""

    @property
    def measured_phi(self) -> float:
        """The log₂ of the counted multiply-adds over the baseline's."""
        return log2(self.steps[-1].macs / self.steps[0].macs)

    @property
    def common(self) -> tuple[float, float] | None:
        """The lowest and highest φ that round to all three multipliers; None where no φ does."""
        low, high = max(low for low, _ in self.ranges), min(high for _, high in self.ranges)
        return (low, high) if low <= high else None

    def added(self, cost_kind: str) -> tuple[int, int, int]:
        """Return what depth, width and resolution add, in this order, to a field of the counted network.

        Args:
            cost_kind: `macs`, `params` or `activations`.
        """
        base, deep, wide, whole = (getattr(network, cost_kind) for network in self.steps)
        return deep - base, wide - deep, whole - wide


def explain_factory(
    baseline: FactoryDefinition, member: FactoryDefinition, coefficients: Coefficients
) -> FactoryExplanation:
    """Explain the size of a scaled network; the networks between it and its baseline are built and counted.

    Raises:
        InputError: the networks are equal, or the function fails for one between them.
    """
    base, network = baseline.architecture, member.architecture
    if base == network:
        raise InputError(
            f"{network.factory}: is not scaled; give --depth, --width or --resolution, or a file of its family"
        )
    multipliers = Multipliers(
        round(network.depth / base.depth, 12),
        round(network.width / base.width, 12),
        round(Decimal(network.resolution) / base.resolution, 12),
    )
    deep = baseline.scale(Multipliers(multipliers.depth))
    wide = baseline.scale(Multipliers(multipliers.depth, multipliers.width))
    pairs = (
        (multipliers.depth, coefficients.alpha),
        (multipliers.width, coefficients.beta),
        (multipliers.resolution, coefficients.gamma),
    )
    depth_phi, width_phi, resolution_phi = (effective_phi(*pair) for pair in pairs)
    return FactoryExplanation(
        baseline,
        member,
        coefficients,
        multipliers,
        (depth_phi, width_phi, resolution_phi),
        multiplier_ranges(pairs, base.resolution),
        (base, deep.architecture, wide.architecture, network),
        baseline.scale(coefficients.at(1)).architecture,
    )
