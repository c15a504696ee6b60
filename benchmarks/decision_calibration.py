"""Is a decision worth what it says? Planted studies whose truth is known.

    python benchmarks/decision_calibration.py [STUDIES] [KEY=VALUE …]     (default 200 a cell)

Keys: `surface` (interior, corner, flat, ridge, step), `tail` (normal, heavy), `own` (percent of the variance
between networks that no surface explains), `noise`, `design` (one: a seed of each candidate; three: three seeds;
halving: as `quick` does), `losses` (0, 1), `processes`; each takes several values, separated by commas. One line a
cell: the share of 95 % intervals that hold the truth, over all networks and of the chosen one; the share of studies
whose regret is below its 95 % bound; mean expected and mean true regret; Kendall's τ with the truth, of the model
and of raw means; the share of studies that name one network as significantly the best which is not.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, partial
from itertools import product

import numpy as np
from numpy.typing import NDArray

from scalesearch.search.decision.data import Channel, StudyData, Training
from scalesearch.search.decision.posterior import posterior
from scalesearch.search.grid import triples
from scalesearch.search.shares import shares_of
from scalesearch.search.trust import tau_b

Floats = NDArray[np.float64]
NETWORKS, SPREAD = 20, 0.03
"""Candidates, and the standard deviation between them at the end of training."""
RUNGS = (0.6, 0.8, 1.0)
"""How much of the difference between networks each rung shows."""
SHORT_BIAS = 0.006
"""Standard deviation that a rung's networks change by until the next one, each in its own way."""
ALONG = 0.75
"""Correlation of the noise between neighbouring rungs."""
BASELINE_SEEDS = 3
_DEFAULTS = {
    "surface": "interior,corner,flat,ridge,step", "tail": "normal,heavy", "own": "3,10,20", "noise": ".01,.03,.06",
    "design": "one,halving", "losses": "0", "processes": "2",
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One kind of study."""

    surface: str
    tail: str
    own: float
    noise: float
    design: str
    losses: bool


@lru_cache
def shares() -> Floats:
    """(NETWORKS, 3) of the grid that `quick` searches, evenly taken."""
    points = np.array([shares_of(point) for point in triples(Decimal("0.1"), Decimal("0.1"))])
    return np.asarray(points[np.linspace(0, len(points) - 1, NETWORKS).round().astype(int)])


def truth(cell: Cell, draw: np.random.Generator) -> Floats:
    """(NETWORKS,) values at the end of training; of sd SPREAD, but on a flat surface."""
    places = shares()
    if cell.surface == "flat":
        return np.zeros(len(places))
    peak = draw.dirichlet((3, 3, 3)) if cell.surface != "corner" else np.eye(3)[draw.integers(3)]
    along = draw.normal(size=3)
    smooth = {
        "interior": -np.sum((places - peak) ** 2, axis=1),
        "corner": -np.sum((places - peak) ** 2, axis=1) + places @ peak,
        "ridge": -np.abs((places - peak) @ along),
        "step": np.where((places - np.median(places, axis=0)) @ along > 0, 1.0, 0.0),
    }[cell.surface]
    smooth = (smooth - smooth.mean()) / (smooth.std() or 1.0)
    share = cell.own / 100
    return np.asarray(SPREAD * (np.sqrt(1 - share) * smooth + np.sqrt(share) * draw.normal(size=len(places))))


def noise(cell: Cell, draw: np.random.Generator) -> Floats:
    """(rungs, responses) of one training; heavy: one in ten takes off late, and lacks three deviations more."""
    steps = draw.normal(size=(len(RUNGS), 2))
    for rung in range(1, len(RUNGS)):
        steps[rung] = ALONG * steps[rung - 1] + np.sqrt(1 - ALONG**2) * steps[rung]
    if cell.tail == "heavy" and draw.random() < 0.1:
        steps[:, 0] -= draw.exponential(3.0)
    steps[:, 1] = 0.85 * steps[:, 0] + np.sqrt(1 - 0.85**2) * steps[:, 1]
    return np.asarray(cell.noise * steps * np.array([1, 2.0]))


def study(cell: Cell, values: Floats, draw: np.random.Generator) -> StudyData:
    """What a search of a design measures."""
    count, top = len(values), len(RUNGS) - 1
    bias = np.cumsum(draw.normal(0, SHORT_BIAS, (count, top)), axis=1)[:, ::-1] if top else np.zeros((count, 0))
    own = np.column_stack([bias, np.zeros(count)])
    means = np.array([[RUNGS[rung] * (values[n] + own[n, rung]) for rung in range(top + 1)] for n in range(count)])
    if cell.surface == "flat":
        means[:] = 0
    loss_bias = draw.normal(0, 0.2 * SPREAD, count)

    def training(network: int, rungs: range) -> Training:
        off = noise(cell, draw)
        level = means[network] if network >= 0 else np.full(top + 1, -0.05)
        extra = 2 * (level + (loss_bias[network] if network >= 0 else 0))
        seen = {Channel(rung): float(level[rung] + off[rung, 0]) for rung in rungs}
        if cell.losses:
            seen |= {Channel(rung, 1): float(extra[rung] + off[rung, 1]) for rung in rungs}
        return Training("base" if network < 0 else str(network), seen)

    whole = range(top + 1)
    trainings = [training(-1, whole) for _ in range(BASELINE_SEEDS)]
    if cell.design == "halving":
        full = [training(n, whole) for n in range(count)]
        alive = list(range(count))
        ends = [0] * count
        for rung in range(top + 1):
            for n in alive:
                ends[n] = rung
            order = sorted(alive, key=lambda n: -full[n].values[Channel(rung)])
            alive = order[: max(4, len(alive) // 2)] if rung < top else order
        trainings += [
            Training(one.network, {key: v for key, v in one.values.items() if key.rung <= end})
            for one, end in zip(full, ends, strict=True)
        ]
        trainings += [training(n, range(top, top + 1)) for n in alive[:4] for _ in range(2)]
    else:
        seeds = {"one": 1, "three": 3}[cell.design]
        trainings += [training(n, range(top, top + 1)) for n in range(count) for _ in range(seeds)]
    names = tuple(map(str, range(count)))
    return StudyData(names, shares(), np.zeros(count), tuple(trainings), "base", smallest_noise=0.003)


@dataclass(frozen=True)
class Score:
    """What one study came to, against the truth."""

    covered: float
    chosen: bool
    bounded: bool
    expected: float
    regret: float
    tau: float
    raw_tau: float
    false_winner: bool


def score(cell: Cell, seed: int) -> Score:
    """One planted study, answered."""
    draw = np.random.default_rng(seed)
    values = truth(cell, draw)
    data = study(cell, values, draw)
    result = posterior(data)
    last = Channel(len(RUNGS) - 1)
    tops: dict[str, list[float]] = {name: [] for name in data.candidates}
    for training in data.trainings:
        if last in training.values and training.network in tops:
            tops[training.network].append(training.values[last])
    ranked = [n for n, name in enumerate(data.candidates) if tops[name]]
    choice = max(ranked, key=lambda n: float(result.mean[n]))
    low, high = np.quantile(result.draws, (0.025, 0.975), axis=0)
    hit = (low <= values) & (values <= high)
    regret = float(values.max() - values[choice])
    raw = np.array([np.mean(tops[data.candidates[n]]) for n in ranked])
    others = np.delete(result.draws, choice, axis=1)
    leads = bool(np.all(np.quantile(result.draws[:, [choice]] - others, 0.025, axis=0) > 0))
    flat = cell.surface == "flat"
    return Score(
        covered=float(hit.mean()),
        chosen=bool(hit[choice]),
        bounded=regret <= result.regret_bound(choice),
        expected=float(result.expected_regret[choice]),
        regret=regret,
        tau=0.0 if flat else tau_b(result.mean, values),
        raw_tau=0.0 if flat else tau_b(raw, values[ranked]),
        false_winner=leads and (flat or regret > 0),
    )


def cells(asked: Mapping[str, str]) -> list[Cell]:
    """Every combination; own deviations and tails of a flat surface are one."""
    lists = {key: asked[key].split(",") for key in _DEFAULTS if key != "processes"}
    found = {
        Cell(surface, tail, 0.0 if surface == "flat" else float(own), float(off), design, losses == "1")
        for surface, tail, own, off, design, losses in product(*lists.values())
    }
    return sorted(found, key=str)


def main() -> None:
    words = [word for word in sys.argv[1:] if "=" in word]
    count = int(next((word for word in sys.argv[1:] if "=" not in word), "200"))
    asked = _DEFAULTS | dict(word.split("=", 1) for word in words)
    heads = ("surface", "tail", "own %", "noise", "design", "losses", "intervals", "of the chosen", "regret bound",
             "expected regret", "regret", "tau", "tau of means", "false winners")  # fmt: skip
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads), flush=True)
    with ProcessPoolExecutor(int(asked["processes"])) as pool:
        for cell in cells(asked):
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
