"""Compare the rounding rules on B0's grid, and print the table of docs/rounding.md as Markdown, without training.

python benchmarks/rounding_rules.py
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from scalesearch.design.baselines import load_baseline
from scalesearch.design.explain import PAPER
from scalesearch.design.family import PHIS
from scalesearch.design.rounding import ROUNDING_RULES
from scalesearch.design.scaling import flops_ratio, scaled
from scalesearch.search.candidates import candidates
from scalesearch.search.grid import triples

STEP, TOLERANCE = Decimal("0.05"), Decimal("0.1")


def main() -> None:
    print("\n".join(rows()))


def rows() -> list[str]:
    """Return the lines of the table."""
    phis = " | ".join(f"φ = {phi}" if phi == 1 else str(phi) for phi in PHIS)
    return [
        f"| rule | networks | pairs | matched | {phis} |",
        f"|---|{'---|' * (3 + len(PHIS))}",
        *(f"| `{rule}` | {' | '.join(cells(rule))} |" for rule in ROUNDING_RULES),
    ]


def cells(rule: str) -> list[str]:
    """Return the cells of one rule.

    They are the numbers of distinct networks, of depth-width pairs and of pairs that can be matched, and the FLOPs
    bias at every φ.
    """
    baseline = load_baseline("b0")
    grid = triples(STEP, TOLERANCE)
    networks = candidates(baseline, grid, Decimal(1), rule, "none").candidates
    pairs = candidates(baseline, grid, Decimal(1), rule, "flops")
    counts = [len(networks), len(pairs.candidates) + len(pairs.unmatched), len(pairs.candidates)]
    rounding = replace(baseline.rounding, rule=rule)
    biases = []
    for phi in PHIS:
        multipliers = PAPER.at(phi)
        network = scaled(baseline.architecture, multipliers, rounding)
        biases.append(flops_ratio(network, baseline.architecture) / multipliers.nominal_flops_ratio)
    return [*map(str, counts), *(f"{bias:.3f}" for bias in biases)]


if __name__ == "__main__":
    main()
