"""The answer of a study and the files that say it; all derived, all rebuilt from the records at will."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from scalesearch.design.coefficients import AXES, Coefficients
from scalesearch.search.candidates import Candidate
from scalesearch.search.metrics import ACCURACY, BALANCED
from scalesearch.search.places import surface_of
from scalesearch.search.plan import Plan
from scalesearch.search.question import Question
from scalesearch.search.ranking import Arm, Ranked, Ranking, intervals
from scalesearch.search.reached import completed, left_behind, whole
from scalesearch.search.surface import Surface, coefficients_of
from scalesearch.search.trial import FAILURES, Outcome, TrialSpec
from scalesearch.search.trust import Agreement
from scalesearch.study.chance_words import chance_words
from scalesearch.study.continuous import search_facts
from scalesearch.study.family_files import family_texts, write_texts
from scalesearch.study.files import write_over
from scalesearch.study.stages_found import found_baseline, front_table, stages_text
from scalesearch.study.trials_table import trials_table
from scalesearch.study.trust_words import trust_facts

_SEVERAL = 2
_PREDICTS = 0.85
"""A surface that misses left-out networks by more than this share of their spread is not listened to."""


@dataclass(frozen=True)
class Answer:
    """What a study came to."""

    plan: Plan
    outcomes: Mapping[str, Outcome]
    ranking: Ranking
    winner: Candidate
    place: Ranked
    """The winner's row in the ranking."""
    trust: tuple[Agreement, ...] = ()
    """What further budgets say of the proxy; empty where none was run."""

    @cached_property
    def surface(self) -> Surface | None:
        """The smooth answer beside the raw one; None where the networks are too few."""
        return surface_of(self.plan, self.outcomes)

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
        """Whether what is recommended is not above the unscaled network: nothing that ties for the best is."""
        return self.base.mean is not None and self.place.mean <= self.base.mean

    @cached_property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """By key of every ranked candidate the 95 % interval of its difference to the best."""
        return intervals(self.plan.arms(self.outcomes), self.ranking)

    @cached_property
    def left_behind(self) -> dict[str, int]:
        """The candidates that were left on a lower rung than the ranked ones, and on which."""
        return left_behind(self.plan, self.outcomes)

    @property
    def over(self) -> bool:
        """Whether nothing is left to suggest or to run."""
        return not self.plan.open and all(spec.id in self.outcomes for spec in self.planned)

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
        beaten = f"; its mean is not above {self.plan.question.baseline.name}'s itself" if self.worse else ""
        blind = f"; {self.blind_words}: train longer, or on more images" if self.blind else ""
        return self._lead + beaten + blind

    @property
    def blind_words(self) -> str:
        """What `blind` means, where it is an answer."""
        by = "" if self.plan.question.metric in (ACCURACY, BALANCED) else "by accuracy "
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

    def with_error(self, mean: float, error: float) -> str:
        """A figure and its standard error; alone where nothing tells the error."""
        return f"{mean:.4f} ± {error:.4f}" if self.ranking.error_known else f"{mean:.4f}"

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
            return "one seed each proves nothing: take --seeds 3 and another --name for a claim"
        are = "candidates are" if others >= _SEVERAL else "candidate is"
        needed = self.ranking.seeds_needed
        more = "" if needed is None else f"; the lead of the best needs {needed} seeds for 80 % power"
        return f"no single winner: {others} other {are} within the noise (95 %){more}"


def answer(plan: Plan, outcomes: Mapping[str, Outcome], trust: tuple[Agreement, ...] = ()) -> Answer | None:
    """The answer so far; None while no candidate has a completed trial.

    Args:
        plan: the question and its candidates.
        outcomes: by trial id.
        trust: what further budgets say (`trusting.read_trust`).
    """
    ranking = plan.ranking(outcomes)
    if ranking is None:
        return None
    place = next(arm for arm in ranking.arms if arm.key == ranking.recommended)
    return Answer(plan, outcomes, ranking, plan.recommended(ranking), place, trust)


def write_answer(folder: Path, found: Answer) -> None:
    """Write winner.yaml, family/*.yaml, trials.csv and trials.parquet; of stages front.csv and baseline.yaml.

    Raises:
        StorageError: the folder cannot be written.
    """
    write_over(folder / "winner.yaml", winner_text(found))
    write_texts(folder / "family", family_texts(found.plan, found.winner.coefficients))
    if found.plan.question.stages:
        write_over(folder / "front.csv", front_table(found))
        write_over(folder / "baseline.yaml", found_baseline(found, folder.name))
    table = trials_table(found.plan, found.outcomes)
    write_over(folder / "trials.csv", table.to_csv(index=False))
    write_over(folder / "trials.parquet", table.to_parquet(index=False))


