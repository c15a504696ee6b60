"""Does the model of a study predict seeds that it has not seen? Leave-seeds-out replays of recorded trials.

    python benchmarks/decision_replay.py [FILE …]

Files are results/evidence/*.parquet (several rungs) and kept trials of `proxy_snr.py` (*.jsonl, b0's, one rung);
default: all of them. One seed of every candidate is seen; the means of all other seeds' last accuracies are the
truth. A line a way to judge: Kendall's τ with the truth and the regret of the choice, averaged over the seeds;
beside them the truth's standard deviation between networks. The truth is itself noisy: no τ can reach 1.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from decimal import Decimal
from math import log
from pathlib import Path

import numpy as np
import pandas as pd

from scalesearch.design.coefficients import Coefficients
from scalesearch.search.decision.data import Channel, StudyData, Training
from scalesearch.search.decision.posterior import posterior
from scalesearch.search.shares import shares_of
from scalesearch.search.trust import tau_b

ROOT = Path(__file__).parent.parent
EVIDENCE, KEPT = ROOT / "results" / "evidence", ROOT / "results" / "proxy_snr"
Row = tuple[float, float, float]
"""Accuracy, training loss, validation loss."""
Shares = tuple[float, float, float]


def recorded(path: Path) -> tuple[dict[str, Shares], dict[tuple[str, int, int], Row], dict[str, float]]:
    """Shares by candidate; rows by candidate, seed and rung; the logarithm of the proxy's relative cost."""
    table = pd.read_parquet(path)
    own = table[table["role"] == "candidate"]
    samples = sorted(own["samples"].unique())
    shares, rows, costs = {}, {}, {}
    for row in own.to_dict("records"):
        key = str(row["network"])
        exact = (Decimal(str(row[name])) for name in ("alpha", "beta", "gamma"))
        shares[key] = shares_of(Coefficients(*exact))
        costs[key] = log(float(row["proxy_macs_ratio"]))
        rows[key, int(row["seed"]), samples.index(row["samples"])] = (
            float(row["accuracy"]), float(row["train_loss"]), float(row["val_loss"]),
        )  # fmt: skip
    return shares, rows, costs


def kept(path: Path) -> tuple[dict[str, Shares], dict[tuple[str, int, int], Row], dict[str, float]]:
    """The same of the trials of `proxy_snr.py`, of seeds that every network has; shares as in b0's evidence."""
    known = recorded(EVIDENCE / "b0.parquet")[0]
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    found = [row for row in found if row["network"] in known]
    by_network = defaultdict(set)
    for row in found:
        by_network[row["network"]].add(row["seed"])
    seeds = set.intersection(*by_network.values())
    rows = {
        (row["network"], row["seed"], 0): (row["accuracy"], row["train_loss"], row["val_loss"])
        for row in found
        if row["seed"] in seeds
    }
    costs = {row["network"]: row["log_cost"] for row in found}
    return {key: known[key] for key in by_network}, rows, costs


def study(
    seen: dict[tuple[str, int, int], Row], shares: dict[str, Shares], costs: dict[str, float], losses: bool
) -> StudyData:
    """What one seed says."""
    values: dict[str, dict[Channel, float]] = defaultdict(dict)
    for (key, _, rung), (accuracy, train, val) in seen.items():
        values[key][Channel(rung)] = accuracy
        if losses:
            values[key][Channel(rung, 1)] = -(log(train) + log(val)) / 2
    names = tuple(shares)
    logs = np.array([costs[key] for key in names])
    trainings = tuple(Training(key, own) for key, own in values.items())
    return StudyData(names, np.array([*shares.values()]), logs - logs.mean(), trainings, "base")


def replay(path: Path) -> None:
    """The lines of one file."""
    shares, rows, costs = (recorded if path.suffix == ".parquet" else kept)(path)
    names, top = [*shares], max(rung for *_, rung in rows)
    seeds = sorted({seed for _, seed, _ in rows})
    print(f"\n{path.name}: {len(names)} candidates, {len(seeds)} seeds, {top + 1} rungs")
    if len(seeds) < 2:
        return
    results: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for one in seeds:
        truth = np.array([np.mean([rows[key, seed, top][0] for seed in seeds if seed != one]) for key in names])
        ways = {"accuracy alone": np.array([rows[key, one, top][0] for key in names])}
        for losses in (False, True):
            for first in {top, max(0, top - 2)}:
                seen = {key: row for key, row in rows.items() if key[1] == one and key[2] >= first}
                name = f"model{' with losses' * losses}, {top - first + 1} rungs"
                ways[name] = posterior(study(seen, shares, costs, losses)).mean
        for name, values in ways.items():
            regret = truth.max() - truth[int(np.argmax(values))]
            results[name].append((tau_b(values, truth), float(regret), float(truth.std())))
    print("| judged by | tau | regret | sd of the truth |\n|---|---|---|---|")
    for name, found in results.items():
        tau, regret, spread = np.mean(found, axis=0)
        print(f"| {name} | {tau:.2f} | {regret:.4f} | {spread:.4f} |", flush=True)


def main() -> None:
    files = [Path(name) for name in sys.argv[1:]]
    for path in files or [*sorted(EVIDENCE.glob("*.parquet")), *sorted(KEPT.glob("*.jsonl"))]:
        replay(path)


if __name__ == "__main__":
    main()
