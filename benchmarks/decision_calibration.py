"""Check whether decisions are calibrated, on simulated studies whose true values are known.

    python benchmarks/decision_calibration.py [STUDIES] [KEY=VALUE …]     (default 200 a cell)

Keys: `surface` (interior, corner, flat, ridge, step), `tail` (normal, heavy), `own` (percent of the variance
between networks that no surface explains), `noise`, `design` (one: one seed of each candidate; three: three seeds;
halving: on three rungs; trunks: three trunks, from each of which every candidate is grown; adaptive: the product's
adaptive waves, five of them, grown from trunks), `losses` (0, 1),
`processes`. Each key takes several values, separated by commas.

The script prints one line per cell:

- the share of 95 % intervals that contain the true value, over all networks and for the chosen one;
- the share of studies whose regret is below its 95 % bound;
- the mean expected regret and the mean true regret;
- Kendall's τ with the true values, of the model and of raw means;
- the share of studies that wrongly name one network as significantly the best.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, partial
from itertools import product

import numpy as np
from key_values import read_pairs
from numpy.typing import NDArray
from simulated_results import BASELINE, ModelledResults

from scalesearch.search.decision.data import Channel, StudyData, Training
from scalesearch.search.decision.posterior import posterior
from scalesearch.search.grid import triples
from scalesearch.search.proxy_validation import tau_b
from scalesearch.search.schedulers.adaptive import AdaptiveWaves
from scalesearch.search.schedulers.base import RungTrial
from scalesearch.search.shares import shares_of

Floats = NDArray[np.float64]
NETWORKS, SPREAD = 20, 0.03
"""The number of candidates, and the standard deviation between them at the end of training."""
RUNGS = (0.6, 0.8, 1.0)
"""The fraction of the difference between networks that each rung shows."""
SHORT_BIAS = 0.006
"""The standard deviation of each network's own change from one rung to the next."""
RUNG_CORRELATION = 0.75
"""The correlation of the noise between neighbouring rungs."""
BASELINE_SEEDS, ADAPTIVE_SEEDS = 3, 5
TRUNK_NOISE = 4.0
"""The standard deviation of the effect that a trunk has on all networks, over that of the noise of one training."""
TRUNK_SLOPE = 0.75
"""The standard deviation, over the candidates, of what a trunk favours linearly in the shares, over that of the
noise of one training; so large it is on average in recorded trials of B0 and MobileNetV2 (docs/log.md)."""
_DEFAULTS = {
    "surface": "interior,corner,flat,ridge,step", "tail": "normal,heavy", "own": "3,10,20", "noise": ".01,.03,.06",
    "design": "one,halving", "losses": "0", "processes": "2",
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A cell is one kind of study."""

    surface: str
    tail: str
    own: float
    noise: float
    design: str
    losses: bool


@lru_cache
def shares() -> Floats:
    """Return shares (NETWORKS, 3) of evenly spaced points of the grid that `quick` searches."""
    points = np.array([shares_of(point) for point in triples(Decimal("0.1"), Decimal("0.1"))])
    return np.asarray(points[np.linspace(0, len(points) - 1, NETWORKS).round().astype(int)])


def truth(cell: Cell, rng: np.random.Generator) -> Floats:
    """Return true values (NETWORKS,) at the end of training; their sd is SPREAD, and 0 on a flat surface."""
    points = shares()
    if cell.surface == "flat":
        return np.zeros(len(points))
    peak = rng.dirichlet((3, 3, 3)) if cell.surface != "corner" else np.eye(3)[rng.integers(3)]
    direction = rng.normal(size=3)
    smooth = {
        "interior": -np.sum((points - peak) ** 2, axis=1),
        "corner": -np.sum((points - peak) ** 2, axis=1) + points @ peak,
        "ridge": -np.abs((points - peak) @ direction),
        "step": np.where((points - np.median(points, axis=0)) @ direction > 0, 1.0, 0.0),
    }[cell.surface]
    smooth = (smooth - smooth.mean()) / (smooth.std() or 1.0)
    share = cell.own / 100
    return np.asarray(SPREAD * (np.sqrt(1 - share) * smooth + np.sqrt(share) * rng.normal(size=len(points))))


def noise(cell: Cell, rng: np.random.Generator) -> Floats:
    """Return the noise (rungs, responses) of one training.

    With a heavy tail, one training in ten starts to learn late and lacks three more standard deviations on average.
    """
    steps = rng.normal(size=(len(RUNGS), 2))
    for rung in range(1, len(RUNGS)):
        steps[rung] = RUNG_CORRELATION * steps[rung - 1] + np.sqrt(1 - RUNG_CORRELATION**2) * steps[rung]
    if cell.tail == "heavy" and rng.random() < 0.1:
        steps[:, 0] -= rng.exponential(3.0)
    steps[:, 1] = 0.85 * steps[:, 0] + np.sqrt(1 - 0.85**2) * steps[:, 1]
    return np.asarray(cell.noise * steps * np.array([1, 2.0]))


def study(cell: Cell, values: Floats, rng: np.random.Generator) -> StudyData:
    """Return what a search of the cell's design measures."""
    count, top = len(values), len(RUNGS) - 1
    bias = np.cumsum(rng.normal(0, SHORT_BIAS, (count, top)), axis=1)[:, ::-1] if top else np.zeros((count, 0))
    bias_by_rung = np.column_stack([bias, np.zeros(count)])
    means = np.array(
        [[RUNGS[rung] * (values[n] + bias_by_rung[n, rung]) for rung in range(top + 1)] for n in range(count)]
    )
    if cell.surface == "flat":
        means[:] = 0
    loss_bias = rng.normal(0, 0.2 * SPREAD, count)

    def training(network: int, rungs: range) -> Training:
        error = noise(cell, rng)
        level = means[network] if network >= 0 else np.full(top + 1, -0.05)
        loss_level = 2 * (level + (loss_bias[network] if network >= 0 else 0))
        responses = {Channel(rung): float(level[rung] + error[rung, 0]) for rung in rungs}
        if cell.losses:
            responses |= {Channel(rung, 1): float(loss_level[rung] + error[rung, 1]) for rung in rungs}
        return Training(BASELINE if network < 0 else str(network), responses)

    all_rungs = range(top + 1)
    trainings = [training(-1, all_rungs) for _ in range(BASELINE_SEEDS)]
    if cell.design == "halving":
        full = [training(n, all_rungs) for n in range(count)]
        alive = list(range(count))
        ends = [0] * count
        for rung in range(top + 1):
            for n in alive:
                ends[n] = rung
            order = sorted(alive, key=lambda n: -full[n].values[Channel(rung)])
            alive = order[: max(4, len(alive) // 2)] if rung < top else order
        trainings += [
            Training(complete.network, {key: v for key, v in complete.values.items() if key.rung <= end})
            for complete, end in zip(full, ends, strict=True)
        ]
        trainings += [training(n, range(top, top + 1)) for n in alive[:4] for _ in range(2)]
    elif cell.design == "trunks":
        shared = _trunk_effects(cell, BASELINE_SEEDS, rng)
        grown = [(n, trunk) for n in range(-1, count) for trunk in range(BASELINE_SEEDS)]
        trainings = [_on_trunk(training(n, range(top, top + 1)), trunk, shared[trunk]) for n, trunk in grown]
    elif cell.design == "adaptive":
        trainings = _adaptive(cell, lambda network: training(network, range(top, top + 1)), rng)
    else:
        seeds = {"one": 1, "three": 3}[cell.design]
        trainings += [training(n, range(top, top + 1)) for n in range(count) for _ in range(seeds)]
    return _study_data(trainings)


def _study_data(trainings: Iterable[Training]) -> StudyData:
    names = tuple(map(str, range(NETWORKS)))
    return StudyData(names, shares(), np.zeros(NETWORKS), tuple(trainings), BASELINE, smallest_noise=0.003)


def _adaptive(cell: Cell, train: Callable[[int], Training], rng: np.random.Generator) -> list[Training]:
    """Return the trainings of a search by adaptive waves; every one of them is drawn before the search."""
    shared = _trunk_effects(cell, ADAPTIVE_SEEDS, rng)
    drawn = {
        (BASELINE if network < 0 else str(network), seed): _on_trunk(train(network), seed, shared[seed])
        for network, seed in product(range(-1, NETWORKS), range(ADAPTIVE_SEEDS))
    }

    def measured(trials: Iterable[RungTrial]) -> StudyData:
        return _study_data(drawn[trial.network, trial.seed] for trial in trials)

    last = Channel(len(RUNGS) - 1)
    values = {
        str(network): [drawn[str(network), seed].values[last] for seed in range(ADAPTIVE_SEEDS)]
        for network in range(NETWORKS)
    }
    results = ModelledResults(values, shares=shares(), study_data=measured)
    results.run(AdaptiveWaves(NETWORKS, ADAPTIVE_SEEDS))
    return [drawn[trial.network, trial.seed] for trial in sorted(results.completed)]


def _trunk_effects(cell: Cell, trunks: int, rng: np.random.Generator) -> Floats:
    """Return the effects (trunks, networks and the unscaled one, responses) of trunks on what grows from them."""
    shared = TRUNK_NOISE * cell.noise * rng.normal(size=(trunks, 1, 2))
    # A value is that of a network grown from these trunks, so that their mean effect belongs to it.
    shared[..., 0] -= shared[..., 0].mean()
    linear = shares()[:, :2] - shares()[:, :2].mean(axis=0)
    favours = np.einsum("nl,tlc->tnc", linear / linear.std(axis=0), rng.normal(size=(trunks, 2, 2)))
    favours *= cell.noise * np.array([1, 2.0]) * TRUNK_SLOPE / np.sqrt(2)
    return np.asarray(shared + np.concatenate([favours, np.zeros((trunks, 1, 2))], axis=1))


def _on_trunk(training: Training, trunk: int, effects: Floats) -> Training:
    """Return the training with the effects (networks and the unscaled one, responses) of its trunk."""
    own = effects[-1 if training.network == BASELINE else int(training.network)]
    values = {channel: value + float(own[channel.response]) for channel, value in training.values.items()}
    return Training(training.network, values, trunk)


@dataclass(frozen=True)
class Score:
    """A score compares the decision of one study with the true values."""

    covered: float
    chosen: bool
    bounded: bool
    expected: float
    regret: float
    tau: float
    raw_tau: float
    false_winner: bool


def score(cell: Cell, seed: int) -> Score:
    """Simulate one study, and score its decision."""
    rng = np.random.default_rng(seed)
    values = truth(cell, rng)
    data = study(cell, values, rng)
    result = posterior(data)
    last = Channel(len(RUNGS) - 1)
    accuracies: dict[str, list[float]] = {name: [] for name in data.candidates}
    for training in data.trainings:
        if last in training.values and training.network in accuracies:
            accuracies[training.network].append(training.values[last])
    ranked = [n for n, name in enumerate(data.candidates) if accuracies[name]]
    choice = max(ranked, key=lambda n: float(result.mean[n]))
    low, high = np.quantile(result.draws, (0.025, 0.975), axis=0)
    is_covered = (low <= values) & (values <= high)
    regret = float(values.max() - values[choice])
    raw_means = np.array([np.mean(accuracies[data.candidates[n]]) for n in ranked])
    others = np.delete(result.draws, choice, axis=1)
    leads = bool(np.all(np.quantile(result.draws[:, [choice]] - others, 0.025, axis=0) > 0))
    flat = cell.surface == "flat"
    return Score(
        covered=float(is_covered.mean()),
        chosen=bool(is_covered[choice]),
        bounded=regret <= result.regret_bound(choice),
        expected=float(result.expected_regret[choice]),
        regret=regret,
        tau=0.0 if flat else tau_b(result.mean, values),
        raw_tau=0.0 if flat else tau_b(raw_means, values[ranked]),
        false_winner=leads and (flat or regret > 0),
    )


def cells(options: Mapping[str, str]) -> list[Cell]:
    """Return every distinct combination of values; a flat surface has no own variance of networks."""
    lists = {key: options[key].split(",") for key in _DEFAULTS if key != "processes"}
    combinations = {
        Cell(surface, tail, 0.0 if surface == "flat" else float(own), float(noise_sd), design, losses == "1")
        for surface, tail, own, noise_sd, design, losses in product(*lists.values())
    }
    return sorted(combinations, key=str)


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if "=" in argument]
    count = int(next((argument for argument in sys.argv[1:] if "=" not in argument), "200"))
    options = _DEFAULTS | read_pairs(arguments)
    heads = ("surface", "tail", "own %", "noise", "design", "losses", "intervals", "of the chosen", "regret bound",
             "expected regret", "regret", "tau", "tau of means", "false winners")  # fmt: skip
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads), flush=True)
    with ProcessPoolExecutor(int(options["processes"])) as pool:
        for cell in cells(options):
            rows = list(pool.map(partial(score, cell), range(count), chunksize=5))
            mean = {name: float(np.mean([getattr(row, name) for row in rows])) for name in Score.__annotations__}
            cells_of_row = (
                cell.surface, cell.tail, f"{cell.own:g}", f"{cell.noise:g}", cell.design, f"{cell.losses:d}",
                f"{mean['covered']:.3f}", f"{mean['chosen']:.3f}", f"{mean['bounded']:.3f}",
                f"{mean['expected']:.4f}", f"{mean['regret']:.4f}", f"{mean['tau']:.2f}", f"{mean['raw_tau']:.2f}",
                f"{mean['false_winner']:.3f}",
            )  # fmt: skip
            print("| " + " | ".join(cells_of_row) + " |", flush=True)


if __name__ == "__main__":
    main()
