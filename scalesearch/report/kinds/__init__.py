"""How each kind of study is shown, one module a kind; `base.KindReport` is their interface."""

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
    """How studies of a kind are shown."""
    return REPORTS[type(kind)]
