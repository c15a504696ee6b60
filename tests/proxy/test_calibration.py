"""The embedded images must be learned in the time that the budget `quick` gives."""

from __future__ import annotations

import statistics
from decimal import Decimal
from pathlib import Path

import pytest

from scalesearch.design.baselines import load_baseline
from scalesearch.proxy.datasets import load_data
from scalesearch.proxy.objective import ProxyTraining
from scalesearch.search.budget import BUDGETS, prolongable
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts, image_px
from scalesearch.search.study_config import StudyConfig


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_quick_is_learned_from_the_first_rung_on_and_its_seeds_are_alike(tmp_path: Path) -> None:
    """One of B0's candidates: above chance after a pass, half right in the end, and four seeds alike.

    A standard deviation of .02 reads .05 or more over four seeds less than once in a thousand times.
    """
    config = StudyConfig(load_baseline("b0"), Decimal(1), prolongable(BUDGETS["quick"]))
    data = load_data("shapes", image_px(config), config.budget.scenes, tmp_path)
    facts = DataFacts(
        data.name, data.fingerprint, len(data.classes), len(data.train_labels_N), len(data.val_labels_N)
    )
    plan = Plan(config, facts)
    (candidate,) = (one for one in plan.trained if one.label.startswith("1.2/1.1/"))
    curves = [
        [one.val_accuracy for one in ProxyTraining(data)(plan.spec(candidate.architecture, seed))]
        for seed in range(4)
    ]
    first, last = [curve[0] for curve in curves], [curve[-1] for curve in curves]
    assert min(first) > 0.2, first
    assert 0.5 < statistics.mean(last) < 0.9, last
    assert statistics.stdev(last) < 0.05, last
