"""What a search of stages came to: its words, its front, and the winner as a baseline that `grid` takes."""

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
from scalesearch.search.stage_space import size, stage_words
from scalesearch.study.decision_words import decision_facts, regret_words
from scalesearch.study.kinds.base import KindResults
from scalesearch.study.provenance_words import provenance_facts, provenance_line
from scalesearch.study.result import StudyResult
from scalesearch.units import si

_SAMPLERS = {"random": "chance", "tpe": "TPE", "evolution": "regularised evolution", "nsga2": "NSGA-II"}
_SHOWN = 10
"""Networks of the front that a summary lists; front.csv has all."""


class StageResults(KindResults):
    """The network with the best reward, the front, and the winner as a baseline that `grid` takes."""

    def summary(self, result: StudyResult, folder: Path) -> list[str]:
        """The winner, how sure it is, the front, and where to go on."""
        return _summary(result, folder)

    def winner(self, result: StudyResult) -> dict[str, object]:
        """The network first, then how sure it is and what it is based on."""
        return _winner(result)

    def files(self, result: StudyResult, name: str) -> dict[str, str]:
        """The front as a table, and the winner as a baseline file."""
        return {"front.csv": front_table(result), "baseline.yaml": found_baseline(result, name)}

    def definition(self, plan: Plan, candidate: Candidate) -> tuple[str, str]:
        """Named by the baseline and the network."""
        space = stages_of(plan)
        asked, name = space.asked, space.baseline.name
        source = f"scalesearch nas: space {asked.space.name} over {name}, {asked.reward.words}"
        return f"{name}-{candidate.label}"[-64:], source

    def parameters(self, plan: Plan) -> dict[str, dict[str, float | str]]:
        """The words that mean each network; none for the baseline where it is no point of the space."""
        space, points = stages_of(plan), plan.suggested
        judged = zip(points, space.judge(points), strict=True)  # type: ignore[arg-type]
        return {digest(one.network): space.parameters(point) for point, one in judged}  # type: ignore[arg-type]


def stages_of(plan: Plan) -> NasSpace:
    """The space of a search of stages."""
    space = plan.config.space
    assert isinstance(space, NasSpace), "a search of stages"
    return space


def words_of_network(network: Network) -> str:
    """Its stages in short, in one line."""
    assert isinstance(network, Architecture), "stages are searched on baseline files only"
    return " · ".join(stage_words(network))


def found_baseline(result: StudyResult, name: str) -> str:
    """baseline.yaml: the winner as a baseline, rounded and grown as the file that it came from says.

    Args:
        result: a search of stages.
        name: of the study, which becomes the baseline's.
    """
    space, network = stages_of(result.plan), result.winner.architecture
    assert isinstance(network, Architecture), "stages are searched on baseline files only"
    asked, base = space.asked, space.baseline
    words = f"space {asked.space.name} over {base.name}, {asked.reward.words}, {result.plan.data.name}"
    price = cost(network)
    head = f"# {price.macs} multiply-adds, {price.params} parameters, {price.activations} activations\n"
    return head + baseline_text(Baseline(name, f"scalesearch nas: {words}", network, base.rounding, base.axes))


def front_table(result: StudyResult) -> str:
    """front.csv: the networks that no other beats in all that the reward weighs, most accurate first.

    Of those that were trained the longest alone: what was left on a lower rung saw fewer images.
    """
    names = {key: one.label for key, one in result.plan.by_network.items()}
    timed = stages_of(result.plan).timing
    times = [] if timed is None else [f"{timed.what}_seconds", f"{timed.what}_ratio"]
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    value = "accuracy" if result.plan.config.metric == ACCURACY else "score"
    rows.writerow(["network", "label", value, "reward", "macs", "params", *times, "stages"])
    for one in pareto(result.plan, result.outcomes):
        price, reached = cost(one.judged.network), one.accuracy or 0.0
        time = stages_of(result.plan).time(one.point)  # type: ignore[arg-type]
        own = [] if time is None else [f"{time.seconds:.6g}", f"{time.ratio:.5f}"]
        figures = [f"{reached:.5f}", f"{reached * one.worth:.5f}", price.macs, price.params]
        rows.writerow([one.key, names[one.key], *figures, *own, words_of_network(one.judged.network)])
    return text.getvalue()


