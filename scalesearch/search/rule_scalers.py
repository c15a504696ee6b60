"""Finds the network of a scaling rule at a target cost: of a network of stages, or of a user's Python function."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Generic, TypeVar

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import (
    LARGEST_COEFFICIENT,
    LARGEST_MULTIPLIER,
    Coefficients,
    Multipliers,
    phi_of,
)
from scalesearch.design.decimals import power
from scalesearch.design.factory import FactoryNetwork
from scalesearch.design.matching import TOLERANCE, before_match, match_resolutions
from scalesearch.design.rounding import Rounding
from scalesearch.design.scaling import Baseline, cost_ratio, scaled
from scalesearch.search.factory_grid import NetworkCounter

_ONE = Decimal(1)
_MILLIONTH = Decimal("0.000001")
_PER_CENT = Decimal("0.01")
_MULTIPLIER_STEPS = 500
"""The number of multipliers tried along a single dimension, from 1 to the largest that can be needed."""
_NEARBY_STEPS = 20
"""How far the φ of a compound rule may be from the study's, in per cent."""
_COUNTED_STRIDE = 4
"""The distance between two φ that are tried for a function, in per cent: its networks must be built."""
_WIDENINGS = (1, 2, 4)
"""Multiples of the nominal growth of a multiplier, or its powers below 1, at which a function is counted."""
_CLOSE = TOLERANCE / 10
"""A function's network this near to the target cost is not refined, nor is a multiplier known this exactly."""

NetworkT = TypeVar("NetworkT", Architecture, FactoryNetwork)


class RuleScaler(ABC, Generic[NetworkT]):
    """Finds the network of a rule whose cost is nearest to a target."""

    @property
    @abstractmethod
    def target(self) -> Decimal:
        """The target cost over the baseline's."""

    @abstractmethod
    def along(self, axis: str, nominal: Decimal) -> tuple[Decimal, NetworkT]:
        """Return the multiplier of one dimension, and its network, nearest to the target; the smaller of equals.

        Args:
            axis: `depth` or `width`.
            nominal: the multiplier with which a plain ConvNet reaches the target.
        """

    @abstractmethod
    def compound(self, rule: Coefficients, phi: Decimal) -> NetworkT:
        """Return the rule's depth and width at φ with the px that matches the cost.

        Where no px matches, the nearest φ at which one does is used: rounding may have made depth and width alone
        too expensive.
        """


@dataclass(frozen=True, slots=True)
class StageScaler(RuleScaler[Architecture]):
    """Scales a network of stages, whose cost has a closed form."""

    baseline: Baseline
    rounding: Rounding
    target_ratio: Decimal
    cost_kind: str

    @property
    def target(self) -> Decimal:
        """The target cost over the baseline's."""
        return self.target_ratio

    def along(self, axis: str, nominal: Decimal) -> tuple[Decimal, Architecture]:
        """Return the nearest of many multipliers, and its network."""
        networks: dict[Architecture, Decimal] = {}
        # The parts that do not grow (stem, head) have a few per cent of the multiply-adds, but a fifth of the
        # activations.
        for multiplier in _candidate_multipliers(nominal, _OVERSHOOT[self.cost_kind]):
            multipliers = Multipliers(**{axis: multiplier})
            networks.setdefault(scaled(self.baseline.architecture, multipliers, self.rounding), multiplier)
        network = min(networks, key=lambda candidate: (self._miss(candidate), networks[candidate]))
        return networks[network], network

    def compound(self, rule: Coefficients, phi: Decimal) -> Architecture:
        """Return the rule's network at the nearest φ at which a px matches the cost."""
        tried = []
        for step in _nearby_steps(1):
            multipliers = before_match(rule.at(phi * (1 + step * _PER_CENT)))
            shape = scaled(self.baseline.architecture, multipliers, self.rounding)
            shapes, grows = [(shape.widths, shape.depths)], "resolution" in self.baseline.axes
            (network,) = match_resolutions(self.baseline.architecture, shapes, self.target, grows, self.cost_kind)
            if self._miss(network) <= TOLERANCE:
                return network
            tried.append(network)
        return min(tried, key=self._miss)

    def _miss(self, network: Architecture) -> Decimal:
        return abs(cost_ratio(network, self.baseline.architecture, self.cost_kind) / self.target - 1)


