"""What networks were wanted to cost, in words."""

from __future__ import annotations

from scalesearch.search.question import Question

COST_WORDS = {"macs": "multiply-adds", "activations": "activations", "latency": "latency"}
"""What is matched."""


def times_of(asked: Question) -> str:
    """`2x`: the wanted cost over the baseline's."""
    return f"{2 ** float(asked.phi):.4g}x"


def wanted(asked: Question) -> str:
    """`2x the multiply-adds`."""
    return f"{times_of(asked)} the {COST_WORDS[asked.cost]}"
