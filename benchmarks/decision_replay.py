"""Check whether the decision model predicts unseen seeds, by leave-seeds-out replays of recorded trials.

    python benchmarks/decision_replay.py [FILE …]

Files are results/evidence/*.parquet (several rungs) and saved trials of `proxy_snr.py` (*.jsonl, of b0, one rung).
The default is all of them. The model sees one seed of every candidate. The reference is the mean of the last
accuracies of all other seeds. The script prints one line per method: Kendall's τ with the reference and the regret
of the choice, both averaged over seeds, and the standard deviation of the reference between networks. The
reference is noisy too, so τ cannot reach 1.

The Gaussian process is that of scikit-learn: a Matérn kernel (ν = 5/2) with a length scale for each of two shares
and for the logarithm of the proxy's cost, and white noise, fitted by maximum likelihood from ten starts to the
accuracies of the last rung. It predicts at the candidates' mean cost, as the model does.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from math import log
from pathlib import Path
from warnings import catch_warnings, simplefilter

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from scalesearch.design.coefficients import Coefficients
from scalesearch.search.decision.data import Channel, StudyData, Training
from scalesearch.search.decision.posterior import posterior
from scalesearch.search.proxy_validation import tau_b
from scalesearch.search.shares import shares_of

ROOT = Path(__file__).parent.parent
EVIDENCE, TRIALS = ROOT / "results" / "evidence", ROOT / "results" / "proxy_snr"
Row = tuple[float, float, float]
"""The accuracy, the training loss and the validation loss of a trial."""
Shares = tuple[float, float, float]


def recorded(path: Path) -> tuple[dict[str, Shares], dict[tuple[str, int, int], Row], dict[str, float]]:
    """Read a table of evidence.

    Returns:
        Shares by candidate; rows by candidate, seed and rung; and the logarithm of the proxy's relative cost by
        candidate.
    """
    table = pd.read_parquet(path)
    candidates = table[table["role"] == "candidate"]
    samples = sorted(candidates["samples"].unique())
    shares, rows, costs = {}, {}, {}
    for row in candidates.to_dict("records"):
        key = str(row["network"])
        coefficients = (Decimal(str(row[name])) for name in ("alpha", "beta", "gamma"))
        shares[key] = shares_of(Coefficients(*coefficients))
        costs[key] = log(float(row["proxy_macs_ratio"]))
        rows[key, int(row["seed"]), samples.index(row["samples"])] = (
            float(row["accuracy"]), float(row["train_loss"]), float(row["val_loss"]),
        )  # fmt: skip
    return shares, rows, costs


def read_trials(path: Path) -> tuple[dict[str, Shares], dict[tuple[str, int, int], Row], dict[str, float]]:
    """Read the trials of `proxy_snr.py`, and return the same as `recorded`.

    Only seeds that every network has are included. The shares come from b0's evidence.
    """
    known_shares = recorded(EVIDENCE / "b0.parquet")[0]
    trials = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    trials = [row for row in trials if row["network"] in known_shares]
    by_network = defaultdict(set)
    for row in trials:
        by_network[row["network"]].add(row["seed"])
    seeds = set.intersection(*by_network.values())
    rows = {
        (row["network"], row["seed"], 0): (row["accuracy"], row["train_loss"], row["val_loss"])
        for row in trials
        if row["seed"] in seeds
    }
    costs = {row["network"]: row["log_cost"] for row in trials}
    return {key: known_shares[key] for key in by_network}, rows, costs


def study(
    observed: dict[tuple[str, int, int], Row], shares: dict[str, Shares], costs: dict[str, float], losses: bool
) -> StudyData:
    """Return the data of a study that has seen one seed."""
    values: dict[str, dict[Channel, float]] = defaultdict(dict)
    for (key, _, rung), (accuracy, train, val) in observed.items():
        values[key][Channel(rung)] = accuracy
        if losses:
            values[key][Channel(rung, 1)] = -(log(train) + log(val)) / 2
    names = tuple(shares)
    logs = np.array([costs[key] for key in names])
    trainings = tuple(Training(key, channels) for key, channels in values.items())
    return StudyData(names, np.array([*shares.values()]), logs - logs.mean(), trainings, "base")


def gaussian_process(
    accuracies: Mapping[str, float], shares: Mapping[str, Shares], costs: Mapping[str, float]
) -> npt.NDArray[np.float64]:
    """Return the predicted accuracy of every candidate at the candidates' mean cost."""
    inputs = np.array([(*shares[key][:2], costs[key]) for key in shares])
    low, high = inputs.min(0), inputs.max(0)
    inputs = (inputs - low) / np.where(high > low, high - low, 1)
    kernel = ConstantKernel() * Matern([1.0] * inputs.shape[1], (0.1, 100), nu=2.5) + WhiteKernel()
    process = GaussianProcessRegressor(kernel, normalize_y=True, n_restarts_optimizer=9, random_state=0)
    with catch_warnings():
        simplefilter("ignore", ConvergenceWarning)  # a length scale at its bound: an irrelevant input
        process.fit(inputs, np.array([accuracies[key] for key in shares]))
    inputs[:, -1] = inputs[:, -1].mean()
    return np.asarray(process.predict(inputs))


def replay(path: Path) -> None:
    """Print the lines of one file."""
    shares, rows, costs = (recorded if path.suffix == ".parquet" else read_trials)(path)
    names, top = [*shares], max(rung for *_, rung in rows)
    seeds = sorted({seed for _, seed, _ in rows})
    print(f"\n{path.name}: {len(names)} candidates, {len(seeds)} seeds, {top + 1} rungs")
    if len(seeds) < 2:
        return
    results: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for seen_seed in seeds:
        truth = np.array([np.mean([rows[key, s, top][0] for s in seeds if s != seen_seed]) for key in names])
        predictions = {"accuracy alone": np.array([rows[key, seen_seed, top][0] for key in names])}
        predictions["Gaussian process, 1 rung"] = gaussian_process(
            {key: rows[key, seen_seed, top][0] for key in names}, shares, costs
        )
        for losses in (False, True):
            for first in {top, max(0, top - 2)}:
                observed = {key: row for key, row in rows.items() if key[1] == seen_seed and key[2] >= first}
                count = top - first + 1
                name = f"model{' with losses' * losses}, {count} rung{'s' * (count > 1)}"
                predictions[name] = posterior(study(observed, shares, costs, losses)).mean
        for name, values in predictions.items():
            regret = truth.max() - truth[int(np.argmax(values))]
            results[name].append((tau_b(values, truth), float(regret), float(truth.std())))
    print("| judged by | tau | regret | sd of the truth |\n|---|---|---|---|")
    for name, by_seed in results.items():
        tau, regret, spread = np.mean(by_seed, axis=0)
        print(f"| {name} | {tau:.2f} | {regret:.4f} | {spread:.4f} |", flush=True)


def main() -> None:
    files = [Path(name) for name in sys.argv[1:]]
    for path in files or [*sorted(EVIDENCE.glob("*.parquet")), *sorted(TRIALS.glob("*.jsonl"))]:
        replay(path)


if __name__ == "__main__":
    main()
