"""The validation of the proxy as text, and as entries of winner.yaml."""

from __future__ import annotations

from math import isfinite

from scalesearch.search.proxy_validation import Estimate, RankAgreement

_WORST_FIRST = ("do not use", "drifts", "cannot tell", "trust")
"""The verdicts, the worst one first."""


def overall(agreements: tuple[RankAgreement, ...]) -> str:
    """Return the worst verdict of all budgets as text: trust, drifts toward …, cannot tell, do not use."""
    worst = min(agreements, key=lambda agreement: _WORST_FIRST.index(agreement.verdict))
    return in_words(worst)


def in_words(agreement: RankAgreement) -> str:
    """Return the verdict of a budget as text; a drift names its axis."""
    return f"drifts toward {agreement.toward}" if agreement.verdict == "drifts" else agreement.verdict


def proxy_validation_lines(agreements: tuple[RankAgreement, ...]) -> list[str]:
    """Return the lines of a search about it: the overall verdict, then the numbers of each budget."""
    if not agreements:
        return []
    reasons = {
        "trust": "longer and larger runs rank the networks alike",
        "cannot tell": "seeds disagree about as much as budgets do; run it with more --seeds"
        if all(agreement.ceiling for agreement in agreements)
        else "one seed does not show how far seeds agree; run it with --seeds 3",
        "do not use": "further budgets rank the networks differently, so only the proxy is known",
    }
    worst = overall(agreements)
    lines = [f"Proxy validation: {worst}; {reasons.get(worst, 'a larger budget would choose more of it')}"]
    for agreement in agreements:
        ceiling = (
            "" if agreement.ceiling is None else f"; of two seeds of one budget {_with_interval(agreement.ceiling)}"
        )
        drift = ", ".join(
            f"{axis} {estimate.value:+.1f}"
            for axis, estimate in agreement.drift.items()
            if isfinite(estimate.value)
        )
        seeds = "1 seed" if agreement.seeds == 1 else f"{agreement.seeds} seeds"
        lines.append(
            f"  {agreement.budget} ({agreement.networks} networks, {seeds}): "
            f"Kendall τ {_with_interval(agreement.tau)}, of "
            f"single seeds {_with_interval(agreement.single)}{ceiling}; "
            f"drift {drift or 'not measured'}; {in_words(agreement)}"
        )
    return lines


def proxy_validation_facts(agreements: tuple[RankAgreement, ...]) -> dict[str, object] | None:
    """Return the same as entries of winner.yaml, or None if no further budget was run."""
    if not agreements:
        return None
    return {
        "in_words": overall(agreements),
        "budgets": [
            {
                "budget": agreement.budget,
                "networks": agreement.networks,
                "seeds": agreement.seeds,
                "tau": _estimate_values(agreement.tau),
                "tau_single_seeds": _estimate_values(agreement.single),
                "tau_ceiling": None if agreement.ceiling is None else _estimate_values(agreement.ceiling),
                "drift": {
                    axis: _estimate_values(estimate) if isfinite(estimate.value) else None
                    for axis, estimate in agreement.drift.items()
                },
                "in_words": in_words(agreement),
            }
            for agreement in agreements
        ],
    }


def _with_interval(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} ({estimate.low:.2f} … {estimate.high:.2f})"


def _estimate_values(estimate: Estimate) -> list[float]:
    """The value and the ends of its interval."""
    return [round(float(value), 5) for value in (estimate.value, estimate.low, estimate.high)]
