"""Synchronous successive halving: every candidate trains a little, the better half twice as long, and so on.

Jamieson & Talwalkar 2016 (arXiv 1502.07943, figure 1), with rungs of training images in place of arm pulls. Ours
differs in four points: a rung waits for all of its trials, so it does not depend on who was faster; scores are
taken at the end of a decay of the learning rate, so that rungs are comparable; nobody is left on a rung whose
networks have learned nothing yet; and climbing stops early where the leader stands out (the idea of PASHA, Bohdal
et al. 2023, arXiv 2207.06940: no more training than a ranking needs).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt

from scalesearch.search.budget import Budget
from scalesearch.search.metrics import ImagesError

REDUCTION = 2
"""A rung lets one in so many go on, to so many times the images."""

_DEFAULT_FINALISTS = 4
_FEWEST = 2
"""A comparison needs two."""
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Rung:
    """How far the trials of a rung are trained, and how many candidates enter."""

    samples: int
    """Training images seen at its end."""
    forked: int
    """Training images seen when the learning rate began to fall: where the next rung takes up."""
    enter: int


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs of a search, and what its finalists get."""

    rungs: tuple[Rung, ...]
    finalists: int
    """How many of the last rung get more seeds."""
    seeds: int
    """That a finalist has in the end; the baseline has them at every rung, to show the noise."""
    everyone: bool = False
    """All climb to the top with all seeds, and nobody is left: what replays and trust in a proxy rest on."""

    def joined(self, seed: int, rung: int) -> int:
        """The rung on which a trial of `rung` began: further seeds are for finalists and go straight to it."""
        return 0 if seed == 0 or self.everyone else rung


