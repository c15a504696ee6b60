"""Check whether two kinds of proxies rank the same networks alike, with correlations corrected for noise.

    python benchmarks/proxy_agreement.py FIRST.jsonl SECOND.jsonl
    python benchmarks/proxy_agreement.py FIRST.jsonl SECOND.jsonl baseline=b0

`proxy_snr.py` writes both files (`out=`). They hold the same candidates with at least two seeds each, such as
proxies grown from trunks in the first and trained from scratch in the second. Scores are adjusted for the
logarithm of the proxies' multiply-adds, separately in each file, and for the effect that a seed has on all
networks. The slope is that from the unscaled network to the candidates, as in a search, where the file has that
network (`unscaled=1`), else that of a line through the candidates. Networks and seeds that a file has only in part
are dropped.

For every score of the first file and the accuracy and losses of the second, the script prints

- the correlation of the networks' means, and the reliability of either mean, n SNR / (1 + n SNR) for n seeds;
- the correlation that means without noise would have: the correlation divided by the root of the product of both
  reliabilities (Spearman 1904, American Journal of Psychology 15(1)). It may exceed 1 by chance;
- the predictive SNR of one trial of the first kind: r² / (1 − r²), where r² is the squared correlation of one trial
  with the second kind's means, divided by the reliability of these means;
- Kendall's τ-b of one trial of the first kind with the second kind's means.

`baseline=NAME`, for candidates at φ = 1, adds a table of directions: how much better a network is that is scaled by
depth alone, or by resolution alone, than one that is scaled by width alone. It comes from a line through the means
of all networks, over the shares of log-cost that the dimensions have and the logarithm of the proxies' cost. Its
standard errors include the networks' distances from the line. A direction is known far better than the order of
single networks, so this is the sharper test of whether both kinds prefer the same dimension. A second file with one
seed is enough for this table.

Intervals cover 95 %. They come from 2,000 bootstrap samples of the networks, with fixed reliabilities. Where the
second kind's means have no reliability, the values that are divided by it are not known.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from proxy_snr import SCORES, UNSCALED, Trial, candidates_of, read
from variance_components import components

from scalesearch.design.baselines import load_baseline
from scalesearch.search.budget import BUDGETS
from scalesearch.search.decision.records import study_data
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts
from scalesearch.search.proxy_validation import tau_b
from scalesearch.search.study_config import StudyConfig

Floats = NDArray[np.float64]
RESAMPLES = 2000
OF_SECOND = ("accuracy", "losses")
_FEWEST = 3
"""A bootstrap sample needs more different networks than this."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table holds one score of K networks with N seeds, and the logarithms of their proxies' multiply-adds."""

    scores_KN: Floats
    covariate_K: Floats
    slope: float | None = None
    """What a score gains with the covariate; None: the slope of the line through the networks' means."""

    def rows(self, picks_K: NDArray[np.int64]) -> Table:
        """Return a table of some of the networks."""
        return replace(self, scores_KN=self.scores_KN[picks_K], covariate_K=self.covariate_K[picks_K])

    def adjusted(self) -> Floats:
        """Return scores (K, N) without their seed's mean, at the average cost."""
        means_K, centred_K = self.scores_KN.mean(1), self.covariate_K - self.covariate_K.mean()
        square = float(centred_K @ centred_K)
        of_line = float(centred_K @ means_K) / square if square > 0 else 0.0
        slope = of_line if self.slope is None else self.slope
        adjusted_KN: Floats = self.scores_KN - self.scores_KN.mean(0) - slope * centred_K[:, None]
        return adjusted_KN

    @property
    def reliability(self) -> float:
        """The reliability of the networks' means: the share of their variance that is due to networks, or 0."""
        seeds = self.scores_KN.shape[1]
        if self.slope is None:
            parts = components(self.scores_KN, self.covariate_K, in_blocks=True)
        else:
            parts = components(self.adjusted(), np.zeros(len(self.covariate_K)), in_blocks=True)
        total = seeds * max(0.0, parts.snr)
        return float(total / (1 + total))


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement says how the first kind's scores correlate with the second kind's means."""

    correlation: float
    corrected: float
    predictive_snr: float
    tau: float
    first_reliability: float
    second_reliability: float


def agreement(first: Table, second: Table, reliabilities: tuple[float, float] | None = None) -> Agreement:
    """Compare two tables of the same networks, in the same order.

    The reliabilities default to those of the tables.
    """
    first_KN, means_K = first.adjusted(), second.adjusted().mean(1)
    reliabilities = reliabilities or (first.reliability, second.reliability)
    correlation = _correlation(first_KN.mean(1), means_K)
    correlations = [_correlation(first_K, means_K) for first_K in first_KN.T]
    share = float(np.mean(correlations)) ** 2 / reliabilities[1] if reliabilities[1] > 0 else np.nan
    root = np.sqrt(reliabilities[0] * reliabilities[1])
    return Agreement(
        correlation=correlation,
        corrected=float(correlation / root) if root > 0 else np.nan,
        predictive_snr=np.inf if share >= 1 else share / (1 - share),
        tau=float(np.mean([tau_b(first_K, means_K) for first_K in first_KN.T])),
        first_reliability=reliabilities[0],
        second_reliability=reliabilities[1],
    )


def _correlation(first_K: Floats, second_K: Floats) -> float:
    spread = float(first_K.std() * second_K.std())
    return float(((first_K - first_K.mean()) * (second_K - second_K.mean())).mean()) / spread if spread else 0.0


def interval(first: Table, second: Table, figure: Callable[[Agreement], float]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a figure over networks.

    Samples with too few different networks are dropped.
    """
    rng, networks, values = np.random.default_rng(2019), len(first.covariate_K), []
    reliabilities = first.reliability, second.reliability
    for _ in range(RESAMPLES):
        picks_K = rng.integers(0, networks, networks)
        if len(set(picks_K.tolist())) > _FEWEST:
            values.append(figure(agreement(first.rows(picks_K), second.rows(picks_K), reliabilities)))
    low, high = np.percentile(values, (2.5, 97.5), method="nearest")
    return float(low), float(high)


