"""Measure how much training a search needs for how good a choice, against what is usual, on planted networks.

    python benchmarks/search_efficiency.py                                 all cells, 400 replays each
    python benchmarks/search_efficiency.py replays=100 snr=1 own=5 surface=quadratic

Keys: replays, snr (values), own (percent of the variance between networks that no surface explains), surface
(quadratic, ridge, step), processes. Lists are joined by commas.

A world has twenty candidates, evenly spaced on the grid of `quick`. Their true values are a surface over the
shares of compute plus each network's own deviation, with a variance of 1 in all; SNR is that variance over the
variance of the noise of one training. A training has five rungs, each with twice the images of the one before.
They show .3, .45, .6, .8 and all of the differences, with noise that correlates by .75 between neighbours.

Rivals are scored when they end:

- full grid: every candidate is trained to the end with one, two or three seeds; the best mean is chosen;
- Ray's ASHA with one, two or three trials of each candidate, reduction factor 2 as our halving, two workers; the
  best mean on the highest rung is chosen (decay phases cost nothing);
- synchronous halving with one seed, without a model;
- a random choice, which costs nothing.

Ours are anytime: whenever a wave of trials ends, the candidate with the greatest posterior mean is chosen among
those that were trained the longest.

- halving: the product's scheduler of budgets with rungs; then its finalists get three seeds, and eight;
- sequential: the product's sequential halving, up to eight seeds;
- adaptive: the product's scheduler of budgets without rungs, eight waves.

*Training* is in whole trainings of one candidate. *Regret* is in standard deviations of the candidates, ± its
standard error. *Saves* is the training of a rival over that of ours at the first wave after which our mean regret
is at most the rival's, with the 95 % interval over replays; 0 if it never is. The oracle knows the surface's prior
and the noise, and sees the trials of `sequential`: its regret bounds what any model could reach with them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from types import SimpleNamespace

import numpy as np
from decision_calibration import NETWORKS, shares
from key_values import read_options
from numpy.typing import NDArray
from simulated_results import BASELINE, ModelledResults, SeededResults, SimulatedResults

from scalesearch.search.budget import BUDGETS
from scalesearch.search.decision.data import Channel, StudyData, Training
from scalesearch.search.decision.posterior import Posterior, posterior
from scalesearch.search.decision.shares import ShareTerms
from scalesearch.search.schedulers.adaptive import AdaptiveWaves
from scalesearch.search.schedulers.base import RungTrial, Score
from scalesearch.search.schedulers.halving import Halving
from scalesearch.search.schedulers.sequential import SequentialHalving

Floats = NDArray[np.float64]
VISIBLE = (0.3, 0.45, 0.6, 0.8, 1.0)
"""The share of the differences that each rung shows."""
COSTS = tuple(0.5 ** (len(VISIBLE) - 1 - rung) for rung in range(len(VISIBLE)))
"""The training until the end of each rung, in whole trainings."""
DECAY = 0.3
"""The share of a rung in which the rate decays; the next rung resumes before it."""
RUNG_CORRELATION = 0.75
SEEDS, RIVAL_SEEDS, LAST = 8, 3, len(VISIBLE) - 1
LEVEL, SPREAD = 0.8, 0.02
"""The mean accuracy, and the standard deviation of the candidates' true values."""
VALIDATION_IMAGES = 2000
RESAMPLES = 2000
NAMES = tuple(f"{index:02}" for index in range(NETWORKS))
_DEFAULTS = {
    "replays": "400", "snr": "0.25,1,4", "own": "5,20", "surface": "quadratic,ridge,step", "processes": "2",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell is one kind of world."""

    surface: str
    own: float
    """The share of the variance that is the networks' own."""
    snr: float


@dataclass(frozen=True)
class World:
    """A world holds what each training would reach, and the true values."""

    cell: Cell
    truth_N: Floats
    measured_NSR: Floats
    base_SR: Floats
    """The unscaled network's accuracies."""

    def regret(self, choice: int) -> float:
        """Return by how many standard deviations the best candidate is better than the chosen one."""
        return float(self.truth_N.max() - self.truth_N[choice]) / SPREAD


Trace = Sequence[tuple[float, int]]
"""The training so far and the choice, whenever a strategy chooses."""


def prior_covariance(own: float) -> Floats:
    """Return the covariance (N, N) of the true values of the quadratic surface, in squared standard deviations.

    The linear terms and the quadratic ones explain the same variance.
    """
    terms = ShareTerms.of(shares(), np.ones(NETWORKS, dtype=bool))
    assert terms is not None, "the grid has three dimensions"
    linear_NL, quadratic_NQ = np.split(terms.values, [terms.num_linear], axis=1)
    smooth_NN = linear_NL @ linear_NL.T / linear_NL.shape[1] + quadratic_NQ @ quadratic_NQ.T
    return np.asarray((1 - own) * smooth_NN / 2 + own * np.eye(NETWORKS))


def make_world(cell: Cell, rng: np.random.Generator) -> World:
    """Return a random world of a cell."""
    if cell.surface == "quadratic":
        truth_N = np.linalg.cholesky(prior_covariance(cell.own) + 1e-9 * np.eye(NETWORKS)) @ rng.normal(
            size=NETWORKS
        )
    else:
        places_N = (shares() - rng.dirichlet((3, 3, 3))) @ rng.normal(size=3)
        surface_N = -np.abs(places_N) if cell.surface == "ridge" else np.sign(places_N - np.median(places_N))
        surface_N = (surface_N - surface_N.mean()) / surface_N.std()
        truth_N = np.sqrt(1 - cell.own) * surface_N + np.sqrt(cell.own) * rng.normal(size=NETWORKS)
    truth_N = LEVEL + SPREAD * truth_N
    noise = SPREAD / np.sqrt(cell.snr) * _rung_noise(rng, (NETWORKS + 1, SEEDS))
    values = np.append(truth_N - LEVEL, -2 * SPREAD)[:, None, None] * np.array(VISIBLE)
    measured = LEVEL - 0.4 * (1 - np.array(VISIBLE)) + values + noise
    return World(cell, truth_N, measured[:-1], measured[-1])


def _rung_noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Return noise of variance 1, correlated between the rungs of a training (the last dimension)."""
    noise = rng.normal(size=(*shape, len(VISIBLE)))
    for rung in range(1, len(VISIBLE)):
        fresh = np.sqrt(1 - RUNG_CORRELATION**2) * noise[..., rung]
        noise[..., rung] = RUNG_CORRELATION * noise[..., rung - 1] + fresh
    return noise


# Rivals.


def full_grid(seeds: int, world: World, rng: np.random.Generator) -> Trace:
    """Train every candidate to the end with some seeds."""
    del rng
    return [(float(seeds * NETWORKS), int(world.measured_NSR[:, :seeds, LAST].mean(axis=1).argmax()))]


def random_choice(world: World, rng: np.random.Generator) -> Trace:
    """Choose a random candidate."""
    del world
    return [(0.0, int(rng.integers(NETWORKS)))]


def asha(seeds: int, world: World, rng: np.random.Generator) -> Trace:
    """Run Ray Tune's ASHAScheduler with some trials of each candidate, on two workers."""
    from ray.tune.schedulers import ASHAScheduler, TrialScheduler

    scheduler = ASHAScheduler(time_attr="rung", metric="accuracy", mode="max", max_t=2**LAST, reduction_factor=2)
    pairs = [(network, seed) for network in range(NETWORKS) for seed in range(seeds)]
    waiting = [
        SimpleNamespace(trial_id=str(pairs[index]), pair=pairs[index], rung=0, at=0.0)
        for index in rng.permutation(len(pairs))
    ]
    running: list[SimpleNamespace] = []
    clock, spent, accuracies = [0.0, 0.0], 0.0, dict[tuple[int, int], list[float]]()
    for trial in waiting:
        scheduler.on_trial_add(None, trial)
    while waiting or running:
        while waiting and len(running) < len(clock):
            trial = waiting.pop(0)
            trial.at = min(clock) + COSTS[0]
            running.append(trial)
        trial = min(running, key=lambda trial: trial.at)
        network, seed = trial.pair
        accuracy = float(world.measured_NSR[network, seed, trial.rung])
        accuracies.setdefault((trial.rung, network), []).append(accuracy)
        result = {"rung": 2**trial.rung, "accuracy": accuracy, "training_iteration": trial.rung + 1}
        decision = scheduler.on_trial_result(None, trial, result)
        if decision == TrialScheduler.CONTINUE and trial.rung < LAST:
            trial.at += COSTS[trial.rung + 1] - COSTS[trial.rung]
            trial.rung += 1
        else:
            running.remove(trial)
            clock = [trial.at, *sorted(clock)[1:]]
            spent += COSTS[trial.rung]
    _, best = max(accuracies, key=lambda pair: (pair[0], float(np.mean(accuracies[pair]))))
    return [(spent, best)]


def plain_halving(world: World, rng: np.random.Generator) -> Trace:
    """Run the product's halving with one seed; choose the best on the last rung."""
    del rng
    alive = _survivors(world, final_seeds=1)
    best = max(alive[-1], key=lambda network: float(world.measured_NSR[network, 0, LAST]))
    return [(sum(_cost(rung) * len(networks) for rung, networks in enumerate(alive)), best)]


# Ours.


def halving(world: World, rng: np.random.Generator) -> Trace:
    """Run the product's halving, then the seeds of its finalists; choose by the model."""
    del rng
    trace, spent = list[tuple[float, int]](), 0.0
    seen: dict[tuple[int, int], dict[Channel, float]] = {}
    alive = _survivors(world, final_seeds=SEEDS)
    for rung, networks in enumerate(alive):
        for network in networks:
            seen.setdefault((network, 0), {})[Channel(rung)] = float(world.measured_NSR[network, 0, rung])
        spent += _cost(rung) * len(networks)
        trace.append((spent, _choose(world, seen, networks)))
    for seeds in (range(1, RIVAL_SEEDS), range(RIVAL_SEEDS, SEEDS)):
        for network, seed in product(alive[-1], seeds):
            seen[network, seed] = {Channel(LAST): float(world.measured_NSR[network, seed, LAST])}
        spent += len(alive[-1]) * len(seeds)
        trace.append((spent, _choose(world, seen, alive[-1])))
    return trace


def sequential(world: World, rng: np.random.Generator) -> Trace:
    """Run the product's sequential halving over seeds; choose by the model."""
    del rng
    return [(float(len(seen)), _choose(world, seen, range(NETWORKS))) for seen in _sequential_waves(world)]


def adaptive(world: World, rng: np.random.Generator) -> Trace:
    """Run the product's adaptive waves; choose by the model among those that were trained."""
    del rng
    results = ModelledResults(
        dict(zip(NAMES, world.measured_NSR[..., LAST].tolist(), strict=True)),
        shares=shares(),
        study_data=lambda trials: _study_data(world, _seen(world, trials)),
    )
    scheduler = AdaptiveWaves.of(replace(BUDGETS["quick"], final_seeds=SEEDS), 0, NAMES)
    results.run(scheduler)
    trace, trials = list[tuple[float, int]](), list[RungTrial]()
    for wave in scheduler.advance(results).waves:
        trials += wave
        seen = _seen(world, trials)
        trace.append((float(len(seen)), _choose(world, seen, sorted({network for network, _ in seen}))))
    return trace


def oracle(world: World, rng: np.random.Generator) -> Trace:
    """See the trials of `sequential`; choose by the true prior and noise, which no search knows."""
    del rng
    trace = list[tuple[float, int]]()
    for seen in _sequential_waves(world):
        count_N, sum_N = np.zeros(NETWORKS), np.zeros(NETWORKS)
        for (network, _), values in seen.items():
            count_N[network] += 1
            sum_N[network] += (values[Channel(LAST)] - LEVEL) / SPREAD
        covariance_NN = prior_covariance(world.cell.own)
        noise_NN = np.diag(1 / (world.cell.snr * count_N))
        mean_N = covariance_NN @ np.linalg.solve(covariance_NN + noise_NN, sum_N / count_N)
        trace.append((float(len(seen)), int(mean_N.argmax())))
    return trace


Seen = Mapping[tuple[int, int], Mapping[Channel, float]]
"""The measured values of trainings, by candidate and seed."""


def _choose(world: World, seen: Seen, among: Sequence[int]) -> int:
    """Return the candidate with the greatest posterior mean."""
    mean_N = _posterior(world, seen).mean
    return max(among, key=lambda network: float(mean_N[network]))


def _seen(world: World, trials: Iterable[RungTrial]) -> dict[tuple[int, int], dict[Channel, float]]:
    """Return the trainings of candidates among trials to the end."""
    pairs = [(NAMES.index(trial.network), trial.seed) for trial in trials if trial.network != BASELINE]
    return {pair: {Channel(LAST): float(world.measured_NSR[*pair, LAST])} for pair in pairs}


def _posterior(world: World, seen: Seen) -> Posterior:
    return posterior(_study_data(world, seen))


def _study_data(world: World, seen: Seen) -> StudyData:
    """Return the data of the product's model, with the unscaled network's first trainings too."""
    trainings = [Training(NAMES[network], values) for (network, _), values in seen.items()]
    rungs = {channel.rung for values in seen.values() for channel in values}
    base = [
        Training("base", {Channel(rung): float(row_R[rung]) for rung in rungs})
        for row_R in world.base_SR[:RIVAL_SEEDS]
    ]
    return StudyData(NAMES, shares(), np.zeros(NETWORKS), (*trainings, *base), "base", smallest_noise=2.5e-4)


def _sequential_waves(world: World) -> list[dict[tuple[int, int], dict[Channel, float]]]:
    """Return the trainings seen after each wave of sequential halving."""
    budget = replace(BUDGETS["quick"], final_seeds=SEEDS)
    scheduler = SequentialHalving.of(budget, 0, NAMES)
    results = SeededResults(dict(zip(NAMES, world.measured_NSR[..., LAST].tolist(), strict=True)))
    results.run(scheduler)
    trials, waves = list[RungTrial](), []
    for wave in scheduler.advance(results).waves:
        trials += wave
        waves.append(_seen(world, trials))
    return waves


def _survivors(world: World, final_seeds: int) -> list[list[int]]:
    """Return the candidates that the product's halving trains on each rung, with their first seed."""

    def scores(rung: int) -> dict[str, Score]:
        return {name: Score(float(world.measured_NSR[n, 0, rung]), 1.0) for n, name in enumerate(NAMES)}

    def base_accuracies(rung: int) -> list[float]:
        return list(map(float, world.base_SR[:RIVAL_SEEDS, rung]))

    budget = replace(BUDGETS["quick"], rungs=len(VISIBLE), seeds=1, final_seeds=final_seeds)
    schedule = Halving.of(budget, 2500, NAMES)
    results = SimulatedResults(NAMES, scores, base_accuracies, VALIDATION_IMAGES, BASELINE)
    trials = [trial for wave in schedule.advance(results).waves for trial in wave if trial.network != BASELINE]
    return [
        [NAMES.index(trial.network) for trial in trials if trial.rung == rung and trial.seed == 0]
        for rung in range(len(VISIBLE))
    ]


def _cost(rung: int) -> float:
    """Return the training from the point at which a rung resumes to its end, in whole trainings."""
    return COSTS[rung] - (COSTS[rung - 1] * (1 - DECAY) if rung else 0.0)


Strategy = Callable[[World, np.random.Generator], Trace]
RIVALS: dict[str, Strategy] = {
    **{f"full grid, seeds: {seeds}": partial(full_grid, seeds) for seeds in range(1, RIVAL_SEEDS + 1)},
    **{f"Ray's ASHA, seeds: {seeds}": partial(asha, seeds) for seeds in range(1, RIVAL_SEEDS + 1)},
    "halving without a model": plain_halving,
    "random choice": random_choice,
}
OURS: dict[str, Strategy] = {"halving": halving, "sequential": sequential, "adaptive": adaptive}


def replay(cell: Cell, seed: int) -> dict[str, list[tuple[float, float]]]:
    """Return the training and the regret at each choice of every strategy, in one world."""
    logging.disable(logging.WARNING)
    world = make_world(cell, np.random.default_rng((2019, seed)))
    bound = {"oracle": oracle} if cell.surface == "quadratic" else {}
    return {
        name: [(spent, world.regret(choice)) for spent, choice in strategy(world, np.random.default_rng(seed))]
        for name, strategy in (RIVALS | OURS | bound).items()
    }


def savings(rival: Floats, ours: Floats, rows: NDArray[np.int64]) -> Floats:
    """Return by which factor ours needs less training for the rival's mean regret, for resamples of the replays.

    Args:
        rival: (replays, 2) its training and regret.
        ours: (replays, waves, 2) ours after each wave.
        rows: (resamples, replays) indices of replays.
    """
    training, regret = rival[rows].mean(axis=1).T
    our_training, our_regret = np.moveaxis(ours[rows].mean(axis=1), -1, 0)
    reached = our_regret <= regret[:, None]
    first = our_training[np.arange(len(rows)), reached.argmax(axis=1)]
    return np.where(reached.any(axis=1), training / first, 0.0)


def report(cell: Cell, replays: Sequence[Mapping[str, list[tuple[float, float]]]]) -> None:
    """Print the tables of a cell."""
    traces = {name: np.array([one[name] for one in replays]) for name in replays[0]}
    rows = np.random.default_rng(7).integers(0, len(replays), (RESAMPLES, len(replays)))
    everything = np.arange(len(replays))[None]
    print(
        f"\n{cell.surface}, own deviations {100 * cell.own:g} % of the variance, SNR of a training {cell.snr:g}\n"
    )
    print("| ours | training: regret |\n|---|---|")
    for name in (*OURS, *(["oracle"] if "oracle" in traces else [])):
        waves = traces[name].mean(axis=0)
        print(f"| {name} | " + ", ".join(f"{spent:.1f}: {regret:.2f}" for spent, regret in waves) + " |")
    heads = ("rival", "training", "regret", *(f"{name} saves" for name in OURS))
    print("\n| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for name in RIVALS:
        rival = traces[name][:, 0]
        training, regret = rival.mean(axis=0)
        error = rival[:, 1].std(ddof=1) / np.sqrt(len(rival))
        cells = [f"{training:.1f}", f"{regret:.2f} ± {error:.2f}"]
        for ours in OURS:
            low, high = np.percentile(savings(rival, traces[ours], rows), (2.5, 97.5))
            cells.append(f"{savings(rival, traces[ours], everything)[0]:.1f}x ({low:.1f} … {high:.1f})")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    options = read_options(sys.argv[1:], _DEFAULTS)
    lists = [options[key].split(",") for key in ("surface", "own", "snr")]
    print(f"{options['replays']} replays a cell; 95 % intervals over replays")
    with ProcessPoolExecutor(int(options["processes"])) as pool:
        for surface, own, snr in product(*lists):
            cell = Cell(surface, float(own) / 100, float(snr))
            report(cell, list(pool.map(partial(replay, cell), range(int(options["replays"])), chunksize=5)))


if __name__ == "__main__":
    main()
