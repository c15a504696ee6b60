"""Exports with torch's initial weights."""

from __future__ import annotations

from scalesearch.design.scaling import Baseline
from scalesearch.export.formats import FORMATS, Export
from scalesearch.export.verify import seeded


def export_as(form: str, baseline: Baseline, seed: int) -> Export:
    """In one of `FORMATS`; the weights are of that seed."""
    return FORMATS[form](baseline, seeded(baseline.architecture, seed))
