"""How a search of (α, β) by a sampler is shown: as a grid, with the sampler and the front of its objectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scalesearch.report import figures
from scalesearch.report.article import BulletList, Section, Text
from scalesearch.report.kinds.base import drawn
from scalesearch.report.kinds.grid import GridReport
from scalesearch.report.tables import coefficients_table
from scalesearch.search.plan import Plan
from scalesearch.search.shares import Point
from scalesearch.study.kinds.sampler import search_lines
from scalesearch.study.result import StudyResult


class CoefficientReport(GridReport):
    """Which α and β to take."""

    def points_words(self, plan: Plan) -> str:
        """How many proposals are how many networks."""
        return f"{len(plan.suggested)} suggested points are {len(plan.trained)} networks within the limits"

    def answer(self, result: StudyResult) -> Section:
        """The answer in figures, the candidates, and how they were found."""
        lines = search_lines(result.plan, result.outcomes)
        said = [Text(line if line.endswith(":") else f"{line}.") for line in lines if not line.startswith("  ")]
        front = tuple(" ".join(line.split()) for line in lines if line.startswith("  "))
        listed = (BulletList(front),) if front else ()
        return Section("The answer", (self.key_figures(result), coefficients_table(result), *said, *listed))

    def doubt(self, result: StudyResult, budgets: Mapping[str, Sequence[Point]]) -> Section | None:
        """Whether budgets mislead; there is no grid with nominal costs."""
        blocks = drawn(figures.agreement(result, budgets))
        return Section("What could mislead", blocks) if blocks else None
