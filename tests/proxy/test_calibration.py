"""The embedded scenes must tell networks apart at the `quick` budget."""

from __future__ import annotations

import statistics
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.proxy.datasets import load_data
from scalesearch.proxy.objective import ProxyTraining
from scalesearch.search.budget import BUDGETS, DECAY
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.proxies import image_px
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.trial import TrialSpec

SINGLE = {
    "depth": Multipliers(depth=Decimal(2)),
    "width": Multipliers(width=Decimal("1.4")),
    "resolution": Multipliers(resolution=Decimal("1.38")),
}
SEEDS = range(4)
NOISE = 0.05
"""Of one trial's accuracy (docs/log.md). Bits, and with them accuracies, differ from processor to processor."""


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_quick_is_neither_saturated_nor_blind_and_no_dimension_harms(tmp_path: Path) -> None:
    baseline, budget = load_baseline("b0"), BUDGETS["quick"]
    px = image_px(StudyConfig(baseline, Decimal(1), budget))
    data = load_data("fractal", px, budget.scenes, tmp_path)

    def accuracy(multipliers: Multipliers) -> float:
        network = baseline.scale(multipliers, "balanced").architecture
        proxy = make_proxy(network, baseline, budget.width_divisor, budget.resolution, len(data.classes))
        ends = []
        for seed in SEEDS:
            spec = TrialSpec(network, proxy, budget.recipe, data.fingerprint, seed)
            *_, last = ProxyTraining(data)(spec)
            ends.append(last.val_accuracy)
        return statistics.mean(ends)

    base = accuracy(Multipliers())
    assert 0.6 <= base <= 0.85
    gains = {name: accuracy(multipliers) - base for name, multipliers in SINGLE.items()}
    error = NOISE * (2 / len(SEEDS)) ** 0.5
    assert min(gains.values()) > -2 * error, gains
    assert max(gains.values()) > error, gains


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_on_shapes_seeds_differ_little_and_none_is_at_chance(tmp_path: Path) -> None:
    """B0's proxy by quick's recipe: above chance after a pass, half right in the end, and seeds alike.

    A standard deviation of .025 reads .06 or more over four seeds once in a thousand times.
    """
    baseline, quick = load_baseline("b0"), BUDGETS["quick"]
    scenes = replace(quick.scenes, classes=40, noise=12)
    recipe = replace(quick.recipe, precise_bn_images=1024, decay=DECAY)
    data = load_data("shapes", quick.resolution, scenes, tmp_path)
    network = baseline.architecture
    proxy = make_proxy(network, baseline, quick.width_divisor, quick.resolution, scenes.classes)
    curves = [
        [one.val_accuracy for one in ProxyTraining(data)(TrialSpec(network, proxy, recipe, data.fingerprint, seed))]
        for seed in SEEDS
    ]
    first, last = [curve[0] for curve in curves], [curve[-1] for curve in curves]
    assert min(first) > 0.2, first
    assert 0.5 < statistics.mean(last) < 0.9, last
    assert statistics.stdev(last) < 0.06, last
