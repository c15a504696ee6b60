"""Ways to choose among candidates whose results are known beforehand, and what each choice costs."""

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
VALIDATION = 1000
Shares = tuple[float, float, float]


@dataclass(frozen=True)
class World:
    """Results of every network on every rung with every seed, and the truth."""

    samples: tuple[int, ...]
    """Images seen at the end of each rung."""
    forked: tuple[int, ...]
    shares: Mapping[str, Shares]
    scores: Mapping[tuple[str, int, int], Score]
    """By network, seed, rung; accuracies adjusted for multiply-adds."""
    base: Mapping[tuple[int, int], float]
    """The unscaled network's accuracy by seed and rung."""
    truth: Mapping[str, float]

    @property
    def full(self) -> float:
        """Images of the full grid."""
        return float(len(self.truth) * SEEDS * self.samples[-1])

    def regret(self, key: str) -> float:
        """What a choice lacks to the best."""
        return max(self.truth.values()) - self.truth[key]


Choice = tuple[str, float]
"""The chosen network, and the images that choosing it took."""
Strategy = Callable[[World, np.random.Generator], Choice]


def full_grid(world: World, _: np.random.Generator) -> Choice:
    """Every candidate to the end with three seeds."""
    top = len(world.samples) - 1
    means = {k: np.mean([world.scores[k, s, top].accuracy for s in range(SEEDS)]) for k in world.truth}
    return max(means, key=lambda key: means[key]), world.full


def one_seed(world: World, draw: np.random.Generator) -> Choice:
    """Every candidate to the end with one seed."""
    seed, top = int(draw.integers(SEEDS)), len(world.samples) - 1
    best = max(world.truth, key=lambda key: world.scores[key, seed, top].accuracy)
    return best, world.full / SEEDS


def random_choice(world: World, draw: np.random.Generator) -> Choice:
    """Any candidate, untrained."""
    return str(draw.choice(list(world.truth))), 0.0


def one_epoch(world: World, draw: np.random.Generator) -> Choice:
    """All on the first rung, the three best to the end."""
    seed, top = int(draw.integers(SEEDS)), len(world.samples) - 1
    first = best_first({key: world.scores[key, seed, 0] for key in world.truth}, VALIDATION)[:TOP]
    best = max(first, key=lambda key: world.scores[key, seed, top].accuracy)
    return best, len(world.truth) * world.samples[0] + TOP * (world.samples[-1] - world.forked[0])


def asha(world: World, draw: np.random.Generator) -> Choice:
    """Ray Tune's own ASHAScheduler on one seed; the best of the highest rung."""
    return _asha(world, draw, [int(draw.integers(SEEDS))])


def asha_with_seeds(count: int) -> Strategy:
    """The same with `count` seeds of every network, a trial each; the best mean on the highest rung."""

    def chosen(world: World, draw: np.random.Generator) -> Choice:
        return _asha(world, draw, draw.permutation(SEEDS)[:count].tolist())

    return chosen


def _asha(world: World, draw: np.random.Generator, seeds: Sequence[int]) -> Choice:
    """With two slots; results and reductions as ours, and no decay to pay for."""
    from ray.tune.schedulers import ASHAScheduler, TrialScheduler

    each = [(key, seed) for key in world.truth for seed in seeds]
    order = [each[place] for place in draw.permutation(len(each))]
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
    clock, spent, last = [0.0, 0.0], 0.0, dict[tuple[str, int], list[float]]()
    for trial in waiting:
        scheduler.on_trial_add(None, trial)
    while waiting or running:
        while waiting and len(running) < len(clock):
            trial = waiting.pop(0)
            trial.at = min(clock) + world.samples[0]
            running.append(trial)
        trial = min(running, key=lambda one: one.at)
        accuracy = world.scores[trial.key, trial.seed, trial.rung].accuracy
        last.setdefault((trial.key, trial.rung), []).append(accuracy)
        result = {"rung": 2**trial.rung, "accuracy": accuracy, "training_iteration": trial.rung + 1}
        said = scheduler.on_trial_result(None, trial, result)
        if said == TrialScheduler.CONTINUE and trial.rung + 1 < len(world.samples):
            trial.at += world.samples[trial.rung + 1] - world.samples[trial.rung]
            trial.rung += 1
        else:
            running.remove(trial)
            clock = [trial.at, *sorted(clock)[1:]]
            spent += world.samples[trial.rung]
    best, _ = max(last, key=lambda one: (one[1], float(np.mean(last[one]))))
    return best, spent


