"""Define strategies that choose among candidates whose results are recorded, and the cost of each choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
from simulated_results import BASELINE as BASE
from simulated_results import SimulatedResults

from scalesearch.search.budget import BUDGETS
from scalesearch.search.decision.data import Channel, StudyData, Training
from scalesearch.search.decision.posterior import posterior
from scalesearch.search.schedulers.base import Rung, RungTrial, Score
from scalesearch.search.schedulers.halving import Halving, best_first

SEEDS = 3
TOP = 3
"""How many candidates of the first rung `one_epoch` trains to the end."""
VALIDATION = 1000
Shares = tuple[float, float, float]


@dataclass(frozen=True)
class World:
    """A world holds the results of every network on every rung with every seed, and the true accuracies."""

    samples: tuple[int, ...]
    """The images seen at the end of each rung."""
    forked: tuple[int, ...]
    """The images at which each rung's decay phase begins, from which the next rung resumes."""
    shares: Mapping[str, Shares]
    scores: Mapping[tuple[str, int, int], Score]
    """The scores by network, seed and rung, with accuracies adjusted for multiply-adds."""
    base: Mapping[tuple[int, int], float]
    """The unscaled network's accuracy by seed and rung."""
    truth: Mapping[str, float]
    """The true accuracy of each network."""

    @property
    def full(self) -> float:
        """The images that training the full grid takes."""
        return float(len(self.truth) * SEEDS * self.samples[-1])

    def regret(self, key: str) -> float:
        """Return the difference in true accuracy between the best network and a chosen one."""
        return max(self.truth.values()) - self.truth[key]


Choice = tuple[str, float]
"""A chosen network, and the training images that the choice took."""
Strategy = Callable[[World, np.random.Generator], Choice]


def full_grid(world: World, _: np.random.Generator) -> Choice:
    """Train every candidate to the end with three seeds."""
    top = len(world.samples) - 1
    means = {k: np.mean([world.scores[k, s, top].accuracy for s in range(SEEDS)]) for k in world.truth}
    return max(means, key=lambda key: means[key]), world.full


def one_seed(world: World, rng: np.random.Generator) -> Choice:
    """Train every candidate to the end with one seed."""
    seed, top = int(rng.integers(SEEDS)), len(world.samples) - 1
    best = max(world.truth, key=lambda key: world.scores[key, seed, top].accuracy)
    return best, world.full / SEEDS


def random_choice(world: World, rng: np.random.Generator) -> Choice:
    """Choose a random candidate, without training."""
    return str(rng.choice(list(world.truth))), 0.0


def one_epoch(world: World, rng: np.random.Generator) -> Choice:
    """Train all candidates on the first rung, and the three best to the end."""
    seed, top = int(rng.integers(SEEDS)), len(world.samples) - 1
    first = best_first({key: world.scores[key, seed, 0] for key in world.truth}, VALIDATION)[:TOP]
    best = max(first, key=lambda key: world.scores[key, seed, top].accuracy)
    return best, len(world.truth) * world.samples[0] + TOP * (world.samples[-1] - world.forked[0])


def asha(world: World, rng: np.random.Generator) -> Choice:
    """Run Ray Tune's ASHAScheduler with one seed; choose the best of the highest rung."""
    return _asha(world, rng, [int(rng.integers(SEEDS))])


def asha_with_seeds(count: int) -> Strategy:
    """Return `asha` with `count` seeds of every network, one trial each.

    It chooses the best mean on the highest rung.
    """

    def choose(world: World, rng: np.random.Generator) -> Choice:
        return _asha(world, rng, rng.permutation(SEEDS)[:count].tolist())

    return choose


