"""Defines the scheduler interface: a scheduler allocates training to candidates, purely from the results so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol, Self

from scalesearch.search.budget import Budget
from scalesearch.search.metrics import ImagesError
from scalesearch.search.ranking import Arm


@dataclass(frozen=True, slots=True)
class Rung:
    """States how long the trials of a rung are trained, and how many candidates enter it."""

    samples: int
    """Training images seen at the end of the rung."""
    decay_start: int
    """Training images seen when the learning rate begins to decay: the next rung resumes from there."""
    num_entering: int


class RungTrial(NamedTuple):
    """Identifies one trial of a schedule: a network with a seed, trained to the end of a rung."""

    network: str
    """The id of the network."""
    seed: int
    rung: int = 0
    """Counted from 0; 0 where training is not divided into rungs."""
    start_rung: int = 0
    """The rung on which the training began. Equal to `rung`: the trial trains from scratch. Lower: the trial
    resumes from the checkpoint of the rung before. The unscaled network always begins on rung 0."""


@dataclass(frozen=True, slots=True)
class Score:
    """Holds the result of a candidate on a rung with its first seed."""

    accuracy: float
    """Adjusted for the proxy's multiply-adds, as in the ranking, where the unscaled network has one seed too."""
    train_loss: float
    """Mean over the last part of training; breaks ties (Ru et al. 2021, arXiv 2006.04492)."""


@dataclass(frozen=True, slots=True)
class SchedulerState:
    """Holds how far a search has progressed."""

    waves: tuple[tuple[RungTrial, ...], ...]
    """The trials known to be needed; a wave starts when the one before is over."""
    reached: int = 0
    """The highest rung that is over; 0 while the first is under way."""
    early_stopped: bool = False
    """Whether the search ended before the last rung because one candidate clearly led."""
    rungs_without_elimination: tuple[int, ...] = ()
    """The rungs at chance level, on which no candidate was eliminated."""


class Results(Protocol):
    """Gives a scheduler access to the networks and their results so far."""

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
        """Whether a sampler will still propose candidates: then only the first wave is known.

        At present, samplers of (α, β) use full training, and `nas` uses full training or halving.
        """
        ...

    @property
    def waves_are_todays(self) -> bool:
        """Whether this version, given the same trials, chooses the networks that the study's own version chose."""
        ...

    @property
    def validation_images(self) -> int:
        """The size of the validation set."""
        ...

    @property
    def images_error(self) -> ImagesError | None:
        """The sampling error of the metric on the validation images; None: it does not follow from their number."""
        ...

    def is_over(self, trial: RungTrial) -> bool:
        """Return whether the trial has an outcome, of whatever kind."""
        ...

    def arms(self, rung: int, seeds: int) -> list[Arm]:
        """Return the candidates with a completed trial on a rung, over their first `seeds` seeds."""
        ...

    def baseline_arm(self, rung: int) -> Arm:
        """Return the unscaled network's completed trials on a rung."""
        ...

    def promotion_arms(self, seeds: int) -> tuple[list[Arm], Arm]:
        """Return what tells candidates apart best, over their first `seeds` seeds, trained to the end.

        This is the validation loss where it is a response of the model, else the metric. The second value is that
        of the unscaled network with its first seed, which every candidate has too.
        """
        ...

    def spread(self, count: int) -> Sequence[str]:
        """Return `count` candidates that span all of them, or all if they are fewer."""
        ...

    def most_probably_best(self, trials: Iterable[RungTrial]) -> Sequence[str]:
        """Return the candidates, trained or not, by their probability of being the best, given these trials alone.

        Empty if none of the trials, of a candidate, completed.
        """
        ...

    def scores(self, rung: int) -> Mapping[str, Score]:
        """Return the scores of the candidates that completed a rung with their first seed, by id."""
        ...

    def is_at_chance(self, rung: int) -> bool:
        """Return whether no candidate is above chance level on a rung, and the study then eliminates none there."""
        ...


