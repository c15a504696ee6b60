"""The kinds of study: each has its words and its report, and is read as it was written."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from scalesearch.design.baselines import load_baseline
from scalesearch.errors import SpaceError
from scalesearch.report.kinds import REPORTS
from scalesearch.search.budget import BUDGETS
from scalesearch.search.kinds import (
    KINDS,
    CoefficientSearch,
    GridSearch,
    RuleComparison,
    StageSearch,
    StudyKind,
    kind_from_json,
)
from scalesearch.search.kinds.rules import NAMED
from scalesearch.search.rewards import Reward
from scalesearch.search.stage_space_file import load_stage_space
from scalesearch.search.study_config import StudyConfig, enumerate_candidates, select_candidates
from scalesearch.study.kinds import RESULTS
from scalesearch.study.optuna_storage import identity
from scalesearch.study.study import open_study

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
EARLIER = Path(__file__).parents[1] / "fixtures" / "studies"
EACH: tuple[StudyKind, ...] = (
    GridSearch(),
    RuleComparison(NAMED[2:]),
    CoefficientSearch("tpe", ("accuracy", "latency"), max_params=10**6),
    StageSearch(load_stage_space("mnasnet"), "evolution", Reward(target=Decimal(500)), seed=3),
)
one_each = pytest.mark.parametrize("kind", EACH, ids=lambda kind: type(kind).__name__)


def test_every_kind_has_its_words_and_its_report() -> None:
    kinds = {GridSearch, *KINDS}
    assert kinds == set(RESULTS) == set(REPORTS) == {type(kind) for kind in EACH}


@one_each
def test_a_kind_is_read_as_it_was_written(kind: StudyKind) -> None:
    written = kind.to_json()
    assert kind_from_json({"phi": "1", **written}) == kind
    assert set(written) == ({kind.key} if kind.key else set())


def test_a_study_is_of_one_kind() -> None:
    both = {**EACH[1].to_json(), **EACH[3].to_json()}
    with pytest.raises(SpaceError, match="rivals and stages are two kinds of study"):
        kind_from_json(both)


@one_each
def test_a_summary_begins_with_the_kind(kind: StudyKind) -> None:
    match = "flops" if kind.scales else "none"
    config = StudyConfig(load_baseline("tiny"), Decimal(1), BUDGETS["smoke"], match=match, kind=kind)
    assert next(iter(kind.summary(config))) == "kind"
    assert len(select_candidates(config, enumerate_candidates(config))) >= 2


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (
            GridSearch(),
            "only 0 of 1 grid points gives a network of the wanted cost; take a smaller --step, a larger ",
        ),
        (RuleComparison(NAMED[:1]), "0 of 1 rules gives a network of the wanted cost; take a larger baseline"),
        (CoefficientSearch("tpe", max_params=1), "points gives a network within the limits; take larger limits, "),
        (
            StageSearch(load_stage_space("mnasnet"), "random", Reward(), max_params=1),
            "points gives a network within the limits; take larger limits or another --space",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_too_few_candidates_are_told_with_the_kinds_own_advice(kind: StudyKind, said: str) -> None:
    # Of a grid of steps of 0.25 no point is near enough to 2.
    budget = replace(BUDGETS["smoke"], step=Decimal("0.25"), tolerance=Decimal("0.01"))
    match = "flops" if kind.scales else "none"
    config = StudyConfig(load_baseline("tiny"), Decimal(1), budget, match=match, kind=kind)
    with pytest.raises(SpaceError) as caught:
        select_candidates(config, enumerate_candidates(config))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("b0-phi1-halving", "4c02cdb1ea1f16ba"),
        ("mobilenet_v1-compare-2x-quick", "d913e2db57665074"),
        ("nas-tiny-digits", "6120d75ed120628c"),
    ],
)
def test_a_database_still_knows_the_studies_that_were_copied_into_it(name: str, known: str) -> None:
    """The hashes are those that databases of version 0.1.0 hold."""
    folder = EARLIER / name if (EARLIER / name).is_dir() else REFERENCE / name
    assert identity(open_study(folder)) == known
