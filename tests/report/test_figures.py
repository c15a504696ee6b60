"""Every figure of a study shows the numbers of its records, where they belong, with units, in the looks of all."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from planted_studies import halving, rules, stages, trusted, with_agreements

from scalesearch.design.cost import cost
from scalesearch.design.networks import load_network
from scalesearch.report.figures import (
    agreement,
    coefficients,
    compute_allocation,
    curves,
    family,
    learning,
    nominal,
    parallel,
    pareto,
    regret,
    reward_tradeoff,
)
from scalesearch.report.figures.agreement import ranks
from scalesearch.report.figures.coefficients import bar_probabilities
from scalesearch.report.figures.compute_allocation import region_corners
from scalesearch.report.figures.family import _peers
from scalesearch.report.figures.frame import Drawing, apply_layout, escape_plotly, theme_layout
from scalesearch.report.figures.markers import shade
from scalesearch.report.figures.pareto import pareto_front
from scalesearch.report.palette import ACCURACY_SCALE, DARK, LIGHT, RECOMMENDED
from scalesearch.report.rows import candidate_rows, label
from scalesearch.search.proxy_validation import Estimate, RankAgreement
from scalesearch.search.shares import Point, shares_of
from scalesearch.study.cost_sweep import combine_comparisons
from scalesearch.study.result import analyze

FIXTURES = Path(__file__).parent.parent / "fixtures"


def named(drawing: Drawing | None) -> dict[str, go.Scatter]:
    assert drawing is not None
    return {trace.name: trace for trace in drawing.figure.data}


@cache
def every() -> list[Drawing]:
    found = halving().found
    drawn = [
        regret(found),
        pareto(found),
        compute_allocation(found),
        parallel(found),
        learning(found),
        nominal(found),
        family(found),
    ]
    compared = rules().found
    drawn += [curves(combine_comparisons([(Decimal(2), compared)])), parallel(compared), learning(compared)]
    drawn += [reward_tradeoff(stages().found), learning(stages().found)]
    return [one for one in drawn if one is not None]


def test_rows_are_the_ranking_and_then_who_was_left() -> None:
    found = halving().found
    own = candidate_rows(found)
    ranked = [row for row in own if row.place is not None]
    assert {row.key for row in ranked} == {arm.key for arm in found.ranking.arms}
    expected = [round(found.decision.mean(row.key), 4) for row in ranked]
    assert expected == sorted(expected, reverse=True)
    assert len(own) == len(found.plan.trained) == 10
    assert {row.key for row in own if row.eliminated_after is not None} == set(found.eliminated)
    assert all(row.status == "left" for row in own[len(ranked) :])
    assert [row.status for row in own].count("recommended") == 1
    assert {row.eliminated_after for row in own[len(ranked) :]} <= {192, 384}


def test_the_front_is_what_nothing_beats() -> None:
    assert pareto_front([(3, 0.7), (1, 0.5), (2, 0.4), (2, 0.6), (4, 0.7), (5, 0.71)]) == [
        (1, 0.5),
        (2, 0.6),
        (3, 0.7),
        (5, 0.71),
    ]
    assert pareto_front([(1, 0.5), (1, 0.6)]) == [(1, 0.6)]


def test_pareto_has_every_ranked_candidate_with_its_bar() -> None:
    found = halving().found
    drawing = pareto(found)
    points = [trace for trace in drawing.figure.data if trace.name != "Pareto front"]
    drawn = {(x, y, bar) for one in points for x, y, bar in zip(one.x, one.y, one.error_y.array, strict=True)}
    known = found.plan.by_network
    assert drawn == {
        (known[arm.key].cost.macs, found.decision.mean(arm.key), found.decision.error(arm.key))
        for arm in found.ranking.arms
    }
    star = named(drawing)["recommended"]
    assert (star.marker.color, star.marker.symbol) == (RECOMMENDED.colour, "star")
    assert list(star.y) == [found.decision.mean(found.recommended)]
    base = next(iter(found.base.accuracies))
    assert any("tiny unscaled, 1x" in one.text for one in drawing.figure.layout.annotations), base


def test_the_triangle_has_every_candidate_at_its_shares() -> None:
    found = halving().found
    drawing = compute_allocation(found)
    assert drawing is not None
    assert found.decision.surface is not None
    marked = [one for one in drawing.figure.data if one.mode == "markers+text" and one.hoverinfo == "text"]
    drawn = {
        (round(a), round(b), round(c), colour)
        for one in marked
        for a, b, c, colour in zip(one.a, one.b, one.c, one.marker.color, strict=True)
    }
    wanted = set()
    for row in candidate_rows(found):
        depth, width, resolution = (round(100 * share) for share in shares_of(row.candidate.coefficients))
        wanted.add((depth, width, resolution, found.decision.mean(row.key)))
    assert drawn == wanted
    top = named(drawing)["highest point of the surface"]
    assert [top.a[0] / 100, top.b[0] / 100, top.c[0] / 100] == pytest.approx(found.decision.surface.optimum)
    assert [one.title.text.split(" ")[0] for one in (drawing.figure.layout.ternary[f"{x}axis"] for x in "abc")] == [
        "depth",
        "width",
        "resolution",
    ]
    assert compute_allocation(rules().found) is None


def test_regions_are_cut_from_the_triangle() -> None:
    whole = region_corners([(0, 1), (0, 1), (0, 1)])
    assert sorted(whole) == [(0, 0, 1), (0, 1, 0), (1, 0, 0)]
    cut = region_corners([(0, 0.25), (0, 1), (0, 1)])
    assert sorted(cut) == [(0, 0, 1), (0, 1, 0), (0.25, 0, 0.75), (0.25, 0.75, 0)]
    edge = region_corners([(0, 0), (0.1, 0.4), (0, 1)])
    assert {tuple(round(part, 9) for part in one) for one in edge} == {(0, 0.1, 0.9), (0, 0.4, 0.6)}
    assert region_corners([(0.9, 1), (0.9, 1), (0, 1)])  # nothing is within all three


def test_a_line_runs_through_what_its_network_has() -> None:
    found = halving().found
    drawing = parallel(found)
    assert drawing is not None
    by_name = {trace.name: trace for trace in drawing.figure.data}
    own = candidate_rows(found)
    params = [row.candidate.cost.params for row in own]
    for row in own:
        heights = by_name[row.label].y
        expected = (row.candidate.cost.params - min(params)) / (max(params) - min(params))
        assert heights[5] == pytest.approx(expected)
    best = max(own, key=lambda row: row.expected)
    assert by_name[best.label].y[-1] == 1


def test_regret_is_that_of_the_decision_after_each_wave() -> None:
    found = halving().found
    traces = named(regret(found))
    waves = [wave for wave in found.plan.waves(found.outcomes) if wave]
    images = [sum(map(found.plan.proxies.images, wave)) for wave in waves]
    expected, bound = traces["expected"], traces["95 % below"]
    assert list(expected.x) == list(bound.x) == [sum(images[: i + 1]) for i in range(len(waves))]
    assert expected.y[-1] == found.decision.regret
    assert bound.y[-1] == found.decision.regret_bound
    first = {spec.id: found.outcomes[spec.id] for spec in waves[0]}
    early = analyze(found.plan, first)
    assert early is not None
    assert expected.y[0] == early.decision.regret
    assert expected.text[0] == label(early.winner)
    one_wave = rules().found
    assert regret(one_wave) is None


def test_curves_of_learning_are_the_records() -> None:
    found = halving().found
    drawing = learning(found)
    assert drawing is not None
    drawn = {(x, y) for trace in drawing.figure.data for x, y in zip(trace.x, trace.y, strict=True)}
    ends = {(one.epochs[-1].samples, one.epochs[-1].val_accuracy) for one in found.outcomes.values()}
    assert drawn == ends
    assert list(drawing.figure.layout.xaxis.tickvals) == [192, 384, 768]
    compared = learning(rules().found)
    assert compared is not None
    assert all(len(trace.x) == 2 for trace in compared.figure.data)
    assert {"width", "compound", "tiny, unscaled"} <= set(named(compared))


def test_what_was_found_stands_over_its_cost_beside_the_baseline_at_its_own() -> None:
    found = stages().found
    plan, drawn = found.plan, named(reward_tradeoff(found))
    base = drawn["tiny as it is"]
    assert (list(base.x), list(base.y)) == (
        [cost(load_network("tiny").architecture).macs],
        [plan.accuracy(found.base)],
    )
    best = drawn["the best reward"]
    assert (best.marker.symbol, list(best.x)) == ("star", [found.winner.cost.macs])
    assert list(best.y) == [pytest.approx(found.place.mean / plan.reward_factor(found.place.key))]
    assert {"the best reward", "tiny as it is"} < set(named(learning(found)))
    assert "recommended" not in {*drawn, *named(learning(found))}


def test_nominal_and_measured_costs_are_the_grids() -> None:
    drawing = nominal(halving().found)
    literal = named(drawing)["γ taken literally, the paper's rounding"]
    compared = next(trace for name, trace in named(drawing).items() if name.startswith("as searched: px matched"))
    found = halving().found.plan.candidate_set
    assert sorted(compared.y) == sorted(float(one.flops_ratio) for one in (*found.candidates, *found.unmatched))
    assert max(abs(y - 2) for y in literal.y) > 0.3
    assert all(1.9 <= x <= 2.1 for x in (*literal.x, *compared.x))
    assert nominal(rules().found) is None


def test_the_family_stands_beside_the_papers_peers() -> None:
    assert family(rules().found) is None
    own = named(family(halving().found))
    assert "as published" not in own
    assert not any("Table 2" in name for name in own)
    with (FIXTURES / "paper_peers.csv").open() as file:
        peers = [one for one in csv.DictReader(file) if one["flops_b"]]
    drawn = _peers()
    assert list(drawn.x) == pytest.approx([float(one["flops_b"]) * 1e9 for one in peers])
    assert list(drawn.y) == pytest.approx([float(one["params_m"]) * 1e6 for one in peers])


def test_b0s_family_has_its_published_costs() -> None:
    found = halving().found
    config = replace(found.plan.config, baseline=load_network("b0"))
    drawing = family(replace(found, plan=replace(found.plan, config=config)))
    published = named(drawing)["as published"]
    assert drawing is not None
    left = next(trace for trace in drawing.figure.data if trace.name == "as published" and trace.xaxis is None)
    assert published is not None
    assert list(left.x) == [cost(load_network(f"b{i}").architecture).macs for i in range(8)]
    assert drawing.heading == "Cost and effective φ of b0 to b7"


def test_ranks_of_equals_are_shared() -> None:
    points = [Point(key, (1, 0, 0), {(0, 0): value}) for key, value in (("a", 0.5), ("b", 0.7), ("c", 0.5))]
    assert ranks(points) == {"b": 1, "a": 2.5, "c": 2.5}


def test_budgets_stand_beside_the_studys_own() -> None:
    found = halving().found
    keys = [row.key for row in candidate_rows(found)][:4]
    tau = Estimate(0.33, -0.5, 1.0)
    agreed = tuple(RankAgreement(name, 4, 2, tau, tau, tau, {}) for name in ("longer", "larger"))
    budgets = {
        name: [Point(key, (1, 0, 0), {(0, 0): 0.1 * place}) for key, place in zip(keys, order, strict=True)]
        for name, order in (("own", (4, 3, 2, 1)), ("longer", (3, 4, 2, 1)), ("larger", (1, 2, 3, 4)))
    }
    whole = with_agreements(found, *agreed)
    drawing = agreement(whole, budgets)
    assert drawing is not None
    lines = named(drawing)
    labels = {row.key: row.label for row in candidate_rows(found)}
    assert list(lines[labels[keys[0]]].y) == [2, 1, 4]
    assert list(lines[labels[keys[2]]].y) == [3, 3, 2]
    ticks = drawing.figure.layout.xaxis.ticktext
    assert ticks[0].startswith("longer<br>τ = 0.33 (95 %: -0.50 … 1.00)")
    assert agreement(found, budgets) is None
    assert agreement(whole, {}) is None


@pytest.mark.slow
def test_records_of_trust_are_drawn() -> None:
    own = trusted()
    drawing = agreement(own.found, own.budgets)
    assert drawing is not None
    assert len(drawing.figure.data) == own.found.agreements[0].networks
    assert {len(trace.y) for trace in drawing.figure.data} == {3}


def test_every_axis_names_its_quantity_and_unit() -> None:
    for drawing in every():
        if drawing.name in ("spending", "parallel"):
            continue
        layout = drawing.figure.to_plotly_json()["layout"]
        axes = [one for name, one in layout.items() if re.fullmatch(r"[xy]axis\d?", name)]
        for one in axes:
            assert re.search(r"\(.+\)|images seen|named by|multiply-adds", one["title"]["text"]), drawing.name


def test_a_title_and_a_theme_are_added_and_nothing_else() -> None:
    for drawing in every():
        still = drawing.with_title(DARK)
        assert drawing.heading in still.layout.title.text
        assert still.data == drawing.figure.data
        assert still.layout.paper_bgcolor == DARK.background
        assert drawing.figure.layout.paper_bgcolor == LIGHT.background
        assert drawing.figure.layout.title.text is None
        assert drawing.caption.endswith(".")
        assert not drawing.caption.startswith(drawing.heading)


X = {"title": {"text": "x"}}


def test_themes_reach_every_axis() -> None:
    figure = apply_layout(go.Figure(go.Scatter(x=[1], y=[2])), xaxis=X, yaxis=X, xaxis2=X, ternary={"aaxis": X})
    found = theme_layout(DARK, figure)
    for name in ("xaxis", "yaxis", "xaxis2", "ternary.aaxis", "ternary.caxis"):
        assert found[f"{name}.gridcolor"] == DARK.grid
    assert "xaxis2.gridcolor" not in theme_layout(DARK)


def test_shades_run_from_low_to_high() -> None:
    assert shade(0.2, 0.2, 0.6) == ACCURACY_SCALE[0][1]
    assert shade(0.4, 0.2, 0.6) == ACCURACY_SCALE[1][1]
    assert shade(0.6, 0.2, 0.6) == ACCURACY_SCALE[2][1]
    assert shade(0.5, 0.5, 0.5) == ACCURACY_SCALE[1][1]
    assert shade(0.3, 0.2, 0.6) not in {colour for _, colour in ACCURACY_SCALE}


def test_names_are_letters_to_plotly() -> None:
    assert escape_plotly("<a href='x'>&") == "&lt;a href='x'&gt;&amp;"


def test_probabilities_of_coefficients_are_those_of_the_surface() -> None:
    found = halving().found
    surface = found.decision.surface
    assert surface is not None
    probabilities = bar_probabilities(surface)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    for index, axis in enumerate(("depth", "width", "resolution")):
        low, high = surface.region[axis]
        within = probabilities[index][int(low * 10) : int(min(high, 0.999) * 10) + 1].sum()
        assert within >= 0.95, axis
    drawing = coefficients(found)
    assert drawing is not None
    bars = [trace for trace in drawing.figure.data if trace.type == "bar"]
    assert [one.xaxis for one in bars] == ["x", "x2", "x3"]
    for bar, row in zip(bars, probabilities, strict=True):
        assert sum(bar.y) == pytest.approx(100)
        np.testing.assert_allclose(bar.y, 100 * row)
        # The bars lie side by side: from 1 to the coefficient that takes all of the compute.
        edges = [x + sign * width / 2 for x, width in zip(bar.x, bar.width, strict=True) for sign in (-1, 1)]
        np.testing.assert_allclose(edges[2::2], edges[1:-1:2])
    assert [max(one.x) + one.width[-1] / 2 for one in bars] == pytest.approx([2, 2**0.5, 2**0.5])
    assert coefficients(rules().found) is None


def test_the_triangle_says_who_is_probably_the_best() -> None:
    found = halving().found
    drawing = compute_allocation(found)
    assert drawing is not None
    written = [text for trace in drawing.figure.data if trace.mode == "markers+text" for text in trace.text]
    rows = [row for row in candidate_rows(found) if row.candidate.coefficients.product > 1]
    likely = [f"{100 * row.probability_best:.0f} %" for row in rows if row.probability_best >= 0.02]
    assert sorted(text for text in written if text) == sorted(likely)
    assert likely