def _winner(result: StudyResult) -> dict[str, object]:
    plan, ranking = result.plan, result.ranking
    space, price, away = stages_of(plan), result.winner.cost, result.intervals
    asked, network = space.asked, result.winner.architecture
    assert isinstance(network, Architecture), "stages are searched on baseline files only"
    return {
        "network": result.winner.label,
        "stages": list(stage_words(network)),
        "reward": round(result.place.mean, 5),
        "standard_error": round(result.place.standard_error, 5) if ranking.error_known else None,
        **({} if plan.config.metric == ACCURACY else {"metric": plan.config.metric}),
        "accuracy" if plan.config.metric == ACCURACY else "score": round(
            result.place.mean / plan.reward_factor(result.place.key), 5
        ),
        "baseline_reward": None if result.base.mean is None else round(result.base.mean, 5),
        "macs": price.macs,
        "params": price.params,
        "activations": price.activations,
        "flops_ratio": float(result.winner.flops_ratio),
        "seeds": result.place.seeds,
        "decision": decision_facts(result),
        "significant": ranking.significant,
        "in_words": result.certainty,
        "differences": [
            {
                "candidate": plan.by_network[arm.key].label,
                "behind": round(arm.behind, 5),
                "interval_95": [round(value, 5) for value in away[arm.key]] if ranking.error_known else None,
            }
            for arm in ranking.arms
        ],
        "tied": [plan.by_network[key].label for key in ranking.tied],
        "best_mean": plan.by_network[ranking.arms[0].key].label,
        "front": [plan.by_network[one.key].label for one in pareto(plan, result.outcomes)],
        "sampled": {
            "space": asked.space.name,
            "points": size(asked.space, space.baseline),
            "sampler": asked.sampler,
            "seed": asked.seed,
            "reward": asked.reward.words,
            "target": None if asked.reward.target is None else float(asked.reward.target),
            "max_flops": asked.max_macs,
            "max_params": asked.max_params,
            "max_memory": asked.max_memory,
            "suggestions": len(plan.suggested),
        },
        "rests_on": {key: value for key, value in provenance_facts(result).items() if key not in _SCALING},
    }


_SCALING = ("phi", "rounding", "match")
"""What nothing is asked about where nothing is scaled."""


def _summary(result: StudyResult, folder: Path) -> list[str]:
    plan, place, own = result.plan, result.place, result.winner
    space, base = stages_of(plan), plan.config.baseline.name
    ties, others = len(result.ranking.tied) - 1, len(result.ranking.arms) - 1
    accuracy = place.mean / plan.reward_factor(place.key)
    reward, unsearched = space.asked.reward, result.base.mean
    head = "Winner" if result.over else "So far"
    word = metric_words(plan.config.metric)
    measured = f"{result.measured(place)}, {word} {accuracy:.4f}"
    if unsearched is not None:
        measured += f"; {base} itself {unsearched:.4f}, {word} {plan.accuracy(result.base):.4f}"
    return [
        f"{head}: {own.label} ({float(own.flops_ratio):.3f}x {base}): {words_of_network(own.architecture)}",
        f"By reward {regret_words(result)}",
        f"Reward: {reward.words} = {measured}; {ties} of {others} others tie with the best; {result.certainty}",
        provenance_line(result),
        f"Searched: {found_words(plan)}",
        *_front_lines(result),
        *([_baseline_line(folder / "baseline.yaml")] if result.over else []),
    ]


def _baseline_line(path: Path) -> str:
    return f"Baseline: {path}; scale it: scalesearch grid --baseline {path}"


def found_words(plan: Plan) -> str:
    """How the networks were found."""
    space = stages_of(plan)
    broken = Counter(name for one in space.judge(plan.suggested) for name in one.broken)  # type: ignore[arg-type]
    outside = "".join(f"; outside: {name} {count}" for name, count in broken.items())
    points = f"{size(space.asked.space, space.baseline):,} points"
    return (
        f"space {space.asked.space.name} over {space.baseline.name} ({points}) by "
        f"{_SAMPLERS[space.sampler]}; {len(plan.suggested)} suggestions are {len(plan.trained)} networks{outside}"
    )


def _front_lines(result: StudyResult) -> list[str]:
    kept = pareto(result.plan, result.outcomes)
    objectives = stages_of(result.plan).asked.reward.objectives
    names = {key: one.label for key, one in result.plan.by_network.items()}
    more = [] if len(kept) <= _SHOWN else [f"  and {len(kept) - _SHOWN} more"]
    head = f"Front of {', '.join(objectives)} among those trained the longest (means, without error bars):"
    return [head, *(f"  {names[one.key]:<5}{_words(one, objectives)}" for one in kept[:_SHOWN]), *more]


def _words(observation: Observation, objectives: tuple[str, ...]) -> str:
    price = cost(observation.judged.network)
    values = {"accuracy": f"{observation.accuracy:.4f}", "macs": f"{si(price.macs)} MACs"}
    values["params"] = f"{si(price.params)} parameters"
    if observation.point.latency is not None:
        values["latency"] = f"{observation.point.latency * 1e3:.3g} ms"
        values["step"] = f"{observation.point.latency * 1e3:.3g} ms a step"
    return "  ".join(values[name] for name in objectives)
