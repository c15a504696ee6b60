"""The answer of a study, worked out from its records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from scalesearch.search.candidates import Candidate
from scalesearch.search.completion import left_behind, whole
from scalesearch.search.decision.decision import Decision, decide
from scalesearch.search.metrics import ACCURACY, BALANCED
from scalesearch.search.plan import Plan
from scalesearch.search.ranking import Arm, Ranked, Ranking, intervals
from scalesearch.search.trial import FAILURES, Outcome, TrialSpec
from scalesearch.search.trust import Agreement
from scalesearch.study.chance_words import chance_words

_SEVERAL = 2


@dataclass(frozen=True)
class StudyResult:
    """What a study came to."""

    plan: Plan
    outcomes: Mapping[str, Outcome]
    ranking: Ranking
    decision: Decision
    winner: Candidate
    """The recommended candidate."""
    place: Ranked
    """The row of the recommended candidate in the ranking."""
    trust: tuple[Agreement, ...] = ()
    """What further budgets say of the proxy; empty where none was run."""

    @property
    def recommended(self) -> str:
        """The id of the recommended candidate."""
        return self.decision.choice

    @cached_property
    def planned(self) -> tuple[TrialSpec, ...]:
        """Every trial known so far."""
        return self.plan.planned(self.outcomes)

    @cached_property
    def base(self) -> Arm:
        """The unscaled network's trials, trained as long as those that are ranked."""
        return self.plan.base_arm(self.outcomes)

    @property
    def worse(self) -> bool:
        """Whether what is recommended is not above the unscaled network: nothing that ties for the best is.

        Networks that are smaller than it are not expected to be.
        """
        return not self.plan.config.shrinks and self.base.mean is not None and self.place.mean <= self.base.mean

    @cached_property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """By key of every ranked candidate the 95 % interval of its difference to the best."""
        return intervals(self.ranking)

    @cached_property
    def left_behind(self) -> dict[str, int]:
        """The candidates that were left on a lower rung than the ranked ones, and on which."""
        return left_behind(self.plan, self.outcomes)

    @property
    def over(self) -> bool:
        """Whether nothing is left to suggest or to run."""
        return not self.plan.accepts_samples and all(spec.id in self.outcomes for spec in self.planned)

    @property
    def whole(self) -> bool:
        """Whether every candidate has a completed trial."""
        return whole(self.plan, self.outcomes)

    @property
    def failures(self) -> int:
        """Trials that ended for reasons of the machine."""
        return sum(outcome.state in FAILURES for outcome in self.outcomes.values())

    @property
    def certainty(self) -> str:
        """In words how far the best stands out, and whether growing was worth it at all."""
        beaten = f"; its mean is not above {self.plan.config.baseline.name}'s itself" if self.worse else ""
        blind = f"; {self.blind_words}: train longer, or on more images" if self.blind else ""
        return self._lead + beaten + blind

    @property
    def blind_words(self) -> str:
        """What `blind` means, where it is an answer."""
        by = "" if self.plan.config.metric in (ACCURACY, BALANCED) else "by accuracy "
        return f"{by}no better than always answering {self.blind}"

    @cached_property
    def blind(self) -> str | None:
        """The answer that does without the images and is as good as the best network's (95 %); None: none is.

        It is as accurate as the largest class's share. By balanced accuracy any class will do, which is right in
        one of them. A metric whose chance is not known is passed over for the accuracy.
        """
        chance = self.plan.chance
        reached = (chance.score(self.outcomes[one.id]) for one in self.planned if one.id in self.outcomes)
        if chance.is_left_by_any(one for one in reached if one is not None):
            return None
        return chance_words(self.plan)

    def with_error(self, mean: float, error: float, places: int = 4) -> str:
        """A figure and its standard error; alone where nothing tells the error."""
        return f"{mean:.{places}f} ± {error:.{places}f}" if self.ranking.error_known else f"{mean:.{places}f}"

    def measured(self, place: Ranked) -> str:
        """A candidate's mean, its standard error and its seeds in words."""
        seeds = "1 seed" if place.seeds == 1 else f"{place.seeds} seeds"
        spread = (
            "" if self.ranking.error_known else f"; error not known, spread of the trials {self.ranking.noise:.4f}"
        )
        return f"{self.with_error(place.mean, place.standard_error)} ({seeds}{spread})"

    @property
    def _lead(self) -> str:
        others = len(self.ranking.tied) - 1
        if self.ranking.significant:
            return "it leads every other candidate by more than the noise (95 %)"
        if self.ranking.degrees_of_freedom == 0:
            if any(arm.seeds > 1 for arm in self.ranking.arms):
                return "seeds that do not differ prove nothing"
            return "one seed each proves nothing: take --seeds 3 for a claim"
        are = "candidates are" if others >= _SEVERAL else "candidate is"
        needed = self.ranking.seeds_needed
        more = "" if needed is None else f"; the lead of the best needs {needed} seeds for 80 % power"
        return f"no single winner: {others} other {are} within the noise (95 %){more}"


def answer(plan: Plan, outcomes: Mapping[str, Outcome], trust: tuple[Agreement, ...] = ()) -> StudyResult | None:
    """The answer so far; None while no candidate has a completed trial.

    Args:
        plan: the configuration and its candidates.
        outcomes: by trial id.
        trust: what further budgets say (`trusting.read_trust`).
    """
    ranking = plan.ranking(outcomes)
    if ranking is None:
        return None
    decision = decide(plan, outcomes, ranking)
    place = next(arm for arm in ranking.arms if arm.key == decision.choice)
    return StudyResult(plan, outcomes, ranking, decision, plan.by_network[decision.choice], place, trust)
