"""The studies of a notebook: `open_study(path)`, then `.trials`, `.ranking`, `.figures.pareto()`."""

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
    """A study in a folder; each table and figure is made from its records when it is first used."""

    study: Study

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.study.folder.resolve().name

    @cached_property
    def _reported(self) -> ReportInputs:
        return read_report_inputs(self.study)

    @property
    def answer(self) -> str:
        """The answer in one sentence, with its certainty.

        Raises:
            InputError: no candidate has a completed trial.
        """
        return answer_sentence(self._reported.found)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """A data frame with a row for each trial, in the order of the plan.

        It exists also while no candidate has a completed trial.
        """
        return trials_table(self.study.plan, self.study.outcomes())

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """A data frame with a row for each candidate, best first.

        It has the coefficients, the costs, the accuracy (with another metric the `score`) and the gap to the best.
        For a search of stages each row is a network with its reward, its accuracy, its costs and its stages.

        Raises:
            InputError: no candidate has a completed trial.
        """
        import io

        import pandas as pd

        result = self._reported.found
        int_columns = [column.key for column in candidate_file_columns(result) if column.is_nullable_int]
        index_name = "network" if self._ranks_by_reward else "candidate"
        return pd.read_csv(
            io.StringIO(ranking_csv(result)), index_col=index_name, dtype=dict.fromkeys(int_columns, "Int64")
        )

    @property
    def _ranks_by_reward(self) -> bool:
        return not self.study.plan.config.kind.scales

    @property
    def figures(self) -> Figures:
        """The figures of the study's report."""
        return Figures(self._reported)

    def __repr__(self) -> str:
        outcomes, plan = self.study.outcomes(), self.study.plan
        progress = f"{len(outcomes)} of {plan.total_trials(outcomes)}"
        return f"<Study {self.name}: {progress} trials; {question_title(plan.config)}>"

    def _repr_html_(self) -> str:
        try:
            answer = self.answer
        except InputError:
            return f"<p>{html.escape(repr(self))}</p>"
        value_column = metric_column(self.study.plan.config.metric)
        ranking_columns = (
            ["reward", "standard_error", value_column]
            if self._ranks_by_reward
            else [value_column, "standard_error"]
        )
        columns = [
            "status",
            "macs" if self._ranks_by_reward else "flops_ratio",
            *ranking_columns,
            "seeds",
            "behind",
        ]
        table = self.ranking[columns].dropna(subset=[value_column])
        header = f"<b>{html.escape(question_title(self.study.plan.config))}</b><br>{html.escape(answer)}"
        return f"<p>{header}</p>{table.to_html(float_format=lambda number: f'{number:.4f}', border=0)}"


@dataclass(frozen=True)
class Figures:
    """The figures of a report by name, as plotly figures whose title is the heading."""

    reported: ReportInputs

    def pareto(self, theme: str = "light") -> go.Figure:
        """Draw accuracy over measured FLOPs of the ranked candidates, with the tied set and the Pareto front."""
        return self._coefficient_figure("pareto", figures.pareto, theme)

    def weighed(self, theme: str = "light") -> go.Figure:
        """Draw accuracy over the cost that the reward weighs, for a search of stages."""
        result = self.reported.found
        return _with_title(
            "weighed", None if result.plan.config.kind.scales else figures.reward_tradeoff(result), theme
        )

    def spending(self, theme: str = "light") -> go.Figure:
        """Draw the candidates by their shares of log-FLOPs, over the response surface."""
        return self._coefficient_figure("spending", figures.compute_allocation, theme)

    def coefficients(self, theme: str = "light") -> go.Figure:
        """Draw how probable each α, β and γ is by the response surface."""
        return self._coefficient_figure("coefficients", figures.coefficients, theme)

    def parallel(self, theme: str = "light") -> go.Figure:
        """Draw a line for each network over its coefficients, its costs and its accuracy."""
        return self._coefficient_figure("parallel", figures.parallel, theme)

    def learning(self, theme: str = "light") -> go.Figure:
        """Draw accuracy from rung to rung, or from epoch to epoch."""
        return _with_title("learning", figures.learning(self.reported.found), theme)

    def regret(self, theme: str = "light") -> go.Figure:
        """Draw the expected regret of the recommendation over training."""
        return self._coefficient_figure("regret", figures.regret, theme)

    def nominal(self, theme: str = "light") -> go.Figure:
        """Draw nominal against measured FLOPs of the grid."""
        return self._coefficient_figure("nominal", figures.nominal, theme)

    def agreement(self, theme: str = "light") -> go.Figure:
        """Draw the networks' ranks at each budget of `trust`."""
        return _with_title("agreement", figures.agreement(self.reported.found, self.reported.budgets), theme)

    def family(self, theme: str = "light") -> go.Figure:
        """Draw cost and effective φ of the members, beside the paper's peers."""
        return self._coefficient_figure("family", figures.family, theme)

    def curves(self, theme: str = "light") -> go.Figure:
        """Draw accuracy over measured FLOPs, a curve for each rule of a comparison."""
        from decimal import Decimal

        result = self.reported.found
        drawing = None
        if not result.plan.config.kind.recommends:
            drawing = figures.curves(combine_comparisons([(Decimal(2) ** result.plan.config.phi, result)]))
        return _with_title("curves", drawing, theme)

    def _coefficient_figure(
        self, name: str, draw: Callable[[StudyResult], Drawing | None], theme: str
    ) -> go.Figure:
        """Return a figure over α, β and γ, which a search of stages does not have."""
        result = self.reported.found
        return _with_title(name, draw(result) if result.plan.config.kind.scales else None, theme)

    def __dir__(self) -> list[str]:
        return [name for name, member in vars(Figures).items() if isfunction(member) and name[0] != "_"]

    def __repr__(self) -> str:
        return f"<Figures: {', '.join(self.__dir__())}>"


def _with_title(name: str, drawing: Drawing | None, theme: str) -> go.Figure:
    """Return the figure on its own, with its title.

    Raises:
        InputError: there is no such theme, or the study has nothing for this figure.
    """
    if theme not in _THEMES:
        raise InputError(f"theme {theme!r}: must be one of {', '.join(_THEMES)}")
    if drawing is None:
        raise InputError(f"{name}: this study has nothing for this figure; see docs/report.md for what each needs")
    return drawing.with_title(_THEMES[theme])


def open_study(folder: str | Path) -> NotebookStudy:
    """Open the study in a folder, such as `results/b0-phi1-quick`.

    Raises:
        InputError: there is no study in the folder.
        CountError: its study.json is not what was written.
    """
    return NotebookStudy(read_study(Path(folder)))