def format_interval(value: float, ends: tuple[float, float]) -> str:
    """Return a value with its interval as text, or `not known`."""
    return "not known" if np.isnan(value) else f"{value:.2f} ({ends[0]:.2f} ... {ends[1]:.2f})"


def tables(trials: Sequence[Trial], networks: Sequence[str]) -> dict[str, Table]:
    """Return a table of the networks for each score, with the seeds that all of them have.

    The slopes are those from the unscaled network to the networks, as in a search, if it has all of these seeds.
    """
    of_unscaled = {trial.seed: trial for trial in trials if trial.role == UNSCALED}
    by_network_and_seed = {(trial.network, trial.seed): trial for trial in trials}
    seeds = sorted(
        {seed for _, seed in by_network_and_seed if all((key, seed) in by_network_and_seed for key in networks)}
    )
    covariate_K = np.array([by_network_and_seed[key, seeds[0]].log_cost for key in networks])
    found = {}
    for name in SCORES:
        scores_KN = np.array([[by_network_and_seed[key, seed].score(name) for seed in seeds] for key in networks])
        slope = None
        if all(seed in of_unscaled for seed in seeds):
            gain = float(scores_KN.mean() - np.mean([of_unscaled[seed].score(name) for seed in seeds]))
            slope = max(0.0, gain / float(covariate_K.mean() - of_unscaled[seeds[0]].log_cost))
        found[name] = Table(scores_KN, covariate_K, slope)
    return found


@dataclass(frozen=True, slots=True)
class Direction:
    """How much better a network is that is scaled by one dimension alone than one that is scaled by width alone."""

    value: float
    error: float
    """The standard error."""

    def __str__(self) -> str:
        return f"{self.value:+.3f} ± {self.error:.3f}"

    def __sub__(self, other: Direction) -> Direction:
        return Direction(self.value - other.value, float(np.hypot(self.error, other.error)))


