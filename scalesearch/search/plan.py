"""Plans a study: the trials that are still needed and the ranking, from the configuration and the outcomes so far.

All of it is pure, so a search resumes by evaluating the plan again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from scalesearch.design.cost import cost
from scalesearch.search.canonical import digest
from scalesearch.search.decision.posterior import most_probably_best
from scalesearch.search.decision.records import study_data
from scalesearch.search.metrics import ImagesError
from scalesearch.search.ranking import Arm, Ranking, rank
from scalesearch.search.schedulers.base import RungTrial, SchedulerState, Score
from scalesearch.search.shares import shares_of, spanning
from scalesearch.search.study_trials import StudyTrials
from scalesearch.search.trial import Outcome, TrialSpec


@dataclass(frozen=True)
class Plan(StudyTrials):
    """Determines the trials of a study that are needed, from its configuration, its data set and the outcomes."""

    def waves(self, outcomes: Mapping[str, Outcome]) -> tuple[tuple[TrialSpec, ...], ...]:
        """Return every trial known so far, in waves: one is over before the next starts; longest trials first."""
        return tuple(map(self._longest_first, self._rung_waves(outcomes)))

    def _rung_waves(self, outcomes: Mapping[str, Outcome]) -> tuple[tuple[RungTrial, ...], ...]:
        # No trial is planned before the sampler's first proposals.
        if self.accepts_proposals and not self.suggested:
            return ()
        return self.state(outcomes).waves

    def state(self, outcomes: Mapping[str, Outcome]) -> SchedulerState:
        """Return how far the search has progressed."""
        state = self.scheduler.advance(_Results(self, outcomes))
        for trial in (trial for wave in state.waves for trial in wave):
            is_base = trial.network == self.base_id and trial.start_rung == 0
            if not is_base and trial != self.rung_trial(trial.network, trial.seed, trial.rung):
                raise AssertionError(f"{trial} begins elsewhere than the scheduler's start_rung says")
        return state

    def planned(self, outcomes: Mapping[str, Outcome]) -> tuple[TrialSpec, ...]:
        """Return every trial known so far."""
        return tuple(spec for wave in self.waves(outcomes) for spec in wave)

    def pending(self, outcomes: Mapping[str, Outcome]) -> tuple[TrialSpec, ...]:
        """Return the trials that are known to be needed and have no outcome yet; see `is_complete`."""
        waves = self._rung_waves(outcomes)
        missing = ([trial for trial in wave if self.trial_id(trial) not in outcomes] for wave in waves)
        return tuple(spec for wave in missing for spec in self._longest_first(wave))

    def is_complete(self, outcomes: Mapping[str, Outcome]) -> bool:
        """Return whether nothing remains to be proposed or run."""
        return not self.accepts_proposals and not self.pending(outcomes)

    def total_trials(self, outcomes: Mapping[str, Outcome] = MappingProxyType({})) -> int:
        """Return how many trials the study will have if every candidate completes and no rung is left out.

        Args:
            outcomes: the outcomes so far; a rung that they prolong has more trials.
        """
        return self.scheduler.num_trials(len(self.proxies.networks), self._state_if_begun(outcomes))

    def total_images(self, outcomes: Mapping[str, Outcome] = MappingProxyType({})) -> int:
        """Return how many training images those trials see in all."""
        training = self.proxies.images(self.proxies.spec(self.base_id, 0))
        return self.scheduler.num_images(len(self.proxies.networks), training, self._state_if_begun(outcomes))

    def _state_if_begun(self, outcomes: Mapping[str, Outcome]) -> SchedulerState | None:
        return self.state(outcomes) if outcomes else None

    def reached_rung(self, outcomes: Mapping[str, Outcome]) -> int:
        """Return the rung that is ranked: the highest that is over, or the first."""
        return self.state(outcomes).reached if len(self.rungs) > 1 else 0

    def arms(self, outcomes: Mapping[str, Outcome]) -> list[Arm]:
        """Return the candidates with a completed trial, as the ranking takes them; on the ranked rung, if any."""
        return self.rung_arms(outcomes, self.reached_rung(outcomes), self.scheduler.seeds)

    def base_arm(self, outcomes: Mapping[str, Outcome]) -> Arm:
        """Return the unscaled network's trials, trained as long as those that are ranked."""
        return self.baseline_on(outcomes, self.reached_rung(outcomes))

    def ranking(self, outcomes: Mapping[str, Outcome]) -> Ranking | None:
        """Return the ranking of the candidates trained the longest; None while none has a completed trial."""
        arms = self.arms(outcomes)
        return rank(arms, self.images_error, self.base_arm(outcomes)) if arms else None

    def macs(self, spec: TrialSpec) -> int:
        """Return the multiply-adds of a trial's forward passes, with those of the trunk if it trains the trunk."""
        trunk_images = self.proxies.trunk_images if self._trains_trunk(spec) else 0
        return cost(spec.proxy).macs * (self.proxies.images(spec) + trunk_images)

    def _trains_trunk(self, spec: TrialSpec) -> bool:
        """Return whether the trial trains its seed's trunk: that of the unscaled network does, the first to run."""
        return spec.trunk is not None and spec.network_id == self.base_id

    def _longest_first(self, trials: Sequence[RungTrial]) -> tuple[TrialSpec, ...]:
        """Return trials by their cost, longest first, so that no core is idle at the end of a wave.

        Those that train trunks come before, so that no two trials train the same trunk at the same time.
        """
        specs = map(self.rung_spec, trials)
        return tuple(sorted(specs, key=lambda spec: (not self._trains_trunk(spec), -self.macs(spec), spec.id)))


