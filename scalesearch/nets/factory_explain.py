"""Explain the size of a function's scaled network: the φ of each dimension, and the costs that it adds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import log2

from scalesearch.design.coefficients import Coefficients, Multipliers
from scalesearch.design.explain import Explanation, StageContribution
from scalesearch.design.factory import FactoryNetwork
from scalesearch.errors import InputError
from scalesearch.nets.factory_blocks import contributions
from scalesearch.nets.factory_definition import FactoryDefinition


@dataclass(frozen=True, slots=True)
class FactoryExplanation(Explanation):
    """A factory explanation compares a function's network with the one that it was scaled from."""

    baseline: FactoryDefinition
    member: FactoryDefinition
    steps: tuple[FactoryNetwork, FactoryNetwork, FactoryNetwork, FactoryNetwork]
    """The baseline, with the member's depth, with its width too, and the member."""
    at_one: FactoryNetwork
    """The network at φ = 1."""
    blocks: tuple[StageContribution, ...]
    """What each dimension adds to each submodule of the network; see `factory_blocks`."""

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
    steps = (base, deep.architecture, wide.architecture, network)
    return FactoryExplanation(
        coefficients,
        multipliers,
        Decimal(base.resolution),
        log2(network.macs / base.macs),
        baseline,
        member,
        steps,
        baseline.scale(coefficients.at(1)).architecture,
        contributions(steps),
    )
