"""Measure the latency of every network that a search needs, once."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from scalesearch.design.architecture import Architecture
from scalesearch.nets.latency import BATCH, RUNS, THREADS, Latency, device_name, relative_latencies
from scalesearch.search.timings import LatencyMeasurement, LatencyTable, ScalingPath, match_times

_RUNS_OF_A_SEARCH = 5


def measure_timings(baseline: Architecture, lines: Sequence[ScalingPath], ratio: Decimal) -> LatencyTable:
    """Find on each line the network that takes ratio × the baseline's time, then measure all of them again.

    The results are those of the second, longer measurement: the first one selected the networks by its own noise.

    Args:
        baseline: the network that the ratio refers to.
        lines: the series of networks to search.
        ratio: the target latency over the baseline's.
    """

    def measure_ratios(networks: Sequence[Architecture]) -> list[float]:
        return [result.ratio for result in relative_latencies(baseline, networks, _RUNS_OF_A_SEARCH)[1]]

    networks = match_times(lines, ratio, measure_ratios)
    baseline_latency, results = relative_latencies(baseline, networks)
    entries = [
        _to_timed(network, result.latency, result.ratio) for network, result in zip(networks, results, strict=True)
    ]
    return LatencyTable(
        device_name(), BATCH, THREADS, RUNS, _to_timed(baseline, baseline_latency, 1.0), tuple(entries)
    )


def _to_timed(network: Architecture, latency: Latency, ratio: float) -> LatencyMeasurement:
    nanoseconds = round(latency.seconds * 1e9), round(latency.spread * 1e9)
    shape = network.widths, network.depths, network.side
    return LatencyMeasurement(*shape, *nanoseconds, Decimal(f"{ratio:.5f}"))
