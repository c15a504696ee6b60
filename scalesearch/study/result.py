"""The result of a study, derived from its records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from scalesearch.search.budget import MOST_SEEDS
from scalesearch.search.candidates import Candidate
from scalesearch.search.completion import all_completed, eliminated, untrained
from scalesearch.search.decision.decision import Decision, decide
from scalesearch.search.metrics import ACCURACY, BALANCED
from scalesearch.search.plan import Plan
from scalesearch.search.proxy_validation import ProxyValidation, RankAgreement
from scalesearch.search.ranking import Arm, Ranked, Ranking, intervals
from scalesearch.search.trial import FAILURES, Outcome, TrialSpec
from scalesearch.study.chance_text import chance_words


@dataclass(frozen=True)
class StudyResult:
    """The result of a study: the ranking, the decision, and how certain both are."""

    plan: Plan
    outcomes: Mapping[str, Outcome]
    ranking: Ranking
    decision: Decision
    winner: Candidate
    """The recommended candidate."""
    place: Ranked
    """The row of the recommended candidate in the ranking."""
    validation: ProxyValidation | None = None
    """How further budgets validate the proxy; None if none was run."""

    @property
    def recommended(self) -> str:
        """The id of the recommended candidate."""
        return self.decision.choice

    @property
    def agreements(self) -> tuple[RankAgreement, ...]:
        """How further budgets rank the networks; empty if none was run."""
        return () if self.validation is None else self.validation.agreements

    @property
    def judged(self) -> str:
        """The point of training at which the expected metric holds, as text."""
        return "at the end of training" if self.validation is None else "after training on twice the images"

    @cached_property
    def planned(self) -> tuple[TrialSpec, ...]:
        """The specifications of all trials known so far."""
        return self.plan.planned(self.outcomes)

    @cached_property
    def base(self) -> Arm:
        """The trials of the unscaled network, with seeds of the ranked candidates and trained as long as these."""
        seeds = {seed for arm in self.plan.arms(self.outcomes) for seed in arm.accuracies}
        arm = self.plan.base_arm(self.outcomes)
        return replace(arm, accuracies={seed: value for seed, value in arm.accuracies.items() if seed in seeds})

    @property
    def below_baseline(self) -> bool:
        """Whether the recommended candidate's mean is not above the unscaled network's.

        Then neither is the mean of any candidate that ties with the best. It is False for networks smaller than the
        baseline, which are not expected to exceed it.
        """
        return not self.plan.config.shrinks and self.base.mean is not None and self.place.mean <= self.base.mean

    @cached_property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """The 95 % interval of each ranked candidate's difference to the best, by the id of its network."""
        return intervals(self.ranking)

    @cached_property
    def eliminated(self) -> dict[str, int]:
        """The eliminated candidates, each with the last rung that it completed, below that of the ranked ones."""
        return eliminated(self.plan, self.outcomes)

    @cached_property
    def untrained(self) -> tuple[str, ...]:
        """The candidates without any finished trial."""
        return untrained(self.plan, self.outcomes)

    @property
    def untrained_words(self) -> str | None:
        """How many candidates were not trained, and how probably the best is among them; None: all were trained."""
        if not self.untrained:
            return None
        share = sum(map(self.decision.probability_best, self.untrained))
        return (
            f"{len(self.untrained)} of {len(self.plan.by_network)} candidates; "
            f"the best of all is among them with {100 * share:.0f} %"
        )

    @property
    def is_complete(self) -> bool:
        """Whether no proposal and no trial remains."""
        return not self.plan.accepts_proposals and all(spec.id in self.outcomes for spec in self.planned)

    @property
    def all_completed(self) -> bool:
        """Whether every candidate has a completed trial."""
        return all_completed(self.plan, self.outcomes)

    @property
    def failures(self) -> int:
        """The number of trials that failed for reasons of the machine."""
        return sum(outcome.state in FAILURES for outcome in self.outcomes.values())

    @property
    def certainty(self) -> str:
        """How far the best candidate stands out, and whether scaling was worth it at all, as text."""
        beaten = f"; its mean is not above that of {self.plan.config.baseline.name}" if self.below_baseline else ""
        blind = f"; {self.blind_words}: train longer, or on more images" if self.blind else ""
        return self._lead_words + beaten + blind

    @property
    def blind_words(self) -> str:
        """The meaning of `blind` as text, if it is not None."""
        prefix = "" if self.plan.config.metric in (ACCURACY, BALANCED) else "by accuracy "
        return f"{prefix}no better than always answering {self.blind}"

    @cached_property
    def blind(self) -> str | None:
        """The constant answer that the best network does not exceed (95 %), as text; None if it does exceed chance.

        Its accuracy is the share of the largest class. For balanced accuracy any class is as good: it is right in
        one of the classes. For a metric whose chance level is not known, accuracy is compared instead.
        """
        chance = self.plan.chance
        scores = (chance.score(self.outcomes[spec.id]) for spec in self.planned if spec.id in self.outcomes)
        if chance.is_exceeded_by_any(score for score in scores if score is not None):
            return None
        return chance_words(self.plan)

    def with_error(self, mean: float, error: float, places: int = 4) -> str:
        """Return a number with its standard error, or alone if the error is not known."""
        return f"{mean:.{places}f} ± {error:.{places}f}" if self.ranking.error_known else f"{mean:.{places}f}"

    def measured(self, place: Ranked) -> str:
        """Return a candidate's mean, its standard error and its number of seeds as text."""
        seeds = "1 seed" if place.seeds == 1 else f"{place.seeds} seeds"
        spread = (
            "" if self.ranking.error_known else f"; error not known, spread of the trials {self.ranking.noise:.4f}"
        )
        return f"{self.with_error(place.mean, place.standard_error)} ({seeds}{spread})"

    @property
    def seeds_needed(self) -> str | None:
        """`Ranking.seeds_needed` as text, where it is a number of seeds that a study may have."""
        needed = self.ranking.seeds_needed
        if needed is None:
            return None
        return str(needed) if needed <= MOST_SEEDS else f"more than {MOST_SEEDS}"

    @property
    def _lead_words(self) -> str:
        num_tied, num_others = len(self.ranking.tied) - 1, len(self.ranking.arms) - 1
        if self.ranking.significant:
            return f"significant winner: it leads all {num_others} others by more than the noise (95 %)"
        if self.ranking.degrees_of_freedom == 0:
            if any(arm.seeds > 1 for arm in self.ranking.arms):
                return "seeds that do not differ prove nothing"
            return "one seed each proves nothing: take --seeds 3 for a claim"
        needed = self.seeds_needed
        advice = "" if needed is None else f"; to show the lead of the best takes {needed} seeds (80 % power)"
        verb = "ties" if num_tied == 1 else "tie"
        return f"no significant winner: {num_tied} of {num_others} others {verb} with the best mean (95 %){advice}"


def analyze(
    plan: Plan, outcomes: Mapping[str, Outcome], validation: ProxyValidation | None = None
) -> StudyResult | None:
    """Return the result so far, or None while no candidate has a completed trial.

    Args:
        plan: the configuration and its candidates.
        outcomes: the outcomes of finished trials, by trial id.
        validation: how further budgets validate the proxy (`study.proxy_validation.read_proxy_validation`); the
            candidates are then judged after the longer training.
    """
    ranking = plan.ranking(outcomes)
    if ranking is None:
        return None
    decision = decide(plan, outcomes, ranking, None if validation is None else validation.further)
    place = next(arm for arm in ranking.arms if arm.key == decision.choice)
    return StudyResult(plan, outcomes, ranking, decision, plan.by_network[decision.choice], place, validation)
