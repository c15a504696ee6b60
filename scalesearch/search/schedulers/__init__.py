"""Contains the schedulers, which allocate training to candidates: one module each, with the interface in `base`."""

from __future__ import annotations

from scalesearch.search.schedulers.adaptive import AdaptiveWaves
from scalesearch.search.schedulers.base import Scheduler
from scalesearch.search.schedulers.curves import Curves
from scalesearch.search.schedulers.full import FullTraining
from scalesearch.search.schedulers.halving import Halving
from scalesearch.search.schedulers.sequential import SequentialHalving

__all__ = ["FULL_TRAINING", "SCHEDULERS", "Scheduler"]

FULL_TRAINING = "grid"
"""The name of full training in studies; as an option it is `full`."""
SCHEDULERS: dict[str, type[Scheduler]] = {
    "adaptive": AdaptiveWaves,
    "sequential": SequentialHalving,
    "halving": Halving,
    FULL_TRAINING: FullTraining,
    "curves": Curves,
}
"""The schedulers by the names that studies use."""
