"""Time the counting of multiply-adds: the closed form, for one network and for a grid, and fvcore, in one run.

python benchmarks/counting.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost, cost_grid
from scalesearch.nets.flops import fvcore_breakdown
from scalesearch.study.provenance import environment

GRID = 100_000
REPEATS = 5


def main() -> None:
    base = load_baseline("b0").architecture
    rng = np.random.default_rng(0)
    widths = np.array(base.widths) * rng.integers(8, 17, (GRID, 1)) // 8
    depths = np.array(base.depths) * rng.integers(1, 4, (GRID, 1))
    sides = rng.integers(224, 600, GRID)
    grid = seconds(lambda: cost_grid(base, widths, depths, sides), 1)
    single = seconds(lambda: cost(base), 1000)
    fvcore = seconds(lambda: fvcore_breakdown(base), 1)
    host = environment()
    print(f"{host['processor']}, one thread; torch {host['torch']}, numpy {host['numpy']}; median of {REPEATS}")
    print(f"closed form, grid of {GRID}: {grid:.3f} s ({grid / GRID * 1e6:.2f} µs a network)")
    print(f"closed form, one network:   {single * 1e6:.0f} µs")
    print(f"fvcore, one network:        {fvcore * 1e6:.0f} µs")
    print(f"fvcore / closed form: {fvcore / single:.0f}x one by one, {fvcore / (grid / GRID):.0f}x over the grid")


def seconds(function: Callable[[], object], calls: int) -> float:
    """Return the median seconds of one call."""
    function()
    measured = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        for _ in range(calls):
            function()
        measured.append((time.perf_counter() - start) / calls)
    return statistics.median(measured)


if __name__ == "__main__":
    main()