def _asha(world: World, rng: np.random.Generator, seeds: Sequence[int]) -> Choice:
    """Run ASHA with two slots, with the results and reduction factor of halving; decay phases cost nothing."""
    from ray.tune.schedulers import ASHAScheduler, TrialScheduler

    pairs = [(key, seed) for key in world.truth for seed in seeds]
    order = [pairs[index] for index in rng.permutation(len(pairs))]
    factor = world.samples[-1] / world.samples[-2]
    scheduler = ASHAScheduler(
        time_attr="rung",
        metric="accuracy",
        mode="max",
        max_t=2 ** (len(world.samples) - 1),
        reduction_factor=factor,
    )
    waiting = [SimpleNamespace(trial_id=f"{key}-{s}", key=key, seed=s, rung=0, at=0.0) for key, s in order]
    running: list[SimpleNamespace] = []
    clock, spent, accuracies = [0.0, 0.0], 0.0, dict[tuple[str, int], list[float]]()
    for trial in waiting:
        scheduler.on_trial_add(None, trial)
    while waiting or running:
        while waiting and len(running) < len(clock):
            trial = waiting.pop(0)
            trial.at = min(clock) + world.samples[0]
            running.append(trial)
        trial = min(running, key=lambda trial: trial.at)
        accuracy = world.scores[trial.key, trial.seed, trial.rung].accuracy
        accuracies.setdefault((trial.key, trial.rung), []).append(accuracy)
        result = {"rung": 2**trial.rung, "accuracy": accuracy, "training_iteration": trial.rung + 1}
        decision = scheduler.on_trial_result(None, trial, result)
        if decision == TrialScheduler.CONTINUE and trial.rung + 1 < len(world.samples):
            trial.at += world.samples[trial.rung + 1] - world.samples[trial.rung]
            trial.rung += 1
        else:
            running.remove(trial)
            clock = [trial.at, *sorted(clock)[1:]]
            spent += world.samples[trial.rung]
    best, _ = max(accuracies, key=lambda pair: (pair[1], float(np.mean(accuracies[pair]))))
    return best, spent


def halving(world: World, rng: np.random.Generator) -> Choice:
    """Run this package's halving with one seed; choose the best of the last rung."""
    seed, schedule = int(rng.integers(SEEDS)), _schedule(world, seeds=1)
    order, spent, _ = _run_halving(world, schedule, seed)
    return order[0], spent


def halving_with_seeds(world: World, rng: np.random.Generator) -> Choice:
    """Run halving as the command `grid` does, where the four finalists get three seeds."""
    seed, schedule = int(rng.integers(SEEDS)), _schedule(world, seeds=SEEDS)
    order, spent, rung = _run_halving(world, schedule, seed)
    finalists = order[: schedule.finalists]
    means = {k: np.mean([world.scores[k, s, rung].accuracy for s in range(SEEDS)]) for k in finalists}
    return max(finalists, key=lambda key: means[key]), spent + len(finalists) * (SEEDS - 1) * world.samples[rung]


def halving_by_means(world: World, rng: np.random.Generator) -> Choice:
    """Run halving with two seeds of every network, ranked by their mean; choose the best of the last rung."""
    seeds = rng.permutation(SEEDS)[:2].tolist()
    mean = SEEDS  # a seed number that stands for the mean
    means = {
        (key, mean, rung): Score(
            *np.mean([_values(world.scores[key, seed, rung]) for seed in seeds], axis=0).tolist()
        )
        for key in world.truth
        for rung in range(len(world.samples))
    }
    order, spent, _ = _run_halving(replace(world, scores=means), _schedule(world, seeds=1), mean)
    return order[0], len(seeds) * spent


def _values(score: Score) -> tuple[float, float]:
    return score.accuracy, score.train_loss


def halving_and_model(world: World, rng: np.random.Generator) -> Choice:
    """Run halving with one seed; choose from the last rung by the greatest posterior mean over all rungs."""
    seed, schedule = int(rng.integers(SEEDS)), _schedule(world, seeds=1)
    order, spent, rung = _run_halving(world, schedule, seed)
    alive = list(world.truth)
    observed: dict[str, dict[tuple[int, int], float]] = {key: {} for key in world.truth}
    for index in range(rung + 1):
        entered = {key: world.scores[key, seed, index] for key in alive}
        for key, score in entered.items():
            observed[key][index, seed] = score.accuracy
        if index < rung:
            alive = list(best_first(entered, VALIDATION)[: schedule.rungs[index + 1].num_entering])
    return _highest_posterior(world, observed, order), spent


