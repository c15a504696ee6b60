"""What each kind of study says and writes, one module a kind; `base.KindResults` is their interface."""

from __future__ import annotations

from collections.abc import Mapping

from scalesearch.search.kinds import CoefficientSearch, GridSearch, RuleComparison, StageSearch, StudyKind
from scalesearch.study.kinds.base import KindResults
from scalesearch.study.kinds.grid import GridResults
from scalesearch.study.kinds.rules import RuleResults
from scalesearch.study.kinds.sampler import CoefficientResults
from scalesearch.study.kinds.stages import StageResults

RESULTS: Mapping[type[StudyKind], KindResults] = {
    GridSearch: GridResults(),
    RuleComparison: RuleResults(),
    CoefficientSearch: CoefficientResults(),
    StageSearch: StageResults(),
}


def results_of(kind: StudyKind) -> KindResults:
    """The words and files of studies of a kind."""
    return RESULTS[type(kind)]
