"""The figures of a study as plotly figures, one module each.

The functions are pure: they write no file and print nothing.
"""

from __future__ import annotations

from scalesearch.report.figures.agreement import agreement
from scalesearch.report.figures.coefficients import coefficients
from scalesearch.report.figures.compute_allocation import compute_allocation
from scalesearch.report.figures.curves import curves, scaling_curves
from scalesearch.report.figures.family import family
from scalesearch.report.figures.frame import HEIGHT, WIDTH, Drawing, theme_layout
from scalesearch.report.figures.learning import learning
from scalesearch.report.figures.nominal import nominal
from scalesearch.report.figures.parallel import parallel
from scalesearch.report.figures.pareto import pareto
from scalesearch.report.figures.regret import regret
from scalesearch.report.figures.reward_tradeoff import reward_tradeoff

__all__ = [
    "HEIGHT",
    "WIDTH",
    "Drawing",
    "agreement",
    "coefficients",
    "compute_allocation",
    "curves",
    "family",
    "learning",
    "nominal",
    "parallel",
    "pareto",
    "regret",
    "reward_tradeoff",
    "scaling_curves",
    "theme_layout",
]
