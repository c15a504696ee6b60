"""Exports with torch's initial weights."""

from __future__ import annotations

from scalesearch.design.scaling import Baseline
from scalesearch.export.formats import Export, export_network
from scalesearch.export.verify import seeded


def export_as(form: str, baseline: Baseline, seed: int) -> Export:
    """In one of `FORMATS`; the weights are of that seed."""
    return export_network(form, baseline, seeded(baseline.architecture, seed))
