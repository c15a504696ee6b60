"""The presentation of each kind of study, one module for each; `base.KindReport` is the interface."""

from __future__ import annotations

from collections.abc import Mapping

from scalesearch.report.kinds.base import KindReport
from scalesearch.report.kinds.grid import GridReport
from scalesearch.report.kinds.rules import RuleReport
from scalesearch.report.kinds.sampler import CoefficientReport
from scalesearch.report.kinds.stages import StageReport
from scalesearch.search.kinds import CoefficientSearch, GridSearch, RuleComparison, StageSearch, StudyKind

REPORTS: Mapping[type[StudyKind], KindReport] = {
    GridSearch: GridReport(),
    RuleComparison: RuleReport(),
    CoefficientSearch: CoefficientReport(),
    StageSearch: StageReport(),
}


def report_of(kind: StudyKind) -> KindReport:
    """Return the `KindReport` that presents studies of this kind."""
    return REPORTS[type(kind)]
