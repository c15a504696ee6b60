"""Measure what a search costs and how good its choice is, by replays of recorded and simulated studies.

    python benchmarks/search_efficiency.py [REPLAYS]          (default 400)

Every strategy sees the same results. They come from results/evidence/*.parquet (every candidate on
every rung with three seeds, by `scalesearch grid --scheduler curves`) and from simulated surfaces whose true values
are known.
*Training* is the number of images seen, as a share of the full grid (every candidate to the end with three seeds).
*Regret* is the difference between the best network and the chosen one. For recorded studies it is computed from
the mean of all three seeds, so the full grid has none by definition; for simulated ones from the true values. Both
have 95 % intervals over replays, which draw seeds, orders of arrival and, for simulated studies, noise.
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
from scalesearch.search.proxy_validation import compare_rankings
from scalesearch.search.schedulers.base import Score
from scalesearch.search.shares import Point, shares_of

ROOT = Path(__file__).parent.parent


def recorded(path: Path) -> World:
    """Read a study of every rung."""
    table = pd.read_parquet(path)
    samples = sorted(table["samples"].unique())
    table = table.assign(rung=lambda t: t["samples"].map(samples.index))
    unscaled = table[table["role"] == "baseline"]
    base = {
        (int(seed), int(rung)): float(accuracy)
        for seed, rung, accuracy in zip(unscaled["seed"], unscaled["rung"], unscaled["accuracy"], strict=True)
    }
    candidates = table[table["role"] == "candidate"]
    scores = {}
    for rung in range(len(samples)):
        on_rung = candidates[candidates["rung"] == rung]
        slope = _slope(on_rung, [base[s, rung] for s in range(SEEDS)])
        adjusted = on_rung["accuracy"] - slope * np.log(on_rung["proxy_macs_ratio"].astype(float))
        rows = zip(on_rung["network"], on_rung["seed"], adjusted, on_rung["train_loss"], strict=True)
        scores.update(
            {(str(key), int(seed), rung): Score(float(accuracy), float(loss)) for key, seed, accuracy, loss in rows}
        )
    resumed_at = candidates.groupby("rung")["since"].max()
    # The next rung begins where a rung forked; no trial continues from the last rung.
    forked = [*(int(resumed_at[rung]) for rung in range(1, len(samples))), int(samples[-1])]
    coefficients = candidates[["alpha", "beta", "gamma"]].map(lambda value: Decimal(str(value)))
    shares = {
        str(key): shares_of(Coefficients(*triple))
        for key, triple in zip(candidates["network"], coefficients.itertuples(index=False), strict=True)
    }
    top = len(samples) - 1
    truth = {key: float(np.mean([scores[key, s, top].accuracy for s in range(SEEDS)])) for key in shares}
    return World(tuple(map(int, samples)), tuple(forked), shares, scores, base, truth)


def _slope(rows: pd.DataFrame, base: list[float]) -> float:
    """Return the gain in accuracy per log multiply-adds on a rung, estimated from the gain over the baseline."""
    logs = np.log(rows["proxy_macs_ratio"].astype(float))
    distance = float(logs.mean()) + np.log(2)
    return max(0.0, float((rows["accuracy"].mean() - np.mean(base)) / distance))


def planted(gap: float, noise: float, rng: np.random.Generator) -> World:
    """Simulate a hill over the shares, with the best network `gap` above the mean.

    There are five rungs, and longer ones show more of the differences.
    """
    points = triples(Decimal("0.1"), Decimal("0.1"))
    shares = {str(point): shares_of(point) for point in points}
    peak = rng.dirichlet((3, 3, 3))
    raw = {key: -float(np.sum((np.array(point) - peak) ** 2)) for key, point in shares.items()}
    high = max(raw.values())
    scale = gap / (high - float(np.mean(list(raw.values()))))
    truth = {key: 0.8 + scale * (value - high) for key, value in raw.items()}
    visible = (0.3, 0.45, 0.6, 0.8, 1.0)
    seed_effects = rng.normal(0, noise, (SEEDS, len(visible)))
    scores = {
        (key, s, r): Score(
            0.8 - 0.5 * (1 - fraction) + fraction * (value - 0.8) + seed_effects[s, r] + rng.normal(0, noise), 1.0
        )
        for key, value in truth.items()
        for s in range(SEEDS)
        for r, fraction in enumerate(visible)
    }
    base = {
        (s, r): 0.5 + seed_effects[s, r] + rng.normal(0, noise) for s in range(SEEDS) for r in range(len(visible))
    }
    samples = tuple(2000 * 2**rung for rung in range(len(visible)))
    forked = tuple(images * 7 // 10 for images in samples)
    return World(samples, forked, shares, scores, base, truth)


def report(title: str, worlds: Callable[[np.random.Generator], World], replays: int) -> None:
    """Print one table, with a line per strategy."""
    print(f"\n{title}")
    print(f"{'':<34}{'training':>22}{'times less':>12}{'regret':>26}")
    for name, strategy in STRATEGIES.items():
        rng = np.random.default_rng(2019)
        spent, regrets = [], []
        for _ in range(replays):
            world = worlds(rng)
            key, images = strategy(world, rng)
            spent.append(images / world.full)
            regrets.append(world.regret(key))
        mean = float(np.mean(spent))
        saving = f"{1 / mean:.1f}x" if mean else ""
        print(f"{name:<34}{_interval(spent, 3):>22}{saving:>12}{_interval(regrets, 4):>26}", flush=True)


def report_rungs(world: World) -> None:
    """Print how well each rung ranks like the last one: Kendall's τ, and the ceiling set by the noise of seeds."""

    def points(rung: int) -> list[Point]:
        return [
            Point(key, world.shares[key], {(0, s): world.scores[key, s, rung].accuracy for s in range(SEEDS)})
            for key in world.truth
        ]

    top = len(world.samples) - 1
    for rung in range(top):
        result = compare_rankings("", points(rung), points(top))
        assert result.ceiling is not None, "there are several seeds"
        taus = ", ".join(
            f"{name} {tau.value:+.2f} ({tau.low:+.2f} … {tau.high:+.2f})"
            for name, tau in (
                ("τ", result.tau),
                ("single seeds", result.single),
                ("seeds' own", result.ceiling),
            )
        )
        noise = _noise(world, rung)
        print(
            f"{world.samples[rung]:>6} of {world.samples[top]} images: noise {noise:.3f}; {taus}; {result.verdict}"
        )


def _interval(values: list[float], digits: int) -> str:
    """Return the mean, and its 95 % interval over replays, as text."""
    rng = np.random.default_rng(7)
    means = np.mean(rng.choice(values, (2000, len(values))), axis=1)
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
    """Return the standard deviation of one trial on a rung around the effects of candidate and seed."""
    values = np.array([[world.scores[key, s, rung].accuracy for s in range(SEEDS)] for key in world.truth])
    residuals = values - values.mean(1, keepdims=True) - values.mean(0) + values.mean()
    return float(np.sqrt((residuals**2).sum() / ((len(values) - 1) * (SEEDS - 1))))


if __name__ == "__main__":
    main()
