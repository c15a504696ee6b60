"""The interface that presents a kind of study: titles, the answer in a sentence, the sections of a report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from scalesearch.design.cost import cost
from scalesearch.report.document import Block, Paragraph, Section
from scalesearch.report.figures.frame import Drawing
from scalesearch.search.plan import Plan
from scalesearch.search.shares import Point
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.provenance_text import matched_lines
from scalesearch.study.result import StudyResult
from scalesearch.units import si


class KindReport(ABC):
    """Present the studies of one kind: the counterpart of a `search.kinds.StudyKind`.

    The report files, the dashboard, notebooks and `scalesearch show` call it.
    """

    no_family: ClassVar[str] = ""
    """The sentence that says why these studies give no family of scaled networks; empty where they give one."""

    @abstractmethod
    def title(self, config: StudyConfig) -> str:
        """Return the question that a study of this configuration answers, as a title."""

    @abstractmethod
    def short_title(self, config: StudyConfig) -> str:
        """Return the title of the study in a list of studies."""

    @abstractmethod
    def terminal_table_text(self, result: StudyResult) -> tuple[str, str]:
        """Return the title and the caption of the table of candidates in a terminal."""

    @abstractmethod
    def sentence(self, result: StudyResult) -> str:
        """Say what came out and how sure it is, without a full stop."""

    @abstractmethod
    def networks(self, plan: Plan) -> str:
        """Say where the networks came from, and what is equal among them."""

    @abstractmethod
    def question(self, result: StudyResult) -> Section:
        """Return the section that states what the study compares."""

    @abstractmethod
    def answer(self, result: StudyResult) -> Section:
        """Return the section with the key figures and every candidate."""

    @abstractmethod
    def evidence(self, result: StudyResult) -> Section:
        """Return the section with the figures that the answer is based on."""

    def pitfalls(self, result: StudyResult, budgets: Mapping[str, Sequence[Point]]) -> Section | None:
        """Return the section on what could mislead, or None where there is nothing to show.

        Args:
            result: the study's result.
            budgets: the networks' accuracies at further budgets, by the budget's name.
        """
        del result, budgets
        return None

    def family(self, result: StudyResult) -> Section | None:
        """Return the section on the scaled networks, or None where there are none."""
        del result
        return None


def baseline_cost_text(config: StudyConfig) -> str:
    """Say what the baseline costs."""
    baseline, baseline_cost = config.baseline, cost(config.baseline.architecture)
    return (
        f"{baseline.name} has {si(baseline_cost.macs)} multiply-adds and {si(baseline_cost.params)} parameters at "
        f"{baseline.architecture.resolution} px."
    )


def not_above_baseline(result: StudyResult, name: str, value: str) -> str:
    """Return the sentence for a study whose best network is not above the baseline.

    Args:
        result: the study's result.
        name: the name of the best network.
        value: the name of the value that ranks the networks.
    """
    baseline, num_ranked = result.plan.config.baseline.name, len(result.ranking.arms)
    best = f"{name}, the best of {num_ranked} networks that were trained to the end"
    return f"{best}, has no higher mean {value} than {baseline} itself"


def matched_cost_paragraphs(result: StudyResult) -> list[Paragraph]:
    """Say which cost is matched, where it is not multiply-adds."""
    return [Paragraph(f"{line}.") for line in matched_lines(result.plan.config)]


def drop_missing(*drawings: Drawing | None) -> tuple[Block, ...]:
    """Return the figures that are not None."""
    return tuple(drawing for drawing in drawings if drawing is not None)


def terminal_caption(result: StudyResult, more: str = "") -> str:
    """Return the caption of a table of scaled networks in a terminal.

    Args:
        result: the study's result.
        more: text to append.
    """
    corrected = " and proxy cost" if result.plan.config.adjusts else ""
    return (
        "▸ recommended   = ties with the best mean (95 %)   n: seeds\n"
        f"expected: posterior mean ± standard deviation, {result.judged}\n"
        "best: probability of being the best   accuracy: mean ± standard error\n"
        f"gap: distance to the best mean, corrected for seeds{corrected}{more}"
    )
