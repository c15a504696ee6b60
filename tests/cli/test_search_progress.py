"""The progress of a search: what it says is what summing up all trials would say."""

from __future__ import annotations

import io
import time

import pytest
from planted import Planted, plan
from rich.console import Console

from scalesearch.cli.progress import SearchProgress
from scalesearch.design.cost import cost
from scalesearch.runners.execution import EpochFinished, Event, TrialFinished, TrialStarted
from scalesearch.runners.inline import InlineRunner


def test_the_remaining_time_follows_from_the_multiply_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    asked = plan()
    progress = SearchProgress(asked, {}, Console(file=io.StringIO()))
    (wave,) = asked.waves({})
    whole = sum(cost(spec.proxy).macs * asked.proxies.images(spec) for spec in wave)
    done, running, checked = 0, {}, 0

    def listen(event: Event) -> None:
        nonlocal done, checked
        progress(event)
        clock[0] += 7.0
        key, macs = event.spec.id, cost(event.spec.proxy).macs
        if isinstance(event, EpochFinished):
            running[key] = macs * event.epoch.samples
        elif isinstance(event, TrialFinished):
            running.pop(key, None)
            done += macs * asked.proxies.images(event.spec)
        else:
            assert isinstance(event, TrialStarted)
        so_far = done + sum(running.values())
        remaining = progress._remaining_seconds()
        if so_far:
            checked += 1
            assert remaining == pytest.approx((whole - so_far) * (clock[0] - 100.0) / so_far)
        else:
            assert remaining is None

    InlineRunner().run([wave], Planted(), listen)
    assert checked > len(wave)


def test_the_best_trials_are_the_best_of_all() -> None:
    asked = plan()
    progress = SearchProgress(asked, {}, Console(file=io.StringIO()))
    scores: dict[str, float] = {}

    def listen(event: Event) -> None:
        progress(event)
        if isinstance(event, TrialFinished):
            assert event.outcome.score is not None
            scores[event.spec.id] = event.outcome.score
            assert progress._leaders == sorted(scores, key=lambda key: -scores[key])[:5]

    InlineRunner().run([asked.waves({})[0]], Planted(), listen)
    assert len(scores) > 5
