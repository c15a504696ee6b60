"""How long a trial may be silent follows from the epochs before it, in proportion to its size."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planted import trials

from scalesearch.design.cost import cost
from scalesearch.runners.patience import LEAST_SECONDS, UNKNOWN_SECONDS, Patience


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("scalesearch.runners.patience.time.monotonic", lambda: now[0])
    return now


def test_ten_epochs_of_the_slowest_by_multiply_adds(clock: list[float]) -> None:
    first, second = trials(2)
    wide = replace(second, proxy=replace(second.proxy, resolution=2 * second.proxy.side))
    times = Patience(None)
    assert times.seconds(first) == UNKNOWN_SECONDS
    times.begin(first)
    clock[0] += 20
    times.record_epoch(first)
    clock[0] += 9
    times.record_epoch(first)  # a faster epoch changes nothing
    assert times.seconds(first) == pytest.approx(200)
    assert times.seconds(wide) == pytest.approx(200 * cost(wide.proxy).macs / cost(first.proxy).macs)
    clock[0] += 199
    assert not times.is_over(first)
    clock[0] += 2
    assert times.is_over(first)
    times.end(first)
    assert not times.is_over(first)


def test_never_less_than_a_minute_unless_it_is_said(clock: list[float]) -> None:
    (spec,) = trials(1)
    times = Patience(None)
    times.begin(spec)
    clock[0] += 0.1
    times.record_epoch(spec)
    assert times.seconds(spec) == LEAST_SECONDS
    assert Patience(3).seconds(spec) == 3
