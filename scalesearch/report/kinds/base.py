"""How a kind of study is shown: its title, its answer in a sentence, and the sections of its report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from scalesearch.design.cost import cost
from scalesearch.report.article import Block, Section, Text
from scalesearch.report.figures.frame import Drawing
from scalesearch.search.plan import Plan
from scalesearch.search.shares import Point
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.provenance_words import matched_lines
from scalesearch.study.result import StudyResult
from scalesearch.units import si


class KindReport(ABC):
    """The counterpart of a `search.kinds.StudyKind`: how its studies are shown everywhere.

    The report on paper, the dashboard, notebooks and `scalesearch show` ask it.
    """

    no_family: ClassVar[str] = ""
    """Why a study gives no family of scaled networks, in a sentence; empty where it does."""

    @abstractmethod
    def title(self, config: StudyConfig) -> str:
        """The configuration."""

    @abstractmethod
    def short_title(self, config: StudyConfig) -> str:
        """What a list of studies calls it."""

    @abstractmethod
    def table_words(self, result: StudyResult) -> tuple[str, str]:
        """The title and the caption of the table of candidates in a terminal."""

    @abstractmethod
    def sentence(self, result: StudyResult) -> str:
        """What came out and how sure it is, without a full stop."""

    @abstractmethod
    def networks(self, plan: Plan) -> str:
        """Where the networks came from, and what is equal among them."""

    @abstractmethod
    def config(self, result: StudyResult) -> Section:
        """What was asked."""

    @abstractmethod
    def answer(self, result: StudyResult) -> Section:
        """The answer in figures, and every candidate."""

    @abstractmethod
    def evidence(self, result: StudyResult) -> Section:
        """The figures that the answer is based on."""

    def doubt(self, result: StudyResult, budgets: Mapping[str, Sequence[Point]]) -> Section | None:
        """What could mislead; None where there is nothing to show.

        Args:
            result: the answer.
            budgets: the networks' accuracies at further budgets.
        """
        del result, budgets
        return None

    def family(self, result: StudyResult) -> Section | None:
        """The scaled networks; None where there are none."""
        del result
        return None


def size_words(config: StudyConfig) -> str:
    """What the baseline costs."""
    base, price = config.baseline, cost(config.baseline.architecture)
    return (
        f"{base.name} has {si(price.macs)} multiply-adds and {si(price.params)} parameters at "
        f"{base.architecture.resolution} px."
    )


def not_above(result: StudyResult, name: str, value: str) -> str:
    """The sentence where the best is not above the baseline.

    Args:
        result: the answer.
        name: of the best.
        value: what is ranked by.
    """
    base, many = result.plan.config.baseline.name, len(result.ranking.arms)
    best = f"{name}, the best of {many} networks that were trained to the end"
    return f"{best}, has no higher mean {value} than {base} itself"


def matched_texts(result: StudyResult) -> list[Text]:
    """What was matched, where it is not multiply-adds."""
    return [Text(f"{line}.") for line in matched_lines(result.plan.config)]


def drawn(*found: Drawing | None) -> tuple[Block, ...]:
    """The figures that there are."""
    return tuple(one for one in found if one is not None)


def terminal_caption(result: StudyResult, more: str = "") -> str:
    """The caption of a table of scaled networks in a terminal."""
    adjusted = " and for what a proxy of other cost gains" if result.plan.config.adjusts else ""
    return (
        "= ties with the best (95 %)   ▸ recommended   n: seeds\n"
        "expected: at the end of training, by all that was measured   best: how likely\n"
        f"gap: difference to the best, adjusted for the seeds{adjusted}{more}"
    )
