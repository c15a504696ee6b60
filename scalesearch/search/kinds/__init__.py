"""Contains the kinds of study, one module each; `base.StudyKind` is their interface."""

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
"""The kinds that study.json names by a key; a study without any of these keys is a grid search."""


def kind_from_json(config: Mapping[str, Any]) -> StudyKind:
    """Return the kind of study that the configuration of a study.json describes.

    Raises:
        MalformedError: the value of the kind's key is not what `StudyKind.to_json` wrote.
        SpaceError: a value breaks a rule of its own type, or two kinds are named.
    """
    named = [kind for kind in KINDS if config.get(kind.key)]
    if len(named) > 1:
        raise SpaceError(f"{' and '.join(kind.key for kind in named)} are two kinds of study, but it is of one")
    return named[0].from_json(config[named[0].key]) if named else GridSearch()
