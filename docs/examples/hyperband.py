"""Implement Hyperband as a scheduler: brackets of successive halving that begin to eliminate at different rungs.

The algorithm is algorithm 1 of Li et al. 2018 (JMLR 18-185). This scheduler differs in three points. The
candidates of a grid are finite, so they are distributed over the brackets in the proportions of the algorithm. All
brackets run in parallel, rung by rung. And the unscaled network is on every rung with all seeds, which measures
the noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from scalesearch.search.budget import Budget
from scalesearch.search.schedulers.base import (
    REDUCTION,
    Results,
    Rung,
    RungTrial,
    SchedulerState,
    describe_rungs,
    make_rungs,
)
from scalesearch.search.schedulers.halving import best_first


@dataclass(frozen=True, slots=True)
class Hyperband:
    """Hyperband has one bracket for each rung; the candidates of bracket b begin on rung b."""

    resumes_trials: ClassVar[bool] = True
    promotes_all_at_chance: ClassVar[bool] = False
    promotes: ClassVar[str] = "the better half of each bracket goes on"
    rungs: tuple[Rung, ...]
    brackets: tuple[tuple[str, ...], ...]
    """The ids of the candidates that begin on each rung."""
    baseline_seeds: int
    finalists: int = 0

    @classmethod
    def of(cls, budget: Budget, train_images: int, candidates: Sequence[str], expected: int = 0) -> Hyperband:
        """Return the schedule of a budget; see `Scheduler.of`."""
        del expected  # for a sampler: this scheduler has to know its candidates
        lengths = make_rungs(budget, train_images, [0] * budget.rungs)
        brackets = _assign_brackets(candidates, len(lengths))
        entering = [sum(_entering(brackets, rung)) for rung in range(len(lengths))]
        rungs = tuple(Rung(rung.samples, rung.decay_start, n) for rung, n in zip(lengths, entering, strict=True))
        return cls(rungs, brackets, max(budget.seeds, budget.final_seeds))

    @property
    def seeds(self) -> int:
        """The most seeds that a network has, which are those of the unscaled one."""
        return self.baseline_seeds

    def start_rung(self, network: str, seed: int, rung: int) -> int:
        """Return the rung on which the candidate's bracket begins."""
        del seed
        return next((i for i, bracket in enumerate(self.brackets) if network in bracket and i <= rung), 0)

    def advance(self, results: Results) -> SchedulerState:
        """Return the waves that are known so far.

        Each rung has the better half of each bracket, and the candidates of the bracket that begins there.
        """
        waves, alive = list[tuple[RungTrial, ...]](), list[Sequence[str]]()
        for rung, bracket in enumerate(self.brackets):
            alive.append(bracket)
            trials = [RungTrial(key, 0, rung, start) for start, keys in enumerate(alive) for key in keys]
            baseline_trials = [RungTrial(results.baseline, seed, rung) for seed in range(self.baseline_seeds)]
            waves.append(tuple(dict.fromkeys((*trials, *baseline_trials))))
            if not all(map(results.is_over, waves[-1])):
                return SchedulerState(tuple(waves), max(0, rung - 1))
            scores = results.scores(rung)
            for start, keys in enumerate(alive):
                scored = {key: scores[key] for key in keys if key in scores}
                alive[start] = best_first(scored, results.validation_images)[: -(-len(keys) // REDUCTION)]
        return SchedulerState(tuple(waves), len(self.rungs) - 1)

    def num_trials(self, networks: int, state: SchedulerState | None = None) -> int:
        """Return the number of trials; see `Scheduler.num_trials`."""
        del networks, state
        return sum(rung.num_entering + self.baseline_seeds for rung in self.rungs)

    def num_images(self, networks: int, training: int, state: SchedulerState | None = None) -> int:
        """Return the number of training images that those trials see in total."""
        del networks, training, state
        total = 0
        for index, rung in enumerate(self.rungs):
            new = len(self.brackets[index]) + (self.baseline_seeds if index == 0 else 0)
            resumed = rung.num_entering + self.baseline_seeds - new
            total += new * rung.samples
            total += resumed * (rung.samples - self.rungs[index - 1].decay_start) if index else 0
        return total

    def summary(self, completed: Sequence[int]) -> str:
        """Return a phrase for reports."""
        return f"Hyperband in {len(self.brackets)} brackets: {describe_rungs(completed, self.rungs)}"


def _assign_brackets(candidates: Sequence[str], rungs: int) -> tuple[tuple[str, ...], ...]:
    """Return the candidates by bracket; each goes to the bracket that is furthest below its share in the algorithm.

    Bracket s = s_max - b has (s_max + 1) / (s + 1) · η^s configurations in the algorithm (line 3).
    """
    shares = [rungs / (rungs - b) * REDUCTION ** (rungs - 1 - b) for b in range(rungs)]
    brackets: list[list[str]] = [[] for _ in shares]
    for key in candidates:
        count = 1 + sum(map(len, brackets))
        missing = [count * share / sum(shares) - len(keys) for share, keys in zip(shares, brackets, strict=True)]
        brackets[missing.index(max(missing))].append(key)
    return tuple(map(tuple, brackets))


def _entering(brackets: Sequence[Sequence[str]], rung: int) -> Iterator[int]:
    """Yield the number of candidates that enter a rung, for each bracket that has begun."""
    for start, keys in enumerate(brackets[: rung + 1]):
        yield -(-len(keys) // REDUCTION ** (rung - start))
