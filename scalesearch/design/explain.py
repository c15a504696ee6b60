"""Why a scaled network is the size that it is: the φ of each dimension, and what each added where."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import inf, log, log2

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import AXES, Coefficients, Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.family import has_published, published
from scalesearch.design.receipt import grouped, layer_counts
from scalesearch.design.rounding import Rounding
from scalesearch.design.scaling import Baseline, scaled
from scalesearch.errors import SpaceError

PAPER = Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.15"))
"""What Tan & Le 2019, section 4, found for B0 at φ = 1."""

_TENTH, _SIDE_STEP = Decimal("0.1"), Decimal(4)
"""What the published multipliers and sides are multiples of (tensorflow/tpu `efficientnet_builder.py`)."""


@dataclass(frozen=True, slots=True)
class StageShare:
    """One stage before and after scaling, and the multiply-adds that each dimension added to it.

    Depth is applied first, then width, then resolution, so that the three add up to the difference; another
    order would share the products of two dimensions out otherwise.
    """

    name: str
    kind: str
    layers: tuple[int, int]
    channels: tuple[int, int]
    px: tuple[int, int]
    """Side of the stage's input."""
    macs: int
    """Of the baseline."""
    by_depth: int
    by_width: int
    by_resolution: int

    @property
    def scaled_macs(self) -> int:
        """Of the scaled network."""
        return self.macs + self.by_depth + self.by_width + self.by_resolution


@dataclass(frozen=True, slots=True)
class Explanation:
    """A scaled network beside its baseline."""

    baseline: Baseline
    member: Baseline
    coefficients: Coefficients
    multipliers: Multipliers
    """Depth and width as they were asked for; resolution as it is, px over px."""
    phis: tuple[float | None, float | None, float | None]
    """The φ that would give each multiplier, by depth, width, resolution; None where its coefficient is 1."""
    ranges: tuple[tuple[float, float], ...]
    """The lowest and highest φ that round to each: to a tenth, the resolution to 4 px, as the paper's are."""
    measured_phi: float
    """log₂ of the measured multiply-adds over the baseline's."""
    stages: tuple[StageShare, ...]
    at_one: Architecture
    """The network at φ = 1, by the member's own rounding."""
    twin: str | None
    """The published member that has the layers and channels of `at_one`."""

    @property
    def common(self) -> tuple[float, float] | None:
        """The lowest and highest φ that round to all three; None where no φ does."""
        low, high = max(low for low, _ in self.ranges), min(high for _, high in self.ranges)
        return (low, high) if low <= high else None


def effective_phi(multiplier: Decimal, coefficient: Decimal) -> float | None:
    """log(multiplier) / log(coefficient): the φ of d = α^φ (Tan & Le 2019, eq. 3) solved for φ."""
    return None if coefficient == 1 else log(multiplier) / log(coefficient)


def phi_range(multiplier: Decimal, coefficient: Decimal, half: Decimal) -> tuple[float, float]:
    """The lowest and highest φ with |coefficient^φ − multiplier| ≤ half; (∞, −∞) where there is none."""
    low, high = multiplier - half, multiplier + half
    if coefficient == 1:
        return (-inf, inf) if low <= 1 <= high else (inf, -inf)
    base = log(coefficient)
    return (log(low) / base if low > 0 else -inf, log(high) / base)


def explain(baseline: Baseline, member: Baseline, coefficients: Coefficients = PAPER) -> Explanation:
    """Take a scaled network apart.

    Args:
        baseline: what it was scaled from.
        member: the scaled network, with an `origin`.
        coefficients: the α, β, γ whose φ is asked for.

    Raises:
        SpaceError: the member has no origin.
    """
    if member.origin is None:
        raise SpaceError(f"{member.name} was not scaled from another network, so there is nothing to explain")
    base, net = baseline.architecture, member.architecture
    sides = Decimal(net.resolution) / base.resolution
    by = Multipliers(member.origin.multipliers.depth, member.origin.multipliers.width, round(sides, 12))
    bases = (coefficients.alpha, coefficients.beta, coefficients.gamma)
    pairs = [(getattr(by, axis), one) for axis, one in zip(AXES, bases, strict=True)]
    depth, width, resolution = (effective_phi(*pair) for pair in pairs)
    halves = (_TENTH / 2, _TENTH / 2, _SIDE_STEP / 2 / base.resolution)
    rounding = Rounding(member.origin.rounding, baseline.rounding.divisor)
    at_one = scaled(base, coefficients.at(1), rounding)
    return Explanation(
        baseline,
        member,
        coefficients,
        by,
        (depth, width, resolution),
        tuple(phi_range(*pair, half) for pair, half in zip(pairs, halves, strict=True)),
        log2(cost(net).macs / cost(base).macs),
        _stages(base, net),
        at_one,
        _twin(baseline, at_one),
    )


def _stages(base: Architecture, net: Architecture) -> tuple[StageShare, ...]:
    steps = (
        base,
        base.resized(base.widths, net.depths, base.resolution),
        base.resized(net.widths, net.depths, base.resolution),
        net,
    )
    counts = [grouped(layer_counts(step), lambda one: one.stage) for step in steps]
    before, after = stage_sizes(base), stage_sizes(net)
    found = []
    for groups in zip(*counts, strict=True):
        name, macs = groups[0].name, [group.macs for group in groups]
        (kind, layers, channels, px), (_, *sizes) = before[name], after[name]
        found.append(
            StageShare(
                name,
                kind,
                (layers, sizes[0]),
                (channels, sizes[1]),
                (px, sizes[2]),
                macs[0],
                *(macs[i + 1] - macs[i] for i in range(3)),
            )
        )
    return tuple(found)


def stage_sizes(architecture: Architecture) -> dict[str, tuple[str, int, int, int]]:
    """Kind, blocks, output channels and input px of every stage by its name."""
    found: dict[str, tuple[str, int, int, int]] = {}
    for block, length in architecture.runs(architecture.widths, architecture.depths, architecture.resolution):
        kind, layers, channels, px = found.get(block.name, (block.kind, 0, block.out_width, block.in_px))
        found[block.name] = kind, layers + length, channels, px
    return found


def _twin(baseline: Baseline, network: Architecture) -> str | None:
    if not has_published(baseline):
        return None
    shape = (network.widths, network.depths)
    members = (one.baseline for one in published(baseline))
    return next(
        (member.name for member in members if (member.architecture.widths, member.architecture.depths) == shape),
        None,
    )
