"""The target cost of a study's networks as text."""

from __future__ import annotations

from scalesearch.search.candidates import tolerance
from scalesearch.search.plan import Plan
from scalesearch.search.study_config import StudyConfig

COST_WORDS = {"macs": "multiply-adds", "activations": "activations", "latency": "latency"}
"""What each kind of cost is called."""


def times_of(config: StudyConfig) -> str:
    """Return the ratio of the target cost to the baseline's cost: `2x`."""
    return f"{2 ** float(config.phi):.4g}x"


def target_cost_words(config: StudyConfig) -> str:
    """Return the target cost over the baseline's: `2x the multiply-adds`."""
    return f"{times_of(config)} the {COST_WORDS[config.cost]}"


def unmatched_lines(plan: Plan) -> list[str]:
    """Return a line for each network that no resolution brings to the target cost."""
    cost_kind = plan.config.cost
    nearer = "no resolution that was timed is nearer" if cost_kind == "latency" else "no resolution is nearer"
    other = "" if cost_kind == "macs" else f" and has {{ratio:.3f}}x the {COST_WORDS[cost_kind]}"
    return [
        f"Not compared: {candidate.label} costs {float(candidate.flops_ratio):.3f}x at "
        f"{candidate.architecture.resolution} px{other.format(ratio=float(candidate.matched_ratio))}, "
        f"more than {tolerance(cost_kind) * 100:.0f} % from the target; {nearer}"
        for candidate in plan.candidate_set.unmatched
    ]
