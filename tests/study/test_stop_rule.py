"""When a search that adds seeds stops, and that the study is the one that was asked for with so many at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from planted import budget, plan, study
from planted_studies import Rising

from scalesearch.runners.inline import InlineRunner
from scalesearch.search.budget import Budget, with_constant_lr_and_decay
from scalesearch.study.result import analyze
from scalesearch.study.search import search
from scalesearch.study.stop_rule import StopRule
from scalesearch.study.study import Study, add_seed, open_or_create


def searched(folder: Path, spent: Budget, scheduler: str = "grid") -> Study:
    begun = open_or_create(study(folder, plan(spent, scheduler=scheduler)))
    search(begun, InlineRunner(), Rising(), lambda event: None)
    return begun


def test_a_regret_ends_it(tmp_path: Path) -> None:
    done = searched(tmp_path, budget(seeds=2, candidates=4))
    outcomes = done.outcomes()
    result = analyze(done.plan, outcomes)
    assert result is not None
    regret = result.decision.regret
    assert regret > 0
    for share, expected in ((0.99, True), (1.01, False)):
        assert StopRule(until_regret=share * regret).goes_on(done.plan, outcomes, 1e6, 2) is expected
    assert not StopRule().goes_on(done.plan, outcomes, 0.0, 0)


def test_a_noise_that_is_not_known_ends_nothing(tmp_path: Path) -> None:
    done = searched(tmp_path, budget(seeds=1, candidates=4))
    assert StopRule(until_regret=1.0).goes_on(done.plan, done.outcomes(), 1e6, 1)


@pytest.mark.parametrize(
    ("elapsed", "num_seeds", "expected"),
    [(0.0, 0, True), (39.0, 1, True), (41.0, 1, False), (59.0, 3, True), (61.0, 3, False)],
)
def test_a_seed_is_added_if_one_as_long_as_the_others_fits(
    elapsed: float, num_seeds: int, expected: bool, tmp_path: Path
) -> None:
    asked = plan(budget(seeds=1, candidates=4))
    assert StopRule(seconds=80.0).goes_on(asked, {}, elapsed, num_seeds) is expected


def test_both_conditions_must_allow_it(tmp_path: Path) -> None:
    done = searched(tmp_path, budget(seeds=2, candidates=4))
    outcomes = done.outcomes()
    assert StopRule(0.0, 10.0).goes_on(done.plan, outcomes, 4.0, 1)
    assert not StopRule(0.0, 10.0).goes_on(done.plan, outcomes, 6.0, 1)
    assert not StopRule(1.0, 10.0).goes_on(done.plan, outcomes, 4.0, 1)


def test_seeds_that_were_added_are_those_of_a_longer_study(tmp_path: Path) -> None:
    more = add_seed(add_seed(searched(tmp_path / "a", budget(seeds=1, candidates=4))))
    search(more, InlineRunner(), Rising(), lambda event: None)
    once = searched(tmp_path / "b", budget(seeds=3, candidates=4))
    assert more.outcomes().keys() == once.outcomes().keys()
    assert len(list((tmp_path / "a" / "extensions").iterdir())) == 2


def test_by_halving_the_finalists_get_them(tmp_path: Path) -> None:
    short = with_constant_lr_and_decay(budget(seeds=1, finalists=2, final_seeds=2, candidates=6))
    more = add_seed(searched(tmp_path, short, "halving"))
    assert more.plan.config.budget == replace(short, final_seeds=3)
    search(more, InlineRunner(), Rising(), lambda event: None)
    result = analyze(more.plan, more.outcomes())
    assert result is not None
    assert max(arm.seeds for arm in result.ranking.arms) == 3
