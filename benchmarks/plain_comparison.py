"""Compare searches with what `plain_search.py` chose: regret of both, and the time at which ours is as good.

    python benchmarks/plain_comparison.py seconds=269

Keys: plain (the file of `plain_search.py`), trials (every candidate by `quick` with eight seeds, of
`proxy_snr.py`), truth (the same candidates from scratch), seconds (the wall time of one `scalesearch grid` on the
same machine), replays.

The script of `plain_search.py` is resampled: each triple's accuracies are drawn with replacement from its seeds,
and the triple of the best mean wins. Its choice is the network of the winner's α and β at matched cost. Searches
are replayed from the trials: after every five trials of candidates and after each wave, the choice is the one that
the product's model would recommend. Both are judged by the mean of the truth at equal cost. The time is the share
of the multiply-adds of the whole search, trunks included.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
from key_values import read_count, read_options
from plain_search import matched_network
from proxy_snr import read
from search_replay import Evidence, evidence, search, truth_of

from scalesearch.design.baselines import load_baseline
from scalesearch.search.budget_file import load_budget
from scalesearch.search.trial import Outcome
from scalesearch.study.result import analyze

RESULTS = Path(__file__).parent.parent / "results"
_DEFAULTS = {
    "plain": str(RESULTS / "evidence" / "plain-b0.json"),
    "trials": str(RESULTS / "proxy_snr" / "b0-classes.jsonl"),
    "truth": str(RESULTS / "proxy_snr" / "b0-scratch-classes.jsonl"),
    "seconds": "269", "replays": "100",
}  # fmt: skip
_EVERY = 5
"""The trials of candidates between two moments."""


def plain_choices(accuracies: dict[str, list[float]], resamples: int) -> list[str]:
    """Return the winning triple of each resampled script."""
    draw, names = np.random.default_rng(2019), [*accuracies]
    table = np.array([accuracies[name] for name in names])
    seeds = draw.integers(0, table.shape[1], (resamples, *table.shape))
    means = np.take_along_axis(np.broadcast_to(table, seeds.shape), seeds, axis=2).mean(axis=2)
    return [names[index] for index in means.argmax(axis=1)]


@dataclass(frozen=True, slots=True)
class Moment:
    """What a search would recommend at some point."""

    trials: int
    macs: int
    """The multiply-adds that were spent."""
    choice: str


def moments(data: Evidence, seeds: list[int]) -> list[Moment]:
    """Return the moments at which a search is asked: after every few trials of candidates, and after each wave."""
    plan, outcomes = data.plan, search(data.plan, data.results, seeds)
    seen, spent, found = dict[str, Outcome](), 0, list[Moment]()
    for wave in plan.waves(outcomes):
        for spec in wave:
            seen[spec.id] = outcomes[spec.id]
            spent += plan.macs(spec)
            candidates = sum(one.network_id != plan.base_id for one in plan.planned(outcomes) if one.id in seen)
            is_asked = spec.network_id != plan.base_id and candidates % _EVERY == 0
            if is_asked or spec is wave[-1]:
                result = analyze(plan, seen)
                assert result is not None, "every trial completes"
                found.append(Moment(candidates, spent, result.recommended))
    return found


def describe(regrets: list[float]) -> str:
    """Return the mean regret in points of accuracy, with its standard error over replays."""
    values = 100 * np.array(regrets)
    return f"{values.mean():.2f} ± {values.std(ddof=1) / np.sqrt(len(values)):.2f}"


def main() -> None:
    options = read_options(sys.argv[1:], _DEFAULTS)
    plain, replays = (
        json.loads(Path(options["plain"]).read_text(encoding="utf-8")),
        read_count(options, "replays", 2),
    )
    baseline, budget = load_baseline(plain["baseline"]), load_budget(plain["budget"])
    data = evidence(plain["baseline"], [trial for _, trial in read(Path(options["trials"]))])
    truth = truth_of(data, [trial for _, trial in read(Path(options["truth"]))])
    values = dict(zip(truth.networks, truth.values_KN.mean(1).tolist(), strict=True))
    best = max(values.values())
    winners = plain_choices(plain["accuracies"], replays)
    matched = {name: matched_network(baseline, budget, Decimal(plain["phi"]), name) for name in set(winners)}
    regrets = [best - values[key] for name in winners if (key := matched[name]) in values]
    print("| | trials | wall seconds | regret, points |\n|---|---|---|---|")
    trials = sum(map(len, plain["accuracies"].values()))
    print(f"| plain script, {len(regrets)} resampled | {trials} | {plain['seconds']:.0f} | {describe(regrets)} |")
    draw = np.random.default_rng(2019)
    traces = [moments(data, draw.permutation(data.seeds).tolist()) for _ in range(replays)]
    whole = traces[0][-1].macs
    for index, moment in enumerate(traces[0]):
        seconds = float(options["seconds"]) * moment.macs / whole
        found = [best - values[trace[index].choice] for trace in traces]
        time = f"{seconds:.0f} ({plain['seconds'] / seconds:.1f}x less)"
        print(f"| search | {moment.trials} | {time} | {describe(found)} |", flush=True)


if __name__ == "__main__":
    main()
