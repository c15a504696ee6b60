"""Linear and quadratic terms in the shares of the log-cost, scaled so that priors are in points of the metric."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from scalesearch.search.decision.data import Bools, Floats

_SMALL = 1e-6
"""Terms whose values vary by less are left out: an axis that no candidate grows, or networks on a line."""


@dataclass(frozen=True, slots=True)
class ShareTerms:
    """f of some candidates: each column has mean 0, the quadratic ones are orthogonal to the linear ones.

    The root mean square of a column is 1 (quadratic ones: 1 / √columns), so that with coefficients of standard
    deviation σ the candidates' quadratic parts have that standard deviation. Scheffé's mixture model (Journal of
    the Royal Statistical Society B 20, 1958), in other coordinates.
    """

    values: Floats
    """(candidates, count)"""
    num_linear: int
    transform: Floats
    """(1 + free + free (free + 1) / 2, count): from the raw terms of `_raw` to the columns."""

    @classmethod
    def of(cls, shares: Floats, trained: Bools) -> ShareTerms | None:
        """The terms of candidates; None where the trained ones do not tell the linear terms apart.

        Args:
            shares: (candidates, axes), rows sum to 1.
            trained: (candidates,) whether a candidate was trained.
        """
        raw, count, free = _raw(shares), len(shares), shares.shape[1] - 1
        linear, linear_map = _orthonormal(raw[:, 1 : 1 + free], raw[:, :1])
        constant_and_linear = raw[:, : 1 + free]
        straight = linear.shape[1]
        rank = np.linalg.matrix_rank(constant_and_linear[trained], tol=_SMALL)
        if straight == 0 or rank < 1 + straight:
            return None
        curved, curved_map = _orthonormal(raw[:, 1 + free :], constant_and_linear)
        root, columns = float(np.sqrt(count)), max(1, curved.shape[1])
        transform = np.zeros((raw.shape[1], straight + curved.shape[1]))
        transform[: 1 + free, :straight] = linear_map * root
        transform[:, straight:] = curved_map * (root / np.sqrt(columns))
        return cls(raw @ transform, straight, transform)

    @property
    def count(self) -> int:
        """Of all columns."""
        return int(self.values.shape[1])

    @property
    def num_quadratic(self) -> int:
        """Of the quadratic columns."""
        return self.count - self.num_linear

    def evaluate(self, shares: Floats) -> Floats:
        """(places, count): the columns elsewhere."""
        return _raw(shares) @ self.transform


def _raw(shares: Floats) -> Floats:
    """(n, axes) → 1, all shares but the last, their squares and products."""
    free = shares[:, :-1]
    pairs = combinations_with_replacement(range(free.shape[1]), 2)
    return np.column_stack([np.ones(len(free)), free, *(free[:, i] * free[:, j] for i, j in pairs)])


def _orthonormal(columns: Floats, beside: Floats) -> tuple[Floats, Floats]:
    """Columns less what `beside` explains, as an orthonormal basis; and the map from (beside, columns) to it."""
    projection = np.linalg.lstsq(beside, columns, rcond=None)[0]
    rest = columns - beside @ projection
    _, sizes, rows = np.linalg.svd(rest, full_matrices=False)
    kept = sizes > _SMALL * np.sqrt(len(columns))
    weights = rows[kept].T / sizes[kept]
    return rest @ weights, np.vstack([-projection @ weights, weights])
