"""What a search costs and how good its choice is: replays of recorded and of planted studies.

    python benchmarks/search_efficiency.py [REPLAYS]          (default 400)

Every strategy sees the same results, from results/evidence/*.parquet (`scalesearch grid --scheduler curves`, every
candidate on every rung with three seeds) and from planted surfaces whose truth is known. *Training* is in images
seen, as a share of the full grid: every candidate to the end with three seeds. *Regret* is what the chosen network
lacks to the best: for recorded studies by the mean of all three seeds (so the full grid has none by definition),
for planted ones by the truth. Both with 95 % intervals over replays, which draw seeds, orders of arrival and, where
planted, noise.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from strategies import SEEDS, STRATEGIES, World

from scalesearch.design.coefficients import Coefficients
from scalesearch.search.grid import triples
from scalesearch.search.schedulers.base import Score
from scalesearch.search.shares import Point, shares_of
from scalesearch.search.trust import agreement

ROOT = Path(__file__).parent.parent


def recorded(path: Path) -> World:
    """A study of every rung."""
    table = pd.read_parquet(path)
    samples = sorted(table["samples"].unique())
    table = table.assign(rung=lambda t: t["samples"].map(samples.index))
    unscaled = table[table["role"] == "baseline"]
    base = {
        (int(seed), int(rung)): float(accuracy)
        for seed, rung, accuracy in zip(unscaled["seed"], unscaled["rung"], unscaled["accuracy"], strict=True)
    }
    own = table[table["role"] == "candidate"]
    scores = {}
    for rung in range(len(samples)):
        part = own[own["rung"] == rung]
        slope = _slope(part, [base[s, rung] for s in range(SEEDS)])
        adjusted = part["accuracy"] - slope * np.log(part["proxy_macs_ratio"].astype(float))
        rows = zip(part["network"], part["seed"], adjusted, part["train_loss"], strict=True)
        scores.update(
            {(str(key), int(seed), rung): Score(float(one), float(loss)) for key, seed, one, loss in rows}
        )
    since = own.groupby("rung")["since"].max()
    # Where a rung forked is where the next began; nobody goes on from the last.
    forked = [*(int(since[rung]) for rung in range(1, len(samples))), int(samples[-1])]
    exact = own[["alpha", "beta", "gamma"]].map(lambda value: Decimal(str(value)))
    shares = {
        str(key): shares_of(Coefficients(*triple))
        for key, triple in zip(own["network"], exact.itertuples(index=False), strict=True)
    }
    top = len(samples) - 1
    truth = {key: float(np.mean([scores[key, s, top].accuracy for s in range(SEEDS)])) for key in shares}
    return World(tuple(map(int, samples)), tuple(forked), shares, scores, base, truth)


def _slope(part: pd.DataFrame, base: list[float]) -> float:
    """What log multiply-adds are worth on a rung, as the ranking has it: the gain over the baseline."""
    logs = np.log(part["proxy_macs_ratio"].astype(float))
    distance = float(logs.mean()) + np.log(2)
    return max(0.0, float((part["accuracy"].mean() - np.mean(base)) / distance))


def planted(gap: float, noise: float, draw: np.random.Generator) -> World:
    """A hill over the shares, the best `gap` above the mean; of five rungs the longer ones show more of it."""
    points = triples(Decimal("0.1"), Decimal("0.1"))
    shares = {str(point): shares_of(point) for point in points}
    peak = draw.dirichlet((3, 3, 3))
    raw = {key: -float(np.sum((np.array(one) - peak) ** 2)) for key, one in shares.items()}
    high = max(raw.values())
    scale = gap / (high - float(np.mean(list(raw.values()))))
    truth = {key: 0.8 + scale * (value - high) for key, value in raw.items()}
    shown = (0.3, 0.45, 0.6, 0.8, 1.0)
    lift = draw.normal(0, noise, (SEEDS, len(shown)))
    scores = {
        (key, s, r): Score(0.8 - 0.5 * (1 - part) + part * (value - 0.8) + lift[s, r] + draw.normal(0, noise), 1.0)
        for key, value in truth.items()
        for s in range(SEEDS)
        for r, part in enumerate(shown)
    }
    base = {(s, r): 0.5 + lift[s, r] + draw.normal(0, noise) for s in range(SEEDS) for r in range(len(shown))}
    samples = tuple(2000 * 2**rung for rung in range(len(shown)))
    forked = tuple(one * 7 // 10 for one in samples)
    return World(samples, forked, shares, scores, base, truth)


def report(title: str, worlds: Callable[[np.random.Generator], World], replays: int) -> None:
    """One table: a line a strategy."""
    print(f"\n{title}")
    print(f"{'':<34}{'training':>22}{'times less':>12}{'regret':>26}")
    for name, strategy in STRATEGIES.items():
        draw = np.random.default_rng(2019)
        spent, regrets = [], []
        for _ in range(replays):
            world = worlds(draw)
            key, images = strategy(world, draw)
            spent.append(images / world.full)
            regrets.append(world.regret(key))
        mean = float(np.mean(spent))
        less = f"{1 / mean:.1f}x" if mean else ""
        print(f"{name:<34}{_interval(spent, 3):>22}{less:>12}{_interval(regrets, 4):>26}", flush=True)


def report_rungs(world: World) -> None:
    """How far each rung already ranks as the last one does: Kendall's τ, and what seeds allow."""

    def points(rung: int) -> list[Point]:
        return [
            Point(key, world.shares[key], {(0, s): world.scores[key, s, rung].accuracy for s in range(SEEDS)})
            for key in world.truth
        ]

    top = len(world.samples) - 1
    for rung in range(top):
        found = agreement("", points(rung), points(top))
        assert found.ceiling is not None, "there are several seeds"
        told = ", ".join(
            f"{name} {one.value:+.2f} ({one.low:+.2f} … {one.high:+.2f})"
            for name, one in (("τ", found.tau), ("single seeds", found.single), ("seeds' own", found.ceiling))
        )
        noise = _noise(world, rung)
        print(
            f"{world.samples[rung]:>6} of {world.samples[top]} images: noise {noise:.3f}; {told}; {found.verdict}"
        )


