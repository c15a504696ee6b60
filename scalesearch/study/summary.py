"""What a search says in the end, in a few lines."""

from __future__ import annotations

from pathlib import Path

from scalesearch.study.kinds import results_of
from scalesearch.study.result import StudyResult


def summary_lines(result: StudyResult, folder: Path) -> list[str]:
    """The last lines of a search: what was found, how sure it is, what it is based on, where to go on.

    Args:
        result: the answer.
        folder: of the study.
    """
    return results_of(result.plan.config.kind).summary(result, folder)
