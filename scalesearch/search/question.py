"""What a study asks: a baseline, a φ, a budget, and the networks that are compared to answer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import AXES
from scalesearch.design.factory import Network
from scalesearch.design.matching import Shape
from scalesearch.design.rounding import ROUNDING_RULES
from scalesearch.design.scaling import Baseline
from scalesearch.design.serialization import OMIT_IF_DEFAULT
from scalesearch.errors import SpaceError
from scalesearch.search.budget import Budget
from scalesearch.search.candidates import COSTS, MATCHES, Candidate, CandidateSet, candidates, grid_shapes, spread
from scalesearch.search.canonical import digest
from scalesearch.search.catalogue import FactoryBaseline
from scalesearch.search.continuum import (
    SUGGESTIONS,
    Continuum,
    Space,
    Suggestion,
    lattice,
    suggested_candidates,
)
from scalesearch.search.grid import triples
from scalesearch.search.metrics import ACCURACY, LOSS, METRICS, is_metric
from scalesearch.search.rivals import Rival, rival_candidates, rival_lines
from scalesearch.search.schedulers import SCHEDULERS
from scalesearch.search.shrink import shrink
from scalesearch.search.sought import Sought
from scalesearch.search.stage_search import Stages, StageSearch
from scalesearch.search.stage_space import StagePoint
from scalesearch.search.timings import Line, Timings, shape_lines

_FEWEST = 2

Point = Suggestion | StagePoint
"""What a sampler suggests."""


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, without the data."""

    baseline: Baseline | FactoryBaseline
    phi: Decimal
    budget: Budget
    rounding: str = "balanced"
    match: str = "flops"
    rivals: tuple[Rival, ...] = ()
    """The named rules that are compared, in place of a grid."""
    scheduler: str = field(default="grid", metadata=OMIT_IF_DEFAULT)
    """How training is spent on the candidates; one of `SCHEDULERS`."""
    only: tuple[str, ...] = field(default=(), metadata=OMIT_IF_DEFAULT)
    """The ids of the candidates' networks, where not all of the grid are asked about."""
    cost: str = field(default="macs", metadata=OMIT_IF_DEFAULT)
    """What is matched; one of `COSTS`."""
    timings: Timings | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """What was measured before the search, where latency is matched."""
    continuum: Continuum | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """A search of (α, β) by a sampler, in place of a grid."""
    stages: StageSearch | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """A search of the baseline's own stages, in place of a grid; φ is 1 and nothing is scaled."""
    metric: str = field(default=ACCURACY, metadata=OMIT_IF_DEFAULT)
    """What candidates are ranked by; see `metrics`."""
    prolongs: bool = field(default=False, metadata=OMIT_IF_DEFAULT)
    """Whether a rung on which no network differs from chance eliminates nobody; not so in studies begun before."""

    def __post_init__(self) -> None:
        if self.rivals and isinstance(self.baseline, FactoryBaseline):
            raise SpaceError("baseline is a Python function, but rules are compared on baseline files only")
        if not (self.phi.is_finite() and 0 < self.phi <= 10):
            raise SpaceError(f"phi is {self.phi}, but it must be above 0 and at most 10")
        if self.continuum is not None:
            self._check_continuum(self.continuum)
        if self.stages is not None:
            self._check_stages()
        for name, value, known in (
            ("rounding", self.rounding, ROUNDING_RULES),
            ("match", self.match, MATCHES),
            ("scheduler", self.scheduler, SCHEDULERS),
            ("cost", self.cost, COSTS),
        ):
            if value not in known:
                raise SpaceError(f"{name} is {value!r}, but it must be one of {', '.join(known)}")
        if SCHEDULERS[self.scheduler].resumes_trials and self.budget.recipe.decay == 0:
            raise SpaceError(f"scheduler is {self.scheduler}, but a recipe without decay cannot be prolonged")
        self._check_cost()
        if not is_metric(self.metric):
            raise SpaceError(f"metric is {self.metric!r}, but it must be one of {', '.join(METRICS)} or a function")
        if self.stages is not None and self.metric == LOSS:
            raise SpaceError(
                "metric is loss, but a reward weighs what is above 0; take accuracy or balanced-accuracy"
            )

    @property
    def adjusts(self) -> bool:
        """Whether accuracies are adjusted for what proxies cost: candidates of one cost have proxies that differ.

        Not in the literal protocol, nor where latency is matched: there candidates differ in MACs on purpose.
        """
        return self.match != "none" and self.cost != "latency"

    def _check_cost(self) -> None:
        if self.cost != "macs" and self.match == "none":
            raise SpaceError(f"cost is {self.cost}, which says what is matched, but match is none: nothing is")
        if (self.cost == "latency") != (self.timings is not None):
            raise SpaceError(f"cost is {self.cost}, but timings must be given for latency, and only for that")
        if self.rivals and self.timings is not None and len(self.timings.entries) != len(self.rivals):
            raise SpaceError(
                f"timings are of {len(self.timings.entries)} networks, but there are {len(self.rivals)} rules; "
                "begin the study anew"
            )
        if self.cost == "latency" and isinstance(self.baseline, FactoryBaseline):
            raise SpaceError("cost is latency, but Python functions are matched by macs or activations only")

    def _check_continuum(self, asked: Continuum) -> None:
        grown = self.baseline.axes
        if isinstance(self.baseline, FactoryBaseline):
            raise SpaceError("baseline is a Python function, but (α, β) are searched on baseline files only")
        if set(grown) != set(AXES):
            raise SpaceError(f"baseline grows in {', '.join(grown)} alone, but (α, β) are searched where all grow")
        if self.rivals or self.scheduler != "grid":
            raise SpaceError(f"scheduler is {self.scheduler}, but what is suggested is trained to the end")
        if "macs" in asked.objectives and self.match != "none":
            raise SpaceError(f"match is {self.match}, but where MACs are an objective they are not matched")

    def _check_stages(self) -> None:
        if isinstance(self.baseline, FactoryBaseline):
            raise SpaceError("baseline is a Python function, but stages are searched on baseline files only")
        if self.rivals or self.continuum or self.match != "none" or self.phi != 1:
            raise SpaceError(
                "stages are searched at phi 1 with match none, without rules and without a sampler of (α, β)"
            )
        if self.scheduler == "curves":
            raise SpaceError("scheduler is curves, but stages are searched by halving or to the end")

    @property
    def space(self) -> Sought[Any] | None:
        """What suggestions are judged by; None where there is a grid."""
        if not isinstance(self.baseline, Baseline):
            return None
        batch = self.budget.recipe.batch
        if self.stages is not None:
            return Stages(self.baseline, self.stages, batch)
        if self.continuum is not None:
            return Space(self.baseline, self.phi, self.rounding, self.match, batch, self.continuum)
        return None

    @property
    def suggests(self) -> bool:
        """Whether a sampler suggests, in place of a grid."""
        return self.continuum is not None or self.stages is not None

    @property
    def count(self) -> int | None:
        """How many candidates are trained at most; None: all that the grid has."""
        return self.budget.candidates or (SUGGESTIONS if self.suggests else None)


