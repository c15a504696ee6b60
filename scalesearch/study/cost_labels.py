"""The target cost of a study's networks as text."""

from __future__ import annotations

from scalesearch.search.study_config import StudyConfig

COST_WORDS = {"macs": "multiply-adds", "activations": "activations", "latency": "latency"}
"""What each kind of cost is called."""


def times_of(config: StudyConfig) -> str:
    """Return the ratio of the target cost to the baseline's cost: `2x`."""
    return f"{2 ** float(config.phi):.4g}x"


def target_cost_words(config: StudyConfig) -> str:
    """Return the target cost over the baseline's: `2x the multiply-adds`."""
    return f"{times_of(config)} the {COST_WORDS[config.cost]}"
