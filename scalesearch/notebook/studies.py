"""Studies in a notebook: `open_study(path)`, then `.trials`, `.ranking`, `.figures.pareto()`."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from inspect import isfunction
from pathlib import Path
from typing import TYPE_CHECKING

from scalesearch.errors import InputError
from scalesearch.report import figures
from scalesearch.report.candidate_columns import candidate_file_columns, metric_column
from scalesearch.report.figures import Drawing
from scalesearch.report.headline import answer_sentence, question_title
from scalesearch.report.palette import DARK, LIGHT
from scalesearch.report.study_report import ReportInputs, read_report_inputs
from scalesearch.report.tables import ranking_csv
from scalesearch.study.cost_sweep import combine_comparisons
from scalesearch.study.result import StudyResult
from scalesearch.study.study import Study
from scalesearch.study.study import open_study as read_study
from scalesearch.study.trials_table import trials_table

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_THEMES = {"light": LIGHT, "dark": DARK}


@dataclass(frozen=True)
class NotebookStudy:
    """A study that lies in a folder; what is derived from its records is made when it is first asked for."""

    study: Study

    @property
    def name(self) -> str:
        """Of the folder."""
        return self.study.folder.resolve().name

    @cached_property
    def _reported(self) -> ReportInputs:
        return read_report_inputs(self.study)

    @property
    def answer(self) -> str:
        """In one sentence, with its certainty.

        Raises:
            InputError: no candidate has a completed trial.
        """
        return answer_sentence(self._reported.found)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """A row a trial, in the order of the plan; also where none of a candidate is complete."""
        return trials_table(self.study.plan, self.study.outcomes())

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """A row a candidate, best first: coefficients, costs, accuracy (by another metric its `score`), distance to
        the best.

        Of a search of stages a row a network: its reward, its accuracy, costs, stages.

        Raises:
            InputError: no candidate has a completed trial.
        """
        import io

        import pandas as pd

        found = self._reported.found
        counts = [column.key for column in candidate_file_columns(found) if column.is_nullable_int]
        name = "network" if self._stages else "candidate"
        return pd.read_csv(io.StringIO(ranking_csv(found)), index_col=name, dtype=dict.fromkeys(counts, "Int64"))

    @property
    def _stages(self) -> bool:
        return not self.study.plan.config.kind.scales

    @property
    def figures(self) -> Figures:
        """The report's figures."""
        return Figures(self._reported)

    def __repr__(self) -> str:
        outcomes, plan = self.study.outcomes(), self.study.plan
        done = f"{len(outcomes)} of {plan.total_trials(outcomes)}"
        return f"<Study {self.name}: {done} trials; {question_title(plan.config)}>"

    def _repr_html_(self) -> str:
        try:
            said = self.answer
        except InputError:
            return f"<p>{html.escape(repr(self))}</p>"
        value = metric_column(self.study.plan.config.metric)
        ranked = ["reward", "standard_error", value] if self._stages else [value, "standard_error"]
        columns = ["status", "macs" if self._stages else "flops_ratio", *ranked, "seeds", "behind"]
        table = self.ranking[columns].dropna(subset=[value])
        head = f"<b>{html.escape(question_title(self.study.plan.config))}</b><br>{html.escape(said)}"
        return f"<p>{head}</p>{table.to_html(float_format=lambda value: f'{value:.4f}', border=0)}"


@dataclass(frozen=True)
class Figures:
    """Each figure of a report by its name, as plotly's, with its heading as title."""

    read_report_inputs: ReportInputs

    def pareto(self, theme: str = "light") -> go.Figure:
        """Accuracy over measured FLOPs of the ranked candidates, the tied set and the Pareto front."""
        return self._of_coefficients("pareto", figures.pareto, theme)

    def weighed(self, theme: str = "light") -> go.Figure:
        """Accuracy over the cost that the reward weighs; of a search of stages."""
        found = self.reported.found
        return _titled("weighed", None if found.plan.config.kind.scales else figures.reward_tradeoff(found), theme)

    def spending(self, theme: str = "light") -> go.Figure:
        """The candidates by their shares of log-FLOPs, over the response surface."""
        return self._of_coefficients("spending", figures.compute_allocation, theme)

    def parallel(self, theme: str = "light") -> go.Figure:
        """A line a network, over its coefficients, its costs and its accuracy."""
        return self._of_coefficients("parallel", figures.parallel, theme)

    def learning(self, theme: str = "light") -> go.Figure:
        """Accuracy from rung to rung, or from epoch to epoch."""
        return _titled("learning", figures.learning(self.reported.found), theme)

    def nominal(self, theme: str = "light") -> go.Figure:
        """Nominal against measured FLOPs of the grid."""
        return self._of_coefficients("nominal", figures.nominal, theme)

    def agreement(self, theme: str = "light") -> go.Figure:
        """The networks' ranks at each budget of `trust`."""
        return _titled("agreement", figures.agreement(self.reported.found, self.reported.budgets), theme)

    def family(self, theme: str = "light") -> go.Figure:
        """Cost and effective φ of the members, beside the paper's peers."""
        return self._of_coefficients("family", figures.family, theme)

    def curves(self, theme: str = "light") -> go.Figure:
        """Accuracy over measured FLOPs, a curve a rule; of a comparison of rules."""
        from decimal import Decimal

        found = self.reported.found
        drawn = None
        if not found.plan.config.kind.recommends:
            drawn = figures.curves(combine_comparisons([(Decimal(2) ** found.plan.config.phi, found)]))
        return _titled("curves", drawn, theme)

    def _of_coefficients(self, name: str, draw: Callable[[StudyResult], Drawing | None], theme: str) -> go.Figure:
        """A figure over α, β and γ, which a search of stages has none of."""
        found = self.reported.found
        return _titled(name, draw(found) if found.plan.config.kind.scales else None, theme)

    def __dir__(self) -> list[str]:
        return [name for name, one in vars(Figures).items() if isfunction(one) and name[0] != "_"]

    def __repr__(self) -> str:
        return f"<Figures: {', '.join(self.__dir__())}>"


def _titled(name: str, drawing: Drawing | None, theme: str) -> go.Figure:
    """The figure as it stands alone.

    Raises:
        InputError: no such theme, or the study has nothing for this figure.
    """
    if theme not in _THEMES:
        raise InputError(f"theme {theme!r}: must be one of {', '.join(_THEMES)}")
    if drawing is None:
        raise InputError(f"{name}: this study has nothing for this figure; see docs/report.md for what each needs")
    return drawing.with_title(_THEMES[theme])


def open_study(folder: str | Path) -> NotebookStudy:
    """The study in a folder, such as `results/b0-phi1-quick`.

    Raises:
        InputError: there is no study in the folder.
        CountError: its study.json is not what was written.
    """
    return NotebookStudy(read_study(Path(folder)))
