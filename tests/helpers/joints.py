"""A comparison of rules at two costs, by hand: every number is known and differs from every other."""

from __future__ import annotations

from decimal import Decimal

from scalesearch.search.ranking import Difference
from scalesearch.study.cost_sweep import CompoundLead, CostSweep, SweepPoint


def point(rule: str, times: str, macs: int, accuracy: float, error: float, paper: str | None = None) -> SweepPoint:
    gain = Difference(round(accuracy - 0.5, 4), round(accuracy - 0.53, 4), round(accuracy - 0.46, 4))
    papers = None if paper is None else Decimal(paper)
    ratio = Decimal(macs) / 1000
    return SweepPoint(rule, Decimal(times), macs, ratio, macs // 10, accuracy, error, 3, gain, papers)


JOINT = CostSweep(
    baseline="small",
    cost="macs",
    adjusts=True,
    base_macs=1000,
    data="photos",
    validation_images=1234,
    budget="least",
    base=SweepPoint("baseline", Decimal(1), 1000, Decimal(1), 107, 0.5, 0.011, 2, None, None),
    points=(
        point("depth", "2", 1990, 0.61, 0.012),
        point("width", "2", 2010, 0.6, 0.013),
        point("compound", "2", 2050, 0.65, 0.014),
        point("width", "4", 3960, 0.66, 0.015, "3.6"),
        point("compound", "4", 4100, 0.72, 0.016, "5.0"),
        point("fast", "4", 3900, 0.7, 0.017),
    ),
    leads=(
        CompoundLead("width", Decimal(2), Difference(0.05, 0.01, 0.09), None),
        CompoundLead("width", Decimal(4), Difference(0.06, 0.02, 0.1), Decimal("1.4")),
    ),
)
