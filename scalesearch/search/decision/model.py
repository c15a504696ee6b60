"""Defines the linear mixed model of everything that a study measured.

For network n, trained with seed s, the response in channel c (a metric or a loss at the end of rung r) is

    y(n, s, c) = μ_c + t(n, s, c) + λ_c · [f(shares_n) + u_n + v(n, r) + w(n, c)] + b_c · x(n, c) + e(n, s, c)

f is linear and quadratic in the shares of the log-cost. u is the network's own deviation. v is the bias of short
training, a random walk over the rungs that is 0 on the last. Its steps to further budgets have a part that is
linear in the shares, the *drift*: longer training may prefer another dimension. Rungs of a *branch*, such as a
budget with larger images, have a v and a drift of their own. w is the deviation of the loss from the metric, 0 for
the metric. x is the log of the proxy's cost over the average cost. e is the noise from seed to seed, correlated
between the channels of one training, and larger or smaller for deep networks. t is the effect of a trunk on the
networks that were grown from it, and 0 for trainings from scratch: a part that all have in common, and a part that
is linear in the shares, since a trunk may favour a dimension. μ has a flat prior, the common part of t a wide one;
the prior of b comes from the candidates' gain over the unscaled network. The coefficients of f, of the drift and of
t's linear part, and u, v, w and e, are normal with mean 0. λ is 1 for the metric on the last rung, so that f + u is
in points of that metric.

The standard deviations, the correlations and the λ are the *unknowns*. Each is a function of a variable whose prior
is standard normal; scales are shares of the spread between trainings. Given the unknowns, everything is linear and
normal, so that the likelihood and the posterior have closed forms (Gelman et al. 2013, Bayesian Data Analysis,
section 15.1). `decision.integration` averages these over the unknowns.

Array dimensions: B points in the space of unknowns, D unknowns, N candidates, M measured means of a network
(padded), C channels, T effects of trunks, S drifting steps, P coefficients.
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
"""With fewer candidates than this, f is left out: their own deviations explain as much."""

# Scales of the half-normal priors of standard deviations, as shares of the spread between trainings.
_DEVIATION, _DEVIATION_ALONE, _LINEAR, _QUADRATIC, _SHORT, _LOSSES = 0.5, 1.0, 0.7, 0.7, 0.5, 0.5
_DRIFT = 0.7
_NOISE = 0.5
"""Prior median of the noise, as a share of the spread."""
_LEAST_NOISE, _LOSS_NOISE = 0.003, 0.05
"""Least noise of the metric and of the loss, as shares of the spread. Without it, covariances are singular where
repeated trainings end alike, and a loss that does not vary at all would outweigh the metric."""
_LARGEST_CORRELATION = 0.995
_FARTHEST = 8.0
"""Unknowns are clipped to ± this: normal variables do not lie beyond it, and covariances get singular there."""
# Standard deviations of the priors of logarithms: of the noise; of λ and the noise of a lower rung relative to the
# last; of the loss's λ; and of how much noisier the deepest candidates are than the average ones.
_NOISE_WIDTH, _RUNG_WIDTH, _RUNG_NOISE_WIDTH, _LOSS_WIDTH, _DEPTH_WIDTH = 1.0, 0.7, 0.7, 0.5, 0.2
_RUNG_CORRELATION, _LOSS_CORRELATION = 1.2, 2.3
"""Logits of the noise's prior median correlations: .77 of neighbouring rungs, .91 of metric and loss."""
_COST_WIDTH, _COST_FLOOR, _COST_LIMIT = 0.5, 0.1, 100.0
"""Prior standard deviation of b: a share of the candidates' gain, up to a limit, plus a share of the spread."""
_TRUNK = 100.0
"""Prior standard deviation of t, as a share of the spread: networks are compared within their trunks."""
_TRUNK_SLOPE = 0.8
"""Scale of the half-normal prior of the standard deviation of t's linear part, as a share of the noise. The prior's
median gives this part .58 of the variance of the noise, as it has on average in recorded trials of B0 and
MobileNetV2 (docs/log.md)."""
_TINY = 1e-9
_LARGEST_DESIGN = 2**18
"""The most numbers in the design matrices that are processed at once."""


