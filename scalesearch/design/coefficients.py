"""Define the coefficients of compound scaling (α, β, γ) and the multipliers that they give at φ."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import log2

from scalesearch.design.decimals import format_decimal, power, product
from scalesearch.errors import SpaceError

AXES = ("depth", "width", "resolution")
"""The three dimensions that compound scaling scales, in the order α, β, γ."""

LARGEST_MULTIPLIER = Decimal(64)
"""The largest multiplier of a dimension."""
LARGEST_COEFFICIENT = Decimal(4)
"""The largest coefficient; the smallest is 1."""
LOWEST_PHI, HIGHEST_PHI = Decimal(-4), Decimal(10)
"""The range of φ: from a sixteenth of the baseline's cost to 1024 times as much."""


def nominal_product(depth: Decimal, width: Decimal, resolution: Decimal) -> Decimal:
    """Return d·w²·r² exactly: the factor by which a plain ConvNet's cost grows (Tan & Le 2019, section 3.3)."""
    return product(depth, product(product(width, width), product(resolution, resolution)))


def phi_of(ratio: Decimal) -> Decimal:
    """Return the φ of 2^φ = `ratio`: exact for powers of two, else to nine decimal places."""
    return round(Decimal(log2(ratio)), 9).normalize()


@dataclass(frozen=True, slots=True)
class Multipliers:
    """Multipliers scale the baseline's depth, width and resolution, before rounding."""

    depth: Decimal = Decimal(1)
    width: Decimal = Decimal(1)
    resolution: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        for name in AXES:
            value = getattr(self, name)
            if not (value.is_finite() and 0 < value <= LARGEST_MULTIPLIER):
                raise SpaceError(
                    f"{name} multiplier is {value:.6g}, but it must be above 0 and at most {LARGEST_MULTIPLIER}: "
                    "take a smaller one, or a smaller φ"
                )

    @property
    def nominal_flops_ratio(self) -> Decimal:
        """The ratio d·w²·r²: the cost over the baseline's by the paper's rule of thumb."""
        return nominal_product(self.depth, self.width, self.resolution)

    def rounded(self) -> Multipliers:
        """Return the multipliers rounded to 12 decimal places, as a file keeps them.

        Exact powers are longer: γ⁷ has 35 decimal places and more.
        """
        return Multipliers(*(round(getattr(self, name), 12) for name in AXES))

    def __str__(self) -> str:
        depth, width, resolution = map(format_decimal, (self.depth, self.width, self.resolution))
        return f"depth {depth}, width {width}, resolution {resolution}"


@dataclass(frozen=True, slots=True, order=True)
class Coefficients:
    """Coefficients are what one unit of φ multiplies depth, width and resolution by (Tan & Le 2019, eq. 3)."""

    alpha: Decimal
    beta: Decimal
    gamma: Decimal

    def __post_init__(self) -> None:
        for name in ("alpha", "beta", "gamma"):
            value = getattr(self, name)
            if not (value.is_finite() and 1 <= value <= LARGEST_COEFFICIENT):
                raise SpaceError(
                    f"{name} is {value}, but a coefficient must be in 1 … {LARGEST_COEFFICIENT}"
                    + (
                        ": below 1 it would shrink the baseline; take φ below 0 for that"
                        if value.is_finite() and value < 1
                        else ""
                    )
                )

    @property
    def product(self) -> Decimal:
        """The exact product α·β²·γ², which should be about 2 (Tan & Le 2019, eq. 3)."""
        return nominal_product(self.alpha, self.beta, self.gamma)

    def at(self, phi: Decimal | int) -> Multipliers:
        """Return α^φ, β^φ, γ^φ: exact for whole φ ≥ 0, otherwise to 12 significant digits."""
        exponent = Decimal(phi)
        return Multipliers(*(power(base, exponent) for base in (self.alpha, self.beta, self.gamma)))

    def __str__(self) -> str:
        return f"({format_decimal(self.alpha)}, {format_decimal(self.beta)}, {format_decimal(self.gamma)})"
