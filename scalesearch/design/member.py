"""Members of a family: scaled networks, each compared with the baseline of the family."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from decimal import Decimal

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.factory import Network
from scalesearch.design.images import size_ratio
from scalesearch.design.matching import TOLERANCE
from scalesearch.design.scaling import Baseline, cost_ratio, flops_ratio


@dataclass(frozen=True, slots=True)
class FamilyMember(ABC):
    """A member of a family is a network that was scaled from the family's baseline, or this baseline itself."""

    base: Network
    """The network of the family's baseline."""
    phi: Decimal | int | None
    """The compound coefficient; 0 for the baseline, None for published multipliers that no single φ gives."""
    multipliers: Multipliers
    """The multipliers over the baseline's sizes. Where the cost is matched by the px, the actual px differs."""
    cost_kind: str = field(default="macs", kw_only=True)
    """The cost that was matched, `macs` or `activations`."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name, such as `phi1`."""

    @property
    @abstractmethod
    def architecture(self) -> Network:
        """The network."""

    @property
    def nominal_flops_ratio(self) -> Decimal:
        """The ratio d·w²·r² of the multipliers, to five decimal places."""
        return round(self.multipliers.nominal_flops_ratio, 5)

    @property
    def flops_ratio(self) -> Decimal:
        """The counted multiply-adds over the baseline's, to five decimal places; 1 for the baseline itself."""
        return Decimal(1) if self.phi == 0 else flops_ratio(self.architecture, self.base)

    @property
    def activations_ratio(self) -> Decimal:
        """The activations over the baseline's, to five decimal places."""
        return cost_ratio(self.architecture, self.base, "activations")

    @property
    def resolution_multiplier(self) -> Decimal:
        """The image side over the baseline's, to five decimal places."""
        return round(self._side_ratio, 5)

    @property
    def implied_gamma(self) -> Decimal | None:
        """The effective γ: the φ-th root of the resolution multiplier; None where φ is 0 or unknown."""
        return round(self._side_ratio ** (Decimal(1) / self.phi), 5) if self.phi else None

    @property
    def matched(self) -> bool:
        """Whether the counted cost is within 5 % of 2^φ, or of the nominal ratio where there is no φ."""
        target = self.multipliers.nominal_flops_ratio if self.phi is None else Decimal(2) ** self.phi
        return abs(cost_ratio(self.architecture, self.base, self.cost_kind) / target - 1) <= TOLERANCE

    @property
    def _side_ratio(self) -> Decimal:
        return size_ratio(self.architecture.resolution, self.base.resolution)


@dataclass(frozen=True, slots=True)
class Member(FamilyMember):
    """A member of a family of stages."""

    baseline: Baseline
    """The network with its name and, but for the family's baseline, its origin."""

    @property
    def name(self) -> str:
        """The name, such as `phi1`."""
        return self.baseline.name

    @property
    def architecture(self) -> Architecture:
        """The network."""
        return self.baseline.architecture
