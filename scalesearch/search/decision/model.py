"""A linear mixed model of everything that a study measured.

Of network n, trained with seed s, the response in channel c (a metric or a loss at the end of rung r) is

    y(n, s, c) = μ_c + λ_c · [f(shares_n) + u_n + v(n, r) + w(n, c)] + b_c · x_n + e(n, s, c)

f is linear and quadratic in the shares of the log-cost; u is the network's own deviation; v is the bias of short
training, a random walk over the rungs that is 0 on the last; w is what losses say that the metric does not, 0 for
the metric; x is the log of the proxy's cost over the average one; e is the noise from seed to seed, correlated
between the channels of one training, and larger or smaller for deep networks. μ has a flat prior, b one from what
the candidates gained over the unscaled network; the coefficients of f, u, v, w and e are normal with mean 0. λ is 1
for the metric on the last rung, so that f + u is in its points.

The standard deviations, the correlations and the λ are *unknowns*. Each is a function of a standard normal
variable, which is its prior; scales are shares of the spread between trainings. Given the unknowns everything is
linear and normal, so that the likelihood and the posterior have closed forms (Gelman et al. 2013, Bayesian Data
Analysis, section 15.1); `decision.integration` averages these over the unknowns.

Letters: B points in the space of unknowns, D unknowns, N candidates, M measured means of a network, padded, C
channels, P coefficients.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.linalg import cholesky

from scalesearch.search.decision.data import Bools, Floats, Group, Ints, StudyData
from scalesearch.search.decision.shares import ShareTerms

FEWEST_FOR_TERMS = 9
"""Candidates below which f is left out: their own deviations say as much."""

# Scales of half-normal priors of standard deviations, as shares of the spread between trainings.
_OWN, _OWN_ALONE, _LINEAR, _QUADRATIC, _SHORT, _LOSSES = 0.5, 1.0, 0.7, 0.7, 0.5, 0.5
_NOISE = 0.5
"""Median of the noise, as such a share."""
_LEAST_NOISE, _LOSS_NOISE = 0.003, 0.05
"""Least noise of the metric and of the losses, as such shares. Without it covariances are singular where repeated
trainings end alike, and losses that do not vary at all would outweigh the metric."""
_LARGEST_CORRELATION = 0.995
_FARTHEST = 8.0
"""Unknowns beyond it stand for nothing: a standard normal variable is not there, and covariances are singular."""
# Standard deviations of the priors of logarithms: of the noise, of λ and the noise of a lower rung beside the last,
# of the losses' λ, and of how much noisier the deepest candidates are than the average ones.
_NOISE_WIDTH, _RUNG_WIDTH, _RUNG_NOISE_WIDTH, _LOSS_WIDTH, _DEPTH_WIDTH = 1.0, 0.7, 0.7, 0.5, 0.2
_RUNG_CORRELATION, _LOSS_CORRELATION = 1.2, 2.3
"""Logits of the noise's median correlations: .77 between neighbouring rungs, .91 between metric and losses."""
_COST_WIDTH, _COST_FLOOR, _COST_LIMIT = 0.5, 0.1, 100.0
"""Standard deviation of b: a share of what the candidates gained, up to a limit, and one of the spread."""
_TINY = 1e-9
_LARGEST_DESIGN = 2**18
"""Numbers in the designs that are worked on at once."""


@dataclass(frozen=True, slots=True)
class Conditional:
    """What follows for the candidates' values at each of B points of the unknowns."""

    log_density: Floats
    """(B,): of the data and of the point's prior, up to a constant."""
    mean: Floats
    """(B, N): posterior means of the candidates' values."""
    coefficients: Floats
    """(B, P): posterior means of the model's coefficients."""
    coefficient_root: Floats
    """(B, P, P): R with R Rᵀ their covariance."""
    loadings: Floats
    """(B, N, P): what an error of the coefficients does to the candidates' values."""
    own_variance: Floats
    """(B, N): variance of a value that is left when the coefficients are known; independent between networks."""
    noise: Floats
    """(B, N): standard deviation of one training's metric on the last rung."""


