"""Trust in a proxy, in words and for winner.yaml."""

from __future__ import annotations

from math import isfinite

from scalesearch.search.trust import Agreement, Estimate

_WORST = ("do not use", "drifts", "cannot tell", "trust")


def overall(agreements: tuple[Agreement, ...]) -> str:
    """The worst verdict of all budgets, in words: trust, drifts toward …, cannot tell, do not use."""
    worst = min(agreements, key=lambda one: _WORST.index(one.verdict))
    return in_words(worst)


def in_words(agreement: Agreement) -> str:
    """A budget's verdict; a drift with its axis."""
    return f"drifts toward {agreement.toward}" if agreement.verdict == "drifts" else agreement.verdict


def trust_lines(agreements: tuple[Agreement, ...]) -> list[str]:
    """What a search prints of it: the verdict first, then each budget's figures."""
    if not agreements:
        return []
    reasons = {
        "trust": "longer and larger runs rank the networks alike",
        "cannot tell": "seeds disagree about as much as budgets do; more --seeds would tell"
        if all(agreement.ceiling for agreement in agreements)
        else "one seed does not show how far seeds agree; --seeds 3 would",
        "do not use": "further budgets rank the networks otherwise: this answer is the proxy's, not the network's",
    }
    worst = overall(agreements)
    lines = [f"Proxy: {worst}; {reasons.get(worst, 'a larger budget would choose more of it')}"]
    for one in agreements:
        ceiling = "" if one.ceiling is None else f"; seeds alone agree at {_shown(one.ceiling)}"
        drift = ", ".join(f"{axis} {part.value:+.1f}" for axis, part in one.drift.items() if isfinite(part.value))
        seeds = "1 seed" if one.seeds == 1 else f"{one.seeds} seeds"
        lines.append(
            f"  {one.budget} ({one.networks} networks, {seeds}): Kendall τ {_shown(one.tau)}, between "
            f"single seeds {_shown(one.single)}{ceiling}; drift {drift or 'not measured'}; {in_words(one)}"
        )
    return lines


def trust_facts(agreements: tuple[Agreement, ...]) -> dict[str, object] | None:
    """The same for winner.yaml; None where no further budget was run."""
    if not agreements:
        return None
    return {
        "in_words": overall(agreements),
        "budgets": [
            {
                "budget": agreement.budget,
                "networks": agreement.networks,
                "seeds": agreement.seeds,
                "tau": _numbers(agreement.tau),
                "tau_single_seeds": _numbers(agreement.single),
                "tau_ceiling": None if agreement.ceiling is None else _numbers(agreement.ceiling),
                "drift": {
                    axis: _numbers(part) if isfinite(part.value) else None for axis, part in agreement.drift.items()
                },
                "in_words": in_words(agreement),
            }
            for agreement in agreements
        ],
    }


def _shown(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} ({estimate.low:.2f} … {estimate.high:.2f})"


def _numbers(estimate: Estimate) -> list[float]:
    """Value, low, high."""
    return [round(float(value), 5) for value in (estimate.value, estimate.low, estimate.high)]