def winner_text(found: Answer) -> str:
    """winner.yaml: the coefficients first, then how sure they are and what they rest on."""
    import yaml

    if found.plan.question.stages:
        return stages_text(found, _rests_on(found))
    plan, ranking, best = found.plan, found.ranking, found.ranking.arms[0]
    question, own = plan.question, found.winner.coefficients
    away = found.intervals
    body = {
        "alpha": float(own.alpha),
        "beta": float(own.beta),
        "gamma": float(own.gamma),
        "product": round(float(own.product), 5),
        "flops_ratio": float(found.winner.flops_ratio),
        **({} if question.cost == "macs" else {f"{question.cost}_ratio": float(found.winner.matched_ratio)}),
        **({} if question.metric == ACCURACY else {"metric": question.metric}),
        "accuracy" if question.metric == ACCURACY else "score": round(found.place.mean, 5),
        "standard_error": round(found.place.standard_error, 5) if ranking.error_known else None,
        "seeds": found.place.seeds,
        "significant": ranking.significant,
        "in_words": found.certainty,
        "differences": [
            {
                "candidate": _triple(plan.by_network[arm.key].coefficients),
                "behind": round(arm.behind, 5),
                "interval_95": [round(value, 5) for value in away[arm.key]] if ranking.error_known else None,
            }
            for arm in ranking.arms
        ],
        "tied": [_triple(plan.by_network[key].coefficients) for key in ranking.tied],
        "best_mean": _triple(plan.by_network[best.key].coefficients),
        "aliases": [_triple(alias) for alias in found.winner.aliases],
        "surface": _surface_facts(found),
        "proxy": trust_facts(found.trust),
        "rests_on": _rests_on(found),
        **search_facts(plan, found.outcomes),
    }
    return str(yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100))


def _rests_on(found: Answer) -> dict[str, object]:
    """What was asked and measured, for winner.yaml."""
    plan, ranking, question = found.plan, found.ranking, found.plan.question
    base = found.base
    return {
        "baseline": question.baseline.name,
        "phi": float(question.phi),
        "data": plan.data.name,
        "data_fingerprint": plan.data.fingerprint,
        **({"data_notes": list(plan.data.notes)} if plan.data.notes else {}),
        "budget": question.budget.name,
        "rounding": question.rounding,
        "match": question.match,
        **_cost_facts(question),
        "scheduler": question.scheduler,
        "rungs": _rungs(found),
        "candidates": len(plan.chosen),
        "trials": len(found.outcomes),
        "validation_images": plan.data.val,
        "noise_per_trial" if ranking.error_known else "spread_of_trials": round(ranking.noise, 5),
        "degrees_of_freedom": ranking.degrees_of_freedom,
        "baseline_accuracy" if question.metric == ACCURACY else "baseline_score": (
            round(plan.accuracy(base), 5) if base.accuracies else None
        ),
        **_majority_facts(plan),
    }


def _majority_facts(plan: Plan) -> dict[str, object]:
    """The class that more than half of the validation images are of, and their share."""
    found = plan.data.majority
    return (
        {} if found is None else {"majority": found.name, "majority_share": round(found.count / plan.data.val, 5)}
    )


def _cost_facts(question: Question) -> dict[str, object]:
    """What was matched, where it is not multiply-adds, and how it was measured."""
    if question.cost == "macs":
        return {}
    timings = question.timings
    if timings is None:
        return {"cost": question.cost}
    base = {"baseline_nanoseconds": timings.base.nanoseconds, "baseline_spread": timings.base.spread}
    return {"cost": question.cost, "measured": timings.conditions, **base}


def _rungs(found: Answer) -> list[dict[str, object]] | None:
    """By halving: the images of each rung that was climbed, and how many candidates completed it."""
    plan = found.plan
    if plan.ladder is None:
        return None
    reached = plan.climb(found.outcomes).reached
    return [
        {"images": rung.samples, "candidates": completed(plan, found.outcomes, index)}
        for index, rung in enumerate(plan.ladder.rungs[: reached + 1])
    ]


def surface_verdict(found: Answer) -> str:
    """Whether the surface agrees with the recommendation, or predicts too little to say."""
    fitted = found.surface
    if fitted is None:
        return "too few networks for a surface"
    if fitted.left_out_error > _PREDICTS * fitted.spread:
        return "it predicts a left-out network hardly better than their mean, so it decides nothing"
    _, low, _ = fitted.gain_over(found.place.key)
    if low > 0:
        return "it disagrees with the recommendation: its optimum is higher by more than the noise (95 %)"
    return "it does not contradict the recommendation"


def _surface_facts(found: Answer) -> dict[str, object] | None:
    """The surface's optimum, its 95 % region, how well it predicts; None where there is none."""
    fitted = found.surface
    if fitted is None:
        return None
    low, high = (coefficients_of([fitted.region[axis][end] for axis in AXES]) for end in (0, 1))
    names = ("alpha", "beta", "gamma")
    gain = fitted.gain_over(found.place.key)
    return {
        **{name: round(value, 5) for name, value in zip(names, coefficients_of(fitted.optimum), strict=True)},
        "region_95": {name: [round(low[i], 5), round(high[i], 5)] for i, name in enumerate(names)},
        "r_squared": round(fitted.r_squared, 5),
        "left_out_error": round(fitted.left_out_error, 5),
        "spread": round(fitted.spread, 5),
        "above_winner": round(gain[0], 5),
        "above_winner_95": [round(value, 5) for value in gain[1:]],
        "in_words": surface_verdict(found),
    }


def _triple(coefficients: Coefficients) -> str:
    return str(coefficients)
