"""curves.csv: a row a point, with what the figure shows."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from decimal import Decimal

from joints import JOINT
from planted_studies import halving

from scalesearch.report.rows import candidate_rows
from scalesearch.report.tables import curves_csv, ranking_csv
from scalesearch.study.columns import inert_cell


def test_the_ratio_of_another_matched_cost_has_a_column_of_its_own() -> None:
    points = tuple(replace(one, ratio=Decimal("2.034")) for one in JOINT.points)
    rows = list(csv.DictReader(io.StringIO(curves_csv(replace(JOINT, cost="latency", points=points)))))
    assert {one["latency_ratio"] for one in rows[1:]} == {"2.034"}
    assert rows[0]["latency_ratio"] == "1"
    assert rows[5]["flops_ratio"] == "4.10000"
    assert rows[5]["macs"] == "4100"


def test_a_row_a_point_the_baselines_first() -> None:
    rows = list(csv.DictReader(io.StringIO(curves_csv(JOINT))))
    assert [(one["rule"], one["times"]) for one in rows] == [
        ("baseline", "1"),
        *((one.rule, str(one.times)) for one in JOINT.points),
    ]
    assert rows[0] == {
        "rule": "baseline",
        "times": "1",
        "flops_ratio": "1.00000",
        "macs": "1000",
        "proxy_macs": "107",
        "accuracy": "0.500000",
        "standard_error": "0.011000",
        "seeds": "2",
        "gain": "",
        "gain_low_95": "",
        "gain_high_95": "",
        "papers_gain_points": "",
    }
    assert rows[5] == {
        "rule": "compound",
        "times": "4",
        "flops_ratio": "4.10000",
        "macs": "4100",
        "proxy_macs": "410",
        "accuracy": "0.720000",
        "standard_error": "0.016000",
        "seeds": "3",
        "gain": "0.220000",
        "gain_low_95": "0.190000",
        "gain_high_95": "0.260000",
        "papers_gain_points": "5",
    }


def test_a_row_a_candidate_the_ranked_first() -> None:
    found = halving().found
    lines = list(csv.DictReader(io.StringIO(ranking_csv(found))))
    own = candidate_rows(found)
    assert [one["candidate"] for one in lines] == [row.label for row in own]
    first, last = lines[0], lines[-1]
    keys = [arm.key for arm in found.ranking.arms]
    best = found.ranking.arms[keys.index(own[0].key)]
    assert (first["place"], first["accuracy"]) == (str(keys.index(best.key) + 1), f"{best.mean:.5f}")
    assert first["behind"] == f"{best.behind:.5f}"
    assert first["expected"] == f"{found.decision.mean(best.key):.5f}"
    assert (last["place"], last["accuracy"], last["status"]) == ("", "", "left")
    assert {one["left_after_images"] for one in lines} == {"", "192", "384"}
    assert int(first["macs"]) == own[0].candidate.cost.macs
    assert {len(one) for one in lines} == {23}


def test_formulas_are_letters() -> None:
    assert [inert_cell(text) for text in ("=1+1", "@a", "1/1/1")] == ["'=1+1", "'@a", "1/1/1"]
