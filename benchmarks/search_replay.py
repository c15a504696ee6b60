"""Replay whole searches from kept trials: how good is the choice of one search, and what does it claim?

    python benchmarks/search_replay.py b0=results/proxy_snr/b0-classes.jsonl
    python benchmarks/search_replay.py b0=TRIALS.jsonl resnet18=TRIALS.jsonl replays=400 truth=LONGER.jsonl
    python benchmarks/search_replay.py b0=TRIALS.jsonl seeds=8
    python benchmarks/search_replay.py b0=TRIALS.jsonl seeds=3 scheduler=sequential

Each argument `BASELINE=FILE` names trials that `proxy_snr.py` wrote with `unscaled=1`: every candidate of `quick`
at φ = 1 and the unscaled network, trained as `quick` trains it (ResNet-18 from scratch, which `proxy_snr.py` does
with `recipe.trunk_epochs=0 recipe.epochs=4`), with at least two seeds more than a search has. A replay gives as
many seeds as a search needs, drawn at random, to a search, and all others to the *truth*. The search is the
product's: its plan asks for trials wave by wave, and its model decides. No trial of the search is in the truth.
With `truth=FILE`, for a single baseline, the truth is the mean of all seeds of another file, such as longer
trainings from scratch. That may have only some of the networks; then the search's choice among these is judged.
`seeds=8` is the search's option `--seeds`; where too few seeds are left for the truth, only planted searches are
made.

The truth is the accuracy, corrected for the cost of the proxies by the product's own slope. The rows:

- reliability: the share of the variance of the truth that is due to networks, n SNR / (1 + n SNR) for n seeds;
- τ: Kendall's τ-b of the search's posterior means, eliminated candidates included, with the means of the truth;
- regret: the truth of the best candidate minus that of the choice, in standard deviations of the networks. Noise
  makes the best of many true values look too good, so that this is an upper bound of the mean regret. For the lower
  bound, half of the truth's seeds say which candidate is best, and the other half compare it with the choice;
- training: of a search with its trunks, in multiply-adds of one trial of the unscaled network without its trunk;
- how often the regret of the upper bound is at most a quarter, and within what the search states for 95 %. Noise
  makes both shares too low. By all seeds, the noise of the truth is less, but the search's own seeds are in it;
- significant: how often the search calls a winner significant.

Further rows are searches of planted networks with the measured noise: every candidate has the same value, and a
winner that is called significant is a false one; or one candidate leads the best of the others, which have their
measured values, by one standard deviation of the networks, in accuracy and in loss alike. That one is the measured
best candidate, or a random one, which then stands out from candidates like it. `leads=0.02,0.03` plants leads of
these accuracies instead, and nothing else.

Intervals cover 95 %. They come from 2,000 bootstrap samples of the networks, in each of which the choice is the
network with the highest posterior mean. Shares of planted searches have binomial intervals by Wilson's formula.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from math import exp, log, sqrt
from pathlib import Path

import numpy as np
from key_values import read_pairs
from numpy.typing import NDArray
from proxy_snr import UNSCALED, Trial, read
from variance_components import Components, components

from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.search.budget import BUDGETS
from scalesearch.search.kinds import GridSearch
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts
from scalesearch.search.proxy_validation import tau_b
from scalesearch.search.ranking import Arm, macs_slope
from scalesearch.search.study_config import StudyConfig, fit_budget, with_overrides
from scalesearch.search.task import Epoch
from scalesearch.search.trial import Outcome
from scalesearch.study.result import StudyResult, analyze

Floats = NDArray[np.float64]
RESAMPLES = 2000
SMALL_REGRET = 0.25
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one trial: its accuracy, and the negated logarithm of its validation loss."""

    accuracy: float
    log_loss: float


Results = Mapping[tuple[str, int], Values]
"""The values of trials by network and seed."""


