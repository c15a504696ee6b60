"""What a scheduler is: it distributes training over candidates, as a pure function of the results so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

from scalesearch.search.budget import Budget
from scalesearch.search.metrics import ImagesError
from scalesearch.search.ranking import Arm


@dataclass(frozen=True, slots=True)
class Rung:
    """How far the trials of a rung are trained, and how many candidates enter."""

    samples: int
    """Training images seen at its end."""
    decay_start: int
    """Training images seen when the learning rate began to fall: where the next rung takes up."""
    num_entering: int


@dataclass(frozen=True, slots=True)
class RungTrial:
    """One trial of a schedule: a network with a seed, trained to the end of a rung."""

    network: str
    """Its id."""
    seed: int
    rung: int = 0
    """Counted from 0; 0 where training is not divided into rungs."""
    start_rung: int = 0
    """The rung on which its training began. Equal to `rung`: it is trained from the first image on. Below it: it
    goes on from the checkpoint of the rung before. The unscaled network always begins on rung 0."""


@dataclass(frozen=True, slots=True)
class Score:
    """What a candidate came to on a rung with its first seed."""

    accuracy: float
    """Adjusted for the proxy's multiply-adds, as in the ranking."""
    train_loss: float
    """Mean over the last part of training: breaks ties (Ru et al. 2021, arXiv 2006.04492)."""


@dataclass(frozen=True, slots=True)
class SchedulerState:
    """How far a search has come."""

    waves: tuple[tuple[RungTrial, ...], ...]
    """The trials known to be needed; a wave begins when the one before is over."""
    reached: int = 0
    """The highest rung that is over; 0 while the first is under way."""
    early_stopped: bool = False
    """Whether it ended before the last rung because the leader stood out."""
    prolonged: tuple[int, ...] = ()
    """The rungs at chance, on which nobody was eliminated."""


class Results(Protocol):
    """What a scheduler may ask about the networks and what they came to so far."""

    @property
    def candidates(self) -> Sequence[str]:
        """The ids of the candidates so far."""
        ...

    @property
    def baseline(self) -> str:
        """The id of the unscaled network, which is never eliminated; a candidate may be the same network."""
        ...

    @property
    def more_candidates(self) -> bool:
        """Whether a sampler will still propose candidates: then only the first wave can be said.

        So far samplers of (α, β) take full training, and `nas` takes that or halving.
        """
        ...

    @property
    def validation_images(self) -> int:
        """The size of the validation set."""
        ...

    @property
    def images_error(self) -> ImagesError | None:
        """The error that the validation images make by the metric; None: it does not follow from them."""
        ...

    def is_over(self, trial: RungTrial) -> bool:
        """Whether the trial has an outcome, of whatever kind."""
        ...

    def arms(self, rung: int, seeds: int) -> list[Arm]:
        """The candidates with a completed trial on a rung, by their first `seeds` seeds."""
        ...

    def baseline_arm(self, rung: int) -> Arm:
        """The unscaled network's completed trials on a rung."""
        ...

    def scores(self, rung: int) -> Mapping[str, Score]:
        """The scores of the candidates that completed a rung with their first seed, by id."""
        ...

    def is_at_chance(self, rung: int) -> bool:
        """Whether no candidate has learned anything on a rung, and the study prolongs such rungs."""
        ...


class Scheduler(Protocol):
    """How training is spent on the candidates of one study; a frozen value.

    `advance` is a pure function of the results, so that a search that was stopped goes on as if it had not been.
    """

    resumes_trials: ClassVar[bool]
    """Whether trials go on from the checkpoints of the rung before, which a recipe must allow by its `decay`. True
    wherever there is more than one rung: at least the unscaled network does."""
    prolongs_at_chance: ClassVar[bool]
    """Whether studies that are begun now prolong a rung on which `Results.is_at_chance`."""
    promotes: ClassVar[str]
    """Who goes on from a rung, such as `the better half goes on`; empty where nobody is eliminated."""

    @classmethod
    def of(cls, budget: Budget, train_images: int, candidates: Sequence[str], expected: int = 0) -> Self:
        """The schedule of a budget.

        Args:
            budget: its recipe, seeds, finalists and rungs.
            train_images: of the data set.
            candidates: their ids, in the order of the grid.
            expected: how many there will be at least, where a sampler still proposes some.
        """
        ...

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """The lengths of training, in rising order; empty where every trial is trained to the end at once.

        Only those that are used: a trial goes on from the rung before it in this list, and the last is the whole
        recipe.
        """
        ...

    @property
    def seeds(self) -> int:
        """How many seeds a network has at most."""
        ...

    @property
    def baseline_seeds(self) -> int:
        """How many seeds the unscaled network has on every rung."""
        ...

    @property
    def finalists(self) -> int:
        """How many of the best get seeds of their own at the end; 0: none."""
        ...

    def start_rung(self, network: str, seed: int, rung: int) -> int:
        """The rung on which the candidate's trial of `rung` with this seed began.

        It is asked for candidates only, and is the `start_rung` of the trials that `advance` returns: a trial that
        begins elsewhere would be run and never ranked, so the plan refuses it.
        """
        ...

    def advance(self, results: Results) -> SchedulerState:
        """Every trial that is known to be needed, given the results so far."""
        ...

    def num_trials(self, networks: int, state: SchedulerState | None = None) -> int:
        """How many trials there will be if every candidate completes and the search does not stop early.

        Args:
            networks: the candidates and the unscaled network.
            state: how far the search is; a rung that was prolonged has more trials.
        """
        ...

    def num_images(self, networks: int, training: int, state: SchedulerState | None = None) -> int:
        """How many training images those trials see in all.

        Args:
            networks: the candidates and the unscaled network.
            training: the images of one whole training.
            state: as for `num_trials`.
        """
        ...

    def summary(self, completed: Sequence[int]) -> str:
        """A phrase for reports: how training was spent.

        Args:
            completed: how many candidates completed each rung that was reached.
        """
        ...


def make_rungs(budget: Budget, train_images: int, entering: Sequence[int]) -> tuple[Rung, ...]:
    """The rungs of a budget: the last is its whole recipe, each before it 1 / `REDUCTION` of the next.

    Rungs that would be as short as the one before, for want of images, are left out.

    Args:
        budget: its recipe.
        train_images: of the data set.
        entering: how many candidates enter each rung.
    """
    recipe = budget.recipe
    batch = min(recipe.batch, train_images)
    steps = recipe.epochs * (train_images // batch)
    found: list[Rung] = []
    for k, enter in enumerate(entering):
        end = max(1, steps // REDUCTION ** (len(entering) - 1 - k))
        if not found or end * batch > found[-1].samples:
            found.append(Rung(end * batch, recipe.decay_start(end) * batch, enter))
    return tuple(found)


REDUCTION = 2
"""A rung is so many times as long as the one before, and one in so many candidates is promoted to it."""


def rung_images(rungs: Sequence[Rung]) -> Iterator[int]:
    """For each rung: the images that a trial sees which goes on from the rung below."""
    before = 0
    for rung in rungs:
        yield rung.samples - before
        before = rung.decay_start


def describe_rungs(completed: Sequence[int], rungs: Sequence[Rung]) -> str:
    """How many candidates completed each rung, for `Scheduler.summary`."""
    pairs = zip(completed, rungs, strict=False)
    return ", ".join(f"{count} at {rung.samples:,} images" for count, rung in pairs)