@dataclass(frozen=True, slots=True)
class FunctionScaler(RuleScaler[FactoryNetwork]):
    """Scales a Python function, whose networks must be built to be counted: few of them are.

    The function rounds its multipliers in a way of its own. Costs are taken to rise with a multiplier, in steps.
    """

    base: FactoryNetwork
    """The unscaled network."""
    counter: NetworkCounter
    target_ratio: Decimal
    """The target cost over the unscaled network's."""
    cost_kind: str

    @property
    def target(self) -> Decimal:
        """The target cost over the unscaled network's."""
        return self.target_ratio

    def along(self, axis: str, nominal: Decimal) -> tuple[Decimal, FactoryNetwork]:
        """Return the multiplier, by bisection, whose network's cost is the nearest of those that were counted.

        Raises:
            SpaceError: the nominal multiplier is out of range.
            InputError: the function fails for one of the multipliers.
        """
        networks = {_ONE: self.base}
        near = far = _ONE
        for far in self._bounds(axis, nominal):
            networks[far] = self._measure(axis, far)
            if self._reaches_target(networks[far]):
                break
            near = far  # where no bound reaches the target, there is nothing to bisect
        while abs(far - near) > _CLOSE * near and min(map(self._miss, networks.values())) > _CLOSE:
            middle = ((near + far) / 2).quantize(_MILLIONTH)
            networks[middle] = self._measure(axis, middle)
            near, far = (near, middle) if self._reaches_target(networks[middle]) else (middle, far)
        multiplier = min(networks, key=lambda value: (self._miss(networks[value]), value))
        return multiplier, self.base if multiplier == _ONE else self._count(axis, multiplier)

    def _bounds(self, axis: str, nominal: Decimal) -> list[Decimal]:
        """Return multipliers ever farther from 1; the first that reaches the target cost bounds the search.

        Raises:
            SpaceError: the nominal multiplier is out of range.
        """
        nominal = getattr(Multipliers(**{axis: nominal}), axis)
        farthest = power(LARGEST_COEFFICIENT, phi_of(self.target))
        if nominal < 1:
            narrowed = (max(farthest, power(nominal, Decimal(widening))) for widening in _WIDENINGS)
            return list(dict.fromkeys(value.quantize(_MILLIONTH, rounding=ROUND_CEILING) for value in narrowed))
        largest = min(LARGEST_MULTIPLIER, farthest)
        widened = [min(largest, 1 + (nominal - 1) * widening) for widening in _WIDENINGS]
        return list(dict.fromkeys(value.quantize(_MILLIONTH, rounding=ROUND_FLOOR) for value in widened))

    def _reaches_target(self, network: FactoryNetwork) -> bool:
        ratio = self._ratio(network)
        return ratio >= self.target if self.target > 1 else ratio <= self.target

    def _count(self, axis: str, multiplier: Decimal) -> FactoryNetwork:
        """Return the unscaled network with another multiplier of one dimension."""
        multipliers = Multipliers(**{axis: multiplier})
        return self.counter.count(multipliers.depth, multipliers.width, self.base.resolution)

    def _measure(self, axis: str, multiplier: Decimal) -> FactoryNetwork:
        """Return what `_count` returns, without the checks of a network that is taken."""
        multipliers = Multipliers(**{axis: multiplier})
        return self.counter.measure(multipliers.depth, multipliers.width, self.base.resolution)

    def compound(self, rule: Coefficients, phi: Decimal) -> FactoryNetwork:
        """Return the rule's network at the nearest φ, of a few, at which a px matches the cost."""
        target_cost = float(getattr(self.base, self.cost_kind)) * float(self.target)
        tried: dict[tuple[Decimal, Decimal], FactoryNetwork] = {}
        passes, start_px = False, None
        for step in _nearby_steps(_COUNTED_STRIDE):
            if step > 0 and passes:
                continue  # a larger φ is even farther beyond the target
            multipliers = rule.at(phi * (1 + step * _PER_CENT)).rounded()
            shape = multipliers.depth, multipliers.width
            if shape in tried:
                continue  # resolution alone has one shape
            network = self.counter.match(*shape, target_cost, self.cost_kind, start_px)
            if self._miss(network) <= TOLERANCE:
                return network
            passes |= network.resolution == self.base.resolution and self._reaches_target(network)
            tried[shape], start_px = network, network.resolution
        return min(tried.values(), key=self._miss)

    def _ratio(self, network: FactoryNetwork) -> Decimal:
        return cost_ratio(network, self.base, self.cost_kind)

    def _miss(self, network: FactoryNetwork) -> Decimal:
        return abs(self._ratio(network) / self.target - 1)


@dataclass(frozen=True, slots=True)
class CountedNetwork(RuleScaler[FactoryNetwork]):
    """Holds the network that `FunctionScaler` found for a rule, so that the function is not needed again."""

    network: FactoryNetwork
    target_ratio: Decimal

    @property
    def target(self) -> Decimal:
        """The target cost over the unscaled network's."""
        return self.target_ratio

    def along(self, axis: str, nominal: Decimal) -> tuple[Decimal, FactoryNetwork]:
        """Return the network and its own multiplier."""
        del nominal
        return getattr(self.network, axis), self.network

    def compound(self, rule: Coefficients, phi: Decimal) -> FactoryNetwork:
        """Return the network."""
        del rule, phi
        return self.network


def _nearby_steps(stride: int) -> list[int]:
    """Return the changes of φ that are tried, in per cent, the smallest first."""
    return sorted(range(-_NEARBY_STEPS, _NEARBY_STEPS + 1, stride), key=lambda offset: (abs(offset), offset))


_OVERSHOOT = {"macs": Decimal(4) / 3, "activations": Decimal(2)}
"""How far beyond the nominal multiplier the search goes, by kind of cost."""


def _candidate_multipliers(nominal: Decimal, overshoot: Decimal) -> Iterator[Decimal]:
    """Yield multipliers from 1 to beyond the nominal one: ceilings, stems and heads make costs differ from it."""
    if nominal < 1:  # geometric steps stay above 0; rounded up, so that the coefficient is not too large
        steps = (power(nominal, overshoot * step / _MULTIPLIER_STEPS) for step in range(1, _MULTIPLIER_STEPS + 1))
        return iter([_ONE, *(multiplier.quantize(_MILLIONTH, rounding=ROUND_CEILING) for multiplier in steps)])
    largest = (nominal - 1) * overshoot
    return (round(1 + largest * step / _MULTIPLIER_STEPS, 6) for step in range(_MULTIPLIER_STEPS + 1))
