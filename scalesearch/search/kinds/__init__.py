"""The kinds of study, one module a kind; `base.StudyKind` is their interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scalesearch.errors import SpaceError
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


def kind_from_json(config: Mapping[str, Any]) -> StudyKind:
    """The kind that the configuration of a study.json is of.

    Raises:
        MalformedError: what it holds of its kind is not what was written.
        SpaceError: a value breaks a rule of its own type, or two kinds are named.
    """
    named = [kind for kind in KINDS if config.get(kind.key)]
    if len(named) > 1:
        raise SpaceError(f"{' and '.join(one.key for one in named)} are two kinds of study, but it is of one")
    return named[0].from_json(config[named[0].key]) if named else GridSearch()
