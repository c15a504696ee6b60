"""The candidates of a study as rows of figures and tables, best first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scalesearch.design.decimals import format_decimal
from scalesearch.report.palette import BEHIND, ELIMINATED, RECOMMENDED, TIED, UNTRAINED, MarkerStyle, rule_style
from scalesearch.search.candidates import Candidate
from scalesearch.search.metrics import metric_words
from scalesearch.search.ranking import Ranked
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.result import StudyResult

Status = Literal["recommended", "tied", "behind", "left", "untrained"]

STATUSES: dict[Status, tuple[MarkerStyle, str]] = {
    "recommended": (RECOMMENDED, "recommended"),
    "tied": (TIED, "ties with the best (95 %)"),
    "behind": (BEHIND, "behind the best"),
    "left": (ELIMINATED, "eliminated earlier"),
    "untrained": (UNTRAINED, "not trained"),
}
"""The marker style and the legend label of each status, in the order of a legend."""


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A candidate with its status, its place in the ranking and its posterior.

    In a comparison of rules none is recommended.
    """

    key: str
    label: str
    """The rule's name, or α/β/γ with γ rounded to three decimal places."""
    candidate: Candidate
    status: Status
    place: Ranked | None
    """Its row in the ranking; None where it was eliminated on an earlier rung, not trained, or did not complete."""
    behind_95: tuple[float, float] | None
    """The 95 % interval of its difference to the best; None where it is not ranked, or no error is known."""
    eliminated_after: int | None
    """The training images after which it was eliminated; None where it was not, or has no completed trial."""
    expected: float
    """The posterior mean of the metric at the end of training, also for a candidate that was trained for less."""
    error: float
    """The posterior standard deviation of the same."""
    probability_best: float
    """The probability that it is the best of all candidates."""
    expected_regret: float
    """The expected difference between the best of all candidates and this one."""

    rule: str = ""
    """The rule's name in a comparison of rules; else empty."""

    @property
    def style(self) -> MarkerStyle:
        """The marker style of its rule, or of its status."""
        return rule_style(self.rule) if self.rule else STATUSES[self.status][0]


def candidate_rows(result: StudyResult) -> tuple[CandidateRow, ...]:
    """Return all candidates, best first.

    Those that were trained the longest are sorted by posterior mean. The eliminated ones follow, the latest first,
    and those that were not trained.
    """
    kind = result.plan.config.kind
    plan, ranking, intervals, eliminated_on = result.plan, result.ranking, result.intervals, result.eliminated
    places = {arm.key: arm for arm in ranking.arms}
    decision, untrained = result.decision, frozenset(result.untrained)
    rung_images = [rung.samples for rung in plan.rungs]

    def make_row(key: str) -> CandidateRow:
        place = places.get(key)
        eliminated_after = rung_images[eliminated_on[key]] if key in eliminated_on and rung_images else None
        candidate = plan.by_network[key]
        status = _status(place, key == result.recommended and kind.recommends, key in untrained)
        rule = "" if kind.recommends else candidate.name
        interval = intervals.get(key) if ranking.error_known else None
        return CandidateRow(
            key=key,
            label=label(candidate),
            candidate=candidate,
            status=status,
            place=place,
            behind_95=interval,
            eliminated_after=eliminated_after,
            expected=decision.mean(key),
            error=decision.error(key),
            probability_best=decision.probability_best(key),
            expected_regret=decision.expected_regret(key),
            rule=rule,
        )

    def sort_key(key: str) -> tuple[bool, int, float, str]:
        # Means are rounded, so that another machine's linear algebra does not change the order.
        return key not in places, -eliminated_on.get(key, -1), -round(decision.mean(key), 4), key

    return tuple(make_row(key) for key in sorted(plan.by_network, key=sort_key))


def _status(place: Ranked | None, recommended: bool, untrained: bool) -> Status:
    if place is None:
        return "untrained" if untrained else "left"
    if recommended:
        return "recommended"
    return "tied" if place.tied else "behind"


def label(candidate: Candidate) -> str:
    """Return a candidate's name in a table: its rule, or α/β/γ with γ rounded to three decimal places."""
    coefficients = candidate.coefficients
    values = (coefficients.alpha, coefficients.beta, round(coefficients.gamma, 3))
    return candidate.name or "/".join(map(format_decimal, values))


def status_label(status: Status, config: StudyConfig) -> str:
    """Return the legend label of a status; a search of stages has a best reward and recommends nothing."""
    return "the best reward" if status == "recommended" and not config.kind.scales else STATUSES[status][1]


def final_metrics(result: StudyResult, place: Ranked) -> tuple[tuple[str, str], ...]:
    """Return a ranked network's accuracy by name; where a reward ranks, the reward comes first."""
    reward_factor = result.plan.reward_factor(place.key)
    accuracy = (
        metric_words(result.plan.config.metric),
        result.with_error(place.mean / reward_factor, place.standard_error / reward_factor),
    )
    reward = ("reward", result.with_error(place.mean, place.standard_error))
    return (accuracy,) if result.plan.config.kind.scales else (reward, accuracy)


def gap_text(row: CandidateRow) -> str:
    """Say how far a ranked row is behind the best, with the 95 % interval where an error is known."""
    if row.place is None or row.place.behind <= 0:
        return "the best"
    interval = "" if row.behind_95 is None else " ({:.4f} … {:.4f})".format(*row.behind_95)
    return f"{row.place.behind:.4f}{interval}"