@dataclass(frozen=True)
class Evidence:
    """Every candidate of a study and its unscaled network, each with the same seeds."""

    plan: Plan
    results: Results
    seeds: tuple[int, ...]

    @cached_property
    def networks(self) -> tuple[str, ...]:
        """The ids of the candidates."""
        return tuple(self.plan.by_network)

    @cached_property
    def log_costs(self) -> Floats:
        """The logarithm of the cost of each candidate's proxy over their average one."""
        logs_K = np.log([self.plan.proxies.adjusted_ratio(key) for key in self.networks])
        return np.asarray(logs_K - logs_K.mean())

    def table(self, value: Callable[[Values], float], seeds: Sequence[int]) -> Floats:
        """Return the values of the candidates with some seeds (K, N)."""
        return np.array([[value(self.results[key, seed]) for seed in seeds] for key in self.networks])

    def corrected(self, value: Callable[[Values], float], seeds: Sequence[int]) -> Floats:
        """Return values (K, N) at the average cost, by the slope from the unscaled network to the candidates."""
        values_KN, ratio_of = self.table(value, seeds), self.plan.proxies.adjusted_ratio
        arms = [
            Arm(key, dict(zip(seeds, row_N, strict=True)), ratio_of(key), 1, 1)
            for key, row_N in zip(self.networks, values_KN.tolist(), strict=True)
        ]
        base = self.plan.base_id
        of_base = {seed: value(self.results[base, seed]) for seed in seeds}
        slope = macs_slope(arms, Arm(base, of_base, ratio_of(base), 1, 1))
        return np.asarray(values_KN - slope * self.log_costs[:, None])

    @cached_property
    def components(self) -> Components:
        """The parts of the variance of the accuracy at the average cost."""
        return components(self.corrected(accuracy_of, self.seeds), np.zeros(len(self.networks)), in_blocks=True)

    @cached_property
    def spreads(self) -> tuple[float, float]:
        """The standard deviations of the candidates without noise, of accuracy and of the loss's logarithm."""
        accuracy, loss = (
            components(self.corrected(value, self.seeds), np.zeros(len(self.networks)), in_blocks=True).signal
            for value in (accuracy_of, log_loss_of)
        )
        return accuracy, loss


def accuracy_of(values: Values) -> float:
    """Return the accuracy."""
    return values.accuracy


def log_loss_of(values: Values) -> float:
    """Return the negated logarithm of the loss."""
    return values.log_loss


def evidence(
    baseline: str, trials: Sequence[Trial], search_seeds: int | None = None, scheduler: str = "adaptive"
) -> Evidence:
    """Return the trials as evidence for `quick` at φ = 1.

    Args:
        baseline: the name of the baseline.
        trials: what `proxy_snr.py` wrote.
        search_seeds: the option `--seeds` of the search; None: it is not given.
        scheduler: its option `--scheduler`.

    Raises:
        SystemExit: a network has too few seeds for a search.
    """
    loaded = load_baseline(baseline)
    budget = with_overrides(
        fit_budget(BUDGETS["quick"], loaded, Decimal(1), GridSearch()), None, None, search_seeds
    )
    config = StudyConfig(loaded, Decimal(1), budget, scheduler=scheduler)
    data = DataFacts("fractal", "", budget.scenes.classes, budget.scenes.train, budget.scenes.val)
    plan = Plan(config, data)
    results = {
        (trial.network, trial.seed): Values(trial.accuracy, -log(trial.val_loss))
        for trial in trials
        if trial.network in plan.by_network or trial.role == UNSCALED
    }
    networks = {*plan.by_network, plan.base_id}
    seeds = sorted(set.intersection(*({seed for key, seed in results if key == one} for one in networks)))
    if len(seeds) < plan.scheduler.seeds:
        raise SystemExit(f"{baseline}: needs {plan.scheduler.seeds} seeds of every network, has {len(seeds)}")
    return Evidence(plan, results, tuple(seeds))


def search(plan: Plan, results: Results, seeds: Sequence[int]) -> dict[str, Outcome]:
    """Run a search in which the seeds 0, 1, … of the plan have the results of the given seeds."""
    outcomes: dict[str, Outcome] = {}
    while pending := plan.pending(outcomes):
        outcomes |= {spec.id: _outcome(results[spec.network_id, seeds[spec.seed]]) for spec in pending}
    return outcomes


