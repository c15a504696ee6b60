"""What networks were wanted to cost, in words."""

from __future__ import annotations

from scalesearch.search.question import Question

COST_WORDS = {"macs": "multiply-adds", "activations": "activations", "latency": "latency"}
"""What is matched."""


def times_of(question: Question) -> str:
    """`2x`: the wanted cost over the baseline's."""
    return f"{2 ** float(question.phi):.4g}x"


def wanted(question: Question) -> str:
    """`2x the multiply-adds`."""
    return f"{times_of(question)} the {COST_WORDS[question.cost]}"
