"""Short phrases that several parts of a report use."""

from __future__ import annotations

from scalesearch.design.coefficients import Coefficients
from scalesearch.design.decimals import format_decimal


def format_coefficients(coefficients: Coefficients) -> str:
    """Return the coefficients as text, γ rounded to three decimal places."""
    alpha, beta, gamma = coefficients.alpha, coefficients.beta, round(coefficients.gamma, 3)
    return f"(α, β, γ) = ({format_decimal(alpha)}, {format_decimal(beta)}, {format_decimal(gamma)})"


def seeds_text(count: int) -> str:
    """Return a count of seeds as text: `1 seed`, `3 seeds`."""
    return "1 seed" if count == 1 else f"{count} seeds"
