"""Whatever a study measured, it has a posterior: no odd data may end a search that has run for hours."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scalesearch.search.decision.data import Channel, StudyData, Training
from scalesearch.search.decision.posterior import posterior
from scalesearch.search.decision.surface import surface_of

Floats = NDArray[np.float64]
KINDS = ("all alike", "normal", "one stands out", "seeds end alike", "heavy tails")


def odd_study(draw: np.random.Generator, kind: str) -> StudyData | None:
    """Of few or many networks, on one rung or three, in any unit; None: nothing was measured of a candidate."""
    networks, rungs = int(draw.integers(1, 15)), int(draw.integers(1, 4))
    responses = (0, 1) if draw.random() < 0.5 else (0,)
    shares: Floats | None = draw.dirichlet((1, 1, 1), networks) if draw.random() < 0.7 else None
    if shares is not None and draw.random() < 0.2:
        shares[:] = shares[0]
    unit, level = 10.0 ** draw.integers(-9, 4), float(draw.choice([0.0, 0.5, 1.0, -3.0, 1e4]))

    def value(network: int) -> float:
        off = {
            "all alike": 0.0,
            "normal": draw.normal(),
            "one stands out": float(network == 0),
            "seeds end alike": float(network),
            "heavy tails": draw.standard_cauchy(),
        }[kind]
        return float(level + unit * off)

    trainings = []
    for network in range(networks):
        for _ in range(int(draw.integers(0, 4))):
            reached = rungs if draw.random() < 0.6 else 1
            channels = [Channel(rung, response) for rung in range(reached) for response in responses]
            trainings.append(Training(f"n{network}", {channel: value(network) for channel in channels}))
    if not trainings:
        return None
    trainings += [Training("base", {Channel(0): level - unit})] * int(draw.integers(0, 4))
    costs = draw.normal(0, 0.05, networks) * (draw.random() < 0.7)
    least = float(draw.choice([0.0, 0.0005]))
    names = tuple(f"n{network}" for network in range(networks))
    return StudyData(names, shares, costs, tuple(trainings), "base", smallest_noise=least)


@pytest.mark.parametrize("kind", KINDS)
def test_every_study_has_a_finite_posterior(kind: str) -> None:
    draw = np.random.default_rng(KINDS.index(kind))
    answered = 0
    while answered < 15:
        data = odd_study(draw, kind)
        if data is None:
            continue
        found, answered = posterior(data), answered + 1
        assert np.all(np.isfinite(found.mean))
        assert np.all(np.isfinite(found.error))
        assert found.probability_best.sum() == pytest.approx(1)
        assert np.all(found.expected_regret >= 0)
        assert np.isfinite(found.value_of_trainings(np.ones(len(data.candidates))))
        surface = surface_of(found)
        assert surface is None or 0 <= surface.explained <= 1