def _interval(values: list[float], digits: int) -> str:
    """The mean, and the 95 % interval of that mean over replays."""
    draw = np.random.default_rng(7)
    means = np.mean(draw.choice(values, (2000, len(values))), axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return f"{np.mean(values):.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def main() -> None:
    logging.disable(logging.WARNING)
    replays = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    print(f"{replays} replays a line, seed 2019; 95 % intervals of means over replays")
    for path in sorted((ROOT / "results" / "evidence").glob("*.parquet")):
        world = recorded(path)
        noise = _noise(world, len(world.samples) - 1)
        size = f"{path.stem}: {len(world.truth)} candidates, rungs of {world.samples} images"
        noises = f"noise of a trial {noise:.3f}, of a difference of means {noise * np.sqrt(2 / SEEDS):.3f}"
        report(f"{size}; {noises}", partial(_same, world), replays)
        report_rungs(world)
    for gap, noise in ((0.10, 0.02), (0.10, 0.05)):
        title = f"planted: the best {gap} above the mean candidate, noise of a trial {noise}"
        report(title, partial(planted, gap, noise), replays)


def _same(world: World, _: np.random.Generator) -> World:
    return world


def _noise(world: World, rung: int) -> float:
    """Standard deviation of one trial on a rung around candidate + seed."""
    values = np.array([[world.scores[key, s, rung].accuracy for s in range(SEEDS)] for key in world.truth])
    rest = values - values.mean(1, keepdims=True) - values.mean(0) + values.mean()
    return float(np.sqrt((rest**2).sum() / ((len(values) - 1) * (SEEDS - 1))))


if __name__ == "__main__":
    main()
