"""Contains the schedulers, which allocate training to candidates: one module each, with the interface in `base`."""

from __future__ import annotations

from scalesearch.search.schedulers.base import Scheduler
from scalesearch.search.schedulers.curves import Curves
from scalesearch.search.schedulers.full import FullTraining
from scalesearch.search.schedulers.halving import Halving

__all__ = ["SCHEDULERS", "Scheduler"]

SCHEDULERS: dict[str, type[Scheduler]] = {"halving": Halving, "grid": FullTraining, "curves": Curves}
"""The schedulers by the names that studies and the command line use."""
