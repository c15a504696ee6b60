"""The summaries and files of each kind of study, one module per kind; `base.KindResults` is their interface."""

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
"""By kind of study, the implementation that writes its summary and files."""


def results_of(kind: StudyKind) -> KindResults:
    """Return the implementation that writes the summary and the files of studies of this kind."""
    return RESULTS[type(kind)]
