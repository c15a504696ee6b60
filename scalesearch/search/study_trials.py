"""Holds the candidates of a study, the trials that they can have, and what the outcomes of trials say about them.

All of it is pure. Which trials are needed, `search.plan` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log

from scalesearch.design.cost import cost
from scalesearch.design.factory import Network
from scalesearch.search.candidates import Candidate, CandidateSet
from scalesearch.search.canonical import digest
from scalesearch.search.chance import Chance, chance
from scalesearch.search.metrics import ImagesError, images_error
from scalesearch.search.proxies import DataFacts, Proxies
from scalesearch.search.ranking import Arm, macs_slope
from scalesearch.search.sampler_space import TRIES
from scalesearch.search.schedulers import SCHEDULERS, Scheduler
from scalesearch.search.schedulers.base import Rung, RungTrial, Score
from scalesearch.search.study_config import Point, StudyConfig, enumerate_candidates, select_candidates
from scalesearch.search.trial import Outcome, TrialSpec


@dataclass(frozen=True)
class StudyTrials:
    """Determines the candidates and their possible trials from a study's configuration and data set."""

    config: StudyConfig
    data: DataFacts
    suggested: tuple[Point, ...] = ()
    """The points that a sampler has proposed so far; empty for a grid."""

    @cached_property
    def candidate_set(self) -> CandidateSet:
        """All candidates of the grid or of the sampler so far, matched in cost or not."""
        return enumerate_candidates(self.config, self.suggested)

    @cached_property
    def trained(self) -> tuple[Candidate, ...]:
        """The candidates that are trained; see `select_candidates`."""
        if self.accepts_proposals:
            return self.candidate_set.candidates
        return select_candidates(self.config, self.candidate_set)

    @cached_property
    def accepts_proposals(self) -> bool:
        """Whether a sampler will propose more points; never for a grid."""
        target = self.config.count
        if not self.config.kind.proposes or target is None:
            return False
        return self.num_feasible < target and len(self.suggested) < target * TRIES

    @property
    def num_feasible(self) -> int:
        """The number of proposals that count toward the target: (α, β) within the limits, or networks."""
        return self.config.kind.num_feasible(self.candidate_set)

    @cached_property
    def by_network(self) -> dict[str, Candidate]:
        """The trained candidates by the id of their network."""
        return {digest(candidate.architecture): candidate for candidate in self.trained}

    @cached_property
    def base_id(self) -> str:
        """The id of the unscaled network."""
        return digest(self.config.baseline.architecture)

    @cached_property
    def scheduler(self) -> Scheduler:
        """The scheduler, which allocates training to the candidates."""
        expected = (self.config.count or 0) if self.accepts_proposals else 0
        scheduler_class = SCHEDULERS[self.config.scheduler]
        return scheduler_class.of(self.config.budget, self.data.train, tuple(self.by_network), expected)

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """The rungs of training; empty where every trial is trained to the end at once."""
        return self.scheduler.rungs

    @cached_property
    def proxies(self) -> Proxies:
        """The proxies that are trained in place of the networks."""
        return Proxies(self.config, self.data, self.by_network)

    def spec(self, network: Network, seed: int) -> TrialSpec:
        """Return the trial of one network with one seed, trained to the end."""
        return self.proxies.spec(digest(network), seed)

    def rung_trial(self, key: str, seed: int, rung: int) -> RungTrial:
        """Return the candidate's trial of a rung, with the start rung that the scheduler sets."""
        return RungTrial(key, seed, rung, self.scheduler.start_rung(key, seed, rung))

    @cached_property
    def candidate_trials(self) -> tuple[RungTrial, ...]:
        """Every trial that the candidates can have, by candidate, seed and rung; made once, since it is long."""
        rungs = range(max(1, len(self.rungs)))
        return tuple(
            self.rung_trial(key, seed, rung)
            for key in self.by_network
            for seed in range(self.scheduler.seeds)
            for rung in rungs
        )

    def rung_spec(self, trial: RungTrial) -> TrialSpec:
        """Return the specification of one trial of the schedule."""
        full_spec, rungs = self.proxies.spec(trial.network, trial.seed), self.rungs
        if not rungs:
            return full_spec
        resumed_at = rungs[trial.rung - 1].decay_start if trial.rung > trial.start_rung else 0
        return replace(full_spec, samples=rungs[trial.rung].samples, since=resumed_at)

    def trial_id(self, trial: RungTrial) -> str:
        """Return the id of one trial of the schedule; computed once, since every step of a search needs all ids."""
        key = self._trial_ids.get(trial)
        if key is None:
            key = self._trial_ids[trial] = self.rung_spec(trial).id
        return key

    @cached_property
    def _trial_ids(self) -> dict[RungTrial, str]:
        return {}

    def reward_factor(self, key: str) -> float:
        """Return the factor on a network's accuracy in the ranking: 1, or that of the reward."""
        return self._reward_factors.get(key, 1.0)

    @cached_property
    def _reward_factors(self) -> dict[str, float]:
        factors = self.config.kind.reward_factors(self.config, self.suggested)
        return {digest(network): factor for network, factor in factors.items()}

    @cached_property
    def chance(self) -> Chance:
        """The chance level on this data set."""
        return chance(self.config.metric, self.data)

    def first_seed_scores(self, outcomes: Mapping[str, Outcome], rung: int) -> list[float]:
        """Return the scores of the candidates' first seeds on a rung, in the metric of the chance level."""
        ids = (self.trial_id(self.rung_trial(key, 0, rung)) for key in self.by_network)
        completed = (outcomes[key] for key in ids if key in outcomes)
        return [score for outcome in completed if (score := self.chance.score(outcome)) is not None]

    def scores(self, outcomes: Mapping[str, Outcome], rung: int) -> dict[str, Score]:
        """Return the candidates' scores on a rung with the first seed, adjusted as in the ranking."""
        arms = self.rung_arms(outcomes, rung, 1)
        slope = macs_slope(arms, self.baseline_on(outcomes, rung))
        scores = {}
        for arm in arms:
            epochs = outcomes[self.trial_id(self.rung_trial(arm.key, 0, rung))].epochs
            scores[arm.key] = Score(arm.accuracies[0] - slope * log(arm.macs_ratio), epochs[-1].train_loss)
        return scores

    def contains(self, spec: TrialSpec) -> bool:
        """Return whether the trial can belong to this study, whichever candidates are promoted, without records."""
        key = spec.network_id
        if key not in self.proxies.networks or spec.seed >= self.scheduler.seeds:
            return False
        rungs = range(max(1, len(self.rungs)))
        trials = (RungTrial(key, spec.seed, rung, start) for rung in rungs for start in range(rung + 1))
        return any(spec.id == self.trial_id(trial) for trial in trials)

    def baseline_on(self, outcomes: Mapping[str, Outcome], rung: int) -> Arm:
        """Return the unscaled network's trials on a rung."""
        seeds = range(self.scheduler.baseline_seeds)
        trials = [RungTrial(self.base_id, seed, rung) for seed in seeds]
        return self._arm(self.base_id, trials, outcomes)

    def rung_arms(self, outcomes: Mapping[str, Outcome], rung: int, seeds: int) -> list[Arm]:
        """Return the candidates with a completed trial on a rung (0 if there are none), over their first seeds."""
        arms = []
        for key in self.by_network:
            trials = [self.rung_trial(key, seed, rung) for seed in range(seeds)]
            arms.append(self._arm(key, trials, outcomes))
        return [arm for arm in arms if arm.accuracies]

    def _arm(self, key: str, trials: Sequence[RungTrial], outcomes: Mapping[str, Outcome]) -> Arm:
        accuracies = {}
        for trial in trials:
            outcome = outcomes.get(self.trial_id(trial))
            score = None if outcome is None else outcome.score
            if score is not None:
                accuracies[trial.seed] = score * self.reward_factor(key)
        network_cost = cost(self.proxies.networks[key])
        return Arm(key, accuracies, self.proxies.adjusted_ratio(key), network_cost.activations, network_cost.params)

    def promotion_arms(self, outcomes: Mapping[str, Outcome], seeds: int) -> tuple[list[Arm], Arm]:
        """Return what tells candidates apart best, as arms; see `schedulers.base.Results.promotion_arms`."""
        arms = self.rung_arms(outcomes, 0, seeds)
        base_arm = self._arm(self.base_id, [RungTrial(self.base_id, 0)], outcomes)
        if not self.config.has_loss_response:
            return arms, base_arm
        by_loss = [self._loss_arm(arm, outcomes) for arm in (*arms, base_arm)]
        if any(loss_arm is None for loss_arm in by_loss):
            return arms, base_arm
        *loss_arms, loss_base_arm = filter(None, by_loss)
        return loss_arms, loss_base_arm

    def _loss_arm(self, arm: Arm, outcomes: Mapping[str, Outcome]) -> Arm | None:
        """Return the arm with the loss in place of the metric; None where a loss has no logarithm."""
        losses = {seed: outcomes[self.trial_id(RungTrial(arm.key, seed))].log_loss for seed in arm.accuracies}
        known = {seed: value for seed, value in losses.items() if value is not None}
        return replace(arm, accuracies=known) if len(known) == len(losses) else None

    def accuracy(self, arm: Arm) -> float:
        """Return an arm's mean of the metric, without the reward factor."""
        return sum(arm.accuracies.values()) / len(arm.accuracies) / self.reward_factor(arm.key)

    @property
    def images_error(self) -> ImagesError | None:
        """The sampling error of the metric on the validation images; None: it does not follow from their number."""
        return images_error(self.config.metric, self.data.sizes)
