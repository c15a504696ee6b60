"""What an answer is based on: images, budget, matched cost, rungs; in words and for winner.yaml."""

from __future__ import annotations

from scalesearch.search.candidates import tolerance
from scalesearch.search.completion import completed
from scalesearch.search.metrics import ACCURACY
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import phi_of_proxies
from scalesearch.search.scenes import SYNTHETIC
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.result import StudyResult


def matched_lines(config: StudyConfig) -> list[str]:
    """What is equal among the candidates, where it is not multiply-adds."""
    if config.cost == "macs":
        return []
    start = f"Matched: {config.cost}, within {tolerance(config.cost) * 100:.0f} %, not multiply-adds"
    timings = config.timings
    if timings is None:
        return [start]
    base = timings.base
    apart = f"quartiles {100 * base.spread / base.nanoseconds:.0f} % apart"
    took = f"{config.baseline.name} takes {base.nanoseconds / 1e6:,.3g} ms ({apart})"
    return [f"{start}; {timings.conditions}: {took}"]


def provenance_line(result: StudyResult) -> str:
    """The images, the budget, the trials, and that the answer is a proxy's."""
    plan = result.plan
    images = f"{plan.data.name} ({plan.data.train} + {plan.data.val} images, {plan.data.classes} classes)"
    kind = "a proxy's answer on synthetic images, not ImageNet's" if is_synthetic(plan) else "a proxy's answer"
    notes = "".join(f"; {note}" for note in plan.data.notes)
    return f"Based on: {images}{notes}, budget {plan.config.budget.title}, {len(result.outcomes)} trials; {kind}"


def is_synthetic(plan: Plan) -> bool:
    """Whether the images are drawn."""
    return plan.data.name in SYNTHETIC


def provenance_facts(result: StudyResult) -> dict[str, object]:
    """What was asked and measured, for winner.yaml."""
    plan, ranking, config = result.plan, result.ranking, result.plan.config
    base = result.base
    return {
        "baseline": config.baseline.name,
        "phi": float(config.phi),
        "data": plan.data.name,
        "data_fingerprint": plan.data.fingerprint,
        **({"data_notes": list(plan.data.notes)} if plan.data.notes else {}),
        "budget": config.budget.name,
        **({"budget_version": config.budget.version} if config.budget.version > 1 else {}),
        **_proxy_facts(config),
        "rounding": config.rounding,
        "match": config.match,
        **_cost_facts(config),
        "scheduler": config.scheduler,
        "rungs": _rungs(result),
        "candidates": len(plan.trained),
        "trials": len(result.outcomes),
        "validation_images": plan.data.val,
        "noise_per_trial" if ranking.error_known else "spread_of_trials": round(ranking.noise, 5),
        "degrees_of_freedom": ranking.degrees_of_freedom,
        "baseline_accuracy" if config.metric == ACCURACY else "baseline_score": (
            round(plan.accuracy(base), 5) if base.accuracies else None
        ),
        **_majority_facts(plan),
    }


def _proxy_facts(config: StudyConfig) -> dict[str, object]:
    """The φ at which candidates' proxies were made, where that is not the study's own."""
    phi = phi_of_proxies(config)
    return {} if phi == config.phi else {"proxy_phi": float(phi)}


def _majority_facts(plan: Plan) -> dict[str, object]:
    """The class that more than half of the validation images are of, and their share."""
    found = plan.data.majority
    return (
        {} if found is None else {"majority": found.name, "majority_share": round(found.count / plan.data.val, 5)}
    )


def _cost_facts(config: StudyConfig) -> dict[str, object]:
    """What was matched, where it is not multiply-adds, and how it was measured."""
    if config.cost == "macs":
        return {}
    timings = config.timings
    if timings is None:
        return {"cost": config.cost}
    base = {"baseline_nanoseconds": timings.base.nanoseconds, "baseline_spread": timings.base.spread}
    return {"cost": config.cost, "measured": timings.conditions, **base}


def _rungs(result: StudyResult) -> list[dict[str, object]] | None:
    """By halving: the images of each rung that was climbed, and how many candidates completed it."""
    plan = result.plan
    if not plan.rungs:
        return None
    reached = plan.reached_rung(result.outcomes)
    return [
        {"images": rung.samples, "candidates": completed(plan, result.outcomes, index)}
        for index, rung in enumerate(plan.rungs[: reached + 1])
    ]
