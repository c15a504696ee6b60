"""Holds the measurements of a study as arrays, in the form that `decision.model` takes: no units, no trial ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_SMALLEST_SPREAD = 1e-9
"""The spread that is used where all values are equal."""
_LEAST_PULL = 0.05
"""The least share of the first rung's variance that is added to both terms of a ratio of variances."""
_LEAST_NOISE_SHARE = 0.01
"""The least variance of a channel, as a share of the variance between repeated trainings."""


class Channel(NamedTuple):
    """Identifies one measured quantity of a trial: a response at the end of a rung."""

    rung: int
    """Counted from 0; networks are judged on the last rung."""
    response: int = 0
    """0: the study's metric, larger is better. 1: the logarithm of the validation loss, negated."""


@dataclass(frozen=True, slots=True)
class Training:
    """Holds what one training, of one network with one seed, reached on each rung that it completed."""

    network: str
    """The id of the network; that of the baseline where it is the unscaled network."""
    values: Mapping[Channel, float]
    trunk: int | None = None
    """The seed of the trunk that the network was grown from; None: it was trained from scratch."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ProxyCosts:
    """Holds what the proxies of a rung cost."""

    candidates: Floats
    """(candidates,): logarithm of the trained proxy's cost over the candidates' geometric mean cost."""
    baseline: float
    """The same of the unscaled network."""


@dataclass(frozen=True)
class StudyData:
    """Holds the candidates of a study and the trainings of the candidates and of the baseline."""

    candidates: tuple[str, ...]
    """Ids, trained or not."""
    shares: Floats | None
    """(candidates, axes): the shares of the log-cost that go to depth, width and resolution; each row sums to 1.
    None: the shares are not known, or the candidates are not scaled."""
    log_costs: Floats
    """(candidates,): logarithm of the trained proxy's cost over the candidates' geometric mean cost."""
    trainings: tuple[Training, ...]
    baseline: str
    """The id of the unscaled network. Only its spread from seed to seed and the candidates' gain (or loss) over it
    enter the model."""
    baseline_log_cost: float = -float(np.log(2))
    smallest_noise: float = 0.0
    """The least standard deviation of the metric from seed to seed: half of a validation image."""
    first_further: int | None = None
    """The first rung that belongs to a further budget than the study's own, from which networks may drift toward a
    dimension; None: there is none."""
    branches: Mapping[int, ProxyCosts] = field(default_factory=dict)
    """The rungs of budgets that are not on the way to the last rung, such as one with larger images, and what their
    proxies cost."""

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """The channels in which any candidate was measured: by rung, the metric before the loss."""
        candidates = set(self.candidates)
        measured = {
            channel for training in self.trainings if training.network in candidates for channel in training.values
        }
        return tuple(sorted(measured, key=lambda channel: (channel.rung, channel.response)))

    @cached_property
    def rungs(self) -> tuple[int, ...]:
        """The rungs on which any candidate has the metric, in rising order; networks are judged on the last.

        Branches are left out.
        """
        rungs = {channel.rung for channel in self.channels if channel.response == 0}
        return tuple(sorted(rungs - self.branches.keys()))

    @cached_property
    def target_channel(self) -> int:
        """The index of the channel by which networks are judged: the metric on the last rung."""
        return self.channels.index(Channel(self.rungs[-1]))

    @cached_property
    def spreads(self) -> Floats:
        """(channels,): the standard deviation over all candidates' trainings, of networks and noise together.

        The candidates that reach a later rung are a selection. So the spread of a later rung is the first rung's
        spread times the ratio of the two spreads among the networks that have both. The fewer such networks there
        are, the closer to 1 the ratio is taken. The variance is never much smaller than that of repeated trainings,
        even where the networks happen to be level.
        """
        first_rungs = {response: min(c.rung for c in self.channels if c.response == response)
                 for response in {channel.response for channel in self.channels}}  # fmt: skip
        variances = np.empty(len(self.channels))
        for index, channel in enumerate(self.channels):
            reference = Channel(first_rungs[channel.response], channel.response)
            total = self._variance(reference, reference)
            variance, shared = self._variance(channel, reference), self._variance(reference, channel)
            # Added to both terms, it pulls the ratio of variances towards 1.
            pull = total * max(_LEAST_PULL, 1 - self._count(channel) / self._count(reference))
            adjusted = total * (variance + pull) / (shared + pull) if total else variance
            variances[index] = max(adjusted, _LEAST_NOISE_SHARE * self._variance_of_seeds(channel))
        return np.maximum(_SMALLEST_SPREAD, np.sqrt(variances))

    @cached_property
    def trunk_means(self) -> dict[tuple[int | None, Channel], float]:
        """The mean over all candidates that were trained if they were grown from a trunk, by trunk and channel."""
        trunks = dict.fromkeys(training.trunk for training in self.trainings)
        return {
            (trunk, channel): float(mean)
            for trunk, means in zip(trunks, self._trunk_means, strict=True)
            for channel, mean in zip(self.channels, means, strict=True)
            if not np.isnan(mean)
        }

    @property
    def key(self) -> tuple[object, ...]:
        """Every field, as a key of a cache: equal for equal data."""
        arrays = self.log_costs, self._responses, self._network_of, self._trunk_of
        return (
            self.candidates,
            None if self.shares is None else self.shares.tobytes(),
            *(array.tobytes() for array in arrays),
            self.channels,
            tuple(dict.fromkeys(training.network for training in self.trainings)),
            tuple(dict.fromkeys(training.trunk for training in self.trainings)),
            (self.baseline, self.baseline_log_cost, self.smallest_noise, self.first_further),
            *((rung, costs.candidates.tobytes(), costs.baseline) for rung, costs in sorted(self.branches.items())),
        )

    def costs_of(self, rung: int) -> ProxyCosts:
        """Return what the proxies of a rung cost."""
        return self.branches.get(rung, ProxyCosts(self.log_costs, self.baseline_log_cost))

    # The trainings as arrays, because a study can have a hundred thousand of them.

    @cached_property
    def _responses(self) -> Floats:
        """(trainings, channels): the measured values; NaN where a training has none."""
        shape = len(self.trainings), len(self.channels)
        values = (training.values.get(channel, np.nan) for training in self.trainings for channel in self.channels)
        return np.fromiter(values, float, shape[0] * shape[1]).reshape(shape)

    @cached_property
    def _network_of(self) -> Ints:
        """(trainings,): the index of the network; those of the candidates come first, in their order."""
        indices = {key: index for index, key in enumerate(self.candidates)}
        return np.array([indices.setdefault(training.network, len(indices)) for training in self.trainings], int)

    @cached_property
    def _trunk_of(self) -> Ints:
        """(trainings,): the index of the trunk, in the order of their first trainings."""
        indices: dict[int | None, int] = {}
        return np.array([indices.setdefault(training.trunk, len(indices)) for training in self.trainings], int)

    @cached_property
    def _trunk_means(self) -> Floats:
        """(trunks, channels): the means over the trained candidates; NaN where a trunk has none of them.

        They are fitted by least squares to one effect of each network and one of each trunk, because a trunk may
        have the best candidates only.
        """
        rows = self._network_of < len(self.candidates)
        shape = len(self.candidates), int(self._trunk_of.max(initial=-1)) + 1
        columns = [
            _fitted_columns(self._network_of[rows], self._trunk_of[rows], values, shape)
            for values in self._responses[rows].T
        ]
        return np.stack(columns, axis=1) if columns else np.empty((shape[1], 0))

    @cached_property
    def _centred(self) -> Floats:
        """(trainings, channels): the responses without the means of their trunks.

        These tell neither networks apart nor what noise is. A response whose trunk has no mean is NaN.
        """
        is_grown = np.array([training.trunk is not None for training in self.trainings], bool)
        means = np.where(is_grown[:, None], self._trunk_means[self._trunk_of], 0.0)
        return self._responses - means

    @cached_property
    def _network_means(self) -> Floats:
        """(candidates, channels): the means of the centred responses; NaN where a candidate has none."""
        rows = self._network_of < len(self.candidates)
        return _group_means(self._network_of[rows], self._centred[rows], len(self.candidates))

    def _variance_of_seeds(self, channel: Channel) -> float:
        """Return a channel's variance over trainings of the same network, pooled; 0 where none was repeated."""
        values = self._centred[:, self.channels.index(channel)]
        rows = ~np.isnan(values)
        networks, values = self._network_of[rows], values[rows]
        degrees_of_freedom = len(values) - len(np.unique(networks))
        if not degrees_of_freedom:
            return 0.0
        means = _group_means(networks, values[:, None], int(networks.max()) + 1)[:, 0]
        return float(np.sum((values - means[networks]) ** 2)) / degrees_of_freedom

    def _count(self, channel: Channel) -> int:
        column = self._responses[:, self.channels.index(channel)]
        return len(np.unique(self._network_of[(self._network_of < len(self.candidates)) & ~np.isnan(column)]))

    def _variance(self, channel: Channel, other: Channel) -> float:
        """Return a channel's variance over the candidates that have both channels, from each candidate's mean."""
        means = self._network_means[:, self.channels.index(channel)]
        has_other = ~np.isnan(self._network_means[:, self.channels.index(other)])
        values = means[has_other & ~np.isnan(means)]
        return float(np.var(values, ddof=1)) if len(values) > 1 else 0.0

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The trainings grouped by network, trunk and the channels they have, as mean and scatter of each group."""
        measured = ~np.isnan(self._responses)
        _, pattern_of = np.unique(measured, axis=0, return_inverse=True)
        keys = self._network_of, self._trunk_of, pattern_of.reshape(-1)
        _, group_of = np.unique(np.ravel_multi_index(keys, [key.max() + 1 for key in keys]), return_inverse=True)
        members = np.split(np.argsort(group_of, kind="stable"), np.cumsum(np.bincount(group_of))[:-1])
        groups = []
        for rows in sorted(members, key=lambda rows: int(rows[0])):
            channels = np.flatnonzero(measured[rows[0]])
            if len(channels):
                training, values = self.trainings[rows[0]], self._responses[np.ix_(rows, channels)]
                scatter = _scatter(values)
                groups.append(
                    Group(training.network, channels, values.mean(axis=0), scatter, len(rows), training.trunk)
                )
        return tuple(groups)


def _group_means(groups: Ints, values: Floats, num_groups: int) -> Floats:
    """Return the (num_groups, columns) means of (rows, columns) values by group; NaN where a group has none."""
    known = ~np.isnan(values)
    sums, counts = (
        np.stack([np.bincount(groups, column, num_groups) for column in table.T], axis=-1)
        for table in (np.where(known, values, 0.0), known.astype(float))
    )
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _fitted_columns(rows: Ints, columns: Ints, values: Floats, shape: tuple[int, int]) -> Floats:
    """Return the mean (columns,) over the rows of a table, by least squares on effects of its rows and columns.

    Args:
        rows: (n,) the row of each value.
        columns: (n,) its column.
        values: (n,); NaN where there is none.
        shape: the numbers of rows and columns.
    """
    known = ~np.isnan(values)
    rows, columns, values = rows[known], columns[known], values[known]
    counts = np.zeros(shape)
    np.add.at(counts, (rows, columns), 1.0)
    in_row, in_column = counts.sum(axis=1), counts.sum(axis=0)
    gram = np.block([[np.diag(in_row), counts], [counts.T, np.diag(in_column)]])
    sums = np.concatenate([np.bincount(rows, values, shape[0]), np.bincount(columns, values, shape[1])])
    effects = np.linalg.lstsq(gram, sums)[0]
    level = effects[: shape[0]][in_row > 0].mean() if len(values) else np.nan
    return np.where(in_column > 0, level + effects[shape[0] :], np.nan)


@dataclass(frozen=True, slots=True)
class Group:
    """Holds the sufficient statistics of trainings of one network that have the same channels and trunk."""

    network: str
    channels: Ints
    """(channels,): indices into `StudyData.channels`."""
    mean: Floats
    """(channels,): means of the responses."""
    scatter: Floats
    """(channels, channels): sum of the products of deviations from the mean."""
    count: int
    trunk: int | None = None
    """See `Training.trunk`."""


def _scatter(values: Floats) -> Floats:
    deviations = values - values.mean(axis=0)
    return np.asarray(deviations.T @ deviations, dtype=np.float64)
