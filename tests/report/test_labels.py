"""Labels are moved apart as little as that needs: against scikit-learn's isotonic regression."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from scalesearch.report.label_layout import place_labels, spread_labels

PLACES = st.lists(st.integers(-1000, 1000).map(lambda one: one / 8), min_size=1, max_size=12)


@given(PLACES, st.sampled_from([0.25, 3.0, 40.0]))
def test_they_are_the_least_squares_places(wanted: list[float], gap: float) -> None:
    found = spread_labels(wanted, gap)
    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(len(wanted))
    best = IsotonicRegression().fit_transform(steps, np.array(wanted)[order] - steps) + steps
    assert [found[i] for i in order] == pytest.approx(best.tolist(), abs=1e-4)


@given(PLACES, st.sampled_from([0.25, 3.0, 40.0]))
def test_none_hides_another_and_their_order_stays(wanted: list[float], gap: float) -> None:
    found = spread_labels(wanted, gap)
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    assert all(found[b] - found[a] >= gap - 1e-9 for a, b in itertools.pairwise(order))


def test_those_that_have_room_stay() -> None:
    assert spread_labels([30.0, 0.0, 10.0, 11.0], 5) == [30.0, 0.0, 8.0, 13.0]


def test_names_of_near_points_do_not_hide_each_other() -> None:
    assert place_labels([(0, 0), (400, 0)], ["1/1/1.2", "1.2/1/1"], [False, True]) == ["top right", "bottom right"]
    near = place_labels([(0, 0), (20, 2), (40, -3)], ["1/1/1.2", "1.2/1/1", "1/1.4/1"], [False] * 3)
    assert near[0] == "top left"  # a mark is to the right
    assert len(set(near)) == 3
    assert place_labels([(0, 0), (40, 16)], ["1/1/1.2", "b"], [False] * 2)[0] == "top left"
