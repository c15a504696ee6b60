"""Latency as the matched cost: measured before the search, or taken from the study that is resumed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scalesearch.search.study_config import StudyConfig


def with_latency(config: StudyConfig, folder: Path) -> StudyConfig:
    """Return the configuration with latency as the matched cost.

    Args:
        config: the configuration that matches multiply-adds.
        folder: the study's folder; latencies that a study there has measured are reused.

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

    timings = recorded_timings(folder, config)
    if timings is None:
        assert isinstance(config.baseline, Baseline), "Python functions are not timed"
        scaling_paths = paths_to_time(config)
        print(
            f"Timing {len(scaling_paths)} networks at a few sizes each, in turns with {config.baseline.name}",
            flush=True,
        )
        timings = measure_timings(config.baseline.architecture, scaling_paths, Decimal(2) ** config.phi)
    matched = replace(config, cost="latency", timings=timings)
    # A grid without candidates is refused before any image is read.
    select_candidates(matched, enumerate_candidates(matched))
    return matched
