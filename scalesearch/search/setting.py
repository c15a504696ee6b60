"""The setting of a study: all that was asked but the kind of study, which has to know it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from scalesearch.design.scaling import Baseline
from scalesearch.design.serialization import OMIT_IF_DEFAULT
from scalesearch.search.budget import Budget
from scalesearch.search.factory_grid import FactoryBaseline
from scalesearch.search.metrics import ACCURACY
from scalesearch.search.timings import LatencyTable


@dataclass(frozen=True, slots=True)
class Setting:
    """A baseline, a φ, a budget, and how candidates are made, trained and ranked; checked by `StudyConfig`."""

    baseline: Baseline | FactoryBaseline
    """What is scaled, or whose stages are searched."""
    phi: Decimal
    """The compound coefficient: candidates are to cost 2^φ × the baseline; below 0 they are smaller."""
    budget: Budget
    """What training costs at most."""
    rounding: str = "balanced"
    """The rounding rule; see `design.rounding`."""
    match: str = "flops"
    """Whether costs are matched by resolution: `flops` or `none`."""
    scheduler: str = field(default="grid", metadata=OMIT_IF_DEFAULT)
    """How training is spent on the candidates; one of `SCHEDULERS`."""
    only: tuple[str, ...] = field(default=(), metadata=OMIT_IF_DEFAULT)
    """The ids of the candidates' networks, where not all of the grid are asked about."""
    cost: str = field(default="macs", metadata=OMIT_IF_DEFAULT)
    """What is matched; one of `COSTS`."""
    timings: LatencyTable | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """What was measured before the search, where latency is matched."""
    metric: str = field(default=ACCURACY, metadata=OMIT_IF_DEFAULT)
    """What candidates are ranked by; see `metrics`."""
    prolongs: bool = field(default=False, metadata=OMIT_IF_DEFAULT)
    """Whether a rung on which no network differs from chance eliminates nobody; not so in studies begun before."""

    @property
    def shrinks(self) -> bool:
        """Whether candidates cost less than the baseline."""
        return self.phi < 0
