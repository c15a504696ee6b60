"""Split the variance of a score into parts between networks and between seeds, from networks × seeds trials.

The model is a one-way analysis of covariance with random networks: score = μ + β · covariate(network) + network +
seed. With n seeds of each of k networks, the mean square of the networks' means about their line, n Σ r² / (k −
2), has expectation σ² + n τ². The mean square within networks has expectation σ². So τ² / σ², the signal-to-noise
ratio (SNR) of one trial, is estimated by (F − 1) / n, and its interval follows from that of F (Searle, Casella &
McCulloch 2006, Variance Components, section 3.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from scalesearch.search.proxy_validation import tau_b

Floats = NDArray[np.float64]
_TAIL = 0.025


@dataclass(frozen=True, slots=True)
class Components:
    """Components are the parts of the variance of one score."""

    mean: float
    noise: float
    """The standard deviation between seeds."""
    paired: float
    """The standard deviation between seeds without the effect of a seed that is common to all networks.

    That effect cancels where networks are compared in pairs of equal seeds.
    """
    signal: float
    """The standard deviation between networks of equal covariate; 0 where the estimate is negative."""
    snr: float
    """The signal-to-noise ratio of variances, for one trial.

    It is negative where networks differ less than the noise of seeds alone would make them.
    """
    low: float
    """The lower end of the 95 % interval of `snr`."""
    high: float
    """The upper end of the 95 % interval of `snr`."""
    tau: float
    """The mean of Kendall's τ-b between the scores of two seeds, adjusted for the covariate."""

    @property
    def icc(self) -> float:
        """The share of a trial's variance that is due to its network, SNR / (1 + SNR), at least 0."""
        return max(0.0, self.snr) / (1 + max(0.0, self.snr))


def components(scores_KN: Floats, covariate_K: Floats, in_blocks: bool = False) -> Components:
    """Estimate the components of variance of a balanced table.

    Args:
        scores_KN: the scores of K ≥ 3 networks, each with N ≥ 2 seeds.
        covariate_K: the covariate that scores are adjusted for, such as the logarithm of a proxy's multiply-adds.
        in_blocks: whether a seed is a block, with an effect on all networks that is no noise. Within blocks there
            are (K − 1)(N − 1) degrees of freedom.
    """
    from scipy.stats import f

    networks, seeds = scores_KN.shape
    means_K = scores_KN.mean(1)
    centred_K = covariate_K - covariate_K.mean()
    square = float(centred_K @ centred_K)
    slope = float(centred_K @ means_K) / square if square > 0 else 0.0
    residuals_K = means_K - means_K.mean() - slope * centred_K
    residuals_KN = scores_KN - means_K[:, None]
    in_blocks_KN = residuals_KN - residuals_KN.mean(0)
    paired = float((in_blocks_KN**2).sum()) / ((networks - 1) * (seeds - 1))
    unpaired = float((residuals_KN**2).sum()) / (networks * (seeds - 1))
    within = paired if in_blocks else unpaired
    freedom = (
        networks - (2 if square > 0 else 1),
        (networks - 1) * (seeds - 1) if in_blocks else networks * (seeds - 1),
    )
    between = seeds * float(residuals_K @ residuals_K) / freedom[0]
    ratio = between / within if within > 0 else np.inf

    def snr(value: float) -> float:
        return float((value - 1) / seeds)

    adjusted_KN = scores_KN - slope * centred_K[:, None]
    taus = [tau_b(adjusted_KN[:, s], adjusted_KN[:, t]) for s, t in permutations(range(seeds), 2)]
    return Components(
        mean=float(scores_KN.mean()),
        noise=unpaired**0.5,
        paired=paired**0.5,
        signal=max(0.0, (between - within) / seeds) ** 0.5,
        snr=snr(ratio),
        low=snr(ratio / float(f.ppf(1 - _TAIL, *freedom))),
        high=snr(ratio / float(f.ppf(_TAIL, *freedom))),
        tau=float(np.nanmean(taus)) if not np.all(np.isnan(taus)) else 0.0,
    )
