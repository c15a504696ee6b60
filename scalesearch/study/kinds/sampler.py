"""What a search of (α, β) by a sampler says beside its ranking: how it searched, and the front."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from scalesearch.design.cost import cost
from scalesearch.search.kinds.sampler import CoefficientSearch, Suggestion
from scalesearch.search.observations import Observation, pareto
from scalesearch.search.plan import Plan
from scalesearch.search.trial import Outcome
from scalesearch.study.kinds.grid import GridResults
from scalesearch.study.result import StudyResult
from scalesearch.units import si

_WORDS = {"tpe": "TPE", "gp": "a Gaussian process", "nsga2": "NSGA-II"}


class CoefficientResults(GridResults):
    """As a grid's, with the sampler and the front."""

    def search_lines(self, result: StudyResult) -> list[str]:
        """How the points were found, and the front."""
        return search_lines(result.plan, result.outcomes)

    def winner(self, result: StudyResult) -> dict[str, object]:
        """As a grid's, with the sampler and the front."""
        return {**super().winner(result), **_search_facts(result.plan, result.outcomes)}


def _search_of(plan: Plan) -> CoefficientSearch:
    kind = plan.config.kind
    assert isinstance(kind, CoefficientSearch), "a search by a sampler"
    return kind


def search_lines(plan: Plan, outcomes: Mapping[str, Outcome]) -> list[str]:
    """How the points were found, and with several objectives the front."""
    asked, points = _search_of(plan), plan.suggested
    space = asked.proposal_space(plan.config)
    broken = Counter(name for one in space.judge(points) for name in one.broken)  # type: ignore[arg-type]
    outside = ", ".join(f"{name} {count}" for name, count in broken.items())
    lines = [
        f"Searched: (α, β) by {_WORDS[asked.sampler]}; {len(points)} suggestions are {len(plan.trained)} "
        f"networks within the limits, each trained to the end" + (f"; outside: {outside}" if outside else "")
    ]
    if len(asked.objectives) > 1:
        lines.append(f"Front of {', '.join(asked.objectives)} (means, without error bars):")
        lines += [f"  {_words(one, asked.objectives)}" for one in pareto(plan, outcomes)]
    return lines


def _words(observation: Observation, objectives: tuple[str, ...]) -> str:
    values = {
        "accuracy": f"{observation.accuracy:.4f}",
        "macs": f"{si(cost(observation.judged.network).macs)} MACs",
    }
    if observation.point.latency is not None:
        values["latency"] = f"{observation.point.latency * 1e3:.3g} ms"
    assert isinstance(observation.point, Suggestion), "stages have words of their own"
    label = str(observation.point.coefficients).strip("()").replace(", ", "/")
    return "  ".join(
        [f"{label:<22}", f"{observation.judged.network.resolution:>4} px", *map(values.__getitem__, objectives)]
    )


def _search_facts(plan: Plan, outcomes: Mapping[str, Outcome]) -> dict[str, object]:
    asked = _search_of(plan)
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


def _point(observation: Observation) -> dict[str, object]:
    assert isinstance(observation.point, Suggestion), "stages have words of their own"
    network = observation.judged.network
    point = {
        "candidate": str(observation.point.coefficients),
        "resolution": network.resolution,
        "accuracy": round(observation.accuracy or 0.0, 5),
        "macs": cost(network).macs,
    }
    return (
        point
        if observation.point.latency is None
        else {**point, "latency_seconds": round(observation.point.latency, 6)}
    )
