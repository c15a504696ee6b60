"""Step times: a figure for each network beside the baseline's, whatever else the machine does."""

from __future__ import annotations

from dataclasses import replace

from networks import SMALL

from scalesearch.proxy.step_time import relative_step_times


def test_a_step_of_a_larger_network_takes_longer() -> None:
    base = replace(SMALL.architecture, resolution=16)
    larger = base.resized([one * 4 for one in base.widths], [3, 5, 6], 40)
    same, longer = relative_step_times(base, [base, larger], 3)
    assert longer.ratio > 2 * same.ratio > 0
    assert longer.seconds > same.seconds > 0
