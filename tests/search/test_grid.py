"""The nominal sieve against brute force in fractions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import product

import pytest

from scalesearch.design.coefficients import AXES
from scalesearch.errors import SpaceError
from scalesearch.search.grid import triples

CASES = [
    ("0.1", "0.1"),
    ("0.05", "0.1"),
    ("0.05", "0"),
    ("0.04", "0.03"),
    ("0.07", "0.5"),
    ("0.5", "1"),
    ("0.3", "0.2"),
]


def brute(step: str, tolerance: str, axes: tuple[str, ...] = AXES) -> list[tuple[Fraction, ...]]:
    """Every combination of 1 + i·step up to 2, kept where |αβ²γ² − 2| ≤ tolerance, in order."""
    values = [1 + i * Fraction(step) for i in range(1000) if 1 + i * Fraction(step) <= 2]
    choices = [values if axis in axes else [Fraction(1)] for axis in AXES]
    return [(a, b, c) for a, b, c in product(*choices) if abs(a * b**2 * c**2 - 2) <= Fraction(tolerance)]


@pytest.mark.parametrize(("step", "tolerance"), CASES)
def test_the_sieve_keeps_what_brute_force_keeps(step: str, tolerance: str) -> None:
    found = triples(Decimal(step), Decimal(tolerance))
    assert [tuple(map(Fraction, (one.alpha, one.beta, one.gamma))) for one in found] == brute(step, tolerance)


@pytest.mark.parametrize("axes", [("depth",), ("width", "resolution"), ("depth", "resolution"), ("width",)])
def test_an_axis_that_does_not_grow_stays_one(axes: tuple[str, ...]) -> None:
    found = triples(Decimal("0.05"), Decimal("0.1"), axes)
    expected = brute("0.05", "0.1", axes)
    assert [tuple(map(Fraction, (one.alpha, one.beta, one.gamma))) for one in found] == expected
    assert expected


def test_golden_counts() -> None:
    assert len(triples(Decimal("0.05"), Decimal("0.1"))) == 109
    assert len(triples(Decimal("0.1"), Decimal("0.1"))) == 21
    assert len(triples(Decimal("0.10"), Decimal("0.100"))) == 21


@pytest.mark.parametrize(
    ("step", "tolerance", "message"),
    [
        ("0", "0.1", "step is 0"),
        ("-0.1", "0.1", "step is -0.1"),
        ("0.51", "0.1", "step is 0.51"),
        ("0.0049", "0.1", "step is 0.0049"),
        ("NaN", "0.1", "step is NaN"),
        ("Infinity", "0.1", "step is Infinity"),
        ("0.1", "1.1", "tolerance is 1.1"),
        ("0.1", "-0.1", "tolerance is -0.1"),
        ("0.1", "NaN", "tolerance is NaN"),
        ("0.3", "0", "leaves no"),
    ],
)
def test_what_is_no_grid(step: str, tolerance: str, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        triples(Decimal(step), Decimal(tolerance))
