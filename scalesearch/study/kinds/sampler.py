"""The summary of a search of (α, β) by a sampler: in addition to the ranking, how it searched, and its front."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from scalesearch.design.cost import cost
from scalesearch.design.images import plain_size
from scalesearch.search.kinds.sampler import CoefficientSearch, Suggestion
from scalesearch.search.observations import Observation, pareto
from scalesearch.search.plan import Plan
from scalesearch.search.trial import Outcome
from scalesearch.study.kinds.grid import GridResults
from scalesearch.study.result import StudyResult
from scalesearch.units import si

_SAMPLER_NAMES = {"tpe": "TPE", "gp": "a Gaussian process", "nsga2": "NSGA-II"}


class CoefficientResults(GridResults):
    """The results of a grid, with the sampler and the Pareto front."""

    def search_lines(self, result: StudyResult) -> list[str]:
        """Return how the points were proposed and, for several objectives, the Pareto front."""
        return search_lines(result.plan, result.outcomes)

    def winner(self, result: StudyResult) -> dict[str, object]:
        """Return the content of a grid's winner.yaml, with the sampler and the Pareto front."""
        return {**super().winner(result), **_search_facts(result.plan, result.outcomes)}


def _coefficient_search(plan: Plan) -> CoefficientSearch:
    kind = plan.config.kind
    assert isinstance(kind, CoefficientSearch), "a search by a sampler"
    return kind


def search_lines(plan: Plan, outcomes: Mapping[str, Outcome]) -> list[str]:
    """Return how the points were proposed and, for several objectives, the Pareto front."""
    search, points = _coefficient_search(plan), plan.suggested
    space = search.proposal_space(plan.config)
    violations = Counter(name for check in space.check_constraints(points) for name in check.violated)  # type: ignore[arg-type]
    outside = ", ".join(f"{name} {count}" for name, count in violations.items())
    lines = [
        f"Searched: (α, β) by {_SAMPLER_NAMES[search.sampler]}; {len(points)} proposals give {len(plan.trained)} "
        f"networks within the limits, each trained to the end" + (f"; outside: {outside}" if outside else "")
    ]
    if len(search.objectives) > 1:
        lines.append(f"Front of {', '.join(search.objectives)} (means, without error bars):")
        lines += [f"  {_front_line(observation, search.objectives)}" for observation in pareto(plan, outcomes)]
    return lines


def _front_line(observation: Observation, objectives: tuple[str, ...]) -> str:
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
    search = _coefficient_search(plan)
    facts: dict[str, object] = {
        "sampled": {
            "sampler": search.sampler,
            "objectives": list(search.objectives),
            "max_params": search.max_params,
            "max_memory": search.max_memory,
            "suggestions": len(plan.suggested),
        }
    }
    if len(search.objectives) > 1:
        facts["front"] = [_point_facts(observation) for observation in pareto(plan, outcomes)]
    return facts


def _point_facts(observation: Observation) -> dict[str, object]:
    assert isinstance(observation.point, Suggestion), "stages have words of their own"
    network = observation.judged.network
    point: dict[str, object] = {
        "candidate": str(observation.point.coefficients),
        "resolution": plain_size(network.resolution),
        "accuracy": round(observation.accuracy or 0.0, 5),
        "macs": cost(network).macs,
    }
    return (
        point
        if observation.point.latency is None
        else {**point, "latency_seconds": round(observation.point.latency, 6)}
    )
