"""The kinds of study, one module a kind; `base.StudyKind` is their interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scalesearch.search.kinds.base import StudyKind
from scalesearch.search.kinds.grid import GridSearch
from scalesearch.search.kinds.rules import RuleComparison
from scalesearch.search.kinds.sampler import CoefficientSearch
from scalesearch.search.kinds.stages import StageSearch

__all__ = [
    "KINDS",
    "CoefficientSearch",
    "GridSearch",
    "RuleComparison",
    "StageSearch",
    "StudyKind",
    "kind_from_json",
]

KINDS: tuple[type[StudyKind], ...] = (RuleComparison, CoefficientSearch, StageSearch)
"""Those that study.json names by a key; a grid is what remains."""


def kind_from_json(question: Mapping[str, Any]) -> StudyKind:
    """The kind that the question of a study.json is of.

    Raises:
        MalformedError: what it holds of its kind is not what was written.
        SpaceError: a value breaks a rule of its own type.
    """
    for kind in KINDS:
        if value := question.get(kind.key):
            return kind.from_json(value)
    return GridSearch()
