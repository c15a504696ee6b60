"""The latency of every network that a search asks for, measured once."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from scalesearch.design.architecture import Architecture
from scalesearch.design.matching import Shape
from scalesearch.design.scaling import Baseline
from scalesearch.nets.latency import BATCH, RUNS, THREADS, Latency, device_name, latencies
from scalesearch.search.timings import Timed, Timings, match_times

_RUNS_OF_A_GUESS = 5


def measure_timings(baseline: Baseline, shapes: Sequence[Shape], ratio: Decimal) -> Timings:
    """Look for the px at which each shape takes ratio × the baseline's time, then time all of them anew.

    The figures are those of the second, longer measurement, in which the baseline and all networks take turns: the
    first chose the px by its own noise.

    Args:
        baseline: what the ratio is of.
        shapes: widths and depths of the networks.
        ratio: the wanted latency.
    """

    def clock(networks: Sequence[Architecture]) -> list[float]:
        return [one.seconds for one in latencies(networks, _RUNS_OF_A_GUESS)]

    own, grows = baseline.architecture, "resolution" in baseline.axes
    networks = [own, *match_times(own, shapes, ratio, clock, grows)]
    base, *entries = [_timed(*one) for one in zip(networks, latencies(networks), strict=True)]
    return Timings(device_name(), BATCH, THREADS, RUNS, base, tuple(entries))


def _timed(network: Architecture, found: Latency) -> Timed:
    times = round(found.seconds * 1e9), round(found.spread * 1e9)
    return Timed(network.widths, network.depths, network.resolution, *times)
