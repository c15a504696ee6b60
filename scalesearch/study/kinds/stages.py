"""The summary and the files of a search of stages: its Pareto front, and the winner as a baseline for `grid`."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

from scalesearch.design.architecture import Architecture
from scalesearch.design.baseline_file import baseline_text
from scalesearch.design.cost import cost
from scalesearch.design.factory import Network
from scalesearch.design.scaling import Baseline
from scalesearch.search.candidates import Candidate
from scalesearch.search.canonical import digest
from scalesearch.search.kinds.stages import NasSpace
from scalesearch.search.metrics import ACCURACY, metric_words
from scalesearch.search.observations import Observation, pareto
from scalesearch.search.plan import Plan
from scalesearch.search.stage_space import describe_stages, size
from scalesearch.study.decision_text import decision_facts, regret_words
from scalesearch.study.kinds.base import KindResults
from scalesearch.study.provenance_text import provenance_facts, provenance_line
from scalesearch.study.result import StudyResult
from scalesearch.units import si

_SAMPLERS = {"random": "chance", "tpe": "TPE", "evolution": "regularised evolution", "nsga2": "NSGA-II"}
_MAX_FRONT_LINES = 10
"""How many networks of the front a summary lists; front.csv has all."""


class StageResults(KindResults):
    """The network with the best reward, the Pareto front, and the winner as a baseline that `grid` accepts."""

    def summary(self, result: StudyResult, folder: Path) -> list[str]:
        """Return the winner, how certain it is, the front, and the command that scales the winner."""
        return _summary_lines(result, folder)

    def winner(self, result: StudyResult) -> dict[str, object]:
        """Return the content of winner.yaml.

        The network comes first. How certain the choice is and what it is based on follow.
        """
        return _winner_facts(result)

    def files(self, result: StudyResult, name: str) -> dict[str, str]:
        """Return the front as a table, and the winner as a baseline file."""
        return {"front.csv": front_table(result), "baseline.yaml": winner_baseline(result, name)}

    def definition(self, plan: Plan, candidate: Candidate) -> tuple[str, str]:
        """Return a name made of the baseline and the network, and the search as the source."""
        space = stages_of(plan)
        search, name = space.asked, space.baseline.name
        source = f"scalesearch nas: space {search.space.name} over {name}, {search.reward.formula}"
        return f"{name}-{candidate.label}"[-64:], source

    def parameters(self, plan: Plan) -> dict[str, dict[str, float | str]]:
        """Return the choices that make up each network, by the id of the network.

        The baseline has none if it is not a point of the space.
        """
        space, points = stages_of(plan), plan.suggested
        checks = zip(points, space.check_constraints(points), strict=True)  # type: ignore[arg-type]
        return {digest(check.network): space.parameters(point) for point, check in checks}  # type: ignore[arg-type]


def stages_of(plan: Plan) -> NasSpace:
    """Return the space of a search of stages."""
    space = plan.config.space
    assert isinstance(space, NasSpace), "a search of stages"
    return space


def words_of_network(network: Network) -> str:
    """Return the stages of a network in short, on one line."""
    assert isinstance(network, Architecture), "stages are searched on baseline files only"
    return " · ".join(describe_stages(network))


def winner_baseline(result: StudyResult, name: str) -> str:
    """Return the content of baseline.yaml: the winner as a baseline.

    Its rounding and its axes of growth are those of the baseline that was searched.

    Args:
        result: the result of a search of stages.
        name: the name of the study, which becomes the name of the baseline.
    """
    space, network = stages_of(result.plan), result.winner.architecture
    assert isinstance(network, Architecture), "stages are searched on baseline files only"
    search, base = space.asked, space.baseline
    source = f"space {search.space.name} over {base.name}, {search.reward.formula}, {result.plan.data.name}"
    costs = cost(network)
    header = f"# {costs.macs} multiply-adds, {costs.params} parameters, {costs.activations} activations\n"
    return header + baseline_text(Baseline(name, f"scalesearch nas: {source}", network, base.rounding, base.axes))


def front_table(result: StudyResult) -> str:
    """Return the content of front.csv: the Pareto front in the quantities that the reward weighs.

    The most accurate network comes first. Only networks with the longest training are compared, because a network
    that was eliminated on a lower rung saw fewer images.
    """
    labels = {key: candidate.label for key, candidate in result.plan.by_network.items()}
    timing = stages_of(result.plan).timing
    times = [] if timing is None else [f"{timing.what}_seconds", f"{timing.what}_ratio"]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    metric_column = "accuracy" if result.plan.config.metric == ACCURACY else "score"
    writer.writerow(["network", "label", metric_column, "reward", "macs", "params", *times, "stages"])
    for observation in pareto(result.plan, result.outcomes):
        network_cost, accuracy = cost(observation.judged.network), observation.accuracy or 0.0
        time = stages_of(result.plan).time(observation.point)  # type: ignore[arg-type]
        time_cells = [] if time is None else [f"{time.seconds:.6g}", f"{time.ratio:.5f}"]
        figures = [f"{accuracy:.5f}", f"{accuracy * observation.worth:.5f}", network_cost.macs, network_cost.params]
        writer.writerow(
            [
                observation.key,
                labels[observation.key],
                *figures,
                *time_cells,
                words_of_network(observation.judged.network),
            ]
        )
    return stream.getvalue()


def _winner_facts(result: StudyResult) -> dict[str, object]:
    plan, ranking = result.plan, result.ranking
    space, winner_cost, intervals = stages_of(plan), result.winner.cost, result.intervals
    search, network = space.asked, result.winner.architecture
    assert isinstance(network, Architecture), "stages are searched on baseline files only"
    return {
        "network": result.winner.label,
        "stages": list(describe_stages(network)),
        "reward": round(result.place.mean, 5),
        "standard_error": round(result.place.standard_error, 5) if ranking.error_known else None,
        **({} if plan.config.metric == ACCURACY else {"metric": plan.config.metric}),
        "accuracy" if plan.config.metric == ACCURACY else "score": round(
            result.place.mean / plan.reward_factor(result.place.key), 5
        ),
        "baseline_reward": None if result.base.mean is None else round(result.base.mean, 5),
        "macs": winner_cost.macs,
        "params": winner_cost.params,
        "activations": winner_cost.activations,
        "flops_ratio": float(result.winner.flops_ratio),
        "seeds": result.place.seeds,
        "decision": decision_facts(result),
        "significant": ranking.significant,
        "in_words": result.certainty,
        "differences": [
            {
                "candidate": plan.by_network[arm.key].label,
                "behind": round(arm.behind, 5),
                "interval_95": [round(value, 5) for value in intervals[arm.key]] if ranking.error_known else None,
            }
            for arm in ranking.arms
        ],
        "tied": [plan.by_network[key].label for key in ranking.tied],
        "best_mean": plan.by_network[ranking.arms[0].key].label,
        "front": [plan.by_network[observation.key].label for observation in pareto(plan, result.outcomes)],
        "sampled": {
            "space": search.space.name,
            "points": size(search.space, space.baseline),
            "sampler": search.sampler,
            "seed": search.seed,
            "reward": search.reward.formula,
            "target": None if search.reward.target is None else float(search.reward.target),
            "max_flops": search.max_macs,
            "max_params": search.max_params,
            "max_memory": search.max_memory,
            "suggestions": len(plan.suggested),
        },
        "rests_on": {key: value for key, value in provenance_facts(result).items() if key not in _SCALING_KEYS},
    }


_SCALING_KEYS = ("phi", "rounding", "match")
"""Entries about scaling, which a search of stages does not configure."""


def _summary_lines(result: StudyResult, folder: Path) -> list[str]:
    plan, rank, winner = result.plan, result.place, result.winner
    space, base = stages_of(plan), plan.config.baseline.name
    accuracy = rank.mean / plan.reward_factor(rank.key)
    reward, base_reward = space.asked.reward, result.base.mean
    title = "Winner" if result.is_complete else "So far"
    metric = metric_words(plan.config.metric)
    measured = f"{result.measured(rank)}, {metric} {accuracy:.4f}"
    if base_reward is not None:
        measured += f"; {base} {base_reward:.4f}, {metric} {plan.accuracy(result.base):.4f}"
    return [
        (
            f"{title}: {winner.label} ({float(winner.flops_ratio):.3f}x {base}): "
            f"{words_of_network(winner.architecture)}"
        ),
        f"By reward: {regret_words(result)}",
        f"Reward: {reward.formula} = {measured}; {result.certainty}",
        provenance_line(result),
        f"Searched: {search_words(plan)}",
        *_front_lines(result),
        *([_baseline_line(folder / "baseline.yaml")] if result.is_complete else []),
    ]


def _baseline_line(path: Path) -> str:
    return f"Baseline: {path}; scale it: scalesearch grid --baseline {path}"


def search_words(plan: Plan) -> str:
    """Return how the networks were proposed: the space, the sampler, and how many were within the limits."""
    space = stages_of(plan)
    violations = Counter(name for check in space.check_constraints(plan.suggested) for name in check.violated)  # type: ignore[arg-type]
    outside = "".join(f"; outside: {name} {count}" for name, count in violations.items())
    points = f"{size(space.asked.space, space.baseline):,} points"
    return (
        f"space {space.asked.space.name} over {space.baseline.name} ({points}) by "
        f"{_SAMPLERS[space.sampler]}; {len(plan.suggested)} proposals give {len(plan.trained)} networks{outside}"
    )


def _front_lines(result: StudyResult) -> list[str]:
    front = pareto(result.plan, result.outcomes)
    objectives = stages_of(result.plan).asked.reward.objectives
    labels = {key: candidate.label for key, candidate in result.plan.by_network.items()}
    more = [] if len(front) <= _MAX_FRONT_LINES else [f"  and {len(front) - _MAX_FRONT_LINES} more"]
    header = f"Front of {', '.join(objectives)} among those trained the longest (means, without error bars):"
    return [
        header,
        *(
            f"  {labels[observation.key]:<5}{_front_line(observation, objectives)}"
            for observation in front[:_MAX_FRONT_LINES]
        ),
        *more,
    ]


def _front_line(observation: Observation, objectives: tuple[str, ...]) -> str:
    network_cost = cost(observation.judged.network)
    values = {"accuracy": f"{observation.accuracy:.4f}", "macs": f"{si(network_cost.macs)} MACs"}
    values["params"] = f"{si(network_cost.params)} parameters"
    if observation.point.latency is not None:
        values["latency"] = f"{observation.point.latency * 1e3:.3g} ms"
        values["step"] = f"{observation.point.latency * 1e3:.3g} ms a step"
    return "  ".join(values[name] for name in objectives)
