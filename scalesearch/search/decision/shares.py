"""Builds linear and quadratic terms in the shares of the log-cost, scaled so that priors are in metric points."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from scalesearch.search.decision.data import Bools, Floats

_NEGLIGIBLE = 1e-6
"""Terms whose values vary by less are left out: an axis that no candidate scales, or networks on a line."""


@dataclass(frozen=True, slots=True)
class ShareTerms:
    """Holds the columns of f for some candidates.

    Each column has mean 0, and the quadratic ones are orthogonal to the linear ones.
    The root mean square of a column is 1 (of a quadratic one 1 / √columns). So with coefficients of standard
    deviation σ, the candidates' quadratic parts have standard deviation σ. This is Scheffé's mixture model (Journal
    of the Royal Statistical Society B 20, 1958), in other coordinates.
    """

    values: Floats
    """(candidates, count): the columns."""
    num_linear: int
    transform: Floats
    """(1 + free + free (free + 1) / 2, count): maps the terms of `_raw_terms` to the columns."""

    @classmethod
    def of(cls, shares: Floats, trained: Bools) -> ShareTerms | None:
        """Return the terms of the candidates; None where the trained ones do not identify the linear terms.

        Args:
            shares: (candidates, axes), rows sum to 1.
            trained: (candidates,) whether a candidate was trained.
        """
        raw, count, free = _raw_terms(shares), len(shares), shares.shape[1] - 1
        linear, linear_map = _orthonormal(raw[:, 1 : 1 + free], raw[:, :1])
        constant_and_linear = raw[:, : 1 + free]
        num_linear = linear.shape[1]
        rank = np.linalg.matrix_rank(constant_and_linear[trained], tol=_NEGLIGIBLE)
        if num_linear == 0 or rank < 1 + num_linear:
            return None
        quadratic, quadratic_map = _orthonormal(raw[:, 1 + free :], constant_and_linear)
        root, columns = float(np.sqrt(count)), max(1, quadratic.shape[1])
        transform = np.zeros((raw.shape[1], num_linear + quadratic.shape[1]))
        transform[: 1 + free, :num_linear] = linear_map * root
        transform[:, num_linear:] = quadratic_map * (root / np.sqrt(columns))
        return cls(raw @ transform, num_linear, transform)

    @property
    def count(self) -> int:
        """The number of columns."""
        return int(self.values.shape[1])

    @property
    def num_quadratic(self) -> int:
        """The number of quadratic columns."""
        return self.count - self.num_linear

    def evaluate(self, shares: Floats) -> Floats:
        """Return (n, count): the columns at other shares, given as (n, axes)."""
        return _raw_terms(shares) @ self.transform


def _raw_terms(shares: Floats) -> Floats:
    """Map (n, axes) shares to 1, all shares but the last, and their squares and products."""
    free = shares[:, :-1]
    pairs = combinations_with_replacement(range(free.shape[1]), 2)
    return np.column_stack([np.ones(len(free)), free, *(free[:, i] * free[:, j] for i, j in pairs)])


def _orthonormal(columns: Floats, basis: Floats) -> tuple[Floats, Floats]:
    """Return an orthonormal basis of what `basis` does not explain, and the map from (basis, columns) to it."""
    projection = np.linalg.lstsq(basis, columns, rcond=None)[0]
    residual = columns - basis @ projection
    _, sizes, rows = np.linalg.svd(residual, full_matrices=False)
    retained = sizes > _NEGLIGIBLE * np.sqrt(len(columns))
    weights = rows[retained].T / sizes[retained]
    return residual @ weights, np.vstack([-projection @ weights, weights])
