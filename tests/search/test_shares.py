"""Shares of the log-cost and the coefficients that spend it so."""

from __future__ import annotations

from decimal import Decimal
from math import log

import pytest

from scalesearch.design.coefficients import Coefficients
from scalesearch.search.grid import triples
from scalesearch.search.shares import coefficients_of, shares_of


def test_shares_and_coefficients_are_inverse() -> None:
    for coefficients in triples(Decimal("0.1"), Decimal("0.1")):
        shares = shares_of(coefficients)
        assert sum(shares) == pytest.approx(1)
        alpha, beta, gamma = coefficients_of(shares)
        assert alpha * beta**2 * gamma**2 == pytest.approx(2)
        assert log(alpha) / log(2) == pytest.approx(shares[0])
    assert coefficients_of((1, 0, 0)) == (2, 1, 1)
    assert shares_of(Coefficients(Decimal(1), Decimal(1), Decimal(1))) == (1 / 3, 1 / 3, 1 / 3)