def halving(world: World, draw: np.random.Generator) -> Choice:
    """Ours, with one seed: the best of the last rung."""
    seed, found = int(draw.integers(SEEDS)), _schedule(world, seeds=1)
    order, spent, _ = _advanced(world, found, seed)
    return order[0], spent


def halving_with_seeds(world: World, draw: np.random.Generator) -> Choice:
    """Ours as `grid` runs it: the four finalists get three seeds."""
    seed, found = int(draw.integers(SEEDS)), _schedule(world, seeds=SEEDS)
    order, spent, rung = _advanced(world, found, seed)
    finalists = order[: found.finalists]
    means = {k: np.mean([world.scores[k, s, rung].accuracy for s in range(SEEDS)]) for k in finalists}
    return max(finalists, key=lambda key: means[key]), spent + len(finalists) * (SEEDS - 1) * world.samples[rung]


def halving_by_means(world: World, draw: np.random.Generator) -> Choice:
    """Ours with two seeds of every network on every rung, ranked by their mean; the best of the last rung."""
    seeds = draw.permutation(SEEDS)[:2].tolist()
    mean = SEEDS  # a seed of its own
    means = {
        (key, mean, rung): Score(
            *np.mean([_values(world.scores[key, seed, rung]) for seed in seeds], axis=0).tolist()
        )
        for key in world.truth
        for rung in range(len(world.samples))
    }
    order, spent, _ = _advanced(replace(world, scores=means), _schedule(world, seeds=1), mean)
    return order[0], len(seeds) * spent


def _values(score: Score) -> tuple[float, float]:
    return score.accuracy, score.train_loss


def halving_and_model(world: World, draw: np.random.Generator) -> Choice:
    """Halving with one seed; of the last rung the one whose posterior mean by all rungs is greatest."""
    seed, found = int(draw.integers(SEEDS)), _schedule(world, seeds=1)
    order, spent, rung = _advanced(world, found, seed)
    alive = list(world.truth)
    seen: dict[str, dict[tuple[int, int], float]] = {key: {} for key in world.truth}
    for index in range(rung + 1):
        entered = {key: world.scores[key, seed, index] for key in alive}
        for key, score in entered.items():
            seen[key][index, seed] = score.accuracy
        if index < rung:
            alive = list(best_first(entered, VALIDATION)[: found.rungs[index + 1].num_entering])
    return _highest(world, seen, order), spent


def first_rung_and_model(world: World, draw: np.random.Generator) -> Choice:
    """All on the first rung; the one of greatest posterior mean goes to the end, so that it is known."""
    seed = int(draw.integers(SEEDS))
    seen = {key: {(0, seed): world.scores[key, seed, 0].accuracy} for key in world.truth}
    spent = len(world.truth) * world.samples[0] + world.samples[-1] - world.forked[0]
    return _highest(world, seen, list(world.truth)), float(spent)


def _highest(world: World, seen: Mapping[str, Mapping[tuple[int, int], float]], among: Sequence[str]) -> str:
    """The one of greatest posterior mean by everything seen."""
    trainings = [
        Training(key, {Channel(rung): value for (rung, seed), value in values.items() if seed == one})
        for key, values in seen.items()
        for one in {seed for _, seed in values}
    ]
    base = [
        Training("base", {Channel(rung): value for (seed, rung), value in world.base.items() if seed == one})
        for one in range(SEEDS)
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
    shape = Halving.of(budget, 2500, list(world.truth))
    rungs = tuple(
        Rung(samples, forked, rung.num_entering)
        for samples, forked, rung in zip(world.samples, world.forked, shape.rungs, strict=True)
    )
    return replace(shape, rungs=rungs)


def _advanced(world: World, found: Halving, seed: int) -> tuple[list[str], float, int]:
    """Who is on the last rung that was reached, best first; what that took, the baseline left out; and the rung."""

    def scores(rung: int) -> dict[str, Score]:
        return {key: world.scores[key, seed, rung] for key in world.truth}

    def repeats(rung: int) -> list[float]:
        return [world.base[s, rung] for s in range(SEEDS)]

    state = found.advance(SimulatedResults(list(world.truth), scores, repeats, VALIDATION, BASE))
    first = [trial for wave in state.waves for trial in wave if trial.seed == 0 and trial.network != BASE]
    spent = sum(_images(found, trial) for trial in first)
    on_top = {trial.network for trial in first if trial.rung == state.reached}
    scored = scores(state.reached)
    order = best_first({key: score for key, score in scored.items() if key in on_top}, VALIDATION)
    return list(order), float(spent), state.reached


def _images(found: Halving, trial: RungTrial) -> int:
    before = found.rungs[trial.rung - 1].decay_start if trial.rung else 0
    return found.rungs[trial.rung].samples - before