@dataclass(frozen=True, slots=True)
class Conditional:
    """Holds the posterior of the candidates' values given the unknowns, at each of B points."""

    log_density: Floats
    """(B,): log density of the data and of the point's prior, up to a constant."""
    mean: Floats
    """(B, N): posterior means of the candidates' values."""
    coefficients: Floats
    """(B, P): posterior means of the model's coefficients."""
    coefficient_root: Floats
    """(B, P, P): R, where R Rᵀ is the posterior covariance of the coefficients."""
    loadings: Floats
    """(B, N, P): the derivatives of the candidates' values with respect to the coefficients."""
    own_variance: Floats
    """(B, N): variance of a value given the coefficients; independent between networks."""
    noise: Floats
    """(B, N): standard deviation of one training's metric on the last rung."""


@dataclass(frozen=True)
class Model:
    """Computes likelihood and conditional posterior for the data of one study."""

    data: StudyData

    @cached_property
    def terms(self) -> ShareTerms | None:
        """The terms of f; None where shares are unknown or candidates are few: then only own deviations remain."""
        shares = self.data.shares
        if shares is None or len(shares) < FEWEST_FOR_TERMS:
            return None
        trained = {group.network for group in self._own_groups}
        return ShareTerms.of(shares, np.array([key in trained for key in self.data.candidates]))

    @cached_property
    def unknowns(self) -> tuple[str, ...]:
        """The names of the D unknowns, in their order."""
        others = (*self.data.rungs[:-1], *sorted(self.data.branches))
        below = [f"{kind} {rung}" for rung in others for kind in ("scale", "noise")]
        return (
            "noise",
            "own",
            *(("depth noise",) if self._depths is not None else ()),
            *(("trunk slope",) if self._trunk_slopes.shape[-1] else ()),
            *(("linear",) if self.terms else ()),
            *(("quadratic",) if self.terms and self.terms.num_quadratic else ()),
            *(("short training", "rung correlation", *below) if below else ()),
            *(("drift",) if self._drifts.any() else ()),
            *(("loss scale", "loss noise", "loss correlation", "loss own") if self._has_losses else ()),
        )

    def conditional(self, points: Floats) -> Conditional:
        """Return the likelihood of the unknowns and the candidates' posterior given them.

        Args:
            points: (B, D) standard normal variables, in the order of `unknowns`.
        """
        parts = [self._conditional(points[rows]) for rows in self._chunks(len(points))]
        names = [field.name for field in fields(Conditional)]
        return Conditional(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def _chunks(self, num_points: int) -> Iterator[slice]:
        """Yield slices of points so small that their design matrices fit in a processor's cache, or in memory."""
        size = self._mask.size * self._target.shape[1]
        rows = max(1, _LARGEST_DESIGN // size)
        yield from (slice(start, start + rows) for start in range(0, num_points, rows))

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
        projected = np.einsum("bnmp,bnm->bp", white, white_y[..., 0])
        half = np.linalg.solve(factor, projected[..., None])[..., 0]
        inverse = np.linalg.inv(factor)
        coefficients = np.einsum("bqp,bq->bp", inverse, half)
        squares = np.einsum("bnm,bnm->b", white_y[..., 0], white_y[..., 0]) - np.einsum("bp,bp->b", half, half)
        determinants = _log_diagonal(root).sum(1) + _log_diagonal(factor) - 0.5 * hyper.log_precisions
        density = -0.5 * squares - determinants + self._scatter_density(hyper) - 0.5 * np.sum(points**2, axis=1)
        # The covariance of a network's own deviation u with its measured means.
        own_covariance = hyper.own_deviation[:, None, None] ** 2 * hyper.scales[:, self._channel_of] * mask
        gain = np.linalg.solve(root, own_covariance[..., None])[..., 0]
        target = self._target
        loadings = target - np.einsum("bnm,bnmp->bnp", gain, white)
        mean = np.einsum("bnp,bp->bn", loadings, coefficients) + np.einsum("bnm,bnm->bn", gain, white_y[..., 0])
        own_variance = np.maximum(0.0, hyper.own_deviation[:, None] ** 2 - np.einsum("bnm,bnm->bn", gain, gain))
        target_channel = self.data.target_channel
        noise = np.sqrt(hyper.noise_covariance[:, target_channel, target_channel])[:, None] * hyper.noise_factors
        return Conditional(
            density, mean + self.level, coefficients, np.swapaxes(inverse, 1, 2), loadings, own_variance, noise
        )

    @cached_property
    def term_columns(self) -> slice:
        """The slice of the P coefficients that belongs to f: the linear terms, then the quadratic ones."""
        start = len(self.data.channels)
        return slice(start, start + (self.terms.count if self.terms else 0))

    # Arrays that do not depend on the unknowns.

    @cached_property
    def _own_groups(self) -> tuple[Group, ...]:
        candidates = set(self.data.candidates)
        return tuple(group for group in self.data.groups if group.network in candidates)

    @cached_property
    def _has_losses(self) -> bool:
        return any(channel.response for channel in self.data.channels)

    @cached_property
    def _depths(self) -> Floats | None:
        """(N,): shares of depth, centred and divided by half of their range; None: not known, or all the same."""
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
        longest = max(1, *(len(means) for means in rows.values()))
        table = np.array([means + [(-1, -1, 1, 0.0)] * (longest - len(means)) for means in rows.values()])
        return table[..., 0].astype(int), table[..., 1].astype(int), table[..., 2].astype(int), table[..., 3]

    @cached_property
    def _trunks(self) -> tuple[tuple[int, int], ...]:
        """The trunk and the channel of each of the T effects of trunks."""
        grown = [(group.trunk, group.channels) for group in self._own_groups if group.trunk is not None]
        return tuple(sorted({(trunk, int(channel)) for trunk, channels in grown for channel in channels}))

    @cached_property
    def _trunk_one_hot(self) -> Floats:
        """(N, M, T): one-hot encoding of the effects of trunks on the measured means."""
        channel, group, *_ = self._layout
        trunk = np.array([-1 if own.trunk is None else own.trunk for own in self._own_groups])[group]
        columns = [(trunk == seed) & (channel == index) for seed, index in self._trunks]
        return np.stack(columns, axis=-1).astype(float) if columns else np.zeros((*channel.shape, 0))

    @cached_property
    def _trunk_slopes(self) -> Floats:
        """(N, M, T · linear terms): the linear parts of the effects of trunks on the measured means."""
        if self.terms is None:
            return np.zeros((*self._mask.shape, 0))
        linear = self.terms.values[:, : self.terms.num_linear]
        products = self._trunk_one_hot[..., None] * linear[:, None, None, :]
        return products.reshape(*self._mask.shape, -1)

    @cached_property
    def _mask(self) -> Floats:
        return (self._layout[0] >= 0).astype(float)

    @cached_property
    def _channel_of(self) -> Ints:
        return np.maximum(0, self._layout[0])

    @cached_property
    def _offsets(self) -> Floats:
        """(C,): the offsets that are subtracted from the responses, so that flat priors lose no digits."""
        sums = np.zeros(len(self.data.channels))
        np.add.at(sums, self._channel_of, self._layout[3] * self._mask)
        counts = np.zeros_like(sums)
        np.add.at(counts, self._channel_of, self._mask)
        return sums / np.maximum(1, counts)

    @cached_property
    def level(self) -> float:
        """The offset that is subtracted from the metric on the last rung."""
        return float(self._offsets[self.data.target_channel])

    @cached_property
    def _cost_priors(self) -> tuple[Floats, Floats]:
        """(C,) each: prior mean and standard deviation of b_c, from the candidates' gain over the baseline."""
        gains = np.zeros(len(self.data.channels))
        base_log_costs = np.array([self.data.costs_of(channel.rung).baseline for channel in self.data.channels])
        base = [group for group in self.data.groups if group.network == self.data.baseline]
        for channel in range(len(gains)):
            differences = [
                level - group.mean[list(group.channels).index(channel)]
                for group in base
                if channel in group.channels and (level := self._level_of(group.trunk, channel)) is not None
            ]
            if differences and base_log_costs[channel] != 0:
                gain = float(np.mean(differences))
                gains[channel] = max(0.0, gain if base_log_costs[channel] < 0 else -gain)
        distance = np.where(base_log_costs == 0, 1.0, np.abs(base_log_costs))
        spreads = self.data.spreads
        widths = np.minimum(_COST_WIDTH * gains / distance, _COST_LIMIT * spreads)
        return gains / distance, widths + _COST_FLOOR * spreads

    def _level_of(self, trunk: int | None, channel: int) -> float | None:
        """Return the candidates' mean response; for a trunk, that of those grown from it, or None without any."""
        if trunk is None:
            return float(self._offsets[channel])
        return self.data.trunk_means.get((trunk, self.data.channels[channel]))

    @cached_property
    def _responses(self) -> Floats:
        """(N, M): the responses, centred by channel and adjusted for the expected effect of the proxy's cost."""
        values = self._layout[3]
        slope = self._cost_priors[0][self._channel_of] * self._log_costs
        return (values - self._offsets[self._channel_of] - slope) * self._mask

    @cached_property
    def _log_costs(self) -> Floats:
        """(N, M): x, by the rung of each measured mean."""
        by_channel = np.stack(
            [self.data.costs_of(channel.rung).candidates for channel in self.data.channels], axis=1
        )
        return np.take_along_axis(by_channel, self._channel_of, axis=1)

    @cached_property
    def _drifts(self) -> Bools:
        """(C, S): which drifting steps lie between each channel and the last rung; none where f is left out."""
        data, channels = self.data, self.data.channels
        if data.first_further is None or self.terms is None:
            return np.zeros((len(channels), 0), bool)
        steps = [rung for rung in data.rungs[1:] if rung >= data.first_further]
        columns = [[c.rung not in data.branches and c.rung < step for c in channels] for step in steps]
        columns += [[c.rung == branch for c in channels] for branch in sorted(data.branches)]
        return np.array(columns, bool).reshape(-1, len(channels)).T

    @cached_property
    def _drift_terms(self) -> Floats:
        """(N, M, S · linear terms): the drifts' design, in units of the target."""
        if self.terms is None or not self._drifts.size:
            return np.zeros((*self._mask.shape, 0))
        linear = self.terms.values[:, : self.terms.num_linear]
        products = self._drifts[self._channel_of][..., None] * linear[:, None, None, :]
        return products.reshape(*self._mask.shape, -1)

    @cached_property
    def _one_hot(self) -> Floats:
        """(N, M, C): one-hot encoding of the channels of the measured means."""
        return np.eye(len(self.data.channels))[self._channel_of] * self._mask[..., None]

    @cached_property
    def _target(self) -> Floats:
        """(N, P): the rows that map coefficients to a candidate's value: the target channel's mean, and f.

        Where there are trunks, the mean is that over the study's own, and the value is that from an average trunk,
        which favours no dimension.
        """
        channels, target_channel = len(self.data.channels), self.data.target_channel
        level = np.zeros((len(self.data.candidates), channels))
        level[:, target_channel] = 1
        terms = self.terms.values if self.terms else np.zeros((len(level), 0))
        is_target = np.array([channel == target_channel for _, channel in self._trunks], dtype=float)
        trunks = np.tile(is_target / max(1.0, is_target.sum()), (len(level), 1))
        others = np.zeros((len(level), self._trunk_slopes.shape[-1] + self._drift_terms.shape[-1]))
        return np.hstack([level, terms, np.zeros_like(level), trunks, others])

    # Arrays that depend on the unknowns.

    def _hyperparameters(self, points: Floats) -> _Hyperparameters:
        data, ones = self.data, np.ones(len(points))
        clipped = np.clip(points, -_FARTHEST, _FARTHEST)
        unknowns = {name: clipped[:, index] for index, name in enumerate(self.unknowns)}
        spread = data.spreads[data.target_channel]

        def deviation(name: str, share: float) -> Floats:
            """Return the standard deviation of this name; 0 where the study's model does not have it."""
            return share * spread * _half_normal_quantile(unknowns[name]) if name in unknowns else 0 * ones

        own_deviation = deviation("own", _DEVIATION if self.terms else _DEVIATION_ALONE)
        scales, noises = self._scales_and_noises(unknowns, ones)
        walk, rungs, losses = self._channel_table
        networks = own_deviation[:, None, None] ** 2 + (
            deviation("short training", _SHORT)[:, None, None] ** 2 * walk
            + deviation("loss own", _LOSSES)[:, None, None] ** 2 * (losses[:, None] & losses[None, :])
        )
        rung_correlation = _LARGEST_CORRELATION * _logistic(
            _RUNG_CORRELATION + unknowns.get("rung correlation", 0 * ones)
        )
        loss_correlation = _LARGEST_CORRELATION * _logistic(
            _LOSS_CORRELATION + unknowns.get("loss correlation", 0 * ones)
        )
        distance = np.abs(rungs[:, None] - rungs[None, :])
        correlation = rung_correlation[:, None, None] ** distance * np.where(
            losses[:, None] != losses[None, :], loss_correlation[:, None, None], 1.0
        )
        factors = np.ones((len(points), len(data.candidates)))
        if self._depths is not None:
            factors = np.exp(_DEPTH_WIDTH * unknowns["depth noise"][:, None] * self._depths[None, :])
        precisions, log_precisions = self._coefficient_priors(
            deviation("linear", _LINEAR),
            deviation("quadratic", _QUADRATIC),
            deviation("drift", _DRIFT),
            _TRUNK_SLOPE * _half_normal_quantile(unknowns.get("trunk slope", 0 * ones))[:, None] * noises,
        )
        return _Hyperparameters(
            own_deviation=own_deviation,
            scales=scales,
            networks=scales[:, :, None] * scales[:, None, :] * networks,
            noise_covariance=noises[:, :, None] * noises[:, None, :] * correlation,
            noise_factors=factors,
            precisions=precisions,
            log_precisions=log_precisions,
        )

    def _scales_and_noises(self, unknowns: Mapping[str, Floats], ones: Floats) -> tuple[Floats, Floats]:
        """Return λ and the standard deviation of one training, (B, C) each."""
        data, scales, noises = self.data, [], []
        for channel, spread in zip(data.channels, data.spreads, strict=True):
            kind = "loss " if channel.response else ""
            scale = _RUNG_WIDTH * unknowns.get(f"scale {channel.rung}", 0 * ones)
            scale = scale + _LOSS_WIDTH * unknowns.get(f"{kind}scale", 0 * ones)
            noise = _RUNG_NOISE_WIDTH * unknowns.get(f"noise {channel.rung}", 0 * ones)
            noise = noise + _NOISE_WIDTH * unknowns[f"{kind}noise"]
            scales.append(spread / data.spreads[data.target_channel] * np.exp(scale))
            least = _LOSS_NOISE * spread if channel.response else max(data.smallest_noise, _LEAST_NOISE * spread)
            noises.append(np.hypot(least, _NOISE * spread * np.exp(noise)))
        return np.stack(scales, axis=1), np.stack(noises, axis=1)

    @cached_property
    def _channel_table(self) -> tuple[Ints, Ints, Bools]:
        """The covariance of v in units of a step, (C, C); the rung's index and whether it is a loss, (C,) each.

        v is a sum of as many steps as there are rungs up to the last. A branch is one step of its own.
        """
        channels, branches = self.data.channels, self.data.branches
        order = {rung: i for i, rung in enumerate(sorted({channel.rung for channel in channels}))}
        rungs = np.array([order[channel.rung] for channel in channels])
        steps = np.maximum(0, order[self.data.rungs[-1]] - rungs)
        branch = np.array([channel.rung if channel.rung in branches else -1 for channel in channels])
        same_branch = branch[:, None] == branch[None, :]
        shared_steps = np.where(branch[:, None] >= 0, 1, np.minimum(steps[:, None], steps[None, :]))
        losses = np.array([channel.response > 0 for channel in channels])
        return np.where(same_branch, shared_steps, 0), rungs, losses

    def _coefficient_priors(
        self, linear: Floats, quadratic: Floats, drift: Floats, trunk_slopes: Floats
    ) -> tuple[Floats, Floats]:
        """Return (B, P) prior precisions of the coefficients, 0 where flat, and (B,) log determinants of these.

        Args:
            linear: (B,) standard deviation of the linear coefficients.
            quadratic: (B,) that of the quadratic ones.
            drift: (B,) that of the drift.
            trunk_slopes: (B, C) that of the linear parts of trunks' effects.
        """
        channels = len(self.data.channels)
        num_linear, num_quadratic = (self.terms.num_linear, self.terms.num_quadratic) if self.terms else (0, 0)
        flat = np.zeros((len(quadratic), channels))
        linear_precisions = np.repeat(np.maximum(_TINY, linear)[:, None] ** -2.0, num_linear, axis=1)
        quadratic_precisions = np.repeat(np.maximum(_TINY, quadratic)[:, None] ** -2.0, num_quadratic, axis=1)
        cost_precisions = np.tile(self._cost_priors[1] ** -2.0, (len(quadratic), 1))
        trunk_deviations = _TRUNK * self.data.spreads[[channel for _, channel in self._trunks]]
        trunk_precisions = np.tile(trunk_deviations**-2.0, (len(quadratic), 1))
        slopes_per_trunk = self._trunk_slopes.shape[-1] // max(1, len(self._trunks))
        slope_channels = np.repeat([channel for _, channel in self._trunks], slopes_per_trunk).astype(int)
        slope_precisions = np.maximum(_TINY, trunk_slopes[:, slope_channels]) ** -2.0
        num_drifts = self._drift_terms.shape[-1]
        drift_precisions = np.repeat(np.maximum(_TINY, drift)[:, None] ** -2.0, num_drifts, axis=1)
        proper = np.hstack(
            [
                linear_precisions,
                quadratic_precisions,
                cost_precisions,
                trunk_precisions,
                slope_precisions,
                drift_precisions,
            ]
        )
        return np.hstack([flat, proper]), np.log(proper).sum(1)

    def _design(self, hyper: _Hyperparameters) -> Floats:
        """Return the design (B, N, M, P): channel mean, f in the channel's scale, log of the cost, trunk, drift."""
        batch = len(hyper.own_deviation)
        one_hot = np.broadcast_to(self._one_hot, (batch, *self._one_hot.shape))
        terms = self.terms.values if self.terms else np.zeros((len(self.data.candidates), 0))
        scaled = hyper.scales[:, self._channel_of] * self._mask
        costs = one_hot * self._log_costs[..., None]
        trunks = np.broadcast_to(self._trunk_one_hot, (batch, *self._trunk_one_hot.shape))
        shares = scaled[..., None] * terms[None, :, None, :]
        drifts = scaled[..., None] * self._drift_terms
        slopes = np.broadcast_to(self._trunk_slopes, (batch, *self._trunk_slopes.shape))
        return np.concatenate([one_hot, shares, costs, trunks, slopes, drifts], axis=-1)

    def _covariance(self, hyper: _Hyperparameters) -> Floats:
        """Return (B, N, M, M): the covariance of a network's measured means, given the coefficients."""
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
        """Return (B,): log-likelihood of the deviations of repeated trainings from their means."""
        total = np.zeros(len(hyper.own_deviation))
        factors = np.hstack([hyper.noise_factors, np.ones((len(total), 1))])  # the last: of the unscaled network
        for repeated in self._repeated:
            block = hyper.noise_covariance[:, repeated.channels[:, None], repeated.channels[None, :]]
            root = cholesky(block)
            inverse = np.linalg.inv(root)
            precision = np.swapaxes(inverse, 1, 2) @ inverse
            traces = np.einsum("bij,nij->bn", precision, repeated.scatter)
            own_factors = factors[:, repeated.network]
            determinants = _log_diagonal(root)[:, None] + len(repeated.channels) * np.log(own_factors)
            total -= determinants @ repeated.degrees_of_freedom + 0.5 * np.sum(traces / own_factors**2, axis=1)
        return total

    @cached_property
    def _repeated(self) -> tuple[_Repeated, ...]:
        """The scatter of repeated trainings, by the channels that they have."""
        index = {key: i for i, key in enumerate(self.data.candidates)}
        by_channels: dict[tuple[int, ...], list[Group]] = {}
        for group in self.data.groups:
            if group.count > 1:
                by_channels.setdefault(tuple(group.channels), []).append(group)
        return tuple(
            _Repeated(
                channels=np.array(channels),
                network=np.array([index.get(group.network, len(index)) for group in groups]),
                scatter=np.stack([group.scatter for group in groups]),
                degrees_of_freedom=np.array([group.count - 1.0 for group in groups]),
            )
            for channels, groups in by_channels.items()
        )


@dataclass(frozen=True, slots=True)
class _Repeated:
    """Holds the repeated trainings that have the same C channels, in G groups."""

    channels: Ints
    """(C,): indices into `StudyData.channels`."""
    network: Ints
    """(G,): the index of each group's candidate; N for the unscaled network."""
    scatter: Floats
    """(G, C, C): sums of the products of deviations from the group's mean."""
    degrees_of_freedom: Floats
    """(G,)."""


@dataclass(frozen=True, slots=True)
class _Hyperparameters:
    own_deviation: Floats
    """(B,): standard deviation of u."""
    scales: Floats
    """(B, C): λ."""
    networks: Floats
    """(B, C, C): covariance of a network's own deviations between channels."""
    noise_covariance: Floats
    """(B, C, C): covariance of the noise of one training."""
    noise_factors: Floats
    """(B, N): factors by which the noise of deep candidates is larger or smaller."""
    precisions: Floats
    """(B, P): prior precisions of the coefficients."""
    log_precisions: Floats
    """(B,): log determinant of the prior precisions."""


def _log_diagonal(roots: npt.NDArray[np.floating[Any]]) -> Floats:
    return np.asarray(np.log(np.diagonal(roots, axis1=-2, axis2=-1)).sum(-1))


def _half_normal_quantile(points: Floats) -> Floats:
    """Map standard normal variables to half-normal ones of scale 1, quantile by quantile."""
    from scipy.special import ndtr, ndtri

    return np.asarray(-ndtri(ndtr(-points) / 2))


def _logistic(points: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-points)))
