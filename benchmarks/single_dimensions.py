"""Measure what twice the compute gains in depth, width or resolution alone, and what changes that.

    python benchmarks/single_dimensions.py seeds=4
    python benchmarks/single_dimensions.py seeds=4 -- scenes.classes=10 -- scenes.share_low=0.4
    python benchmarks/single_dimensions.py seeds=3 -- recipe.trunk_epochs=0 recipe.epochs=4 scenes.train=20000

Keys: baseline, budget (a name or a file), data, seeds (the number), first_seed, processes, out (each trial as a
line of JSON, as in `proxy_snr.py`; trials that it contains are not trained again). Each `--` begins a variant:
fields of the budget, of its recipe or of its scenes that differ.

Of the candidates that `scalesearch grid` compares at φ = 1, those with the most depth, the most width and the most
pixels are trained, and the unscaled network. For the budget as it is and for every variant the script prints the
accuracy of the unscaled network and the gain of each dimension over it; then the interactions, which are the gains
in a variant minus those as it is. An interaction says what the changed field has to do with the dimension: removing
fine detail, for instance, should lower what resolution gains.

Gains are paired by seed; losses are negated. Behind ± stand standard errors over seeds.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from math import log, sqrt
from pathlib import Path

import numpy as np
from key_values import errors_in_one_line, read_count, read_options, read_pairs
from proxy_snr import CANDIDATE, UNSCALED, Job, Trial, changed, data_of, train_missing

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.search.budget import Budget, with_constant_lr_and_decay
from scalesearch.search.budget_file import load_budget
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts, image_px
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.provenance import environment

_DEFAULTS = {
    "baseline": "b0", "budget": "quick", "data": "fractal", "seeds": "4", "first_seed": "3000", "processes": "2",
    "out": "",
}  # fmt: skip
_COEFFICIENTS = {"depth": "alpha", "width": "beta", "resolution": "gamma"}
DIMENSIONS = tuple(_COEFFICIENTS)
_UNSCALED = "unscaled"
_SCORES = ("accuracy", "val loss")


def split_variants(words: Sequence[str]) -> list[list[str]]:
    """Return the words before the first `--`, and those after each."""
    parts: list[list[str]] = [[]]
    for word in words:
        if word == "--":
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def jobs(options: Mapping[str, str], budget: Budget) -> dict[tuple[str, str], Job]:
    """Return the trials to train, by network and seed."""
    full = replace(with_constant_lr_and_decay(budget), candidates=None)
    config = StudyConfig(load_baseline(options["baseline"]), Decimal(1), full)
    px = image_px(config)
    images = data_of(options["data"], px, full, config.baseline.architecture.in_channels)
    classes, train, val = len(images.classes), len(images.train_labels_N), len(images.val_labels_N)
    plan = Plan(config, DataFacts(images.name, images.fingerprint, classes, train, val))
    by_dimension = {
        name: max(plan.trained, key=lambda candidate: getattr(candidate.coefficients, letter)).architecture
        for name, letter in _COEFFICIENTS.items()
    }
    result = {}
    first = read_count(options, "first_seed", 0)
    for seed in range(first, first + read_count(options, "seeds", 2)):
        base = plan.spec(config.baseline.architecture, seed).proxy
        for name, network in {_UNSCALED: config.baseline.architecture, **by_dimension}.items():
            spec = plan.spec(network, seed)
            assert isinstance(spec.proxy, Architecture), "a baseline file's networks are architectures"
            assert isinstance(base, Architecture), "a baseline file's networks are architectures"
            ratio = log(cost(spec.proxy).macs / cost(base).macs)
            role = UNSCALED if name == _UNSCALED else CANDIDATE
            result[name, str(seed)] = Job(spec, ratio, options["data"], px, full, role=role)
    return result


def gains(trials: Mapping[tuple[str, str], Trial], score: str) -> dict[str, tuple[float, float]]:
    """Return the mean gain of each dimension over the unscaled network, and its standard error."""
    seeds = sorted({seed for _, seed in trials})
    result = {}
    for name in DIMENSIONS:
        differences = [trials[name, seed].score(score) - trials[_UNSCALED, seed].score(score) for seed in seeds]
        error = float(np.std(differences, ddof=1)) / sqrt(len(seeds))
        result[name] = float(np.mean(differences)), error
    return result


def print_tables(by_title: Mapping[str, Mapping[tuple[str, str], Trial]]) -> None:
    """Print the gains of every variant, and its differences from the first."""
    for score in _SCORES:
        print(
            f"\n| {score} | core-seconds | unscaled | " + " | ".join(DIMENSIONS) + " |\n|---|---|---|---|---|---|"
        )
        first: dict[str, tuple[float, float]] = {}
        for title, trials in by_title.items():
            own = gains(trials, score)
            unscaled = np.mean([trial.score(score) for (name, _), trial in trials.items() if name == _UNSCALED])
            seconds = np.mean([trial.seconds for trial in trials.values()])
            cells = [f"{gain:+.3f} ± {error:.3f}" for gain, error in own.values()]
            print(f"| {title} | {seconds:.1f} | {abs(unscaled):.3f} | " + " | ".join(cells) + " |")
            if not first:
                first = own
                continue
            pairs = [(own[name], first[name]) for name in DIMENSIONS]
            cells = [f"{a - b:+.3f} ± {sqrt(s**2 + t**2):.3f}" for (a, s), (b, t) in pairs]
            print("| — interaction | | | " + " | ".join(cells) + " |")


def main() -> None:
    """Train what is missing, and print both tables."""
    words, *variants = split_variants(sys.argv[1:])
    options = read_options(words, _DEFAULTS)
    budget = load_budget(options["budget"])
    by_title = {"as it is": jobs(options, budget)}
    for variant in variants:
        by_title[" ".join(variant)] = jobs(options, changed(budget, read_pairs(variant)))
    every = [job for group in by_title.values() for job in group.values()]
    # By seed, so that what a call that was stopped leaves has complete seeds; both processes share a trunk's work.
    every.sort(key=lambda job: (job.spec.seed, -job.log_cost))
    trials = train_missing(
        every, read_count(options, "processes", 1), Path(options["out"]) if options["out"] else None
    )
    print_tables({title: {key: trials[job.id] for key, job in group.items()} for title, group in by_title.items()})
    print("\n" + ", ".join(f"{name} {value}" for name, value in environment().items()))


if __name__ == "__main__":
    with errors_in_one_line():
        main()