@dataclass(frozen=True)
class Model:
    """The model of one study."""

    data: StudyData

    @cached_property
    def terms(self) -> ShareTerms | None:
        """f; None where shares are not known or candidates are few, and own deviations are all there is."""
        shares = self.data.shares
        if shares is None or len(shares) < FEWEST_FOR_TERMS:
            return None
        trained = {group.network for group in self._own_groups}
        return ShareTerms.of(shares, np.array([key in trained for key in self.data.candidates]))

    @cached_property
    def unknowns(self) -> tuple[str, ...]:
        """The names of the D unknowns, in their order."""
        below = [f"{kind} {rung}" for rung in self.data.rungs[:-1] for kind in ("scale", "noise")]
        return (
            "noise",
            "own",
            *(("depth noise",) if self._depths is not None else ()),
            *(("linear",) if self.terms else ()),
            *(("quadratic",) if self.terms and self.terms.num_quadratic else ()),
            *(("short training", "rung correlation", *below) if below else ()),
            *(("loss scale", "loss noise", "loss correlation", "loss own") if self._has_losses else ()),
        )

    def conditional(self, points: Floats) -> Conditional:
        """The likelihood of the unknowns, and what follows for the candidates given them.

        Args:
            points: (B, D) standard normal variables, in the order of `unknowns`.
        """
        parts = [self._conditional(points[rows]) for rows in self._chunks(len(points))]
        names = [field.name for field in fields(Conditional)]
        return Conditional(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def _chunks(self, points: int) -> Iterator[slice]:
        """So many points at a time that their designs stay in a processor's cache, or in its memory at least."""
        size = self._mask.size * self._target.shape[1]
        rows = max(1, _LARGEST_DESIGN // size)
        yield from (slice(start, start + rows) for start in range(0, points, rows))

    def _conditional(self, points: Floats) -> Conditional:
        hyper = self._hyperparameters(points)
        design, responses, mask = self._design(hyper), self._responses, self._mask
        covariance = self._covariance(hyper)
        root = cholesky(covariance)
        white = np.linalg.solve(root, design)
        white_y = np.linalg.solve(root, np.broadcast_to(responses[..., None], (*covariance.shape[:-1], 1)))
        precision = np.einsum("bnmp,bnmq->bpq", white, white)
        precision[:, range(design.shape[-1]), range(design.shape[-1])] += hyper.precisions
        factor = cholesky(precision)
        right = np.einsum("bnmp,bnm->bp", white, white_y[..., 0])
        half = np.linalg.solve(factor, right[..., None])[..., 0]
        inverse = np.linalg.inv(factor)
        coefficients = np.einsum("bqp,bq->bp", inverse, half)
        squares = np.einsum("bnm,bnm->b", white_y[..., 0], white_y[..., 0]) - np.einsum("bp,bp->b", half, half)
        determinants = _log_diagonal(root).sum(1) + _log_diagonal(factor) - 0.5 * hyper.log_precisions
        density = -0.5 * squares - determinants + self._scatter_density(hyper) - 0.5 * np.sum(points**2, axis=1)
        # Of a network's measured means the part that is its own: covariance of u with them.
        shared = hyper.own[:, None, None] ** 2 * hyper.scales[:, self._channel_of] * mask
        gain = np.linalg.solve(root, shared[..., None])[..., 0]
        target = self._target
        loadings = target - np.einsum("bnm,bnmp->bnp", gain, white)
        mean = np.einsum("bnp,bp->bn", loadings, coefficients) + np.einsum("bnm,bnm->bn", gain, white_y[..., 0])
        own = np.maximum(0.0, hyper.own[:, None] ** 2 - np.einsum("bnm,bnm->bn", gain, gain))
        judged = self.data.target_channel
        noise = np.sqrt(hyper.noise_covariance[:, judged, judged])[:, None] * hyper.noise_factors
        return Conditional(
            density, mean + self.level, coefficients, np.swapaxes(inverse, 1, 2), loadings, own, noise
        )

    @cached_property
    def term_columns(self) -> slice:
        """Where the coefficients of f stand among the P: the linear terms, then the quadratic ones."""
        start = len(self.data.channels)
        return slice(start, start + (self.terms.count if self.terms else 0))

    # The study's arrays, which no unknown changes.

    @cached_property
    def _own_groups(self) -> tuple[Group, ...]:
        wanted = set(self.data.candidates)
        return tuple(group for group in self.data.groups if group.network in wanted)

    @cached_property
    def _has_losses(self) -> bool:
        return any(channel.response for channel in self.data.channels)

    @cached_property
    def _depths(self) -> Floats | None:
        """(N,): shares of depth, centred and over half of their range; None: not known, or all the same."""
        if self.data.shares is None:
            return None
        depth = self.data.shares[:, 0]
        half = (depth.max() - depth.min()) / 2
        return (depth - (depth.max() + depth.min()) / 2) / half if half > _TINY else None

    @cached_property
    def _layout(self) -> tuple[Ints, Ints, Ints, Floats]:
        """(N, M) each: channel, group and count of every measured mean, and the mean itself; −1: padding."""
        rows: dict[str, list[tuple[int, int, int, float]]] = {key: [] for key in self.data.candidates}
        for index, group in enumerate(self._own_groups):
            rows[group.network] += [
                (int(channel), index, group.count, float(value))
                for channel, value in zip(group.channels, group.mean, strict=True)
            ]
        longest = max(1, *(len(own) for own in rows.values()))
        table = np.array([own + [(-1, -1, 1, 0.0)] * (longest - len(own)) for own in rows.values()])
        return table[..., 0].astype(int), table[..., 1].astype(int), table[..., 2].astype(int), table[..., 3]

    @cached_property
    def _mask(self) -> Floats:
        return (self._layout[0] >= 0).astype(float)

    @cached_property
    def _channel_of(self) -> Ints:
        return np.maximum(0, self._layout[0])

    @cached_property
    def _offsets(self) -> Floats:
        """(C,): subtracted from the responses, so that flat priors lose no digits."""
        sums = np.zeros(len(self.data.channels))
        np.add.at(sums, self._channel_of, self._layout[3] * self._mask)
        counts = np.zeros_like(sums)
        np.add.at(counts, self._channel_of, self._mask)
        return sums / np.maximum(1, counts)

    @cached_property
    def level(self) -> float:
        """What is subtracted from the metric on the last rung."""
        return float(self._offsets[self.data.target_channel])

    @cached_property
    def _cost_priors(self) -> tuple[Floats, Floats]:
        """(C,) each: mean and standard deviation of b_c, from what candidates gained over the baseline, or lost."""
        gains = np.zeros(len(self.data.channels))
        base = [group for group in self.data.groups if group.network == self.data.baseline]
        for channel in range(len(gains)):
            values = [
                group.mean[list(group.channels).index(channel)] for group in base if channel in group.channels
            ]
            if values and self.data.baseline_log_cost != 0:
                gained = self._offsets[channel] - float(np.mean(values))
                gains[channel] = max(0.0, gained if self.data.baseline_log_cost < 0 else -gained)
        distance = abs(self.data.baseline_log_cost) or 1.0
        spreads = self.data.spreads
        widths = np.minimum(_COST_WIDTH * gains / distance, _COST_LIMIT * spreads)
        return gains / distance, widths + _COST_FLOOR * spreads

    @cached_property
    def _responses(self) -> Floats:
        """(N, M): centred by channel and adjusted for the expected worth of the proxy's cost."""
        values = self._layout[3]
        slope = self._cost_priors[0][self._channel_of] * self.data.log_costs[:, None]
        return (values - self._offsets[self._channel_of] - slope) * self._mask

    @cached_property
    def _one_hot(self) -> Floats:
        """(N, M, C)"""
        return np.eye(len(self.data.channels))[self._channel_of] * self._mask[..., None]

    @cached_property
    def _target(self) -> Floats:
        """(N, P): how the coefficients make a candidate's value: its channel's mean and f."""
        channels, judged = len(self.data.channels), self.data.target_channel
        level = np.zeros((len(self.data.candidates), channels))
        level[:, judged] = 1
        own = self.terms.values if self.terms else np.zeros((len(level), 0))
        return np.hstack([level, own, np.zeros_like(level)])

    # What the unknowns change.

    def _hyperparameters(self, points: Floats) -> _Hyperparameters:
        data, ones = self.data, np.ones(len(points))
        near = np.clip(points, -_FARTHEST, _FARTHEST)
        value = {name: near[:, place] for place, name in enumerate(self.unknowns)}
        spread = data.spreads[data.target_channel]

        def deviation(name: str, share: float) -> Floats:
            """A standard deviation; 0 where the study does not have it."""
            return share * spread * _half_normal(value[name]) if name in value else 0 * ones

        own = deviation("own", _OWN if self.terms else _OWN_ALONE)
        scales, noises = self._scales_and_noises(value, ones)
        steps, rungs, losses = self._channel_table
        networks = own[:, None, None] ** 2 + (
            deviation("short training", _SHORT)[:, None, None] ** 2 * np.minimum(steps[:, None], steps[None, :])
            + deviation("loss own", _LOSSES)[:, None, None] ** 2 * (losses[:, None] & losses[None, :])
        )
        rung_correlation = _LARGEST_CORRELATION * _logistic(
            _RUNG_CORRELATION + value.get("rung correlation", 0 * ones)
        )
        loss_correlation = _LARGEST_CORRELATION * _logistic(
            _LOSS_CORRELATION + value.get("loss correlation", 0 * ones)
        )
        apart = np.abs(rungs[:, None] - rungs[None, :])
        correlation = rung_correlation[:, None, None] ** apart * np.where(
            losses[:, None] != losses[None, :], loss_correlation[:, None, None], 1.0
        )
        factors = np.ones((len(points), len(data.candidates)))
        if self._depths is not None:
            factors = np.exp(_DEPTH_WIDTH * value["depth noise"][:, None] * self._depths[None, :])
        precisions, log_precisions = self._coefficient_priors(
            deviation("linear", _LINEAR), deviation("quadratic", _QUADRATIC)
        )
        return _Hyperparameters(
            own=own,
            scales=scales,
            networks=scales[:, :, None] * scales[:, None, :] * networks,
            noise_covariance=noises[:, :, None] * noises[:, None, :] * correlation,
            noise_factors=factors,
            precisions=precisions,
            log_precisions=log_precisions,
        )

    def _scales_and_noises(self, value: Mapping[str, Floats], ones: Floats) -> tuple[Floats, Floats]:
        """(B, C) each: λ, and the standard deviation of one training."""
        data, scales, noises = self.data, [], []
        for channel, spread in zip(data.channels, data.spreads, strict=True):
            kind = "loss " if channel.response else ""
            scale = _RUNG_WIDTH * value.get(f"scale {channel.rung}", 0 * ones)
            scale = scale + _LOSS_WIDTH * value.get(f"{kind}scale", 0 * ones)
            noise = _RUNG_NOISE_WIDTH * value.get(f"noise {channel.rung}", 0 * ones)
            noise = noise + _NOISE_WIDTH * value[f"{kind}noise"]
            scales.append(spread / data.spreads[data.target_channel] * np.exp(scale))
            least = _LOSS_NOISE * spread if channel.response else max(data.smallest_noise, _LEAST_NOISE * spread)
            noises.append(np.hypot(least, _NOISE * spread * np.exp(noise)))
        return np.stack(scales, axis=1), np.stack(noises, axis=1)

    @cached_property
    def _channel_table(self) -> tuple[Ints, Ints, Bools]:
        """(C,) each: rungs below the last, the rung's index, and whether it is a loss."""
        order = {rung: i for i, rung in enumerate(sorted({channel.rung for channel in self.data.channels}))}
        rungs = np.array([order[channel.rung] for channel in self.data.channels])
        top = order[self.data.rungs[-1]]
        losses = np.array([channel.response > 0 for channel in self.data.channels])
        return np.maximum(0, top - rungs), rungs, losses

    def _coefficient_priors(self, linear: Floats, quadratic: Floats) -> tuple[Floats, Floats]:
        """(B, P) prior precisions of the coefficients, 0 where flat, and (B,) the log determinant of the others."""
        channels = len(self.data.channels)
        straight, curved = (self.terms.num_linear, self.terms.num_quadratic) if self.terms else (0, 0)
        flat = np.zeros((len(quadratic), channels))
        lines = np.repeat(np.maximum(_TINY, linear)[:, None] ** -2.0, straight, axis=1)
        curves = np.repeat(np.maximum(_TINY, quadratic)[:, None] ** -2.0, curved, axis=1)
        costs = np.repeat(self._cost_priors[1][None, :] ** -2.0, len(quadratic), axis=0)
        proper = np.hstack([lines, curves, costs])
        return np.hstack([flat, proper]), np.log(proper).sum(1)

    def _design(self, hyper: _Hyperparameters) -> Floats:
        """(B, N, M, P): the channel's mean, f in the channel's scale, and the log of the proxy's cost."""
        batch = len(hyper.own)
        one_hot = np.broadcast_to(self._one_hot, (batch, *self._one_hot.shape))
        own = self.terms.values if self.terms else np.zeros((len(self.data.candidates), 0))
        scaled = hyper.scales[:, self._channel_of] * self._mask
        return np.concatenate(
            [one_hot, scaled[..., None] * own[None, :, None, :], one_hot * self.data.log_costs[:, None, None]],
            axis=-1,
        )

    def _covariance(self, hyper: _Hyperparameters) -> Floats:
        """(B, N, M, M): of a network's measured means, given the coefficients."""
        channel, group, count, _ = self._layout
        index = self._channel_of
        between = hyper.networks[:, index[:, :, None], index[:, None, :]]
        within = hyper.noise_covariance[:, index[:, :, None], index[:, None, :]]
        same = (group[:, :, None] == group[:, None, :]) / count[:, :, None]
        within = within * same * hyper.noise_factors[..., None, None] ** 2
        both = self._mask[:, :, None] * self._mask[:, None, :]
        padding = np.eye(channel.shape[1]) * (1 - self._mask)[:, :, None]
        return np.asarray((between + within) * both + padding, dtype=np.float64)

    def _scatter_density(self, hyper: _Hyperparameters) -> Floats:
        """(B,): log-likelihood of the deviations of repeated trainings from their means."""
        total = np.zeros(len(hyper.own))
        index = {key: i for i, key in enumerate(self.data.candidates)}
        for group in self.data.groups:
            if group.count == 1:
                continue
            block = hyper.noise_covariance[:, group.channels[:, None], group.channels[None, :]]
            if group.network in index:
                block = block * hyper.noise_factors[:, index[group.network], None, None] ** 2
            root = cholesky(block)
            white = np.linalg.solve(root, np.broadcast_to(group.scatter, block.shape))
            trace = np.trace(np.linalg.solve(root, np.swapaxes(white, 1, 2)), axis1=1, axis2=2)
            total -= (group.count - 1) * _log_diagonal(root) + 0.5 * trace
        return total


@dataclass(frozen=True, slots=True)
class _Hyperparameters:
    own: Floats
    """(B,)"""
    scales: Floats
    """(B, C): λ."""
    networks: Floats
    """(B, C, C): covariance that a network's own deviations have between channels."""
    noise_covariance: Floats
    """(B, C, C): of one training."""
    noise_factors: Floats
    """(B, N)"""
    precisions: Floats
    """(B, P)"""
    log_precisions: Floats
    """(B,)"""


def _log_diagonal(roots: npt.NDArray[np.floating[Any]]) -> Floats:
    return np.asarray(np.log(np.diagonal(roots, axis1=-2, axis2=-1)).sum(-1))


def _half_normal(points: Floats) -> Floats:
    """The quantiles of a half-normal variable of scale 1 at those of standard normal ones."""
    from scipy.special import ndtr, ndtri

    return np.asarray(-ndtri(ndtr(-points) / 2))


def _logistic(points: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-points)))
