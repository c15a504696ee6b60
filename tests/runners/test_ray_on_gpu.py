"""Several trials on one real GPU, through Ray."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import pytest
import torch
from small_training import bright_images

from scalesearch.design.baselines import load_baseline
from scalesearch.proxy.objective import ProxyTraining
from scalesearch.runners.execution import Event, TrialFinished, TrialStarted
from scalesearch.runners.ray_tune import RayRunner
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.task import Recipe
from scalesearch.search.trial import TrialSpec


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_four_trials_share_a_gpu() -> None:
    base, data = load_baseline("tiny"), bright_images()
    recipe = Recipe(epochs=15, batch=16, learning_rate=Decimal("0.1"))
    proxy = make_proxy(base.architecture, base, 4, 16, 3)
    specs = [TrialSpec(base.architecture, proxy, recipe, "bright", seed) for seed in range(5)]
    events: list[Event] = []
    RayRunner(gpus_per_trial=0.25, cores=8).run([specs], ProxyTraining(data), events.append)
    done = [event.outcome for event in events if isinstance(event, TrialFinished)]
    assert [one.state for one in done] == ["complete"] * 5
    assert all(one.accuracy is not None and one.accuracy > 0.6 for one in done)
    assert 2 <= max(_running(events)) <= 4  # four where Ray starts them fast enough


def _running(events: Sequence[Event]) -> Iterator[int]:
    running = 0
    for event in events:
        running += isinstance(event, TrialStarted) - isinstance(event, TrialFinished)
        yield running
