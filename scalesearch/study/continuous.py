"""What a continuous search says beside its ranking: how it searched, and with several objectives the front."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from scalesearch.design.cost import cost
from scalesearch.search.continuum import Suggestion
from scalesearch.search.growth import Told, pareto
from scalesearch.search.plan import Plan
from scalesearch.search.trial import Outcome
from scalesearch.units import si

_WORDS = {"tpe": "TPE", "gp": "a Gaussian process", "nsga2": "NSGA-II"}


def search_lines(plan: Plan, outcomes: Mapping[str, Outcome]) -> list[str]:
    """How the points were found, and the front; none for a grid."""
    asked, space = plan.question.continuum, plan.question.space
    if asked is None or space is None:
        return []
    points = plan.suggested
    broken = Counter(name for one in space.judge(points) for name in one.broken)
    outside = ", ".join(f"{name} {count}" for name, count in broken.items())
    lines = [
        f"Searched: (α, β) by {_WORDS[asked.sampler]}; {len(points)} suggestions are {len(plan.chosen)} "
        f"networks within the limits, each trained to the end" + (f"; outside: {outside}" if outside else "")
    ]
    if len(asked.objectives) > 1:
        lines.append(f"Front of {', '.join(asked.objectives)} (means, without error bars):")
        lines += [f"  {_words(one, asked.objectives)}" for one in pareto(plan, outcomes)]
    return lines


def _words(one: Told, objectives: tuple[str, ...]) -> str:
    values = {"accuracy": f"{one.accuracy:.4f}", "macs": f"{si(cost(one.judged.network).macs)} MACs"}
    if one.point.latency is not None:
        values["latency"] = f"{one.point.latency * 1e3:.3g} ms"
    assert isinstance(one.point, Suggestion), "stages have words of their own"
    label = str(one.point.coefficients).strip("()").replace(", ", "/")
    return "  ".join(
        [f"{label:<22}", f"{one.judged.network.resolution:>4} px", *map(values.__getitem__, objectives)]
    )


def search_facts(plan: Plan, outcomes: Mapping[str, Outcome]) -> dict[str, object]:
    """For winner.yaml; nothing for a grid."""
    asked = plan.question.continuum
    if asked is None:
        return {}
    facts: dict[str, object] = {
        "sampled": {
            "sampler": asked.sampler,
            "objectives": list(asked.objectives),
            "max_params": asked.max_params,
            "max_memory": asked.max_memory,
            "suggestions": len(plan.suggested),
        }
    }
    if len(asked.objectives) > 1:
        facts["front"] = [_point(one) for one in pareto(plan, outcomes)]
    return facts


def _point(one: Told) -> dict[str, object]:
    assert isinstance(one.point, Suggestion), "stages have words of their own"
    network = one.judged.network
    point = {
        "candidate": str(one.point.coefficients),
        "resolution": network.resolution,
        "accuracy": round(one.accuracy or 0.0, 5),
        "macs": cost(network).macs,
    }
    return point if one.point.latency is None else {**point, "latency_seconds": round(one.point.latency, 6)}
