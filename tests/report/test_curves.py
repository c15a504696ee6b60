"""The figure shows the numbers, all of them, where they belong."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from math import log10

import plotly.graph_objects as go
import pytest
from joints import JOINT

from scalesearch.report.figures import scaling_curves
from scalesearch.report.palette import BASELINE_STYLE, DARK, LIGHT, RULE_STYLES, Theme


def traces(figure: go.Figure) -> dict[str, go.Scatter]:
    return {trace.name: trace for trace in figure.data}


def test_each_rule_is_a_curve_from_the_baseline_through_its_points() -> None:
    found = traces(scaling_curves(JOINT))
    assert set(found) == {"depth", "width", "compound", "fast", "baseline"}
    assert (list(found["width"].x), list(found["width"].y)) == ([1000, 2010, 3960], [0.5, 0.6, 0.66])
    assert (list(found["depth"].x), list(found["depth"].y)) == ([1000, 1990], [0.5, 0.61])
    assert (list(found["fast"].x), list(found["fast"].y)) == ([1000, 3900], [0.5, 0.7])
    assert (list(found["baseline"].x), list(found["baseline"].y)) == ([1000], [0.5])


def test_bars_are_standard_errors_and_the_shared_point_has_one() -> None:
    found = traces(scaling_curves(JOINT))
    assert list(found["compound"].error_y.array) == [0, 0.014, 0.016]
    assert list(found["compound"].marker.size) == [0, 12, 12]
    assert list(found["baseline"].error_y.array) == [0.011]


def test_every_rule_looks_as_it_does_everywhere() -> None:
    found = traces(scaling_curves(JOINT))
    for rule in ("depth", "width", "compound", "fast"):
        own, look = found[rule], RULE_STYLES[rule]
        assert {own.line.color, own.marker.color, own.error_y.color} == {look.colour}
        assert (own.marker.symbol, own.line.dash) == (look.marker, look.dash)
    assert found["baseline"].marker.color == BASELINE_STYLE.colour
    assert [trace.name for trace in scaling_curves(JOINT).data][-2:] == ["compound", "baseline"]  # the best on top


def test_axes_have_units_a_logarithm_and_a_tick_a_cost() -> None:
    layout = scaling_curves(JOINT).layout
    assert layout.xaxis.type == "log"
    assert "FLOPs" in layout.xaxis.title.text
    assert "share of 1,234 images" in layout.yaxis.title.text
    assert list(layout.xaxis.tickvals) == [1000, 2000, 4000]
    assert list(layout.xaxis.ticktext) == ["1.000k<br>1x", "2.000k<br>2x", "4.000k<br>4x"]
    low, high = layout.xaxis.range
    assert low < log10(1000)
    assert log10(4100) < high
    bottom, top = layout.yaxis.range
    assert bottom < 0.5 - 0.011
    assert top > 0.72 + 0.016
    for part in ("photos", "budget least", "3 seeds"):
        assert part in layout.title.text


def test_where_latency_is_equal_the_figure_says_so_and_ticks_are_doublings_of_flops() -> None:
    layout = scaling_curves(replace(JOINT, cost="latency")).layout
    assert "Equal measured latency" in layout.title.text
    assert "Equal measured cost" in scaling_curves(JOINT).layout.title.text
    assert dict(zip(layout.xaxis.tickvals, layout.xaxis.ticktext, strict=True)) == {
        1000: "1.000k",
        2000: "2.000k",
        4000: "4.000k",
    }


def test_labels_say_the_last_accuracy_in_the_order_of_the_ends() -> None:
    labels = scaling_curves(JOINT).layout.annotations
    said = [re.sub("<[^>]*>", "", one.text).split(" ", 1)[1] for one in labels]
    assert said == [
        "compound  0.720 ± 0.016",
        "fast  0.700 ± 0.017",
        "width  0.660 ± 0.015",
        "depth  0.610 ± 0.012 at 2x",
    ]
    places = [one.y for one in labels]
    assert places == sorted(places, reverse=True)


def test_what_is_pointed_at_tells_its_numbers() -> None:
    (text,) = [one for one in traces(scaling_curves(JOINT))["fast"].text if "fast" in one]
    for part in ("3.900x", "3.900k FLOPs", "0.7000 ± 0.0170", "n = 3", "+0.2000 (95 %: +0.1700 … +0.2400)"):
        assert part in text


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_a_theme_changes_what_is_no_data(theme: Theme) -> None:
    figure, other = scaling_curves(JOINT, theme), scaling_curves(JOINT)
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == theme.background
    assert figure.layout.font.color == theme.text
    assert figure.layout.xaxis.gridcolor == figure.layout.yaxis.gridcolor == theme.grid
    assert figure.data == other.data


def test_without_the_baselines_trials_or_with_equal_costs_it_is_drawn_too() -> None:
    alone = replace(JOINT, base=None, points=JOINT.points[:1])
    figure = scaling_curves(alone)
    assert list(figure.data[0].x) == [1990]
    assert list(figure.data[0].marker.size) == [12]
    low, high = figure.layout.xaxis.range
    assert low < log10(1000) < log10(1990) < high
    same = replace(JOINT, base=None, base_macs=1990, points=JOINT.points[:1])
    low, high = scaling_curves(same).layout.xaxis.range
    assert low < log10(1990) < high


def test_accuracies_stay_within_0_and_1() -> None:
    wide = [replace(JOINT.points[0], accuracy=value, standard_error=0.2) for value in (0.05, 0.95)]
    points = (wide[0], replace(wide[1], times=Decimal(4), macs=4000))
    assert scaling_curves(replace(JOINT, points=points)).layout.yaxis.range == (0, 1)
