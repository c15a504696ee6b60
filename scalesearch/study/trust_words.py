"""Trust in a proxy, in words and for winner.yaml."""

from __future__ import annotations

from math import isfinite

from scalesearch.search.trust import Agreement, Estimate

_WORST = ("do not use", "drifts", "cannot tell", "trust")


def overall(found: tuple[Agreement, ...]) -> str:
    """The worst verdict of all budgets, in words: trust, drifts toward …, cannot tell, do not use."""
    worst = min(found, key=lambda one: _WORST.index(one.verdict))
    return in_words(worst)


def in_words(one: Agreement) -> str:
    """A budget's verdict; a drift with its axis."""
    return f"drifts toward {one.toward}" if one.verdict == "drifts" else one.verdict


def trust_lines(found: tuple[Agreement, ...]) -> list[str]:
    """What a search prints of it: the verdict first, then each budget's figures."""
    if not found:
        return []
    reasons = {
        "trust": "longer and larger runs rank the networks alike",
        "cannot tell": "seeds disagree about as much as budgets do; more --seeds would tell"
        if all(one.ceiling for one in found)
        else "one seed does not show how far seeds agree; --seeds 3 would",
        "do not use": "further budgets rank the networks otherwise: this answer is the proxy's, not the network's",
    }
    worst = overall(found)
    lines = [f"Proxy: {worst}; {reasons.get(worst, 'a larger budget would choose more of it')}"]
    for one in found:
        ceiling = "" if one.ceiling is None else f"; seeds alone agree at {_shown(one.ceiling)}"
        drift = ", ".join(f"{axis} {part.value:+.1f}" for axis, part in one.drift.items() if isfinite(part.value))
        seeds = "1 seed" if one.seeds == 1 else f"{one.seeds} seeds"
        lines.append(
            f"  {one.budget} ({one.networks} networks, {seeds}): Kendall τ {_shown(one.tau)}, between "
            f"single seeds {_shown(one.single)}{ceiling}; drift {drift or 'not measured'}; {in_words(one)}"
        )
    return lines


def trust_facts(found: tuple[Agreement, ...]) -> dict[str, object] | None:
    """The same for winner.yaml; None where no further budget was run."""
    if not found:
        return None
    return {
        "in_words": overall(found),
        "budgets": [
            {
                "budget": one.budget,
                "networks": one.networks,
                "seeds": one.seeds,
                "tau": _numbers(one.tau),
                "tau_single_seeds": _numbers(one.single),
                "tau_ceiling": None if one.ceiling is None else _numbers(one.ceiling),
                "drift": {
                    axis: _numbers(part) if isfinite(part.value) else None for axis, part in one.drift.items()
                },
                "in_words": in_words(one),
            }
            for one in found
        ],
    }


def _shown(one: Estimate) -> str:
    return f"{one.value:.2f} ({one.low:.2f} … {one.high:.2f})"


def _numbers(one: Estimate) -> list[float]:
    """Value, low, high."""
    return [round(float(value), 5) for value in (one.value, one.low, one.high)]
