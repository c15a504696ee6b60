"""Optuna's samplers over what is recorded: the same points after a kill, nothing trained twice, limits, and use."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from math import log2
from pathlib import Path
from random import Random

import pytest
from networks import staged
from planted import DATA, Planted, budget, log_lines, study

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.errors import CountError
from scalesearch.runners.inline import InlineRunner
from scalesearch.search.kinds.sampler import CoefficientSearch, Suggestion, suggestion
from scalesearch.search.observations import observe, pareto
from scalesearch.search.plan import Plan
from scalesearch.search.sampler_space import RelativeTime, TimingRequest
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.task import Epoch
from scalesearch.search.trial import Outcome
from scalesearch.study.samplers import next_points
from scalesearch.study.search import search, search_in_rounds
from scalesearch.study.study import Study, open_or_create, open_study


def asked(continuum: CoefficientSearch, candidates: int = 6, baseline: str = "tiny", match: str = "flops") -> Plan:
    spent = budget(candidates=candidates)
    return Plan(StudyConfig(load_baseline(baseline), Decimal(1), spent, match=match, kind=continuum), DATA)


def run_whole(begun: Study, objective: Planted) -> Study:
    return search_in_rounds(begun, lambda now: search(now, InlineRunner(), objective, lambda event: None))


def never(timing: TimingRequest, networks: Sequence[Architecture]) -> list[RelativeTime]:
    raise AssertionError("no latency was asked for")


@pytest.mark.parametrize("sampler", ["tpe", pytest.param("gp", marks=pytest.mark.slow), "nsga2"])
def test_a_killed_search_goes_on_with_the_same_points_and_trains_nothing_twice(
    sampler: str, tmp_path: Path
) -> None:
    plan = asked(CoefficientSearch(sampler), 12)
    whole = run_whole(open_or_create(study(tmp_path / "whole", plan)), Planted())
    assert open_study(tmp_path / "whole") == whole
    assert 12 <= len(whole.plan.suggested) < 120
    names = sorted(path.name for path in whole.suggestions_folder.iterdir())
    assert len(names) >= 4
    # Killed within the third round: two of its trials are missing, and all that was suggested later.
    shutil.copytree(tmp_path / "whole", tmp_path / "killed")
    for name in names[3:]:
        (tmp_path / "killed" / "suggestions" / name).unlink()
    kept = {spec.id for spec in open_study(tmp_path / "killed").plan.planned({})}
    lost = sorted(kept)[:2] + sorted(set(whole.records()) - kept)
    for key in lost:
        (tmp_path / "killed" / "trials" / f"{key}.json").unlink()
    log = tmp_path / "log"
    again = run_whole(open_or_create(study(tmp_path / "killed", plan)), Planted(log=str(log)))
    assert again.plan.suggested == whole.plan.suggested
    assert sorted(trial for what, trial, *_ in log_lines(log) if what == "start") == sorted(lost)


def test_two_suggestions_of_one_network_are_one_candidate_told_twice(tmp_path: Path) -> None:
    done = run_whole(open_or_create(study(tmp_path, asked(CoefficientSearch("tpe"), 20))), Planted())
    found = observe(done.plan, done.outcomes())
    within = [one for one in found if not one.judged.violated]
    keys = [one.key for one in within]
    assert len(keys) == 20 > len(set(keys))
    assert len(done.records()) == len(set(keys)) + 1
    assert len({(one.key, one.accuracy) for one in within}) == len(set(keys))
    assert all(one.accuracy is None for one in found if one.judged.violated)


def test_limits_keep_networks_from_being_trained(tmp_path: Path) -> None:
    base = load_baseline("tiny").architecture
    most, memory = int(cost(base).params * 1.6), int(cost(base).memory_bytes(16) * 1.75)
    limited = asked(CoefficientSearch("tpe", ("accuracy",), most, memory), 8)
    done = run_whole(open_or_create(study(tmp_path, limited)), Planted())
    broken = {name for one in observe(done.plan, done.outcomes()) for name in one.judged.violated}
    assert broken >= {"max-params", "max-memory"}
    trained = {record.spec.network_id for record in done.records().values()}
    for one in observe(done.plan, done.outcomes()):
        price = cost(one.judged.network)
        inside = price.params <= most and price.memory_bytes(16) <= memory
        assert inside == (not set(one.judged.violated) & {"max-params", "max-memory"})
        assert (one.key in trained) == (not one.judged.violated)


def test_a_network_without_a_result_does_not_stop_the_search(tmp_path: Path) -> None:
    done = run_whole(open_or_create(study(tmp_path, asked(CoefficientSearch("tpe")))), Planted(diverges=(0,)))
    assert done.plan.is_complete(done.outcomes())
    assert all(one.values(("accuracy",)) is None for one in observe(done.plan, done.outcomes()))


def test_the_front_is_what_no_other_network_beats(tmp_path: Path) -> None:
    several = asked(CoefficientSearch("nsga2", ("accuracy", "macs")), 10, match="none")
    done = run_whole(open_or_create(study(tmp_path, several)), Planted())
    found = [one for one in observe(done.plan, done.outcomes()) if one.accuracy is not None]
    kept = {one.key for one in pareto(done.plan, done.outcomes())}
    assert 1 <= len(kept) < len({one.key for one in found})
    for one in found:
        beaten = any(
            (other.accuracy or 0) >= (one.accuracy or 0)
            and cost(other.judged.network).macs <= cost(one.judged.network).macs
            and other.key != one.key
            for other in found
        )
        assert (one.key in kept) == (not beaten)


def test_latency_is_measured_once_a_network_and_kept() -> None:
    plan = asked(CoefficientSearch("tpe", ("accuracy", "latency")))
    seen: list[Architecture] = []

    def measure(timing: TimingRequest, networks: Sequence[Architecture]) -> list[RelativeTime]:
        assert (timing.what, timing.baseline) == ("latency", load_baseline("tiny").architecture)
        seen.extend(networks)
        return [RelativeTime(cost(one).macs * 1e-9, 1.0) for one in networks]

    first = next_points(plan, {}, measure)
    grown = replace(plan, suggested=first)
    outcomes = {spec.id: outcome(0.5) for spec in grown.pending({})}
    second = next_points(grown, outcomes, measure)
    assert len(seen) == len(set(seen))
    space = plan.config.space
    assert space is not None
    points = (*first, *second)
    for point, judged in zip(points, space.check_constraints(points), strict=True):
        assert point.latency == (None if judged.violated else cost(judged.network).macs * 1e-9)


def test_nsga2_breeds_from_what_it_was_told() -> None:
    """Children of two parents: a value that no parent has is a rare mutation. Chance alone would draw new ones."""
    plan = asked(CoefficientSearch("nsga2", ("accuracy", "macs")), 12, match="none")
    outcomes: dict[str, Outcome] = {}
    while not plan.is_complete(outcomes):
        left = plan.pending(outcomes)
        outcomes.update({spec.id: outcome(cost(spec.network).macs * 1e-8) for spec in left})
        if not left:
            plan = replace(plan, suggested=(*plan.suggested, *next_points(plan, outcomes, never)))
    alphas = [one.alpha for one in plan.suggested if isinstance(one, Suggestion)]
    assert len(set(alphas)) < len(alphas)


def test_a_file_of_suggestions_that_is_missing_or_torn_is_found(tmp_path: Path) -> None:
    done = run_whole(open_or_create(study(tmp_path, asked(CoefficientSearch("tpe")))), Planted())
    first, second, *_ = sorted(done.suggestions_folder.iterdir())
    text = first.read_text()
    first.unlink()
    with pytest.raises(CountError, match=rf"{second.name}: 0 proposals give before it"):
        open_study(tmp_path)
    first.write_text(text[:-9])
    with pytest.raises(CountError, match=rf"{first.name}: is not what was written"):
        open_study(tmp_path)


def outcome(accuracy: float) -> Outcome:
    return Outcome("complete", (Epoch(1, 512, 1.0, 1.0, accuracy, 1.0),), 1.0, 1.0)


def hill(network: object, top: tuple[float, float]) -> float:
    """Accuracy that is .9 where log depth and log width have the shares `top`, and falls off as a square."""
    own, base = staged(network), load_baseline("mobilenet_v2").architecture  # type: ignore[arg-type]
    depth = log2(sum(own.depths) / sum(base.depths))
    width = 2 * log2(sum(own.widths) / sum(base.widths))
    return 0.9 - 0.3 * ((depth - top[0]) ** 2 + (width - top[1]) ** 2)


def regret_of_tpe(top: tuple[float, float], best: float) -> float:
    plan = asked(CoefficientSearch("tpe"), 20, "mobilenet_v2", "none")
    outcomes: dict[str, Outcome] = {}
    while not plan.is_complete(outcomes):
        left = plan.pending(outcomes)
        outcomes.update({spec.id: outcome(hill(spec.network, top)) for spec in left})
        if not left:
            plan = replace(plan, suggested=(*plan.suggested, *next_points(plan, outcomes, never)))
    return best - max(hill(one.architecture, top) for one in plan.trained)


def regret_of_chance(top: tuple[float, float], best: float, draw: Random) -> float:
    space = asked(CoefficientSearch("tpe"), 20, "mobilenet_v2", "none").config.space
    assert space is not None
    points = [suggestion(2 ** draw.random(), draw.random()) for _ in range(20)]
    return best - max(hill(one.network, top) for one in space.check_constraints(points))


@pytest.mark.slow
def test_tpe_comes_nearer_to_a_planted_optimum_than_chance_does() -> None:
    draw = Random(2019)
    tpe, chance = [], []
    for _ in range(24):
        depth = draw.uniform(0, 1)
        top = (depth, draw.uniform(0, 1 - depth))
        tpe.append(regret_of_tpe(top, 0.9))
        chance.append(sum(regret_of_chance(top, 0.9, draw) for _ in range(4)) / 4)
    wins = sum(own < other for own, other in zip(tpe, chance, strict=True))
    print(sum(tpe) / 24, sum(chance) / 24, wins)
    assert sum(tpe) < 0.7 * sum(chance)
    assert wins >= 17  # of 24; by chance with probability .03
