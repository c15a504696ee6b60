"""The presentation of a search of (α, β) by a sampler.

It is that of a grid search, with the sampler and the Pareto front of its objectives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scalesearch.report import figures
from scalesearch.report.document import BulletList, Paragraph, Section
from scalesearch.report.kinds.base import drop_missing
from scalesearch.report.kinds.grid import GridReport
from scalesearch.report.tables import coefficients_table
from scalesearch.search.plan import Plan
from scalesearch.search.shares import Point
from scalesearch.study.kinds.sampler import search_lines
from scalesearch.study.result import StudyResult


class CoefficientReport(GridReport):
    """Present a search by a sampler: which α and β to take."""

    def points_text(self, plan: Plan) -> str:
        """Say how many proposed points give how many networks."""
        return f"{len(plan.suggested)} proposed points give {len(plan.trained)} networks within the limits"

    def answer(self, result: StudyResult) -> Section:
        """Return the key figures, the candidates, and how they were found."""
        lines = search_lines(result.plan, result.outcomes)
        paragraphs = [
            Paragraph(line if line.endswith(":") else f"{line}.") for line in lines if not line.startswith("  ")
        ]
        front = tuple(" ".join(line.split()) for line in lines if line.startswith("  "))
        front_list = (BulletList(front),) if front else ()
        return Section(
            "The answer", (self.key_figures(result), coefficients_table(result), *paragraphs, *front_list)
        )

    def pitfalls(self, result: StudyResult, budgets: Mapping[str, Sequence[Point]]) -> Section | None:
        """Return the figure that shows whether budgets mislead; there is no grid with nominal costs."""
        blocks = drop_missing(figures.agreement(result, budgets))
        return Section("What could mislead", blocks) if blocks else None
