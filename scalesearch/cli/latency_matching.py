"""Latency as the matched cost: measured before the search, or taken from the study that is resumed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scalesearch.search.study_config import StudyConfig


def with_latency(asked: StudyConfig, folder: Path) -> StudyConfig:
    """The configuration with latency as the matched cost.

    Args:
        asked: the configuration by multiply-adds.
        folder: the study's folder; what a study there has measured is not measured again.

    Raises:
        InputError: the folder holds a study of another configuration.
        SpaceError: fewer than two networks can be compared.
    """
    from dataclasses import replace
    from decimal import Decimal

    from scalesearch.design.scaling import Baseline
    from scalesearch.nets.timings import measure_timings
    from scalesearch.search.study_config import enumerate_candidates, paths_to_time, select_candidates
    from scalesearch.study.study import recorded_timings

    timings = recorded_timings(folder, asked)
    if timings is None:
        assert isinstance(asked.baseline, Baseline), "Python functions are not timed"
        lines = paths_to_time(asked)
        print(f"Timing {len(lines)} networks at a few sizes each, in turns with {asked.baseline.name}", flush=True)
        timings = measure_timings(asked.baseline.architecture, lines, Decimal(2) ** asked.phi)
    config = replace(asked, cost="latency", timings=timings)
    # A grid without candidates is refused before any image is read.
    select_candidates(config, enumerate_candidates(config))
    return config
