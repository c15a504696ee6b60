"""What a reward asks of a network beside its sizes, measured here."""

from __future__ import annotations

from collections.abc import Sequence

from scalesearch.design.architecture import Architecture
from scalesearch.search.sampler_space import Time, Timing


def measured(request: Timing, networks: Sequence[Architecture]) -> list[Time]:
    """The networks' times, each in turns with the baseline's."""
    if not networks:
        return []
    if request.what == "latency":
        from scalesearch.nets.latency import latencies_beside

        found = latencies_beside(request.baseline, networks)[1]
        return [Time(one.latency.seconds, one.ratio) for one in found]
    from scalesearch.proxy.step_time import steps_beside

    return steps_beside(request.baseline, networks, request.batch)
