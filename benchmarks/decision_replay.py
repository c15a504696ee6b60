"""Check whether the decision model predicts unseen seeds better than means or a Gaussian process, by replays.

    python benchmarks/decision_replay.py b0=results/proxy_snr/b0-classes.jsonl [BASELINE=FILE …]

A file holds what `proxy_snr.py` wrote for every candidate of a baseline, and the unscaled network, with `quick` and
at least four seeds. Every way of judging sees the same seeds: one, or three. The reference is the mean of the other
seeds' accuracies at the candidates' mean cost, by the slope from the unscaled network to the candidates. The script
prints Kendall's τ with the reference and the regret of the choice, averaged over which seeds are seen, and the
standard deviation of the reference between candidates. The reference is noisy too, so τ cannot reach 1.

The Gaussian process is that of scikit-learn: a Matérn kernel (ν = 5/2) with a length scale for each of two shares
and for the logarithm of the proxy's cost, and white noise, fitted by maximum likelihood from ten starts to the mean
accuracies. It predicts at the candidates' mean cost, as the model does.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from warnings import catch_warnings, simplefilter

import numpy as np
import numpy.typing as npt
from key_values import read_pairs
from proxy_snr import read
from search_replay import Evidence, accuracy_of, evidence, log_loss_of
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from scalesearch.search.decision.data import Channel, StudyData, Training
from scalesearch.search.decision.posterior import posterior
from scalesearch.search.decision.records import study_data
from scalesearch.search.proxy_validation import tau_b

Floats = npt.NDArray[np.float64]
NUM_SEEN = (1, 3)


def by_model(data: Evidence, seeds: tuple[int, ...], losses: bool) -> Floats:
    """Return the posterior means (K,) of the candidates, given some seeds of them and of the unscaled network."""
    plan = data.plan
    trainings = []
    for network in (*data.networks, plan.base_id):
        for seed in seeds:
            values = data.results[network, seed]
            channels = {Channel(0): accuracy_of(values)}
            if losses:
                channels[Channel(0, 1)] = log_loss_of(values)
            trainings.append(Training(network, channels, trunk=seed))
    empty = study_data(plan, {})
    measured = StudyData(
        empty.candidates, empty.shares, empty.log_costs, tuple(trainings), empty.baseline, empty.baseline_log_cost,
        empty.smallest_noise,
    )  # fmt: skip
    return posterior(measured).mean


def by_gaussian_process(data: Evidence, seeds: tuple[int, ...]) -> Floats:
    """Return the predicted accuracies (K,) at the candidates' mean cost."""
    shares = study_data(data.plan, {}).shares
    assert shares is not None, "the candidates of a baseline file have shares"
    inputs = np.column_stack([shares[:, :2], data.log_costs])
    low, high = inputs.min(0), inputs.max(0)
    inputs = (inputs - low) / np.where(high > low, high - low, 1)
    kernel = ConstantKernel() * Matern([1.0] * inputs.shape[1], (0.1, 100), nu=2.5) + WhiteKernel()
    process = GaussianProcessRegressor(kernel, normalize_y=True, n_restarts_optimizer=9, random_state=0)
    with catch_warnings():
        simplefilter("ignore", ConvergenceWarning)  # a length scale at its bound: an irrelevant input
        process.fit(inputs, data.table(accuracy_of, seeds).mean(1))
    inputs[:, -1] = inputs[:, -1].mean()
    return np.asarray(process.predict(inputs))


def replay(data: Evidence, num_seen: int) -> dict[str, Floats]:
    """Return τ, regret and spread of the reference by the way of judging, averaged over which seeds are seen."""
    found: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for start in range(len(data.seeds)):
        seen = tuple(data.seeds[(start + offset) % len(data.seeds)] for offset in range(num_seen))
        others = [seed for seed in data.seeds if seed not in seen]
        truth = data.corrected(accuracy_of, others).mean(1)
        predictions = {
            "mean accuracy": data.corrected(accuracy_of, seen).mean(1),
            "mean loss": data.corrected(log_loss_of, seen).mean(1),
            "Gaussian process": by_gaussian_process(data, seen),
            "model, accuracy": by_model(data, seen, losses=False),
            "model, accuracy and loss": by_model(data, seen, losses=True),
        }
        for name, values in predictions.items():
            regret = truth.max() - truth[int(np.argmax(values))]
            found[name].append((tau_b(values, truth), float(regret), float(truth.std())))
    return {name: np.mean(rows, axis=0) for name, rows in found.items()}


def main() -> None:
    for baseline, name in read_pairs(sys.argv[1:]).items():
        data = evidence(baseline, [trial for _, trial in read(Path(name))])
        print(f"\n{baseline}: {len(data.networks)} candidates, {len(data.seeds)} seeds\n")
        print("| seeds seen | judged by | tau | regret | sd of the reference |\n|---|---|---|---|---|")
        for num_seen in NUM_SEEN:
            for judged_by, (tau, regret, spread) in replay(data, num_seen).items():
                print(f"| {num_seen} | {judged_by} | {tau:.2f} | {regret:.4f} | {spread:.4f} |", flush=True)


if __name__ == "__main__":
    main()