def _outcome(values: Values) -> Outcome:
    epoch = Epoch(1, 1, 0.0, exp(-values.log_loss), values.accuracy, 0.0)
    return Outcome("complete", (epoch,), 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Replay:
    """What a search said about the candidates, and what is true of them."""

    posterior_K: Floats
    truth_KN: Floats
    """True values with N seeds that the search has not seen."""
    choice: int
    bound: float
    """The regret that the search says it stays below with 95 %."""
    significant: bool
    macs: int
    """The multiply-adds of the search's training, its trunks included."""

    @property
    def tau(self) -> float:
        """The rank correlation of the posterior with the truth."""
        return tau_b(self.posterior_K, self.truth_KN.mean(1))

    @property
    def regret(self) -> float:
        """The truth of the best candidate minus that of the choice; too high on average."""
        truth_K = self.truth_KN.mean(1)
        return float(truth_K.max() - truth_K[self.choice])

    @property
    def least_regret(self) -> float:
        """The regret against the best by other seeds than those of the comparison; too low on average."""
        halves = self.truth_KN[:, ::2].mean(1), self.truth_KN[:, 1::2].mean(1)
        pairs = halves, halves[::-1]
        return float(np.mean([judge_K[int(np.argmax(pick_K))] - judge_K[self.choice] for pick_K, judge_K in pairs]))

    def of(self, picks_K: NDArray[np.int64]) -> Replay:
        """Return the replay for some of the networks."""
        posterior_K = self.posterior_K[picks_K]
        choice = int(np.argmax(posterior_K))
        return replace(self, posterior_K=posterior_K, truth_KN=self.truth_KN[picks_K], choice=choice)


@dataclass(frozen=True, slots=True)
class Truth:
    """The values that searches are judged by, of networks with seeds (K, N), and what is known of them."""

    networks: tuple[str, ...]
    values_KN: Floats
    reliability: float
    spread: float
    """The standard deviation of the true values."""


def replay(found: StudyResult, networks: tuple[str, ...], truth_KN: Floats) -> Replay:
    """Return how a search judges the networks whose truth is known."""
    posterior_K = np.array([found.decision.mean(key) for key in networks])
    choice = networks.index(found.recommended) if found.recommended in networks else int(np.argmax(posterior_K))
    macs = sum(map(found.plan.macs, found.planned))
    return Replay(posterior_K, truth_KN, choice, found.decision.regret_bound, found.ranking.significant, macs)


def reliability_of(snr: float, seeds: int) -> float:
    """Return the reliability of the mean of some seeds."""
    return seeds * max(0.0, snr) / (1 + seeds * max(0.0, snr))


def measured(data: Evidence, replays: int, truth: Truth | None) -> list[Replay]:
    """Return replays of searches whose trials are not in the truth."""
    draw, found, count = np.random.default_rng(2019), [], data.plan.scheduler.seeds
    for _ in range(replays):
        seeds = draw.permutation(data.seeds).tolist()
        result = analyze(data.plan, search(data.plan, data.results, seeds[:count]))
        assert result is not None, "every trial completes"
        if truth is None:
            found.append(replay(result, data.networks, data.corrected(accuracy_of, seeds[count:])))
        else:
            found.append(replay(result, truth.networks, truth.values_KN))
    return found


def planted(data: Evidence, replays: int, lead: float | None, of_best: bool = False) -> float:
    """Return the share of searches of planted networks that call the best one significant.

    Args:
        data: gives the noise, and the values of the networks that do not lead.
        replays: the number of searches.
        lead: the lead of one candidate over the best of the others, in standard deviations of the networks.
            None: all candidates are equal, and any winner counts.
        of_best: whether the one is always the measured best; else it is drawn at random.
    """
    draw, count = np.random.default_rng(2019), 0
    best = int(np.argmax(data.corrected(accuracy_of, data.seeds).mean(1)))
    scores = (accuracy_of, log_loss_of)
    values_2K = [_values_without_noise(data, value, equal=lead is None) for value in scores]
    noise_2KN = [_noise(data, value) for value in scores]
    for _ in range(replays):
        leader = best if of_best else int(draw.integers(len(data.networks)))
        raised_2K = [values_K.copy() for values_K in values_2K]
        for raised_K, spread in zip(raised_2K, data.spreads, strict=True):
            if lead is not None:
                raised_K[leader] = np.delete(raised_K, leader).max() + lead * spread
        results = dict(data.results)
        for place, key in enumerate(data.networks):
            for column, seed in enumerate(data.seeds):
                results[key, seed] = Values(*(raised_2K[i][place] + noise_2KN[i][place, column] for i in range(2)))
        ranking = data.plan.ranking(search(data.plan, results, draw.permutation(data.seeds).tolist()))
        assert ranking is not None, "every trial completes"
        count += ranking.significant and (lead is None or ranking.arms[0].key == data.networks[leader])
    return count / replays


def _values_without_noise(data: Evidence, value: Callable[[Values], float], equal: bool) -> Floats:
    """Return values (K,) at each candidate's own cost: all equal at equal cost, or the shrunken means."""
    corrected_KN = data.corrected(value, data.seeds)
    slopes_K = (data.table(value, data.seeds) - corrected_KN)[:, 0]
    parts = components(corrected_KN, np.zeros(len(corrected_KN)), in_blocks=True)
    kept = 0.0 if equal else reliability_of(parts.snr, len(data.seeds))
    means_K = corrected_KN.mean(1)
    return np.asarray(means_K.mean() + kept * (means_K - means_K.mean()) + slopes_K)


def _noise(data: Evidence, value: Callable[[Values], float]) -> Floats:
    """Return the deviations (K, N) of trials from their network's mean, with the variance of the noise."""
    values_KN, seeds = data.table(value, data.seeds), len(data.seeds)
    # The mean of N trials takes 1 / N of the variance with it.
    return np.asarray((values_KN - values_KN.mean(1, keepdims=True)) * sqrt(seeds / (seeds - 1)))


def of_networks(replays: Sequence[Replay], figure: Callable[[Sequence[Replay]], float]) -> str:
    """Return a figure with its interval over networks, as text."""
    draw, networks, values = np.random.default_rng(7), len(replays[0].truth_KN), []
    for _ in range(RESAMPLES):
        picks_K = draw.integers(0, networks, networks)
        if len(set(picks_K.tolist())) > 2:
            few = draw.integers(0, len(replays), 20)  # replays are few enough seeds, drawn anew, that 20 do
            values.append(figure([replays[index].of(picks_K) for index in few]))
    low, high = np.percentile(values, (2.5, 97.5))
    return f"{figure(replays):.2f} ({low:.2f} ... {high:.2f})"


def wilson(share: float, count: int) -> str:
    """Return a share of independent searches with its interval, as text."""
    centre, square = share + _Z**2 / (2 * count), _Z**2 / count
    half = _Z * sqrt(share * (1 - share) / count + square / (4 * count))
    return f"{share:.0%} ({(centre - half) / (1 + square):.0%} ... {(centre + half) / (1 + square):.0%})"


def report_leads(data: Evidence, replays: int, leads: Sequence[float]) -> None:
    """Print how often leads of given accuracies are called significant."""
    for lead in leads:
        print_leads(data, replays, lead / data.spreads[0], f"a lead of {lead:g}")


def print_leads(data: Evidence, replays: int, lead: float, name: str) -> None:
    """Print how often a lead, in standard deviations of the networks, is called significant."""
    for of_best, whose in ((True, "the best"), (False, "a random one")):
        share = planted(data, replays, lead, of_best)
        print_rows({f"{name} of {whose}: called significant": wilson(share, replays)})


def report(data: Evidence, replays: int, truth: Truth | None) -> None:
    """Print the table of one baseline."""
    if truth is not None or len(data.seeds) >= data.plan.scheduler.seeds + 2:
        found = measured(data, replays, truth)
        print_rows(measured_rows(data, found, truth))
    if truth is None:
        print_rows({"equal networks: false winners": wilson(planted(data, replays, None), replays)})
        print_leads(data, replays, 1.0, "a lead of one sd")
        if len(data.seeds) >= data.plan.scheduler.seeds + 2:
            print_candidates(data, found)


def print_rows(rows: Mapping[str, str]) -> None:
    """Print rows of a table."""
    for name, text in rows.items():
        print(f"| {name} | {text} |", flush=True)


def print_candidates(data: Evidence, found: Sequence[Replay]) -> None:
    """Print candidates by their mean over all seeds at equal cost, and how often each is recommended."""
    means_K = data.corrected(accuracy_of, data.seeds).mean(1)
    print("\n| candidate | accuracy at equal cost | recommended |\n|---|---|---|")
    for place in np.argsort(-means_K).tolist():
        share = float(np.mean([one.choice == place for one in found]))
        label = data.plan.by_network[data.networks[place]].label
        print(f"| {label} | {means_K[place]:.4f} | {share:.0%} |")


def measured_rows(data: Evidence, found: Sequence[Replay], truth: Truth | None) -> dict[str, str]:
    """Return the rows of searches of the measured networks."""
    parts, count = data.components, len(data.seeds) - data.plan.scheduler.seeds
    value, low, high = (reliability_of(snr, count) for snr in (parts.snr, parts.low, parts.high))
    reliability = f"{value:.2f} ({low:.2f} ... {high:.2f})" if truth is None else f"{truth.reliability:.2f}"
    spread = data.spreads[0] if truth is None else truth.spread

    def mean_of(value: Callable[[Replay], float]) -> str:
        return of_networks(found, lambda some: float(np.mean([value(one) for one in some])))

    return {
        "networks, seeds": f"{len(found[0].truth_KN)}, {len(data.seeds)}",
        "sd of the networks": f"{spread:.4f}",
        "reliability of the truth": reliability,
        "training of a search": f"{np.mean([one.macs for one in found]) / _macs_of_unscaled(data.plan):.1f}",
        "tau of the search with the truth": mean_of(lambda one: one.tau),
        "mean regret, sd: at least": f"{np.mean([one.least_regret for one in found]) / spread:.2f}",
        "mean regret, sd: at most": mean_of(lambda one: one.regret / spread),
        "regret at most a quarter sd": mean_of(lambda one: float(one.regret <= SMALL_REGRET * spread)),
        **_by_all_seeds(data, found, spread, truth),
        "regret within the stated bound": f"{np.mean([one.regret <= one.bound for one in found]):.0%}",
        "mean of the stated bound, sd": f"{np.mean([one.bound for one in found]) / spread:.2f}",
        "a winner is called significant": f"{np.mean([one.significant for one in found]):.0%}",
    }


def _macs_of_unscaled(plan: Plan) -> int:
    spec = plan.spec(plan.config.baseline.architecture, 0)
    return cost(spec.proxy).macs * plan.proxies.images(spec)


def _by_all_seeds(data: Evidence, found: Sequence[Replay], spread: float, truth: Truth | None) -> dict[str, str]:
    """Return the row of small regrets by the mean over all seeds, those of the search included."""
    if truth is not None:
        return {}
    means_K = data.corrected(accuracy_of, data.seeds).mean(1)
    small = [means_K.max() - means_K[one.choice] <= SMALL_REGRET * spread for one in found]
    return {"the same by all seeds, the search's own included": f"{np.mean(small):.0%}"}


def truth_of(data: Evidence, trials: Sequence[Trial]) -> Truth:
    """Return the truth of other trainings, such as longer ones, at equal cost.

    The slope is that from the unscaled network to the candidates, as in a search. A line through the candidates
    would take what dimensions gain for the effect of cost: those with more depth cost more, for instance.
    """
    by_network = {(trial.network, trial.seed): trial for trial in trials}
    networks = tuple(key for key in data.networks if any(trial.network == key for trial in trials))
    base = data.plan.base_id
    seeds = sorted({seed for _, seed in by_network if all((key, seed) in by_network for key in (*networks, base))})
    if not seeds:
        raise SystemExit("the truth needs a seed of every network and of the unscaled one (unscaled=1)")
    values_KN = np.array([[by_network[key, seed].accuracy for seed in seeds] for key in networks])
    costs_K = np.array([by_network[key, seeds[0]].log_cost for key in networks])
    base_cost = by_network[base, seeds[0]].log_cost
    base_accuracy = float(np.mean([by_network[base, seed].accuracy for seed in seeds]))
    slope = max(0.0, float(values_KN.mean() - base_accuracy) / float(costs_K.mean() - base_cost))
    corrected_KN = values_KN - slope * (costs_K - costs_K.mean())[:, None]
    if len(seeds) == 1:
        return Truth(networks, corrected_KN, 1.0, float(corrected_KN.std(ddof=1)))
    parts = components(corrected_KN, np.zeros(len(networks)))
    return Truth(networks, corrected_KN, reliability_of(parts.snr, len(seeds)), parts.signal)


def main() -> None:
    arguments = read_pairs(sys.argv[1:])
    replays = int(arguments.pop("replays", "400"))
    leads = [float(text) for text in arguments.pop("leads", "").split(",") if text]
    truth_file, seeds = arguments.pop("truth", ""), arguments.pop("seeds", None)
    scheduler = arguments.pop("scheduler", "adaptive")
    for baseline, name in arguments.items():
        trials = [trial for _, trial in read(Path(name))]
        data = evidence(baseline, trials, None if seeds is None else int(seeds), scheduler)
        other = None
        if truth_file:
            other = truth_of(data, [trial for _, trial in read(Path(truth_file))])
        print(
            f"\n| {baseline}, {replays} replays of searches with {data.plan.scheduler.seeds} seeds | |\n|---|---|"
        )
        if leads:
            report_leads(data, replays, leads)
        else:
            report(data, replays, other)


if __name__ == "__main__":
    main()
