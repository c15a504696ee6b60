"""Defines the configuration of a study: baseline, φ, budget, and the kind of candidates that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from scalesearch.design.coefficients import HIGHEST_PHI, LOWEST_PHI
from scalesearch.design.images import check_image_channels
from scalesearch.design.rounding import ROUNDING_RULES
from scalesearch.design.scaling import Baseline
from scalesearch.design.serialization import OWN_KEYS
from scalesearch.errors import SpaceError
from scalesearch.search.budget import Budget, with_constant_lr_and_decay
from scalesearch.search.candidates import COSTS, MATCHES, Candidate, CandidateSet
from scalesearch.search.canonical import digest
from scalesearch.search.factory_grid import FactoryBaseline
from scalesearch.search.kinds import GridSearch, StudyKind
from scalesearch.search.kinds.base import FEWEST
from scalesearch.search.kinds.sampler import Suggestion
from scalesearch.search.metrics import LOSS, METRICS, is_metric
from scalesearch.search.sampler_space import SamplerSpace
from scalesearch.search.schedulers import SCHEDULERS
from scalesearch.search.setting import Setting
from scalesearch.search.stage_space import StagePoint
from scalesearch.search.timings import ScalingPath

Point = Suggestion | StagePoint
"""A point that a sampler suggests."""


@dataclass(frozen=True, slots=True)
class StudyConfig(Setting):
    """Configures a study, without the data: a setting and the kind of study."""

    kind: StudyKind = field(default_factory=GridSearch, metadata=OWN_KEYS)
    """Which candidates are compared; written under the kind's own key."""

    def __post_init__(self) -> None:
        check_image_channels(self.baseline.architecture.in_channels)
        if not (self.phi.is_finite() and LOWEST_PHI <= self.phi <= HIGHEST_PHI and self.phi != 0):
            raise SpaceError(f"phi is {self.phi}, but it must be in {LOWEST_PHI} … {HIGHEST_PHI} and not 0")
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
        if not is_metric(self.metric):
            raise SpaceError(f"metric is {self.metric!r}, but it must be one of {', '.join(METRICS)} or a function")
        trunk_epochs = self.budget.recipe.trunk_epochs
        if trunk_epochs and not can_grow(self.baseline, self.phi, self.kind):
            raise SpaceError(
                f"budget {self.budget.name}: recipe.trunk_epochs is {trunk_epochs}, but networks "
                f"of {self.baseline.name} cannot be grown from a trunk here; set it to 0"
            )
        self.kind.validate(self)
        self._check_cost()

    @property
    def adjusts(self) -> bool:
        """Whether accuracies are adjusted for the proxies' costs: candidates of one cost have proxies that differ.

        They are not where costs are not matched (the literal protocol) or where latency is matched: there,
        candidates differ in MACs on purpose.
        """
        return self.match != "none" and self.cost != "latency"

    @property
    def has_loss_response(self) -> bool:
        """Whether the loss is a response beside the metric: not where it is the metric, or a reward ranks."""
        return self.metric != LOSS and self.kind.scales

    def _check_cost(self) -> None:
        if self.cost != "macs" and self.match == "none":
            raise SpaceError(f"cost is {self.cost}, which says what is matched, but match is none: nothing is")
        if (self.cost == "latency") != (self.timings is not None):
            raise SpaceError(f"cost is {self.cost}, but timings must be given for latency, and only for that")
        if self.cost == "latency" and isinstance(self.baseline, FactoryBaseline):
            raise SpaceError("cost is latency, but Python functions are matched by macs or activations only")

    @property
    def space(self) -> SamplerSpace[Any] | None:
        """The search space of the sampler; None where no sampler is used."""
        return self.kind.proposal_space(self)

    @property
    def count(self) -> int | None:
        """The largest number of candidates that are trained; None: all of the grid."""
        return self.kind.count(self)


def can_grow(baseline: Baseline | FactoryBaseline, phi: Decimal, kind: StudyKind) -> bool:
    """Return whether the study's networks can be grown from a trunk: larger ones of the form of a baseline file."""
    return phi > 0 and isinstance(baseline, Baseline) and kind.scales and baseline.architecture.can_grow


def is_scaled_by_dimension(baseline: Baseline | FactoryBaseline, kind: StudyKind) -> bool:
    """Return whether the study scales dimensions that can be set one by one; its model then knows their shares."""
    return kind.scales and isinstance(baseline, Baseline)


def _ranks_when_grown(baseline: Baseline | FactoryBaseline) -> bool:
    """Return whether grown networks of the baseline rank as trainings from scratch do, as far as was measured."""
    return isinstance(baseline, Baseline) and baseline.architecture.has_depthwise


def fit_budget(budget: Budget, baseline: Baseline | FactoryBaseline, phi: Decimal, kind: StudyKind) -> Budget:
    """Return the budget as the study's networks are trained under it.

    With trunks, a training is too short to be divided into rungs, and its rate is constant, as in the trunk, until
    it decays. Networks that cannot be grown have no trunk, nor have those without depthwise convolutions: grown
    networks of ResNet-18 do not rank as trainings from scratch do (docs/decisions/0017-trunks.md). Each of their
    trainings takes longer, so finalists have fewer seeds where every candidate is trained.
    """
    recipe = budget.recipe
    if recipe.trunk_epochs == 0:
        return budget
    if can_grow(baseline, phi, kind) and _ranks_when_grown(baseline):
        return replace(with_constant_lr_and_decay(budget), rungs=1)
    final_seeds = budget.final_seeds if is_scaled_by_dimension(baseline, kind) else budget.final_seeds // 2
    # Networks that are searched by halving, as stages are, keep the rungs.
    return replace(
        budget, recipe=recipe.from_scratch, final_seeds=final_seeds, rungs=1 if kind.scales else budget.rungs
    )


def enumerate_candidates(config: StudyConfig, suggested: Sequence[Any] | None = None) -> CandidateSet:
    """Return every candidate of the study's grid, matched in cost or not.

    For a sampler, these are the candidates of `suggested` or, if that is None, ones that represent the whole search
    space.
    """
    return config.kind.candidates(config, suggested)


def paths_to_time(config: StudyConfig) -> list[ScalingPath]:
    """Return the paths along which networks of 2^φ × the baseline's time are searched: one a shape, or a rule."""
    return config.kind.paths_to_time(config)


def select_candidates(config: StudyConfig, candidate_set: CandidateSet) -> tuple[Candidate, ...]:
    """Return the candidates that are trained: all, or as many as the budget says, spread over the grid.

    Raises:
        SpaceError: fewer than two can be compared.
    """
    chosen = config.kind.select(config, candidate_set)
    if config.only:
        chosen = tuple(
            candidate for candidate in candidate_set.candidates if digest(candidate.architecture) in config.only
        )
    if len(chosen) < FEWEST:
        raise config.kind.too_few(config, len(chosen), candidate_set)
    return chosen


def with_overrides(budget: Budget, step: Decimal | None, tolerance: Decimal | None, seeds: int | None) -> Budget:
    """Return the budget with the values of the command line in place of its own; None keeps the budget's value."""
    result = budget
    if step is not None:
        result = replace(result, step=step)
    if tolerance is not None:
        result = replace(result, tolerance=tolerance)
    if seeds is not None:
        result = replace(result, seeds=seeds, final_seeds=seeds if result.final_seeds else 0)
    return result