def directions(table: Table, shares_K3: Floats) -> tuple[Direction, Direction]:
    """Return the directions of depth and of resolution.

    Args:
        table: the scores of K networks.
        shares_K3: the shares of each network's log-cost that depth, width and resolution have.
    """
    means_K, covariate_K = table.scores_KN.mean(1), table.covariate_K - table.covariate_K.mean()
    inputs_K4 = np.column_stack([np.ones(len(means_K)), shares_K3[:, 0], shares_K3[:, 2], covariate_K])
    fit_4, *_ = np.linalg.lstsq(inputs_K4, means_K, rcond=None)
    residuals_K = means_K - inputs_K4 @ fit_4
    variance = float(residuals_K @ residuals_K) / (len(means_K) - inputs_K4.shape[1])
    errors_4 = np.sqrt(variance * np.diag(np.linalg.pinv(inputs_K4.T @ inputs_K4)))
    return Direction(float(fit_4[1]), float(errors_4[1])), Direction(float(fit_4[2]), float(errors_4[2]))


def shares_of_networks(baseline: str) -> dict[str, Floats]:
    """Return the shares of every candidate of `quick` at φ = 1, by the network's id."""
    config = StudyConfig(load_baseline(baseline), Decimal(1), replace(BUDGETS["quick"], candidates=None))
    data = study_data(Plan(config, DataFacts("", "", 2, 1, 1)), {})
    assert data.shares is not None, "a baseline file has shares"
    return dict(zip(data.candidates, data.shares, strict=True))


def print_directions(first: Mapping[str, Table], second: Mapping[str, Table], shares_K3: Floats) -> None:
    """Print the table of directions."""
    print("\n| score | direction | first | second | second - first |\n|---|---|---|---|---|")
    for name in ("accuracy", "val loss"):
        pair = directions(first[name], shares_K3), directions(second[name], shares_K3)
        for place, dimension in enumerate(("depth", "resolution")):
            one, other = pair[0][place], pair[1][place]
            print(f"| {name} | {dimension} in place of width | {one} | {other} | {other - one} |")


def main() -> None:
    paths = [Path(text) for text in sys.argv[1:] if "=" not in text]
    options = dict(text.split("=", 1) for text in sys.argv[1:] if "=" in text)
    first, second = ([trial for _, trial in read(path)] for path in paths)
    networks = sorted(set.intersection(*({one.network for one in candidates_of(kind)} for kind in (first, second))))
    if "baseline" in options:
        shares = shares_of_networks(options["baseline"])
        networks = [key for key in networks if key in shares]
    first_tables, second_tables = tables(first, networks), tables(second, networks)
    sizes = [table["accuracy"].scores_KN.shape for table in (first_tables, second_tables)]
    print(f"{sizes[0][0]} networks, {sizes[0][1]} seeds of the first kind, {sizes[1][1]} of the second")
    if "baseline" in options:
        print_directions(first_tables, second_tables, np.array([shares[key] for key in networks]))
    if min(seeds for _, seeds in sizes) > 1:
        print_agreement(first_tables, second_tables)


def print_agreement(first_tables: Mapping[str, Table], second_tables: Mapping[str, Table]) -> None:
    """Print the table of correlations."""
    print()
    heads = (
        "first",
        "second",
        "r",
        "reliabilities",
        "r without noise",
        "predictive SNR of a trial",
        "tau of a trial",
    )
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for name in SCORES:
        for target in OF_SECOND:
            pair = first_tables[name], second_tables[target]
            result = agreement(*pair)
            ends = [interval(*pair, figure) for figure in (lambda a: a.corrected, lambda a: a.predictive_snr)]
            cells = (
                name, target, format_interval(result.correlation, interval(*pair, lambda a: a.correlation)),
                f"{result.first_reliability:.2f}, {result.second_reliability:.2f}",
                format_interval(result.corrected, ends[0]), format_interval(result.predictive_snr, ends[1]),
                f"{result.tau:.2f}",
            )  # fmt: skip
            print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
