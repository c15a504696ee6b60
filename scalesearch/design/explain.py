"""Explain the sizes of a scaled network: the φ of each dimension, and the multiply-adds that it adds by stage."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import inf, log, log2

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import AXES, Coefficients, Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.cost_breakdown import grouped, layer_costs
from scalesearch.design.family import has_published, published
from scalesearch.design.images import ImageSize, size_ratio
from scalesearch.design.rounding import Rounding
from scalesearch.design.scaling import Baseline, px_multiplier, scaled
from scalesearch.errors import SpaceError

PAPER = Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.15"))
"""The coefficients that Tan & Le 2019, section 4, found for B0 at φ = 1."""

_TENTH, _SIDE_STEP = Decimal("0.1"), Decimal(4)
"""The published multipliers and sides are multiples of these (tensorflow/tpu `efficientnet_builder.py`)."""


@dataclass(frozen=True, slots=True)
class StageContribution:
    """A stage contribution is the multiply-adds that each dimension adds to one stage by scaling.

    Depth is applied first, then width, then resolution, so that the three add up to the difference. In another
    order each would have another share.
    """

    name: str
    kind: str
    layers: tuple[int, int]
    """The blocks of the stage, before and after."""
    channels: tuple[int, int]
    """The output channels, before and after."""
    px: tuple[ImageSize, ImageSize]
    """The size of the stage's input, before and after."""
    macs: int
    """The multiply-adds in the baseline."""
    by_depth: int
    by_width: int
    by_resolution: int

    @property
    def scaled_macs(self) -> int:
        """The multiply-adds of the stage in the scaled network."""
        return self.macs + self.by_depth + self.by_width + self.by_resolution


@dataclass(frozen=True, slots=True)
class Explanation:
    """An explanation says which φ the sizes of a scaled network stand for, by each dimension and by its cost."""

    coefficients: Coefficients
    multipliers: Multipliers
    """Depth and width as configured, and resolution as the ratio of the actual sides."""
    base_px: Decimal
    """The side of the baseline's images, px; of rectangles that of the square of the same area."""
    measured_phi: float
    """The log₂ of the measured multiply-adds over the baseline's."""

    @property
    def phis(self) -> tuple[float | None, ...]:
        """The φ that gives each multiplier, for depth, width and resolution; None where its coefficient is 1."""
        return tuple(effective_phi(*pair) for pair in self._pairs)

    @property
    def ranges(self) -> tuple[tuple[float, float], ...]:
        """The lowest and highest φ that round to each multiplier.

        As in the paper, depth and width round to a tenth, and resolution to 4 px.
        """
        halves = (_TENTH / 2, _TENTH / 2, _SIDE_STEP / 2 / self.base_px)
        return tuple(phi_range(*pair, half) for pair, half in zip(self._pairs, halves, strict=True))

    @property
    def common(self) -> tuple[float, float] | None:
        """The lowest and highest φ that round to all three multipliers; None where no φ does."""
        low, high = max(low for low, _ in self.ranges), min(high for _, high in self.ranges)
        return (low, high) if low <= high else None

    @property
    def _pairs(self) -> list[tuple[Decimal, Decimal]]:
        """The multiplier and the coefficient of each dimension."""
        bases = (self.coefficients.alpha, self.coefficients.beta, self.coefficients.gamma)
        return [
            (getattr(self.multipliers, axis), coefficient) for axis, coefficient in zip(AXES, bases, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class StageExplanation(Explanation):
    """A stage explanation compares a scaled network of stages with its baseline, stage by stage."""

    baseline: Baseline
    member: Baseline
    stages: tuple[StageContribution, ...]
    at_one: Architecture
    """The network at φ = 1, rounded by the member's rule."""
    twin: str | None
    """The published member with the same depths and widths as `at_one`; None where there is none."""


def effective_phi(multiplier: Decimal, coefficient: Decimal) -> float | None:
    """Return log(multiplier) / log(coefficient), which solves d = α^φ (Tan & Le 2019, eq. 3) for φ.

    Return None where the coefficient is 1.
    """
    return None if coefficient == 1 else log(multiplier) / log(coefficient)


def phi_range(multiplier: Decimal, coefficient: Decimal, half: Decimal) -> tuple[float, float]:
    """Return the lowest and highest φ with |coefficient^φ − multiplier| ≤ half, or (∞, −∞) where there is none."""
    low, high = multiplier - half, multiplier + half
    if coefficient == 1:
        return (-inf, inf) if low <= 1 <= high else (inf, -inf)
    base = log(coefficient)
    return (log(low) / base if low > 0 else -inf, log(high) / base)


def explain(baseline: Baseline, member: Baseline, coefficients: Coefficients = PAPER) -> StageExplanation:
    """Explain the sizes of a scaled network.

    Args:
        baseline: the network that it was scaled from.
        member: the scaled network, with an `origin`.
        coefficients: the α, β, γ for which φ is computed.

    Raises:
        SpaceError: the member has no origin.
    """
    if member.origin is None:
        raise SpaceError(f"{member.name} was not scaled from another network, so there is nothing to explain")
    base, net = baseline.architecture, member.architecture
    multipliers = Multipliers(
        member.origin.multipliers.depth,
        member.origin.multipliers.width,
        px_multiplier(net.resolution, base.resolution),
    )
    rounding = Rounding(member.origin.rounding, baseline.rounding.divisor)
    at_one = scaled(base, coefficients.at(1), rounding)
    return StageExplanation(
        coefficients,
        multipliers,
        size_ratio(base.resolution, 1),
        log2(cost(net).macs / cost(base).macs),
        baseline,
        member,
        _stage_contributions(base, net),
        at_one,
        _identical_member(baseline, at_one),
    )


def _stage_contributions(base: Architecture, net: Architecture) -> tuple[StageContribution, ...]:
    steps = (
        base,
        base.resized(base.widths, net.depths, base.resolution),
        base.resized(net.widths, net.depths, base.resolution),
        net,
    )
    costs = [grouped(layer_costs(step), lambda layer: layer.stage) for step in steps]
    before, after = stage_sizes(base), stage_sizes(net)
    contributions = []
    for groups in zip(*costs, strict=True):
        name, macs = groups[0].name, [group.macs for group in groups]
        (kind, layers, channels, px), (_, new_layers, new_channels, new_px) = before[name], after[name]
        contributions.append(
            StageContribution(
                name,
                kind,
                (layers, new_layers),
                (channels, new_channels),
                (px, new_px),
                macs[0],
                *(macs[i + 1] - macs[i] for i in range(3)),
            )
        )
    return tuple(contributions)


def stage_sizes(architecture: Architecture) -> dict[str, tuple[str, int, int, ImageSize]]:
    """Return block kind, number of blocks, output channels and input px of every stage, by its name."""
    sizes: dict[str, tuple[str, int, int, ImageSize]] = {}
    for block, repeats in architecture.repeated_blocks(
        architecture.widths, architecture.depths, architecture.resolution
    ):
        kind, layers, channels, px = sizes.get(block.name, (block.kind, 0, block.out_width, block.in_px))
        sizes[block.name] = kind, layers + repeats, channels, px
    return sizes


def _identical_member(baseline: Baseline, network: Architecture) -> str | None:
    if not has_published(baseline):
        return None
    shape = (network.widths, network.depths)
    networks = (member.baseline for member in published(baseline))
    return next(
        (
            scaled_baseline.name
            for scaled_baseline in networks
            if (scaled_baseline.architecture.widths, scaled_baseline.architecture.depths) == shape
        ),
        None,
    )