def first_rung_and_model(world: World, rng: np.random.Generator) -> Choice:
    """Train all candidates on the first rung; choose the greatest posterior mean, and train that one to the end."""
    seed = int(rng.integers(SEEDS))
    observed = {key: {(0, seed): world.scores[key, seed, 0].accuracy} for key in world.truth}
    spent = len(world.truth) * world.samples[0] + world.samples[-1] - world.forked[0]
    return _highest_posterior(world, observed, list(world.truth)), float(spent)


def _highest_posterior(
    world: World, observed: Mapping[str, Mapping[tuple[int, int], float]], among: Sequence[str]
) -> str:
    """Return the candidate of `among` with the greatest posterior mean given all observations."""
    trainings = [
        Training(key, {Channel(rung): value for (rung, s), value in values.items() if s == seed})
        for key, values in observed.items()
        for seed in {s for _, s in values}
    ]
    base = [
        Training("base", {Channel(rung): value for (s, rung), value in world.base.items() if s == seed})
        for seed in range(SEEDS)
    ]
    names = tuple(world.truth)
    shares = np.array([world.shares[key] for key in names])
    data = StudyData(names, shares, np.zeros(len(names)), (*trainings, *base), "base")
    means = dict(zip(names, posterior(data).mean, strict=True))
    return max(among, key=lambda key: float(means[key]))


STRATEGIES: dict[str, Strategy] = {
    "full grid, 3 seeds": full_grid,
    "full grid, 1 seed": one_seed,
    "random choice": random_choice,
    "Ray's ASHA": asha,
    "Ray's ASHA, 2 seeds": asha_with_seeds(2),
    "Ray's ASHA, 3 seeds": asha_with_seeds(3),
    f"first rung, {TOP} best to the end": one_epoch,
    "halving": halving,
    "halving, seeds for finalists": halving_with_seeds,
    "halving, 2 seeds for all": halving_by_means,
    "halving + model": halving_and_model,
    "first rung + model, 1 to the end": first_rung_and_model,
}


def _schedule(world: World, seeds: int) -> Halving:
    budget = replace(BUDGETS["quick"], rungs=len(world.samples), seeds=1, final_seeds=seeds)
    schedule = Halving.of(budget, 2500, list(world.truth))
    rungs = tuple(
        Rung(samples, forked, rung.num_entering)
        for samples, forked, rung in zip(world.samples, world.forked, schedule.rungs, strict=True)
    )
    return replace(schedule, rungs=rungs)


def _run_halving(world: World, schedule: Halving, seed: int) -> tuple[list[str], float, int]:
    """Run halving with one seed.

    Returns:
        The networks on the last rung that was reached, best first; the images that it took, without those of the
        baseline; and that rung.
    """

    def scores(rung: int) -> dict[str, Score]:
        return {key: world.scores[key, seed, rung] for key in world.truth}

    def base_accuracies(rung: int) -> list[float]:
        return [world.base[s, rung] for s in range(SEEDS)]

    state = schedule.advance(SimulatedResults(list(world.truth), scores, base_accuracies, VALIDATION, BASE))
    trials = [trial for wave in state.waves for trial in wave if trial.seed == 0 and trial.network != BASE]
    spent = sum(_images(schedule, trial) for trial in trials)
    survivors = {trial.network for trial in trials if trial.rung == state.reached}
    last_scores = scores(state.reached)
    order = best_first({key: score for key, score in last_scores.items() if key in survivors}, VALIDATION)
    return list(order), float(spent), state.reached


def _images(schedule: Halving, trial: RungTrial) -> int:
    before = schedule.rungs[trial.rung - 1].decay_start if trial.rung else 0
    return schedule.rungs[trial.rung].samples - before
