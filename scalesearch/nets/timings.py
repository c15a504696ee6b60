"""The latency of every network that a search asks for, measured once."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from scalesearch.design.architecture import Architecture
from scalesearch.nets.latency import BATCH, RUNS, THREADS, Latency, device_name, latencies_beside
from scalesearch.search.timings import LatencyMeasurement, LatencyTable, ScalingPath, match_times

_RUNS_OF_A_GUESS = 5


def measure_timings(own: Architecture, lines: Sequence[ScalingPath], ratio: Decimal) -> LatencyTable:
    """Look on each line for the network that takes ratio × the baseline's time, then time all of them anew.

    The figures are those of the second, longer measurement: the first chose the networks by its own noise.

    Args:
        own: the baseline, which the ratio is of.
        lines: where a network is looked for.
        ratio: the wanted latency.
    """

    def clock(networks: Sequence[Architecture]) -> list[float]:
        return [one.ratio for one in latencies_beside(own, networks, _RUNS_OF_A_GUESS)[1]]

    networks = match_times(lines, ratio, clock)
    first, found = latencies_beside(own, networks)
    entries = [_timed(network, one.latency, one.ratio) for network, one in zip(networks, found, strict=True)]
    return LatencyTable(device_name(), BATCH, THREADS, RUNS, _timed(own, first, 1.0), tuple(entries))


def _timed(network: Architecture, latency: Latency, ratio: float) -> LatencyMeasurement:
    times = round(latency.seconds * 1e9), round(latency.spread * 1e9)
    shape = network.widths, network.depths, network.resolution
    return LatencyMeasurement(*shape, *times, Decimal(f"{ratio:.5f}"))
