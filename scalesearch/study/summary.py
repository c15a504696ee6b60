"""The lines that a search prints when it ends."""

from __future__ import annotations

from pathlib import Path

from scalesearch.study.kinds import results_of
from scalesearch.study.result import StudyResult


def summary_lines(result: StudyResult, folder: Path) -> list[str]:
    """Return the last lines that a search prints.

    They state the result, how certain it is, what it is based on, and what to do next.

    Args:
        result: the result of the study.
        folder: the folder of the study.
    """
    return results_of(result.plan.config.kind).summary(result, folder)