class Scheduler(Protocol):
    """Allocates training to the candidates of one study; a frozen value.

    `advance` is a pure function of the results, so that a stopped search resumes as if it had not been stopped.
    """

    resumes_trials: ClassVar[bool]
    """Whether trials resume from the checkpoints of the rung before, which a recipe must allow by its `decay`. True
    wherever there is more than one rung: at least the unscaled network resumes."""
    promotes_all_at_chance: ClassVar[bool]
    """Whether new studies eliminate nobody on a rung on which `Results.is_at_chance` holds."""
    promotes: ClassVar[str]
    """Who is promoted, such as `the better half is promoted`; empty where all are trained to the end."""

    @classmethod
    def of(cls, budget: Budget, train_images: int, candidates: Sequence[str], expected: int = 0) -> Self:
        """Create the schedule of a budget.

        Args:
            budget: the source of recipe, seeds, finalists and rungs.
            train_images: number of training images of the data set.
            candidates: ids of the candidates, in the order of the grid.
            expected: the least number of candidates in the end, where a sampler still proposes some.
        """
        ...

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """The rungs, in rising order of length; empty where every trial is trained to the end at once.

        Only rungs that are used are listed: a trial resumes from the rung before it in this list, and the last rung
        is the whole recipe.
        """
        ...

    @property
    def seeds(self) -> int:
        """The largest number of seeds of a network."""
        ...

    @property
    def baseline_seeds(self) -> int:
        """The number of seeds of the unscaled network on every rung."""
        ...

    @property
    def finalists(self) -> int:
        """The number of best candidates that get further seeds at the end; 0: none."""
        ...

    def start_rung(self, network: str, seed: int, rung: int) -> int:
        """Return the rung on which the candidate's trial of `rung` with this seed begins.

        The method is called for candidates only. The trials that `advance` returns must have this `start_rung`: a
        trial that begins elsewhere would be run and never ranked, so the plan refuses it.
        """
        ...

    def advance(self, results: Results) -> SchedulerState:
        """Return every trial that is known to be needed, given the results so far."""
        ...

    def num_trials(self, networks: int, state: SchedulerState | None = None) -> int:
        """Return how many trials there will be if every candidate completes and the search does not stop early.

        Args:
            networks: number of networks: the candidates and the unscaled network.
            state: how far the search has progressed; a rung after one that eliminated nobody has more trials.
        """
        ...

    def num_images(self, networks: int, training: int, state: SchedulerState | None = None) -> int:
        """Return how many training images those trials see in all.

        Args:
            networks: number of networks: the candidates and the unscaled network.
            training: training images of one whole training.
            state: as for `num_trials`.
        """
        ...

    def summary(self, completed: Sequence[int]) -> str:
        """Return a phrase for reports: how training was allocated.

        Args:
            completed: how many candidates completed each rung that was reached.
        """
        ...


class WithoutRungs:
    """Provides the members of `Scheduler` that say that every trial is trained to the end at once."""

    __slots__ = ()
    resumes_trials: ClassVar[bool] = False

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """No rungs."""
        return ()

    def start_rung(self, network: str, seed: int, rung: int) -> int:
        """Return 0, the only rung."""
        del network, seed, rung
        return 0


def make_rungs(budget: Budget, train_images: int, entering: Sequence[int]) -> tuple[Rung, ...]:
    """Return the rungs of a budget: the last is its whole recipe, each before it 1 / `REDUCTION` of the next.

    Where there are few images, rungs that would be no longer than the one before are left out.

    Args:
        budget: the source of the recipe.
        train_images: number of training images of the data set.
        entering: how many candidates enter each rung.
    """
    recipe = budget.recipe
    batch = min(recipe.batch, train_images)
    steps = recipe.epochs * (train_images // batch)
    rungs: list[Rung] = []
    for index, num_entering in enumerate(entering):
        end = max(1, steps // REDUCTION ** (len(entering) - 1 - index))
        if not rungs or end * batch > rungs[-1].samples:
            rungs.append(Rung(end * batch, recipe.decay_start(end) * batch, num_entering))
    return tuple(rungs)


REDUCTION = 2
"""Each rung is this many times as long as the one before, and one in this many candidates is promoted to it."""


def rung_images(rungs: Sequence[Rung]) -> Iterator[int]:
    """Yield, for each rung, the training images that a trial sees if it resumes from the rung below."""
    resumed_at = 0
    for rung in rungs:
        yield rung.samples - resumed_at
        resumed_at = rung.decay_start


def describe_rungs(completed: Sequence[int], rungs: Sequence[Rung]) -> str:
    """Return a phrase of how many candidates completed each rung, for `Scheduler.summary`."""
    pairs = zip(completed, rungs, strict=False)
    return ", ".join(f"{count} at {rung.samples:,} images" for count, rung in pairs)
