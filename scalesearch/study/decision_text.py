"""The decision of a study as text, and as entries of winner.yaml."""

from __future__ import annotations

from scalesearch.design.coefficients import AXES
from scalesearch.search.decision.surface import Surface
from scalesearch.search.metrics import ACCURACY, BALANCED
from scalesearch.search.shares import coefficients_of
from scalesearch.study.result import StudyResult

_COEFFICIENTS = ("alpha", "beta", "gamma")
"""Names of the coefficients in winner.yaml."""


def regret_words(result: StudyResult) -> str:
    """Return the expected regret of the choice, and what another seed of every candidate would gain, as text."""
    decision = result.decision
    if not result.ranking.error_known:
        return "its expected regret is not known without seeds that differ"
    scale, unit = regret_scale(result)
    judged = "" if result.validation is None else f" {result.judged},"
    return (
        f"expected regret {scale * decision.regret:.2g}{unit}{judged} among {len(decision.index_by_id)} candidates "
        f"(95 %: below {scale * decision.regret_bound:.2g}); "
        f"one more seed of each would lower it by {scale * decision.gain_of_another_seed:.2g}"
    )


def regret_scale(result: StudyResult) -> tuple[int, str]:
    """Return the factor by which regrets are written, and their unit after a space."""
    is_share = result.plan.config.metric in (ACCURACY, BALANCED) and result.plan.config.kind.scales
    return (100, " percentage points") if is_share else (1, "")


def surface_line(surface: Surface) -> str:
    """Return the optimum of the response surface, its 95 % region, and how much of the variance it explains."""
    alpha, beta, gamma = coefficients_of(surface.optimum)
    low, high = (coefficients_of([surface.region[axis][end] for axis in AXES]) for end in (0, 1))
    region = ", ".join(f"{name} {low[i]:.2f}–{high[i]:.2f}" for i, name in enumerate("αβγ"))
    return (
        f"Response surface: maximum at α = {alpha:.2f}, β = {beta:.2f}, γ = {gamma:.2f} (95 %: {region}); "
        f"it explains {100 * surface.explained:.0f} % of the variance between the networks"
    )


def decision_facts(result: StudyResult) -> dict[str, object]:
    """Return the entries of winner.yaml that describe the decision.

    They are the choice's expected metric, its probability to be the best, its expected regret, and what another
    seed would gain.
    """
    decision = result.decision
    return {
        "expected": round(decision.mean(decision.choice), 5),
        "standard_deviation": round(decision.error(decision.choice), 5),
        "probability_best": round(decision.probability_best(decision.choice), 3),
        "expected_regret": round(decision.regret, 5),
        "regret_95": round(decision.regret_bound, 5),
        "gain_of_another_seed": round(decision.gain_of_another_seed, 5),
        "candidates": len(decision.index_by_id),
        **({} if result.validation is None else {"judged": result.judged}),
    }


def surface_facts(surface: Surface | None) -> dict[str, object] | None:
    """Return the optimum of the response surface, its 95 % region and how much it explains, or None without one."""
    if surface is None:
        return None
    low, high = (coefficients_of([surface.region[axis][end] for axis in AXES]) for end in (0, 1))
    return {
        **{
            name: round(value, 3)
            for name, value in zip(_COEFFICIENTS, coefficients_of(surface.optimum), strict=True)
        },
        "region_95": {name: [round(low[i], 3), round(high[i], 3)] for i, name in enumerate(_COEFFICIENTS)},
        "explained": round(surface.explained, 3),
    }
