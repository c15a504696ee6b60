"""Decisions are worth what they say: planted studies of `benchmarks/decision_calibration.py`."""

from __future__ import annotations

import numpy as np
import pytest
from decision_calibration import Cell, Score, score

STUDIES = 50
"""A study takes seconds; the benchmark has thousands."""


def scored(cell: Cell) -> dict[str, float]:
    rows = [score(cell, seed) for seed in range(STUDIES)]
    return {name: float(np.mean([getattr(row, name) for row in rows])) for name in Score.__annotations__}


@pytest.mark.slow
@pytest.mark.parametrize("losses", [False, True])
@pytest.mark.parametrize("design", ["one", "halving", "trunks", "adaptive"])
def test_intervals_bounds_and_regrets_hold_on_smooth_surfaces(design: str, losses: bool) -> None:
    """Standard errors of the shares are .031 at .95; intervals of one study's networks hold or miss together."""
    found = scored(Cell("interior", "normal", 10.0, 0.03, design, losses))
    assert found["covered"] >= 0.88
    assert found["chosen"] >= 0.84
    assert found["bounded"] >= 0.86
    assert found["false_winner"] <= 0.05
    assert found["regret"] / 1.5 <= found["expected"] <= 1.5 * found["regret"]
    assert found["tau"] > found["raw_tau"]


@pytest.mark.slow
def test_equal_networks_have_no_winner() -> None:
    found = scored(Cell("flat", "normal", 0.0, 0.03, "halving", False))
    assert found["false_winner"] <= 0.02
    assert found["covered"] >= 0.95
    assert found["bounded"] == 1
