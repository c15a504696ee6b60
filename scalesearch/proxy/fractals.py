"""Draw fractals of iterated function systems: random codes with good filling, and the chaos game that draws them.

A code is 2 to 7 affine maps of the plane. Codes are sampled by the sigma-factor rule of Anderson and Farrell,
"Improving Fractal Pre-training" (arXiv 2110.03091): each matrix is A = U diag(s) V with rotations U, V (V may also
mirror), singular values s1 >= s2 in [0, 1] whose sum over all N maps of s1 + 2 s2 is uniform in [(5 + N) / 2, (6 +
N) / 2], and translations uniform in [-1, 1]. Maps are chosen with probability in proportion to |det A|, and a code
is accepted when it fills enough of its bounding box, both as in Kataoka et al., "Pre-training without Natural
Images" (FractalDB, arXiv 2101.08515).

All arithmetic on points is elementwise float32 (no BLAS, no floating-point reductions except minimum and maximum).
The same seed therefore gives the same bits on any machine and for any batch size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

MAX_MAPS = 7
CHAINS = 64
"""The number of points that play the chaos game of one fractal in parallel."""
MIN_FILLING = 0.2
"""The smallest share of non-empty cells in the bounding box of an accepted code."""

_BURN_IN = 20
_FILL_PX = 256
_FILL_STEPS = 512
_CANDIDATES = 32
_MIN_DETERMINANT = 0.01
_SPREAD = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class FractalCode:
    """Describes one iterated function system.

    `maps_M6` holds a, b, c, d, e, f of (x, y) -> (a x + b y + e, c x + d y + f) as float32, in `MAX_MAPS` rows of
    which the first `count` are used. `choice_256` is the index of the map that each value of a random byte selects.
    """

    count: int
    maps_M6: NDArray[np.float32]
    choice_256: NDArray[np.uint8]


def sample_code(rng: np.random.Generator) -> FractalCode:
    """Sample a random code by the sigma-factor rule; its filling rate is not tested yet."""
    count = int(rng.integers(2, MAX_MAPS + 1))
    maps_M6 = np.zeros((MAX_MAPS, 6), np.float32)
    determinants = []
    for row, (s1, s2) in enumerate(_singular_values(rng, count)):
        angle_u, angle_v = rng.uniform(0, 2 * math.pi, 2)
        mirror = -1.0 if rng.random() < 0.5 else 1.0
        cos_u, sin_u, cos_v, sin_v = math.cos(angle_u), math.sin(angle_u), math.cos(angle_v), math.sin(angle_v)
        maps_M6[row] = (
            cos_u * s1 * cos_v - sin_u * s2 * sin_v,
            (-cos_u * s1 * sin_v - sin_u * s2 * cos_v) * mirror,
            sin_u * s1 * cos_v + cos_u * s2 * sin_v,
            (-sin_u * s1 * sin_v + cos_u * s2 * cos_v) * mirror,
            *rng.uniform(-1, 1, 2),
        )
        determinants.append(max(s1 * s2, _MIN_DETERMINANT))
    return FractalCode(count, maps_M6, _choice_table(determinants))


def _singular_values(rng: np.random.Generator, count: int) -> Iterator[tuple[float, float]]:
    """Yield `count` pairs 1 >= s1 >= s2 >= 0 whose sum of s1 + 2 s2 is uniform in [(5 + N) / 2, (6 + N) / 2].

    Every draw is bounded so that the pairs still to come (each worth 0 to 3) can make up the remaining sum.
    """
    remaining = rng.uniform((5 + count) / 2, (6 + count) / 2)
    for pairs_left in range(count - 1, -1, -1):
        lower_bound = max(0.0, remaining - 3.0 * pairs_left)
        s1 = rng.uniform(lower_bound / 3, min(1.0, remaining) if pairs_left else min(1.0, lower_bound))
        low, high = max(0.0, (lower_bound - s1) / 2), min(s1, (remaining - s1) / 2)
        s2 = rng.uniform(low, high) if pairs_left else low
        remaining -= s1 + 2 * s2
        yield s1, s2


def _choice_table(determinants: list[float]) -> NDArray[np.uint8]:
    """Return 256 entries in which map i occurs in proportion to its determinant, at least once."""
    total, table = sum(determinants), np.zeros(256, np.uint8)
    begin, cumulative = 0, 0.0
    for index, determinant in enumerate(determinants):
        cumulative += determinant
        maps_left = len(determinants) - index - 1
        end = min(max(round(256 * cumulative / total), begin + 1), 256 - maps_left)
        table[begin:end] = index
        begin = end
    return table


def jitter_maps(
    codes: Sequence[FractalCode],
    position_B2: NDArray[np.float64],
    factor_B: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Return the maps of every code (B, MAX_MAPS, 6), each with one parameter multiplied by its factor.

    `position_B2` selects the map and the parameter by two numbers in [0, 1). A matrix that would stretch (largest
    singular value above 1) is scaled back to 1, so no instance can diverge.
    """
    maps_BM6 = np.stack([code.maps_M6 for code in codes]).astype(np.float64)
    rows = np.arange(len(codes))
    chosen_B = (position_B2[:, 0] * np.array([code.count for code in codes])).astype(np.intp)
    maps_BM6[rows, chosen_B, (position_B2[:, 1] * 6).astype(np.intp)] *= factor_B
    maps_BM6[rows, chosen_B] = _limit_stretch(maps_BM6[rows, chosen_B])
    return maps_BM6.astype(np.float32)