def find(question: Question, suggested: Sequence[Any] | None = None) -> CandidateSet:
    """Every candidate of the question's grid, matched or not.

    Where a sampler suggests, those that were suggested, or where none are given what a search can come to.
    """
    space = question.space
    if isinstance(space, Stages):
        return space.candidates(space.by_chance(question.count or _FEWEST) if suggested is None else suggested)
    if isinstance(space, Space):
        return suggested_candidates(space, lattice() if suggested is None else suggested)
    budget, baseline = question.budget, question.baseline
    if question.rivals and isinstance(baseline, Baseline):
        by = question.cost, question.timings
        return rival_candidates(baseline, question.rivals, question.phi, question.rounding, *by)
    grid = triples(budget.step, budget.tolerance, question.baseline.axes)
    how = (question.rounding, question.match, question.cost, question.timings)
    return candidates(question.baseline, grid, question.phi, *how)


def lines_to_time(question: Question) -> list[Line]:
    """Where the networks are looked for that take 2^φ × the baseline's time: one line a shape, or a rule."""
    baseline = question.baseline
    assert isinstance(baseline, Baseline), "Python functions are not timed"
    if question.rivals:
        return rival_lines(baseline, question.rivals, question.phi, question.rounding)
    grows, ratio = "resolution" in baseline.axes, Decimal(2) ** question.phi
    return shape_lines(baseline.architecture, shapes_to_time(question), ratio, grows)


def shapes_to_time(question: Question) -> tuple[Shape, ...]:
    """The widths and depths of the question's grid, which are timed where latency is to be matched."""
    assert isinstance(question.baseline, Baseline), "Python functions are not timed"
    grid = triples(question.budget.step, question.budget.tolerance, question.baseline.axes)
    return grid_shapes(question.baseline, grid, question.phi, question.rounding)


_OTHERWISE = {
    "macs": " or --match none",
    "activations": " or --cost macs",
    "latency": " or --cost macs, or time them on a quieter machine",
}
"""The last advice where too few networks are matched, by cost."""


def choose(question: Question, found: CandidateSet) -> tuple[Candidate, ...]:
    """The candidates that are trained: all, or as many as the budget says, spread over the grid.

    Raises:
        SpaceError: fewer than two can be compared.
    """
    count = None if question.rivals or question.stages else question.count
    chosen = found.candidates if count is None else spread(found.candidates, count)
    if question.only:
        chosen = tuple(one for one in found.candidates if digest(one.architecture) in question.only)
    if len(chosen) < _FEWEST:
        what = "rules" if question.rivals else "grid points"
        advice = f"a smaller --step, a larger --tolerance{_OTHERWISE[question.cost]}"
        if question.rivals:
            advice = "a larger baseline" + (_OTHERWISE["latency"] if question.cost == "latency" else "")
        elif question.stages:
            what, advice = "points", "larger limits or another --space"
        elif question.continuum:
            what, advice = "points", "larger limits, another --rounding or --match none"
        kept = "within the limits" if question.suggests else "of the wanted cost"
        raise SpaceError(f"only {len(chosen)} of {found.triples} {what} gives a network {kept}; take {advice}")
    return chosen


def image_px(question: Question) -> int:
    """The side at which images are kept: that of the largest proxy, so that none is scaled up."""
    every = replace(question, only=())  # the same images whichever of the candidates are asked about
    networks = [every.baseline.architecture, *(one.architecture for one in choose(every, find(every)))]
    return max(proxy_of(question, network, 2).resolution for network in networks)


def proxy_of(question: Question, network: Network, classes: int) -> Network:
    """The small network that is trained for `network`, with as many logits as there are classes."""
    budget, baseline = question.budget, question.baseline
    if isinstance(baseline, FactoryBaseline):
        return baseline.proxy_of(network)
    assert isinstance(network, Architecture), "a baseline file's networks are architectures"
    return shrink(network, baseline, budget.width_divisor, budget.resolution, classes)


def with_overrides(budget: Budget, step: Decimal | None, tolerance: Decimal | None, seeds: int | None) -> Budget:
    """The budget with what the command line said in its place."""
    changed = budget
    if step is not None:
        changed = replace(changed, step=step)
    if tolerance is not None:
        changed = replace(changed, tolerance=tolerance)
    if seeds is not None:
        changed = replace(changed, seeds=seeds, final_seeds=seeds if changed.final_seeds else 0)
    return changed
