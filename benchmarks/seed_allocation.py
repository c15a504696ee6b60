"""Compare sequential halving with equally many seeds for every candidate, on planted networks.

    python benchmarks/seed_allocation.py                        SNR of a trial .1, .2, .4, 1 and 2
    python benchmarks/seed_allocation.py studies=2000 snr=0.5 seeds=16

Keys: candidates, finalists, seeds (of a finalist in the end), studies, snr (values, joined by commas).

Networks and noise are normal; all values are in standard deviations of the networks. A seed adds its own effect to
all trials that share it, five times as large as the noise. The scheduler is the product's. Its rival gives every
candidate equally many seeds, and chooses by their mean; its number of seeds is the one whose trials are as many,
rounded up. The columns are the trials, the mean regret of the choice with its standard error, and how often the
regret is at most a quarter.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt

import numpy as np
from key_values import read_options
from simulated_results import BASELINE, SeededResults

from scalesearch.search.budget import BUDGETS
from scalesearch.search.ranking import leaders
from scalesearch.search.schedulers.sequential import SequentialHalving

_DEFAULTS = {"candidates": "20", "finalists": "4", "seeds": "8", "studies": "400", "snr": "0.1,0.2,0.4,1,2"}
_SEED_EFFECT = 5.0
_SMALL_REGRET = 0.25


def chosen_by_halving(scheduler: SequentialHalving, values: Mapping[str, Sequence[float]]) -> tuple[str, int]:
    """Return the candidate with the best adjusted mean in the end, and the number of trials of candidates."""
    results = SeededResults(values)
    results.run(scheduler)
    (best,) = leaders(results.arms(0, scheduler.seeds), 1)
    return best, sum(trial.network != BASELINE for trial in results.completed)


def regrets(snr: float, options: Mapping[str, str]) -> dict[str, tuple[float, np.ndarray]]:
    """Return the trials and the regret in each study, by strategy."""
    candidates, studies = int(options["candidates"]), int(options["studies"])
    budget = replace(BUDGETS["quick"], finalists=int(options["finalists"]), final_seeds=int(options["seeds"]))
    keys = [f"{index:03}" for index in range(candidates)]
    scheduler, generator = SequentialHalving.of(budget, 0, keys), np.random.default_rng(2013)
    found: dict[str, list[float]] = {"sequential halving": [], "equal seeds": []}
    trials = 0
    for _ in range(studies):
        truth = generator.standard_normal(candidates)
        noise = generator.standard_normal((candidates, scheduler.seeds)) / sqrt(snr)
        of_seed = generator.standard_normal(scheduler.seeds) * _SEED_EFFECT / sqrt(snr)
        measured = truth[:, None] + noise + of_seed
        best, trials = chosen_by_halving(scheduler, dict(zip(keys, measured.tolist(), strict=True)))
        equal = min(scheduler.seeds, -(-trials // candidates))
        found["sequential halving"].append(truth.max() - truth[keys.index(best)])
        found["equal seeds"].append(truth.max() - truth[int(np.argmax(measured[:, :equal].mean(axis=1)))])
    counts = {"sequential halving": trials, "equal seeds": equal * candidates}
    return {name: (counts[name], np.array(values)) for name, values in found.items()}


def main() -> None:
    options = read_options(sys.argv[1:], _DEFAULTS)
    print("| SNR of a trial | strategy | trials | mean regret | regret at most a quarter |\n|---|---|---|---|---|")
    for text in options["snr"].split(","):
        for name, (trials, values) in regrets(float(text), options).items():
            error = values.std(ddof=1) / sqrt(len(values))
            small = float(np.mean(values <= _SMALL_REGRET))
            print(f"| {text} | {name} | {trials} | {values.mean():.3f} ± {error:.3f} | {small:.0%} |")


if __name__ == "__main__":
    main()