def ladder(budget: Budget, train_images: int, candidates: int, everyone: bool = False) -> Ladder:
    """The rungs of a budget: the last is its whole recipe, each before it 1 / `REDUCTION` of the next.

    Args:
        budget: its `rungs`, recipe, finalists and seeds.
        train_images: of the data set.
        candidates: how many enter the first rung.
        everyone: whether all climb to the top.
    """
    recipe = budget.recipe
    batch = min(recipe.batch, train_images)
    steps = recipe.epochs * (train_images // batch)
    seeds = max(budget.seeds, budget.final_seeds)
    finalists = min(candidates, (budget.finalists or _DEFAULT_FINALISTS) if seeds > 1 else _FEWEST)
    found: list[Rung] = []
    for k in range(budget.rungs):
        end = max(1, steps // REDUCTION ** (budget.rungs - 1 - k))
        enter = candidates if everyone else max(finalists, -(-candidates // REDUCTION**k))
        if not found or end * batch > found[-1].samples:
            found.append(Rung(end * batch, recipe.fork(end) * batch, enter))
    if everyone:
        return Ladder(tuple(found), 0, budget.seeds, everyone)
    return Ladder(tuple(found), finalists, seeds)


def ladder_trials(found: Ladder, networks: int) -> int:
    """How many trials a climb has if every candidate completes and no rung is left out.

    Args:
        found: the rungs.
        networks: the candidates and the unscaled network.
    """
    if found.everyone:
        return len(found.rungs) * networks * found.seeds
    return sum(rung.enter + found.seeds for rung in found.rungs) + found.finalists * (found.seeds - 1)


def ladder_images(found: Ladder, networks: int) -> int:
    """How many training images those trials see in all."""
    before = total = 0
    for rung in found.rungs:
        trials = networks * found.seeds if found.everyone else rung.enter + found.seeds
        total += trials * (rung.samples - before)
        before = rung.forked
    return total + found.finalists * (found.seeds - 1) * found.rungs[-1].samples


@dataclass(frozen=True, slots=True)
class Score:
    """What a candidate came to on a rung."""

    accuracy: float
    """Adjusted for the proxy's multiply-adds, as in the ranking."""
    train_loss: float
    """Mean over the last part of training: breaks ties (Ru et al. 2021, arXiv 2006.04492)."""


def best_first(scores: Mapping[str, Score], validation_images: int) -> tuple[str, ...]:
    """Keys by accuracy in whole validation images, then by the lower training loss, then by name."""

    def place(key: str) -> tuple[int, float, str]:
        return -round(scores[key].accuracy * validation_images), scores[key].train_loss, key

    return tuple(sorted(scores, key=place))


def settled(before: Mapping[str, Score], now: Mapping[str, Score], noise: float) -> bool:
    """Whether one candidate led all others by more than the seed noise on two rungs in a row.

    Args:
        before: scores on the rung before.
        now: scores of those that went on.
        noise: standard deviation of one trial's accuracy from seed to seed.
    """
    if len(now) < 2:
        return True
    lead = _Z * sqrt(2) * noise
    first = max(now, key=lambda key: now[key].accuracy)
    return all(
        scores[first].accuracy - other.accuracy > lead
        for scores in (before, now)
        for key, other in scores.items()
        if key != first
    )


def pooled_noise(repeats: Iterable[Sequence[float]], images: ImagesError | None) -> float:
    """Standard deviation from seed to seed, over groups of repeated trials; at least the binomial error.

    Without either it is infinite: nothing tells it, so no lead is above it.

    Args:
        repeats: the accuracies of one network on one rung, one a seed, for several rungs.
        images: the error that the validation images make; None: the metric has none.
    """
    squares, freedom, values = 0.0, 0, list[float]()
    for group in filter(None, repeats):
        mean = sum(group) / len(group)
        squares += sum((one - mean) ** 2 for one in group)
        freedom += len(group) - 1
        values.extend(group)
    centre = sum(values) / len(values) if values else 0.5
    if images is None:
        return sqrt(squares / freedom) if squares else inf
    return max(images.at(centre), sqrt(squares / freedom) if freedom else 0.0)


@dataclass(frozen=True, slots=True)
class Entry:
    """One trial of a climb."""

    key: str
    """Of the network."""
    seed: int
    rung: int
    """Counted from 0."""
    joined: int
    """The rung on which its training began: lower ones left a checkpoint to go on from."""


@dataclass(frozen=True, slots=True)
class Climb:
    """How far a search has come."""

    entries: tuple[tuple[Entry, ...], ...]
    """The trials known to be needed, wave by wave: a rung each, then the finalists' further seeds."""
    reached: int
    """The highest rung that is over; 0 while the first is under way."""
    settled: bool
    """Whether climbing stopped before the last rung because the leader stood out."""
    prolonged: tuple[int, ...] = ()
    """The rungs at chance, on which nobody was eliminated."""

    def more_trials(self, found: Ladder) -> list[int]:
        """By rung: how many trials it has beyond the plan, since the rung before was prolonged."""
        more = [0] * len(found.rungs)
        for index in (one + 1 for one in self.prolonged if one + 1 < len(self.entries)):
            more[index] = max(0, len(self.entries[index]) - found.rungs[index].enter - found.seeds)
        return more


def climb_all(found: Ladder, networks: Sequence[str], over: Callable[[Entry], bool]) -> Climb:
    """Every network on every rung with every seed, rung by rung."""
    waves = []
    for index in range(len(found.rungs)):
        waves.append(tuple(Entry(key, seed, index, 0) for key in networks for seed in range(found.seeds)))
        if not all(map(over, waves[-1])):
            return Climb(tuple(waves), max(0, index - 1), settled=False)
    return Climb(tuple(waves), len(waves) - 1, settled=False)


def opening(found: Ladder, candidates: Sequence[str], baseline: str) -> Climb:
    """The first rung alone: while candidates are still to come, nobody climbs."""
    return Climb((_wave(found, candidates, baseline, 0),), 0, settled=False)


def _wave(found: Ladder, alive: Iterable[str], baseline: str, rung: int) -> tuple[Entry, ...]:
    """The candidates with the first seed and the unscaled network with all; once each, were they one network."""
    own = (Entry(baseline, seed, rung, 0) for seed in range(found.seeds))
    return tuple(dict.fromkeys((*(Entry(key, 0, rung, 0) for key in alive), *own)))


def climb(
    found: Ladder,
    candidates: Sequence[str],
    baseline: str,
    over: Callable[[Entry], bool],
    scores: Callable[[int], Mapping[str, Score]],
    repeats: Callable[[int], Sequence[float]],
    validation_images: int,
    images: ImagesError | None,
    at_chance: Callable[[int], bool] = lambda _: False,
) -> Climb:
    """The trials that the results so far ask for; a pure function of them, so a resumed search climbs alike.

    Args:
        found: the rungs.
        candidates: their keys.
        baseline: the key of the unscaled network, which never leaves.
        over: whether a trial has a result.
        scores: of the candidates that completed a rung, with the first seed.
        repeats: the baseline's accuracies on a rung, one a seed.
        validation_images: size of the validation set.
        images: the error that they make; None: the metric has none.
        at_chance: whether no candidate has learned anything on a rung; then all go on to the next.
    """
    waves: list[tuple[Entry, ...]] = []
    alive, before, prolonged = tuple(candidates), dict[str, Score](), tuple[int, ...]()
    last = len(found.rungs) - 1
    for index in range(len(found.rungs)):
        waves.append(_wave(found, alive, baseline, index))
        if not all(map(over, waves[-1])):
            return Climb(tuple(waves), max(0, index - 1), False, prolonged)
        now = {key: score for key, score in scores(index).items() if key in alive}
        order = best_first(now, validation_images)
        noise = pooled_noise([repeats(one) for one in range(index + 1)], images)
        if index < last and order and at_chance(index):
            alive, before, prolonged = order, now, (*prolonged, index)
            continue
        stands = index < last and bool(before) and settled(before, now, noise)
        if index == last or stands or not order:
            finalists = [
                Entry(key, s, index, index) for key in order[: found.finalists] for s in range(1, found.seeds)
            ]
            return Climb((*waves, *([tuple(finalists)] if finalists else [])), index, stands, prolonged)
        alive, before = order[: found.rungs[index + 1].enter], now
    raise AssertionError("a ladder has rungs")
