"""What a search by grid says of its answer."""

from __future__ import annotations

from pathlib import Path

from scalesearch.design.coefficients import Coefficients
from scalesearch.design.exact import plain
from scalesearch.search.metrics import ACCURACY, metric_words
from scalesearch.study.answer import Answer
from scalesearch.study.decision_words import decision_facts, regret_words, surface_facts, surface_line
from scalesearch.study.family_files import family_texts
from scalesearch.study.kinds.base import KindResults
from scalesearch.study.other_phi import other_phi_lines
from scalesearch.study.provenance_words import matched_lines, provenance_facts, provenance_line
from scalesearch.study.trust_words import trust_facts, trust_lines


class GridResults(KindResults):
    """The coefficients that are recommended, the surface, the proxy's validation, and the family."""

    def summary(self, found: Answer, folder: Path) -> list[str]:
        """The winner, how sure it is, what it is based on, where the family lies."""
        plan, own = found.plan, found.winner.coefficients
        question = plan.question
        names = [name for name in family_texts(plan, own) if name != question.baseline.name]
        tied = f"{len(found.ranking.tied) - 1} of {len(found.ranking.arms) - 1}"
        measured = found.measured(found.place)
        unscaled, word = found.base.mean, metric_words(question.metric)
        base = "" if unscaled is None else f"{question.baseline.name} itself {unscaled:.4f}; "
        cost_words = f"αβ²γ² = {float(own.product):.3f}; measured {float(found.winner.flops_ratio):.3f}x"
        other = "" if question.cost == "macs" else f", {question.cost} {float(found.winner.matched_ratio):.3f}x"
        head = "Take" if found.over else "So far, take"
        lines = [
            f"{head} {_greek(own)} ({cost_words} {question.baseline.name}{other}): {regret_words(found)}",
            f"{word.capitalize()}: {measured}; {base}{tied} others tie with the best; {found.certainty}",
            *matched_lines(question),
            provenance_line(found),
            *self.search_lines(found),
        ]
        if found.decision.surface is not None:
            lines.append(surface_line(found.decision.surface))
        lines += trust_lines(found.trust) + other_phi_lines(found, folder)
        if not found.over:
            return lines
        return [*lines, f"Family: {names[0]} … {names[-1]} in {folder / 'family'}"]

    def search_lines(self, found: Answer) -> list[str]:
        """How the points were found, where a sampler proposed them."""
        del found
        return []

    def winner(self, found: Answer) -> dict[str, object]:
        """The coefficients first, then how sure they are and what they are based on."""
        plan, ranking, best = found.plan, found.ranking, found.ranking.arms[0]
        question, own = plan.question, found.winner.coefficients
        away = found.intervals
        return {
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
            "decision": decision_facts(found),
            "significant": ranking.significant,
            "in_words": found.certainty,
            "differences": [
                {
                    "candidate": str(plan.by_network[arm.key].coefficients),
                    "behind": round(arm.behind, 5),
                    "interval_95": [round(value, 5) for value in away[arm.key]] if ranking.error_known else None,
                }
                for arm in ranking.arms
            ],
            "tied": [str(plan.by_network[key].coefficients) for key in ranking.tied],
            "best_mean": str(plan.by_network[best.key].coefficients),
            "aliases": [str(alias) for alias in found.winner.aliases],
            "surface": surface_facts(found.decision.surface),
            "proxy": trust_facts(found.trust),
            "rests_on": provenance_facts(found),
        }


def _greek(own: Coefficients) -> str:
    return f"α = {plain(own.alpha)}, β = {plain(own.beta)}, γ = {plain(own.gamma)}"
