"""What the response surface says of the recommendation, in words and for winner.yaml."""

from __future__ import annotations

from scalesearch.design.coefficients import AXES
from scalesearch.search.surface import Surface, coefficients_of
from scalesearch.study.answer import Answer

_PREDICTS = 0.85
"""A surface that misses left-out networks by more than this share of their spread is not listened to."""


def surface_verdict(found: Answer) -> str:
    """Whether the surface agrees with the recommendation, or predicts too little to say."""
    fitted = found.surface
    if fitted is None:
        return "too few networks for a surface"
    if fitted.left_out_error > _PREDICTS * fitted.spread:
        return "it predicts a left-out network hardly better than their mean, so it decides nothing"
    _, low, _ = fitted.gain_over(found.place.key)
    if low > 0:
        return "it disagrees with the recommendation: its optimum is higher by more than the noise (95 %)"
    return "it does not contradict the recommendation"


def surface_line(found: Answer, fitted: Surface) -> str:
    """The optimum, its region, and the verdict."""
    alpha, beta, gamma = coefficients_of(fitted.optimum)
    low, high = (coefficients_of([fitted.region[axis][end] for axis in AXES]) for end in (0, 1))
    region = ", ".join(f"{name} {low[i]:.2f}–{high[i]:.2f}" for i, name in enumerate("αβγ"))
    return (
        f"Surface: highest at α = {alpha:.2f}, β = {beta:.2f}, γ = {gamma:.2f} (95 %: {region}); "
        f"R² {fitted.r_squared:.2f}; {surface_verdict(found)}"
    )


def surface_facts(found: Answer) -> dict[str, object] | None:
    """The surface's optimum, its 95 % region, how well it predicts; None where there is none."""
    fitted = found.surface
    if fitted is None:
        return None
    low, high = (coefficients_of([fitted.region[axis][end] for axis in AXES]) for end in (0, 1))
    names = ("alpha", "beta", "gamma")
    gain = fitted.gain_over(found.place.key)
    return {
        **{name: round(value, 5) for name, value in zip(names, coefficients_of(fitted.optimum), strict=True)},
        "region_95": {name: [round(low[i], 5), round(high[i], 5)] for i, name in enumerate(names)},
        "r_squared": round(fitted.r_squared, 5),
        "left_out_error": round(fitted.left_out_error, 5),
        "spread": round(fitted.spread, 5),
        "above_winner": round(gain[0], 5),
        "above_winner_95": [round(value, 5) for value in gain[1:]],
        "in_words": surface_verdict(found),
    }
