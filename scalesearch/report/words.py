"""Short phrases that several parts of a report use."""

from __future__ import annotations

from scalesearch.design.coefficients import Coefficients
from scalesearch.design.exact import plain


def greek(own: Coefficients) -> str:
    """Coefficients, γ to three places."""
    return f"(α, β, γ) = ({plain(own.alpha)}, {plain(own.beta)}, {plain(round(own.gamma, 3))})"


def seeds_words(count: int) -> str:
    """`1 seed`, `3 seeds`."""
    return "1 seed" if count == 1 else f"{count} seeds"
