"""Holds the measurements of a study as arrays, in the form that `decision.model` takes: no units, no trial ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

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


@dataclass(frozen=True, slots=True)
class Channel:
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
        """The rungs on which any candidate has the metric, in rising order; networks are judged on the last."""
        return tuple(sorted({channel.rung for channel in self.channels if channel.response == 0}))

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
        """The mean over the candidates that were grown from a trunk, by trunk and channel."""
        candidates = set(self.candidates)
        values: dict[tuple[int | None, Channel], list[float]] = {}
        for training in self.trainings:
            if training.network in candidates:
                for channel, value in training.values.items():
                    values.setdefault((training.trunk, channel), []).append(value)
        return {key: float(np.mean(of_trunk)) for key, of_trunk in values.items()}

    @cached_property
    def _centred(self) -> tuple[Training, ...]:
        """The trainings, without the means of their trunks: these tell neither networks apart nor what noise is."""
        means = self.trunk_means

        def centred(training: Training) -> Training:
            return replace(
                training,
                values={
                    channel: value - means[training.trunk, channel]
                    for channel, value in training.values.items()
                    if (training.trunk, channel) in means
                },
            )

        return tuple(training if training.trunk is None else centred(training) for training in self.trainings)

    def _variance_of_seeds(self, channel: Channel) -> float:
        """Return a channel's variance over trainings of the same network, pooled; 0 where none was repeated."""
        by_network: dict[str, list[float]] = {}
        for training in self._centred:
            if channel in training.values:
                by_network.setdefault(training.network, []).append(training.values[channel])
        degrees_of_freedom = sum(len(values) - 1 for values in by_network.values())
        squares = sum(len(values) * float(np.var(values)) for values in by_network.values())
        return squares / degrees_of_freedom if degrees_of_freedom else 0.0

    def _count(self, channel: Channel) -> int:
        candidates = set(self.candidates)
        return len(
            {
                training.network
                for training in self.trainings
                if training.network in candidates and channel in training.values
            }
        )

    def _variance(self, channel: Channel, other: Channel) -> float:
        """Return a channel's variance over the candidates that have both channels, from each candidate's mean."""
        candidates = set(self.candidates)
        by_network: dict[str, tuple[list[float], list[float]]] = {}
        for training in self._centred:
            if training.network in candidates:
                lists = by_network.setdefault(training.network, ([], []))
                for values, key in zip(lists, (channel, other), strict=True):
                    values += [training.values[key]] if key in training.values else []
        means = [float(np.mean(values)) for values, others in by_network.values() if values and others]
        return float(np.var(means, ddof=1)) if len(means) > 1 else 0.0

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The trainings grouped by network, trunk and the channels they have, as mean and scatter of each group."""
        indices = {channel: i for i, channel in enumerate(self.channels)}
        by_pattern: dict[tuple[str, int | None, tuple[int, ...]], list[list[float]]] = {}
        for training in self.trainings:
            measured = sorted(
                (indices[channel], value) for channel, value in training.values.items() if channel in indices
            )
            if measured:
                pattern = tuple(index for index, _ in measured)
                by_pattern.setdefault((training.network, training.trunk, pattern), []).append(
                    [value for _, value in measured]
                )
        return tuple(
            Group(network, np.array(pattern), np.mean(values, axis=0), _scatter(values), len(values), trunk)
            for (network, trunk, pattern), values in by_pattern.items()
        )


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


def _scatter(values: Sequence[Sequence[float]]) -> Floats:
    deviations = np.array(values) - np.mean(values, axis=0)
    return np.asarray(deviations.T @ deviations, dtype=np.float64)
