"""Measure on simulated studies how often the ranking claims a winner: wrongly on equal arms, rightly on real gaps.

python benchmarks/ranking_rates.py [STUDIES]      (default 1000)
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import sqrt

import numpy as np

from scalesearch.search.ranking import Arm, Ranking, leaders, rank

NOISE = 0.02
ARMS = {
    "quick: 20 arms, 1 seed, 4 finalists to 3": (20, 1, 4),
    "20 arms, 3 seeds": (20, 3, 0),
    "6 arms, 3 seeds": (6, 3, 0),
}
SEEDS = 3


def study(rng: np.random.Generator, truths: Sequence[float], seeds: int, finalists: int) -> Ranking:
    """Simulate one study of arms with these true accuracies, and return its ranking."""
    shared = rng.normal(0, NOISE, SEEDS)
    measured = {
        str(i): {s: truth + shared[s] + rng.normal(0, NOISE) for s in range(seeds)}
        for i, truth in enumerate(truths)
    }

    def arms() -> list[Arm]:
        return [Arm(key, values, 1.0, 1000 + int(key), 1) for key, values in measured.items()]

    if finalists:
        for key in leaders(arms(), finalists):
            for s in range(seeds, SEEDS):
                measured[key][s] = truths[int(key)] + shared[s] + rng.normal(0, NOISE)
    return rank(arms(), 1000)


def main() -> None:
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rng = np.random.default_rng(2019)
    gap = 3 * NOISE * sqrt(2 / SEEDS)
    print(f"{studies} simulated studies a figure, seed 2019")
    print("a gap is 3 standard errors of a paired difference over 3 seeds")
    print(f"{'':<44}{'identical':>10}{'two lead':>10}{'ladder':>10}{'level':>10}")
    for name, (count, seeds, finalists) in ARMS.items():
        cases = {
            "identical": [0.7] * count,
            "two lead": [0.7] * 2 + [0.3] * (count - 2),
            "ladder": [0.9 - gap * i for i in range(count)],
            "level": [0.7 + gap] + [0.7] * (count - 1),
        }
        rates = []
        for case, truths in cases.items():
            wrong = case in ("identical", "two lead")
            rankings = [study(rng, truths, seeds, finalists) for _ in range(studies)]
            hits = sum(ranking.significant and (wrong or ranking.tied == ("0",)) for ranking in rankings)
            rates.append(hits / studies)
        print(f"{name:<44}" + "".join(f"{rate:>10.1%}" for rate in rates), flush=True)


if __name__ == "__main__":
    main()