@dataclass(frozen=True, slots=True)
class _Results:
    """A plan's outcomes as its scheduler sees them; see `schedulers.base.Results`."""

    plan: Plan
    outcomes: Mapping[str, Outcome]

    @property
    def candidates(self) -> tuple[str, ...]:
        return tuple(self.plan.by_network)

    @property
    def baseline(self) -> str:
        return self.plan.base_id

    @property
    def more_candidates(self) -> bool:
        return self.plan.accepts_proposals

    @property
    def waves_are_todays(self) -> bool:
        return not self.plan.config.older_waves

    @property
    def validation_images(self) -> int:
        return self.plan.data.val

    @property
    def images_error(self) -> ImagesError | None:
        return self.plan.images_error

    def is_over(self, trial: RungTrial) -> bool:
        return self.plan.trial_id(trial) in self.outcomes

    def arms(self, rung: int, seeds: int) -> list[Arm]:
        return self.plan.rung_arms(self.outcomes, rung, seeds)

    def baseline_arm(self, rung: int) -> Arm:
        return self.plan.baseline_on(self.outcomes, rung)

    def promotion_arms(self, seeds: int) -> tuple[list[Arm], Arm]:
        return self.plan.promotion_arms(self.outcomes, seeds)

    def scores(self, rung: int) -> Mapping[str, Score]:
        return self.plan.scores(self.outcomes, rung)

    def spread(self, count: int) -> Sequence[str]:
        shares = [shares_of(candidate.coefficients) for candidate in self.plan.trained]
        return tuple(digest(self.plan.trained[index].architecture) for index in spanning(shares, count))

    def most_probably_best(self, trials: Iterable[RungTrial]) -> Sequence[str]:
        ids = set(map(self.plan.trial_id, trials)) & self.outcomes.keys()
        return most_probably_best(study_data(self.plan, {key: self.outcomes[key] for key in ids}))

    def is_at_chance(self, rung: int) -> bool:
        plan = self.plan
        return plan.config.prolongs and not plan.chance.is_exceeded_by_any(
            plan.first_seed_scores(self.outcomes, rung)
        )
