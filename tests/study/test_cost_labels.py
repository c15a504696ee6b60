"""Networks that no resolution brings to the target cost are named, with what they cost instead."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planted import plan, with_times

from scalesearch.design.cost import cost
from scalesearch.search.plan import Plan
from scalesearch.study.cost_labels import unmatched_lines


def planned(cost_kind: str) -> Plan:
    """The plan of a grid whose networks are matched by that cost."""
    grid = plan(phi="0.5" if cost_kind == "activations" else "1")
    if cost_kind == "latency":  # on a device where only layers take time, no resolution changes it
        return replace(grid, config=with_times(grid.config, lambda network: float(sum(network.depths))))
    return replace(grid, config=replace(grid.config, cost=cost_kind))


@pytest.mark.parametrize(
    ("cost_kind", "end"),
    [
        ("macs", "more than 5 % from the target; no resolution is nearer"),
        ("activations", "the activations, more than 5 % from the target; no resolution is nearer"),
        ("latency", "the latency, more than 10 % from the target; no resolution that was timed is nearer"),
    ],
)
def test_a_network_that_cannot_be_matched_has_a_line(cost_kind: str, end: str) -> None:
    grid = planned(cost_kind)
    base = cost(grid.config.baseline.architecture).macs
    unmatched = grid.candidate_set.unmatched
    lines = unmatched_lines(grid)
    assert len(lines) == len(unmatched) > 0
    for line, candidate in zip(lines, unmatched, strict=True):
        ratio, px = cost(candidate.architecture).macs / base, candidate.architecture.resolution
        assert line.startswith(f"Not compared: {candidate.label} costs {ratio:.3f}x at {px} px")
        assert line.endswith(end)
        assert (" and has " in line) == (cost_kind != "macs")
