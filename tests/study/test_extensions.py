"""More seeds for a study that exists: every record stays, and nothing of the first request is written over."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from planted import Planted, budget, plan, study

from scalesearch.errors import CountError, InputError
from scalesearch.runners.inline import InlineRunner
from scalesearch.search.budget import Budget, with_constant_lr_and_decay
from scalesearch.study.optuna_storage import identity
from scalesearch.study.result import analyze
from scalesearch.study.result_files import write_result_files
from scalesearch.study.search import search
from scalesearch.study.study import Study, open_or_create, open_study
from scalesearch.study.verification import disagreements


def searched(folder: Path, spent: Budget, scheduler: str = "grid", command: str = "scalesearch grid") -> Study:
    asked = replace(study(folder, plan(spent, scheduler=scheduler)), command=command)
    begun = open_or_create(asked)
    search(begun, InlineRunner(), Planted(), lambda event: None)
    found = analyze(begun.plan, begun.outcomes())
    assert found is not None
    write_result_files(begun.folder, found)
    return begun


def curves(begun: Study) -> dict[str, list[float]]:
    return {key: [epoch.val_accuracy for epoch in one.epochs] for key, one in begun.outcomes().items()}


def test_a_study_with_more_seeds_is_the_one_that_was_asked_so_at_once(tmp_path: Path) -> None:
    first = searched(tmp_path / "a", budget(seeds=1), command="scalesearch grid --seeds 1")
    written = (first.folder / "study.json").read_bytes()
    known = curves(first)
    longer = searched(tmp_path / "a", budget(seeds=3), command="scalesearch grid --seeds 3")
    assert (first.folder / "study.json").read_bytes() == written
    assert len(longer.outcomes()) == 3 * len(known)
    assert {key: curves(longer)[key] for key in known} == known
    once = searched(tmp_path / "b", budget(seeds=3))
    assert curves(once) == curves(longer)
    assert (once.folder / "winner.yaml").read_bytes() == (longer.folder / "winner.yaml").read_bytes()
    assert list(disagreements(longer)) == []
    (request,) = (longer.folder / "extensions").glob("*.json")
    asked = json.loads(request.read_text())
    assert (asked["seeds"], asked["final_seeds"], asked["command"]) == (3, 0, "scalesearch grid --seeds 3")
    assert identity(longer) == identity(first) != identity(once)


def test_by_halving_finalists_get_the_further_seeds(tmp_path: Path) -> None:
    short = with_constant_lr_and_decay(budget(seeds=1, finalists=2, final_seeds=2, candidates=6))
    first = searched(tmp_path / "a", short, "halving")
    before = curves(first)
    longer = searched(tmp_path / "a", replace(short, final_seeds=4), "halving")
    assert before.items() <= curves(longer).items()
    ranking = longer.plan.ranking(longer.outcomes())
    assert ranking is not None
    assert max(arm.seeds for arm in ranking.arms) == 4


def test_the_shorter_request_finds_the_longer_study(tmp_path: Path) -> None:
    searched(tmp_path / "a", budget(seeds=2))
    third = searched(tmp_path / "a", budget(seeds=3))
    again = open_or_create(study(tmp_path / "a", plan(budget(seeds=1))))
    assert again.plan.config.budget.seeds == 3
    assert again.plan.is_complete(again.outcomes())
    assert len([*(tmp_path / "a" / "extensions").iterdir()]) == 1
    fifth = open_or_create(study(tmp_path / "a", plan(budget(seeds=5))))
    assert fifth.plan.config.budget.seeds == 5
    assert fifth.first_plan.config.budget.seeds == 2
    assert third.outcomes().keys() <= {spec.id for spec in fifth.plan.planned({})}


def test_another_question_is_still_refused(tmp_path: Path) -> None:
    searched(tmp_path / "a", budget(seeds=1))
    for other in (budget(seeds=2, width_divisor=1), budget(seeds=2, candidates=3)):
        with pytest.raises(InputError, match="another configuration"):
            open_or_create(study(tmp_path / "a", plan(other)))
    assert not (tmp_path / "a" / "extensions").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"seeds": "3"}', '{"seeds": 3, "final_seeds": 0, "time": "t"}'])
def test_a_request_that_is_none_is_named(text: str, tmp_path: Path) -> None:
    searched(tmp_path / "a", budget(seeds=1))
    searched(tmp_path / "a", budget(seeds=2))
    (request,) = (tmp_path / "a" / "extensions").glob("*.json")
    request.write_text(text)
    with pytest.raises(CountError, match=r"0001\.json: is no request for more seeds"):
        open_study(tmp_path / "a")


def test_a_request_for_too_many_is_named(tmp_path: Path) -> None:
    searched(tmp_path / "a", budget(seeds=1))
    searched(tmp_path / "a", budget(seeds=2))
    (request,) = (tmp_path / "a" / "extensions").glob("*.json")
    request.write_text(json.dumps({**json.loads(request.read_text()), "seeds": 10**6}))
    with pytest.raises(CountError, match="extensions: seeds is 1000000, but it must be"):
        open_study(tmp_path / "a")
