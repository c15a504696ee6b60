"""What networks were wanted to cost, in words."""

from __future__ import annotations

from scalesearch.search.study_config import StudyConfig

COST_WORDS = {"macs": "multiply-adds", "activations": "activations", "latency": "latency"}
"""What is matched."""


def times_of(config: StudyConfig) -> str:
    """`2x`: the wanted cost over the baseline's."""
    return f"{2 ** float(config.phi):.4g}x"


def wanted(config: StudyConfig) -> str:
    """`2x the multiply-adds`."""
    return f"{times_of(config)} the {COST_WORDS[config.cost]}"
