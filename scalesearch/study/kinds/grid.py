"""The summary and the files of a grid search over the coefficients."""

from __future__ import annotations

from pathlib import Path

from scalesearch.design.coefficients import Coefficients
from scalesearch.design.decimals import format_decimal
from scalesearch.search.metrics import ACCURACY, metric_words
from scalesearch.study.decision_text import decision_facts, regret_words, surface_facts, surface_line
from scalesearch.study.family_files import family_texts
from scalesearch.study.kinds.base import KindResults
from scalesearch.study.phi_transfer import phi_transfer_lines
from scalesearch.study.provenance_text import matched_lines, provenance_facts, provenance_line
from scalesearch.study.proxy_validation_text import proxy_validation_facts, proxy_validation_lines
from scalesearch.study.result import StudyResult


class GridResults(KindResults):
    """The recommended coefficients, the response surface, the validation of the proxy, and the family."""

    def summary(self, result: StudyResult, folder: Path) -> list[str]:
        """Return the winner, how certain it is, what it is based on, and where its family is."""
        plan, coefficients = result.plan, result.winner.coefficients
        config = plan.config
        members = [name for name in family_texts(plan, coefficients) if name != config.baseline.name]
        measured = result.measured(result.place)
        unscaled, metric = result.base.mean, metric_words(config.metric)
        base = "" if unscaled is None else f"{config.baseline.name} {unscaled:.4f}; "
        cost_words = f"αβ²γ² = {float(coefficients.product):.3f}; measured {float(result.winner.flops_ratio):.3f}x"
        matched = "" if config.cost == "macs" else f", {config.cost} {float(result.winner.matched_ratio):.3f}x"
        head = "Recommended" if result.is_complete else "Recommended so far"
        lines = [
            (
                f"{head}: {_format_coefficients(coefficients)} ({cost_words} {config.baseline.name}{matched}); "
                f"{regret_words(result)}"
            ),
            f"{metric.capitalize()} of the proxy: {measured}; {base}{result.certainty}",
            *matched_lines(config),
            provenance_line(result),
            *self.search_lines(result),
        ]
        if result.decision.surface is not None:
            lines.append(surface_line(result.decision.surface))
        lines += proxy_validation_lines(result.agreements) + phi_transfer_lines(result, folder)
        if not result.is_complete:
            return lines
        return [*lines, f"Family: {members[0]} … {members[-1]} in {folder / 'family'}"]

    def search_lines(self, result: StudyResult) -> list[str]:
        """Return lines that describe how a sampler proposed the points; a grid has none."""
        del result
        return []

    def winner(self, result: StudyResult) -> dict[str, object]:
        """Return the content of winner.yaml.

        The coefficients come first. How certain they are and what they are based on follow.
        """
        plan, ranking, best = result.plan, result.ranking, result.ranking.arms[0]
        config, coefficients = plan.config, result.winner.coefficients
        intervals = result.intervals
        return {
            "alpha": float(coefficients.alpha),
            "beta": float(coefficients.beta),
            "gamma": float(coefficients.gamma),
            "product": round(float(coefficients.product), 5),
            "flops_ratio": float(result.winner.flops_ratio),
            **({} if config.cost == "macs" else {f"{config.cost}_ratio": float(result.winner.matched_ratio)}),
            **({} if config.metric == ACCURACY else {"metric": config.metric}),
            "accuracy" if config.metric == ACCURACY else "score": round(result.place.mean, 5),
            "standard_error": round(result.place.standard_error, 5) if ranking.error_known else None,
            "seeds": result.place.seeds,
            "decision": decision_facts(result),
            "significant": ranking.significant,
            "in_words": result.certainty,
            "differences": [
                {
                    "candidate": str(plan.by_network[arm.key].coefficients),
                    "behind": round(arm.behind, 5),
                    "interval_95": [round(value, 5) for value in intervals[arm.key]]
                    if ranking.error_known
                    else None,
                }
                for arm in ranking.arms
            ],
            "tied": [str(plan.by_network[key].coefficients) for key in ranking.tied],
            "best_mean": str(plan.by_network[best.key].coefficients),
            "aliases": [str(alias) for alias in result.winner.aliases],
            "surface": surface_facts(result.decision.surface),
            "proxy": proxy_validation_facts(result.agreements),
            "rests_on": provenance_facts(result),
        }


def _format_coefficients(coefficients: Coefficients) -> str:
    alpha, beta, gamma = map(format_decimal, (coefficients.alpha, coefficients.beta, coefficients.gamma))
    return f"α = {alpha}, β = {beta}, γ = {gamma}"
