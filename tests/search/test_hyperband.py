"""Hyperband, the example of CONTRIBUTING: a scheduler is one module and its registration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from halved import BUDGET, DATA, planted, run_all
from hyperband import Hyperband
from networks import SMALL
from planted import study
from planted_studies import Rising
from typer.testing import CliRunner

from scalesearch.cli.main import app
from scalesearch.runners.inline import InlineRunner
from scalesearch.search.plan import Plan
from scalesearch.search.schedulers import SCHEDULERS
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.trial import TrialSpec
from scalesearch.study.search import search
from scalesearch.study.study import open_or_create, open_study


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCHEDULERS, "hyperband", Hyperband)


def plan_of(candidates: int = 20) -> Plan:
    asked = replace(BUDGET, candidates=candidates, finalists=0)
    return Plan(StudyConfig(SMALL, Decimal(1), asked, scheduler="hyperband"), DATA)


def candidates_of(plan: Plan, wave: tuple[TrialSpec, ...]) -> list[TrialSpec]:
    return [spec for spec in wave if spec.network_id in plan.by_network and spec.seed == 0]


def test_brackets_have_the_shares_of_algorithm_1() -> None:
    """η = 2, s_max = 2: n = 3/3·4, 3/2·2, 3/1·1 = 4, 3, 3 configurations on first rungs of R/4, R/2, R."""
    found = Hyperband.of(replace(BUDGET, rungs=3), 520, [f"{i:02}" for i in range(20)])
    assert [len(one) for one in found.brackets] == [8, 6, 6]
    assert sorted(key for one in found.brackets for key in one) == [f"{i:02}" for i in range(20)]
    # Each bracket halves: 8, 4, 2; 6, 3; 6.
    assert [rung.num_entering for rung in found.rungs] == [8, 4 + 6, 2 + 3 + 6]


def test_the_better_half_of_each_bracket_is_promoted() -> None:
    plan = plan_of()
    scheduler = plan.scheduler
    assert isinstance(scheduler, Hyperband)
    outcomes = run_all(plan)
    first, second, third = (candidates_of(plan, wave) for wave in plan.waves(outcomes))
    assert [len(one) for one in scheduler.brackets] == [7, 6, 6]  # the grid has 19 networks
    assert [len(first), len(second), len(third)] == [7, 4 + 6, 2 + 3 + 6]
    for bracket, later in ((first, second), (first, third)):
        own = set(scheduler.brackets[0])
        stayed = {spec.network_id for spec in later} & own
        ranked = sorted((s for s in bracket if s.network_id in own), key=lambda spec: -planted(spec))
        assert stayed == {spec.network_id for spec in ranked[: len(stayed)]}
    # Who begins on a rung is trained from the start, who is promoted goes on where the rate began to fall.
    began = {spec.network_id: spec.since for spec in second}
    assert {began[key] for key in scheduler.brackets[1]} == {0}
    assert {since for key, since in began.items() if key in scheduler.brackets[0]} == {plan.rungs[0].decay_start}


def test_counts_are_those_of_the_trials() -> None:
    plan = plan_of()
    outcomes = run_all(plan)
    assert len(outcomes) == plan.total_trials() == plan.total_trials(outcomes)
    assert sum(map(plan.proxies.images, plan.planned(outcomes))) == plan.total_images()
    assert all(map(plan.contains, plan.planned(outcomes)))
    assert len(plan.arms(outcomes)) == 11


def test_a_resumed_search_is_the_same_search() -> None:
    plan, random = plan_of(9), Random(1)
    every = run_all(plan)
    for _ in range(5):
        recorded = {key: every[key] for key in random.sample(sorted(every), random.randint(0, len(every)))}
        while left := plan_of(9).pending(recorded):
            recorded.update({spec.id: every[spec.id] for spec in left})
        assert recorded == every


def test_a_whole_study_on_disk_with_its_answer(tmp_path: Path) -> None:
    begun = open_or_create(study(tmp_path / "bands", replace(plan_of(12), data=DATA)))
    search(begun, InlineRunner(), Rising(), lambda event: None)
    again = open_study(begun.folder)
    assert again.plan == begun.plan
    assert again.plan.is_complete(again.outcomes())
    shown = CliRunner().invoke(app, ["show", str(begun.folder)])
    assert shown.exit_code == 0, shown.output
    assert "Eliminated after 512 images" in shown.output


@dataclass(frozen=True, slots=True)
class Elsewhere(Hyperband):
    """Its trials begin on the first rung, whatever `advance` says."""

    def start_rung(self, network: str, seed: int, rung: int) -> int:
        return 0


def test_a_trial_that_would_never_be_ranked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCHEDULERS, "hyperband", Elsewhere)
    with pytest.raises(AssertionError, match=r"begins elsewhere than the scheduler's start_rung says"):
        run_all(plan_of())


def test_the_unscaled_network_has_all_seeds_on_every_rung() -> None:
    plan = plan_of()
    outcomes = run_all(plan)
    assert [len(plan.baseline_on(outcomes, rung).accuracies) for rung in range(3)] == [3, 3, 3]
