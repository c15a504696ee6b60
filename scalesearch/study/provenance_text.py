"""What a result is based on (images, budget, matched cost, rungs), as text and as entries of winner.yaml."""

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
    """Return a line on the cost that is matched between candidates, or none if it is multiply-adds."""
    if config.cost == "macs":
        return []
    start = f"Matched: {config.cost}, within {tolerance(config.cost) * 100:.0f} %, not multiply-adds"
    timings = config.timings
    if timings is None:
        return [start]
    base = timings.base
    spread = f"quartiles {100 * base.spread / base.nanoseconds:.0f} % apart"
    base_time = f"{config.baseline.name} takes {base.nanoseconds / 1e6:,.3g} ms ({spread})"
    return [f"{start}; {timings.conditions}: {base_time}"]


def provenance_line(result: StudyResult) -> str:
    """Return a line with the images, the budget and the number of trials, and that the result is a proxy's."""
    plan = result.plan
    data = plan.data
    images = f"{data.name} ({data.train} training + {data.val} validation images, {data.classes} classes)"
    kind = "proxies on synthetic images, not ImageNet" if is_synthetic(plan) else "proxies, not the full networks"
    notes = "".join(f"; {note}" for note in plan.data.notes)
    return f"Based on: {images}{notes}, budget {plan.config.budget.title}, {len(result.outcomes)} trials; {kind}"


def is_synthetic(plan: Plan) -> bool:
    """Return whether the images are generated (`search.scenes`)."""
    return plan.data.name in SYNTHETIC


def provenance_facts(result: StudyResult) -> dict[str, object]:
    """Return the entries of winner.yaml that describe what was configured and measured."""
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
    """Return the φ at which the candidates' proxies were made, if it is not the study's own."""
    phi = phi_of_proxies(config)
    return {} if phi == config.phi else {"proxy_phi": float(phi)}


def _majority_facts(plan: Plan) -> dict[str, object]:
    """Return the class of more than half of the validation images, if there is one, and its share."""
    majority = plan.data.majority
    return (
        {}
        if majority is None
        else {"majority": majority.name, "majority_share": round(majority.count / plan.data.val, 5)}
    )


def _cost_facts(config: StudyConfig) -> dict[str, object]:
    """Return the cost that was matched, if it is not multiply-adds, and how it was measured."""
    if config.cost == "macs":
        return {}
    timings = config.timings
    if timings is None:
        return {"cost": config.cost}
    base = {"baseline_nanoseconds": timings.base.nanoseconds, "baseline_spread": timings.base.spread}
    return {"cost": config.cost, "measured": timings.conditions, **base}


def _rungs(result: StudyResult) -> list[dict[str, object]] | None:
    """Return the images of each rung that was trained, and how many candidates completed it; None without rungs."""
    plan = result.plan
    if not plan.rungs:
        return None
    reached = plan.reached_rung(result.outcomes)
    return [
        {"images": rung.samples, "candidates": completed(plan, result.outcomes, index)}
        for index, rung in enumerate(plan.rungs[: reached + 1])
    ]
