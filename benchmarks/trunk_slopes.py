"""Measure how far a trunk favours a dimension: what part of the noise is linear in the shares of compute.

    python benchmarks/trunk_slopes.py b0=results/proxy_snr/b0-classes.jsonl [BASELINE=FILE …]

Files hold trials of all candidates of `quick` with common seeds, which `proxy_snr.py` wrote with `unscaled=1`. For
each seed, what the means of networks and seeds do not explain is regressed on two linear shares. Printed are:

- the share of its sum of squares that the regression explains, beside that expected by chance;
- F, over the degrees of freedom of the regression and of the rest;
- the variance of the linear part over that of the rest; below 0 if it explains less than chance does.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from key_values import read_pairs
from numpy.typing import NDArray
from proxy_snr import read
from search_replay import accuracy_of, evidence, log_loss_of

from scalesearch.search.decision.records import study_data

Floats = NDArray[np.float64]


def linear_part(values_KN: Floats, shares: Floats) -> tuple[float, float, float, float]:
    """Return the explained share, that by chance, F, and the variance of the linear part over that of the rest.

    Args:
        values_KN: (networks, seeds).
        shares: (networks, 3): of depth, width and resolution; rows sum to 1.
    """
    networks, seeds = values_KN.shape
    rest_KN = values_KN - values_KN.mean(1, keepdims=True) - values_KN.mean(0) + values_KN.mean()
    linear = shares[:, :2] - shares[:, :2].mean(axis=0)
    explained = float(np.sum((linear @ np.linalg.lstsq(linear, rest_KN)[0]) ** 2))
    total = float(np.sum(rest_KN**2))
    of_linear, of_rest = 2 * (seeds - 1), (networks - 3) * (seeds - 1)
    noise = (total - explained) / of_rest
    slope_variance = (explained / of_linear - noise) * 2 / (networks - 1)
    return explained / total, 2 / (networks - 1), explained / of_linear / noise, slope_variance / noise


def main() -> None:
    print("| file | score | networks, seeds | explained | by chance | F | linear part / rest |")
    print("|---|---|---|---|---|---|---|")
    for baseline, name in read_pairs(sys.argv[1:]).items():
        data = evidence(baseline, [trial for _, trial in read(Path(name))])
        shares = study_data(data.plan, {}).shares
        assert shares is not None, f"{baseline}: shares are known of baseline files"
        for score, value_of in (("accuracy", accuracy_of), ("validation loss", log_loss_of)):
            explained, chance, ratio, variance = linear_part(data.table(value_of, data.seeds), shares)
            counts = f"{len(data.networks)}, {len(data.seeds)}"
            cells = (
                Path(name).name,
                score,
                counts,
                f"{explained:.2f}",
                f"{chance:.2f}",
                f"{ratio:.1f}",
                f"{variance:.2f}",
            )
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
