"""Defines the setting of a study: its configuration except the kind of study, which depends on the setting."""

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
    """Holds baseline, φ, budget, and how candidates are made, trained and ranked; checked by `StudyConfig`."""

    baseline: Baseline | FactoryBaseline
    """The network that is scaled, or whose stages are searched."""
    phi: Decimal
    """The compound coefficient: candidates are matched to 2^φ × the baseline's cost; below 0 they are smaller."""
    budget: Budget
    """The budget, which limits what training costs."""
    rounding: str = "balanced"
    """The rounding rule; see `design.rounding`."""
    match: str = "flops"
    """Whether costs are matched by resolution: `flops` or `none`."""
    scheduler: str = field(default="grid", metadata=OMIT_IF_DEFAULT)
    """How training is allocated to the candidates; one of `SCHEDULERS`."""
    only: tuple[str, ...] = field(default=(), metadata=OMIT_IF_DEFAULT)
    """The ids of the candidates' networks, where the study is restricted to some of the grid; empty: all."""
    cost: str = field(default="macs", metadata=OMIT_IF_DEFAULT)
    """The cost that is matched; one of `COSTS`."""
    timings: LatencyTable | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """The latencies that were measured before the search, where latency is matched."""
    metric: str = field(default=ACCURACY, metadata=OMIT_IF_DEFAULT)
    """The metric that ranks candidates; see `metrics`."""
    prolongs: bool = field(default=False, metadata=OMIT_IF_DEFAULT)
    """Whether a rung on which no network is above chance eliminates no candidate; false in older studies."""
    older_waves: bool = field(default=False, metadata=OMIT_IF_DEFAULT)
    """Whether the study began with another version of the choice of adaptive waves than today's."""

    @property
    def shrinks(self) -> bool:
        """Whether candidates cost less than the baseline."""
        return self.phi < 0
