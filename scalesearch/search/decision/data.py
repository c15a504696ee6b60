"""What a study measured, as the model of `decision.model` sees it: arrays, without units or ids of trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_SMALLEST_SPREAD = 1e-9
"""Stands in for the spread of values that are all equal."""
_BORROWED = 0.05
"""The least share of the first rung's variance that is added to both sides of a ratio of variances."""
_OF_SEEDS = 0.01
"""The least that a variance is, as a share of that between repeated trainings."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One quantity of a trial: a response at the end of a rung."""

    rung: int
    """Counted from 0; the last rung is what networks are judged on."""
    response: int = 0
    """0: the study's metric, larger is better. 1: the losses, negated."""


@dataclass(frozen=True, slots=True)
class Training:
    """What one training of one network with one seed came to, on each rung that it completed."""

    network: str
    """Its id; that of the baseline where it is the unscaled network."""
    values: Mapping[Channel, float]


@dataclass(frozen=True)
class StudyData:
    """The candidates of a study and the trainings of these and of the baseline."""

    candidates: tuple[str, ...]
    """Ids, trained or not."""
    shares: Floats | None
    """(candidates, axes): the shares of the log-cost that depth, width and resolution have; their rows sum to 1.
    None: they are not known, or the candidates are not scaled by them."""
    log_costs: Floats
    """(candidates,): logarithm of the trained proxy's cost over that of the candidates' (geometric) mean."""
    trainings: tuple[Training, ...]
    baseline: str
    """Id of the unscaled network: only its spread from seed to seed enters, and what candidates gained over it, or
    lost."""
    baseline_log_cost: float = -float(np.log(2))
    smallest_noise: float = 0.0
    """What the metric's standard deviation from seed to seed is at least: half of a validation image."""

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """What was measured of any candidate: by rung, the metric before the losses."""
        wanted = set(self.candidates)
        seen = {key for training in self.trainings if training.network in wanted for key in training.values}
        return tuple(sorted(seen, key=lambda channel: (channel.rung, channel.response)))

    @cached_property
    def rungs(self) -> tuple[int, ...]:
        """Those on which any candidate has the metric, rising; the last is what networks are judged on."""
        return tuple(sorted({channel.rung for channel in self.channels if channel.response == 0}))

    @cached_property
    def target_channel(self) -> int:
        """The index of the channel that networks are judged by: the metric on the last rung."""
        return self.channels.index(Channel(self.rungs[-1]))

    @cached_property
    def spreads(self) -> Floats:
        """(channels,): standard deviation over all candidates' trainings: of networks and noise together.

        Those that reach a later rung are a selection, so its spread is that of the first rung times the ratio of
        both among the networks that have both; the fewer these are, the closer to 1 it is taken. Networks that
        happen to be level do not make it vanish beside what repeated trainings differ by.
        """
        first = {response: min(c.rung for c in self.channels if c.response == response)
                 for response in {channel.response for channel in self.channels}}  # fmt: skip
        found = np.empty(len(self.channels))
        for place, channel in enumerate(self.channels):
            reference = Channel(first[channel.response], channel.response)
            whole = self._variance(reference, reference)
            own, same = self._variance(channel, reference), self._variance(reference, channel)
            missing = whole * max(_BORROWED, 1 - self._count(channel) / self._count(reference))
            between = whole * (own + missing) / (same + missing) if whole else own
            found[place] = max(between, _OF_SEEDS * self._variance_of_seeds(channel))
        return np.maximum(_SMALLEST_SPREAD, np.sqrt(found))

    def _variance_of_seeds(self, channel: Channel) -> float:
        """Of a channel over trainings of one network, pooled; 0 where none was repeated."""
        by_network: dict[str, list[float]] = {}
        for one in self.trainings:
            if channel in one.values:
                by_network.setdefault(one.network, []).append(one.values[channel])
        freedom = sum(len(values) - 1 for values in by_network.values())
        squares = sum(len(values) * float(np.var(values)) for values in by_network.values())
        return squares / freedom if freedom else 0.0

    def _count(self, channel: Channel) -> int:
        wanted = set(self.candidates)
        return len(
            {
                training.network
                for training in self.trainings
                if training.network in wanted and channel in training.values
            }
        )

    def _variance(self, channel: Channel, other: Channel) -> float:
        """Of a channel over the candidates that have both, by the mean of each."""
        wanted = set(self.candidates)
        both: dict[str, tuple[list[float], list[float]]] = {}
        for one in self.trainings:
            if one.network in wanted:
                lists = both.setdefault(one.network, ([], []))
                for values, key in zip(lists, (channel, other), strict=True):
                    values += [one.values[key]] if key in one.values else []
        means = [float(np.mean(values)) for values, others in both.values() if values and others]
        return float(np.var(means, ddof=1)) if len(means) > 1 else 0.0

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Trainings of one network that went through the same channels, as their mean and their scatter."""
        places = {channel: i for i, channel in enumerate(self.channels)}
        rows: dict[tuple[str, tuple[int, ...]], list[list[float]]] = {}
        for one in self.trainings:
            own = sorted((places[channel], value) for channel, value in one.values.items() if channel in places)
            if own:
                rows.setdefault((one.network, tuple(place for place, _ in own)), []).append([v for _, v in own])
        return tuple(
            Group(network, np.array(pattern), np.mean(values, axis=0), _scatter(values), len(values))
            for (network, pattern), values in rows.items()
        )


@dataclass(frozen=True, slots=True)
class Group:
    """Sufficient statistics of trainings that were measured alike."""

    network: str
    channels: Ints
    """(channels,): indices into `StudyData.channels`."""
    mean: Floats
    """(channels,)"""
    scatter: Floats
    """(channels, channels): sum of the products of deviations from the mean."""
    count: int


def _scatter(values: Sequence[Sequence[float]]) -> Floats:
    deviations = np.array(values) - np.mean(values, axis=0)
    return np.asarray(deviations.T @ deviations, dtype=np.float64)
