"""Measurement of the times that a reward weighs: inference latency and training steps, on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from scalesearch.design.architecture import Architecture
from scalesearch.search.sampler_space import RelativeTime, TimingRequest


def measure_times(request: TimingRequest, networks: Sequence[Architecture]) -> list[RelativeTime]:
    """Return the times of the networks, each measured in alternation with the baseline."""
    if not networks:
        return []
    if request.what == "latency":
        from scalesearch.nets.latency import relative_latencies

        latencies = relative_latencies(request.baseline, networks)[1]
        return [RelativeTime(relative.latency.seconds, relative.ratio) for relative in latencies]
    from scalesearch.proxy.step_time import relative_step_times

    return relative_step_times(request.baseline, networks, request.batch)
