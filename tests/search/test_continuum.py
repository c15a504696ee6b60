"""Points between the grid's: γ from the constraint, the network that a point means, limits, the front."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import SMALL

from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.errors import SpaceError
from scalesearch.search.budget import BUDGETS
from scalesearch.search.candidates import candidates
from scalesearch.search.canonical import as_json, digest
from scalesearch.search.kinds.sampler import (
    CoefficientSearch,
    CoefficientSpace,
    Suggestion,
    check_constraints,
    pareto_front,
    reference_points,
    suggested_candidates,
    suggestion,
)
from scalesearch.search.study_config import StudyConfig, enumerate_candidates, select_candidates

SMOKE = BUDGETS["smoke"]


def config(match: str = "flops", **continuum: object) -> StudyConfig:
    asked = replace(CoefficientSearch("tpe"), **continuum)  # type: ignore[arg-type]
    return StudyConfig(load_baseline("tiny"), Decimal(1), SMOKE, match=match, kind=asked)


@given(st.floats(1, 2), st.floats(0, 1))
def test_every_point_of_the_box_solves_the_constraint(alpha: float, share: float) -> None:
    point = suggestion(alpha, share)
    assert point.gamma >= 1
    assert abs(point.coefficients.product - 2) < Decimal("0.0001")
    assert 0 <= point.width_share <= 1
    if alpha < 1.9:  # at α = 2 nothing is left to share
        assert point.width_share == pytest.approx(share, abs=0.005)


def test_the_papers_point_has_the_papers_gamma() -> None:
    # √(2 / (1.2 · 1.1²)) = √1.37741… = 1.17363; the paper's grid has 1.15.
    assert Suggestion(Decimal("1.2"), Decimal("1.1")).gamma == Decimal("1.17363")


@pytest.mark.parametrize("match", ["flops", "none"])
def test_a_point_means_the_network_that_a_grid_point_means(match: str) -> None:
    asked = config(match)
    assert isinstance(asked.space, CoefficientSpace)
    for point in reference_points(5):
        (judged,) = check_constraints(asked.space, [point])
        found = candidates(asked.space.baseline, [point.coefficients], Decimal(1), match=match)
        (one,) = (*found.candidates, *found.unmatched)
        assert one.architecture == judged.network
        assert judged.violated == (("cost",) if found.unmatched else ())
        assert [name for name, _ in judged.excess] == (["cost"] if match == "flops" else [])


def test_equal_networks_merge_and_those_over_a_limit_are_left_out() -> None:
    most = int(cost(load_baseline("tiny").architecture).params * 1.5)
    free, limited = config("none"), config("none", max_params=most)
    assert isinstance(free.space, CoefficientSpace)
    assert isinstance(limited.space, CoefficientSpace)
    points = (*reference_points(20), *reference_points(20))
    every, few = suggested_candidates(free.space, points), suggested_candidates(limited.space, points)
    assert every.triples == few.triples == len(points) == 2 * 231
    assert sum(len(one.aliases) for one in every.candidates) == len(points)
    inside = {digest(one.architecture) for one in every.candidates if one.cost.params <= most}
    assert {digest(one.architecture) for one in few.candidates} == inside
    assert 0 < len(inside) < len(every.candidates)


def test_the_lattice_has_the_corners_and_nothing_beyond_them() -> None:
    points = reference_points(10)
    assert len(points) == len(set(points)) == 66
    assert {Suggestion(Decimal(a), Decimal(b)) for a, b in (("1", "1"), ("2", "1"), ("1", "1.4142"))} <= set(points)
    assert all(one.gamma >= 1 for one in points)


def test_the_front_is_that_of_the_definition() -> None:
    values = [(f"{a}{b}", (float(a), float(b))) for a, b in product(range(4), repeat=2) if (a * 7 + b * 5) % 3]
    up_down = pareto_front(values, ("maximize", "minimize"))
    expected = [
        key for key, (a, b) in values if not any(c >= a and d <= b and (c, d) != (a, b) for _, (c, d) in values)
    ]
    assert list(up_down) == expected
    assert pareto_front([("one", (1.0, 2.0)), ("two", (1.0, 2.0))], ("maximize", "minimize")) == ("one", "two")


def test_limits_that_nothing_keeps_are_refused_before_anything_is_asked() -> None:
    asked = config(max_params=1000)
    with pytest.raises(SpaceError, match=r"only 0 of 66 points gives a network within the limits"):
        select_candidates(asked, enumerate_candidates(asked))


def test_questions_that_cannot_be_searched_are_refused() -> None:
    asked, tpe = config(), CoefficientSearch("tpe")
    with pytest.raises(SpaceError, match="trained to the end"):
        replace(
            asked, scheduler="halving", budget=replace(SMOKE, recipe=replace(SMOKE.recipe, decay=Decimal("0.3")))
        )
    with pytest.raises(SpaceError, match="MACs are an objective"):
        replace(asked, kind=replace(tpe, objectives=("accuracy", "macs")))
    fixed = replace(SMALL, axes=("depth", "width"))
    with pytest.raises(SpaceError, match=r"grows in depth, width alone"):
        StudyConfig(fixed, Decimal(1), SMOKE, kind=tpe)
    with pytest.raises(SpaceError, match="sampler is 'luck'"):
        CoefficientSearch("luck")
    with pytest.raises(SpaceError, match="accuracy among them"):
        CoefficientSearch("tpe", ("macs",))


def test_a_grids_question_is_written_as_before_there_were_samplers() -> None:
    grids = StudyConfig(SMALL, Decimal(1), SMOKE)
    assert "continuum" not in json.dumps(as_json(grids))
    assert "continuum" in json.dumps(as_json(replace(grids, kind=CoefficientSearch("gp"))))
