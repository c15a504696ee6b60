"""Searches of stages over planted objectives: rounds, halving, kills, rewards, times, the front and the files."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import log
from pathlib import Path
from typing import Any

import pytest
import yaml
from planted import DATA, Planted, budget, log_lines, study

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.errors import SpaceError
from scalesearch.report.files import write_report
from scalesearch.runners.inline import InlineRunner
from scalesearch.search.budget import with_constant_lr_and_decay
from scalesearch.search.kinds.stages import STAGE_SAMPLERS, StageSearch
from scalesearch.search.observations import observe
from scalesearch.search.plan import Plan
from scalesearch.search.rewards import Reward
from scalesearch.search.sampler_space import RelativeTime, TimingRequest
from scalesearch.search.stage_space_file import load_stage_space
from scalesearch.search.study_config import StudyConfig, enumerate_candidates, select_candidates
from scalesearch.search.task import Epoch
from scalesearch.search.trial import TrialSpec
from scalesearch.study import timers
from scalesearch.study.result import analyze
from scalesearch.study.result_files import write_result_files
from scalesearch.study.samplers import next_points
from scalesearch.study.search import search, search_in_rounds
from scalesearch.study.study import Study, open_or_create, open_study
from scalesearch.study.summary import summary_lines

BASE = load_baseline("tiny")


def asked(sampler: str = "evolution", candidates: int = 10, scheduler: str = "halving", **changes: Any) -> Plan:
    stages = replace(StageSearch(load_stage_space("mnasnet"), sampler, Reward()), **changes)
    spent = budget(candidates=candidates, finalists=2, final_seeds=3)
    spent = with_constant_lr_and_decay(spent) if scheduler == "halving" else spent
    config = StudyConfig(BASE, Decimal(1), spent, match="none", scheduler=scheduler, kind=stages)
    return Plan(config, replace(DATA, train=640))


def run_whole(begun: Study, objective: Planted) -> Study:
    return search_in_rounds(begun, lambda now: search(now, InlineRunner(), objective, lambda event: None))


@dataclass(frozen=True)
class Dear(Planted):
    """Accuracy that multiply-adds buy, beside layers."""

    def _epoch(self, spec: TrialSpec, index: int) -> Epoch:
        found = super()._epoch(spec, index)
        bought = 0.05 * log(cost(spec.network).macs / cost(BASE.architecture).macs)
        return replace(found, val_accuracy=found.val_accuracy + bought)


@pytest.mark.parametrize(
    "sampler", [pytest.param(one, marks=[] if one == "evolution" else pytest.mark.slow) for one in STAGE_SAMPLERS]
)
def test_a_killed_search_goes_on_with_the_same_networks_and_trains_nothing_twice(
    sampler: str, tmp_path: Path
) -> None:
    plan = asked(sampler)
    whole = run_whole(open_or_create(study(tmp_path / "whole", plan)), Planted())
    assert open_study(tmp_path / "whole") == whole
    assert len(whole.plan.trained) == 10
    names = sorted(path.name for path in whole.suggestions_folder.iterdir())
    assert len(names) == 5
    # Killed within the third round, before anything climbed: what came later is gone, and two of its trials.
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


def test_all_are_trained_on_the_first_rung_and_the_better_half_by_reward_climbs(tmp_path: Path) -> None:
    done = run_whole(open_or_create(study(tmp_path, asked(candidates=12))), Planted(per_layer=0.02))
    plan, outcomes = done.plan, done.outcomes()
    assert [rung.num_entering for rung in plan.rungs] == [12, 6, 3]
    first = {arm.key: arm.accuracies[0] for arm in plan.rung_arms(outcomes, 0, 1)}
    second = {arm.key for arm in plan.rung_arms(outcomes, 1, 1)}
    assert len(first) == 12
    assert second == set(sorted(first, key=lambda key: -first[key])[:6])
    by_accuracy = sorted(first, key=lambda key: -first[key] / plan.reward_factor(key))[:6]
    assert second != set(by_accuracy)
    assert len(outcomes) <= plan.total_trials()


def test_while_it_runs_nothing_has_won_and_no_baseline_is_offered(tmp_path: Path) -> None:
    done = run_whole(open_or_create(study(tmp_path, asked(candidates=8))), Planted())
    outcomes = done.outcomes()
    first = {spec.id: outcomes[spec.id] for spec in done.plan.waves(outcomes)[0]}
    begun, over = analyze(done.plan, first), analyze(done.plan, outcomes)
    assert begun is not None
    assert over is not None
    so_far, last = summary_lines(begun, tmp_path), summary_lines(over, tmp_path)
    assert so_far[0].startswith("So far: n")
    assert last[0].startswith("Winner: n")
    assert [line for line in so_far if "baseline.yaml" in line] == []
    assert "baseline.yaml" in last[-1]


def test_the_winner_has_the_best_reward_and_is_a_baseline_again(tmp_path: Path) -> None:
    done = run_whole(open_or_create(study(tmp_path / "found-here", asked("random", 8, "grid"))), Planted())
    found = analyze(done.plan, done.outcomes())
    assert found is not None
    write_result_files(done.folder, found)
    own = yaml.safe_load((done.folder / "winner.yaml").read_text())
    base = cost(BASE.architecture).macs
    macs = {key: one.cost.macs for key, one in done.plan.by_network.items()}
    arms = done.plan.arms(done.outcomes())
    rewards = {arm.key: done.plan.accuracy(arm) * (macs[arm.key] / base) ** -0.07 for arm in arms}
    assert own["reward"] == pytest.approx(max(rewards.values()), abs=1e-5)
    assert own["network"] == done.plan.by_network[max(rewards, key=lambda key: rewards[key])].label
    again = load_baseline(str(done.folder / "baseline.yaml"))
    assert again.name == "found-here"
    assert again.architecture == found.winner.architecture
    assert (again.rounding, again.axes) == (BASE.rounding, BASE.axes)
    assert not (done.folder / "family").exists()
    rows = list(csv.DictReader((done.folder / "trials.csv").open()))
    trained = {row["network"]: row for row in rows if row["role"] == "candidate" and row["seed"] == "0"}
    assert {key: float(row["reward"]) for key, row in trained.items()}.keys() == rewards.keys()
    lines = summary_lines(found, done.folder)
    assert lines[0].startswith(f"Winner: {own['network']} (")
    assert lines[-1].endswith("baseline.yaml")


def test_the_front_is_of_those_trained_the_longest(tmp_path: Path) -> None:
    done = run_whole(open_or_create(study(tmp_path, asked("nsga2", 14, "grid"))), Dear())
    found = analyze(done.plan, done.outcomes())
    assert found is not None
    write_result_files(done.folder, found)
    rows = list(csv.DictReader((done.folder / "front.csv").open()))
    pairs = [(float(row["accuracy"]), int(row["macs"])) for row in rows]
    assert pairs == sorted(pairs, reverse=True)
    every = {
        (round(one.accuracy or 0, 5), cost(one.judged.network).macs) for one in observe(done.plan, done.outcomes())
    }
    for accuracy, macs in every:
        beaten = any(a >= accuracy and m <= macs and (a, m) != (accuracy, macs) for a, m in every)
        assert ((accuracy, macs) in pairs) != beaten
    assert 1 < len(pairs) < 14


def test_the_report_has_the_rewards_and_says_how_sure_they_are(tmp_path: Path) -> None:
    done = run_whole(open_or_create(study(tmp_path / "own", asked("random", 8))), Dear())
    write_report(done)
    text = (done.folder / "report.md").read_text()
    found = analyze(done.plan, done.outcomes())
    assert found is not None
    assert text.startswith("# Which stages should tiny have?\n")
    assert f"{found.winner.label} has the best reward" in text
    assert "10,077,696 points" in text
    assert "αβ²γ²" not in text
    rows = list(csv.DictReader((done.folder / "report.csv").open()))
    assert rows[0]["network"] == found.winner.label
    assert [row["place"] for row in rows] == ["1", "2", *[""] * 6]
    for row, arm in zip(rows, found.ranking.arms, strict=False):
        assert float(row["reward"]) == pytest.approx(arm.mean, abs=1e-5)
        assert float(row["accuracy"]) == pytest.approx(arm.mean / done.plan.reward_factor(arm.key), abs=1e-5)
    assert {row["left_after_images"] for row in rows[2:]} <= {"480", "960"}


def test_what_breaks_a_limit_is_not_trained(tmp_path: Path) -> None:
    most = cost(BASE.architecture).macs
    done = run_whole(open_or_create(study(tmp_path, asked(candidates=6, max_macs=most))), Planted())
    judged = done.plan.config.space.check_constraints(done.plan.suggested)  # type: ignore[union-attr]
    assert any(one.violated for one in judged)
    trained = [record.spec.network for record in done.records().values()]
    assert all(cost(one).macs <= most for one in trained)
    impossible = asked(max_macs=1000).config
    with pytest.raises(SpaceError, match=r"only 0 of 100 points gives a network within the limits; take larger"):
        select_candidates(impossible, enumerate_candidates(impossible))


def test_a_network_without_a_result_does_not_stop_the_search(tmp_path: Path) -> None:
    done = run_whole(open_or_create(study(tmp_path, asked("tpe", 6, "grid"))), Planted(diverges=(0, 1, 2)))
    assert done.plan.is_complete(done.outcomes())
    assert analyze(done.plan, done.outcomes()) is None


@pytest.mark.parametrize("kind", ["latency", "step"])
def test_times_are_measured_once_a_network_kept_and_part_of_the_reward(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Architecture] = []

    def clock(timing: TimingRequest, networks: Sequence[Architecture]) -> list[RelativeTime]:
        assert (timing.what, timing.baseline, timing.batch) == (kind, BASE.architecture, 16)
        seen.extend(networks)
        ratios = [cost(one).activations / cost(BASE.architecture).activations for one in networks]
        return [RelativeTime(0.003 * ratio, ratio) for ratio in ratios]

    monkeypatch.setattr(timers, "measure_times", clock)
    reward = Reward(kind, Decimal("0.0045") if kind == "latency" else None)  # type: ignore[arg-type]
    done = run_whole(open_or_create(study(tmp_path, asked(candidates=6, reward=reward))), Planted())
    assert len(seen) == len(set(seen)) == 6
    assert open_study(tmp_path).plan.suggested == done.plan.suggested
    for key, one in done.plan.by_network.items():
        ratio = one.cost.activations / cost(BASE.architecture).activations
        params = (one.cost.params / cost(BASE.architecture).params) ** -0.05
        expected = (ratio / 1.5) ** -0.07 if kind == "latency" else ratio**-0.07 * params
        assert done.plan.reward_factor(key) == pytest.approx(expected)
    # The baseline's own: its 3 ms are what the networks' times and ratios say.
    assert done.plan.reward_factor(done.plan.base_id) == pytest.approx(1.5**0.07 if kind == "latency" else 1)
    found = analyze(done.plan, done.outcomes())
    assert found is not None
    write_result_files(done.folder, found)
    row = next(csv.DictReader((done.folder / "front.csv").open()))
    assert float(row[f"{kind}_seconds"]) > 0


def test_another_seed_suggests_other_networks() -> None:
    first, again, other = (next_points(asked(seed=seed), {}, timers.measure_times) for seed in (0, 0, 1))
    assert first == again != other