def _limit_stretch(maps_M6: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the maps (M, 6) with matrices scaled back to a largest singular value of 1 where it is above."""
    a, b, c, d = maps_M6[:, :4].T
    stretch_M = (np.sqrt((a + d) ** 2 + (c - b) ** 2) + np.sqrt((a - d) ** 2 + (b + c) ** 2)) / 2
    return np.concatenate([maps_M6[:, :4] / np.maximum(stretch_M, 1.0)[:, None], maps_M6[:, 4:]], axis=1)


def varieties(
    code: FractalCode, count: int, difference: float, rng: np.random.Generator
) -> tuple[FractalCode, ...]:
    """Return `count` codes on a line through `code`, which is in the middle of them.

    Each parameter of the maps is multiplied by a factor. From one code to the next the factors change by
    `difference`, as a root mean square over the parameters, in a direction that `rng` draws. Matrices that would
    stretch are scaled back, as in `jitter_maps`.
    """
    used = slice(code.count)
    direction_M6 = rng.uniform(-1, 1, code.maps_M6.shape)
    direction_M6 /= math.sqrt((direction_M6[used] ** 2).mean())
    codes = []
    for index in range(count):
        factor_M6 = 1 + (index - (count - 1) / 2) * difference * direction_M6
        maps_M6 = _limit_stretch(code.maps_M6 * factor_M6).astype(np.float32)
        codes.append(FractalCode(code.count, maps_M6, code.choice_256))
    return tuple(codes)


def chaos_game(
    maps_BM6: NDArray[np.float32], choices_SBC: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the points that B codes visit, x and y each (S - burn-in, B, C), for C chains and S steps.

    `choices_SBC` is the index of the map that each chain applies at each step. Chains start at the origin; the
    first steps, in which they approach the attractor, are dropped.
    """
    steps, batch, chains = choices_SBC.shape
    coefficients = [np.ascontiguousarray(maps_BM6[:, :, index]).ravel() for index in range(6)]
    offset_B1 = (np.arange(batch, dtype=np.intp) * MAX_MAPS)[:, None]
    x_BC, y_BC = np.zeros((2, batch, chains), np.float32)
    xs_SBC = np.empty((steps - _BURN_IN, batch, chains), np.float32)
    ys_SBC = np.empty_like(xs_SBC)
    for step in range(steps):
        pick_BC = choices_SBC[step] + offset_B1
        a, b, c, d, e, f = (values.take(pick_BC) for values in coefficients)
        x_BC, y_BC = a * x_BC + b * y_BC + e, c * x_BC + d * y_BC + f
        if step >= _BURN_IN:
            xs_SBC[step - _BURN_IN], ys_SBC[step - _BURN_IN] = x_BC, y_BC
    return xs_SBC, ys_SBC


def random_choices(rng: np.random.Generator, steps: int, fractals: int) -> NDArray[np.uint8]:
    """Return random bytes (S, F, C) for `steps` steps after the burn-in; longer games begin with the same bytes."""
    return rng.integers(0, 256, (steps + _BURN_IN, fractals, CHAINS), dtype=np.uint8)


def count_points(
    x_SBC: NDArray[np.float32],
    y_SBC: NDArray[np.float32],
    side_px_B: NDArray[np.float32],
    corner_B2: NDArray[np.float32],
    px: int,
) -> NDArray[np.int64]:
    """Count the points per pixel (B, px, px), with each cloud's longer side scaled to `side_px_B`.

    The corner, in [0, 1), is the position of the cloud within the free part of the canvas (x, then y).
    """
    batch = x_SBC.shape[1]
    low_x, low_y = x_SBC.min(axis=(0, 2)), y_SBC.min(axis=(0, 2))
    span_x, span_y = x_SBC.max(axis=(0, 2)) - low_x, y_SBC.max(axis=(0, 2)) - low_y
    scale = side_px_B / np.maximum(np.maximum(span_x, span_y), np.float32(_SPREAD))
    flat_SBC = np.arange(batch, dtype=np.intp)[:, None] * px * px
    for points, low, span, corner, stride in (
        (y_SBC, low_y, span_y, corner_B2[:, 1], px),
        (x_SBC, low_x, span_x, corner_B2[:, 0], 1),
    ):
        shift = corner * (px - span * scale)
        cell = ((points - low[:, None]) * scale[:, None] + shift[:, None]).astype(np.int32)
        np.clip(cell, 0, px - 1, out=cell)
        flat_SBC = flat_SBC + cell * stride
    return np.bincount(flat_SBC.ravel(), minlength=batch * px * px).reshape(batch, px, px)


def filling_rates(codes: list[FractalCode], rngs: list[np.random.Generator]) -> NDArray[np.float64]:
    """Return the share of non-empty cells (B,) when each code is drawn to fill 256 x 256 cells.

    Each code gets 32,768 points. A code that collapses to a point or diverges to infinity has rate 0.
    """
    choices_SBC = np.stack(
        [code.choice_256[random_choices(rng, _FILL_STEPS, 1)[:, 0]] for code, rng in zip(codes, rngs, strict=True)],
        axis=1,
    )
    x_SBC, y_SBC = chaos_game(np.stack([code.maps_M6 for code in codes]), choices_SBC)
    spans = np.maximum(np.ptp(x_SBC, axis=(0, 2)), np.ptp(y_SBC, axis=(0, 2)))
    is_valid = (spans > _SPREAD) & (spans < 1e6)
    x_SBC, y_SBC = np.where(is_valid[:, None], x_SBC, 0), np.where(is_valid[:, None], y_SBC, 0)
    side_B = np.full(len(codes), _FILL_PX, np.float32)
    counts = count_points(x_SBC, y_SBC, side_B, np.zeros((len(codes), 2), np.float32), _FILL_PX)
    rates: NDArray[np.float64] = (counts > 0).mean(axis=(1, 2)) * is_valid
    return rates


@lru_cache(maxsize=8)
def accepted_codes(seed: int, count: int) -> tuple[FractalCode, ...]:
    """Return the first `count` codes of `seed` whose filling rate is at least `MIN_FILLING`; about one in six is.

    Candidate i has a generator of its own, so a larger `count` begins with the same codes.
    """
    accepted: list[FractalCode] = []
    first = 0
    while len(accepted) < count:
        rngs = [
            np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(0, index))))
            for index in range(first, first + _CANDIDATES)
        ]
        codes = [sample_code(rng) for rng in rngs]
        rates = filling_rates(codes, rngs)
        accepted += [code for code, rate in zip(codes, rates, strict=True) if rate >= MIN_FILLING]
        first += _CANDIDATES
    return tuple(accepted[:count])
