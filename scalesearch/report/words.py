"""Short phrases that several parts of a report use."""

from __future__ import annotations

from scalesearch.design.coefficients import Coefficients
from scalesearch.design.exact import plain


def greek(coefficients: Coefficients) -> str:
    """Coefficients, γ to three places."""
    alpha, beta, gamma = coefficients.alpha, coefficients.beta, round(coefficients.gamma, 3)
    return f"(α, β, γ) = ({plain(alpha)}, {plain(beta)}, {plain(gamma)})"


def seeds_words(count: int) -> str:
    """`1 seed`, `3 seeds`."""
    return "1 seed" if count == 1 else f"{count} seeds"
