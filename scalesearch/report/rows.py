"""The candidates of a study as figures and tables see them: one row each, best first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scalesearch.design.exact import plain
from scalesearch.report.palette import BEHIND, LEFT, RECOMMENDED, TIED, MarkerStyle, look_of
from scalesearch.search.candidates import Candidate
from scalesearch.search.metrics import metric_words
from scalesearch.search.ranking import Ranked
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.result import StudyResult

Status = Literal["recommended", "tied", "behind", "left"]

STATUSES: dict[Status, tuple[MarkerStyle, str]] = {
    "recommended": (RECOMMENDED, "recommended"),
    "tied": (TIED, "ties with the best (95 %)"),
    "behind": (BEHIND, "behind the best"),
    "left": (LEFT, "eliminated earlier"),
}
"""How each is drawn, and what a legend calls it; in the order of a legend."""


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate; of a comparison of rules none is recommended."""

    key: str
    label: str
    """The rule's name, or α/β/γ with γ to three places."""
    candidate: Candidate
    status: Status
    place: Ranked | None
    """In the ranking; None where it was eliminated on an earlier rung, or has no completed trial."""
    behind_95: tuple[float, float] | None
    """Interval of its difference to the best; None where it is not ranked, or nothing tells an error."""
    left_after: int | None
    """The images after which it was left; None: it was not, or has no completed trial."""
    expected: float
    """Posterior mean of the metric at the end of training, of any candidate, trained that long or not."""
    error: float
    """Its posterior standard deviation."""
    probability_best: float
    """That it is the best of all candidates."""
    expected_regret: float
    """How far the best of all candidates is expected to be above it."""

    rule: str = ""
    """In a comparison of rules its rule's name."""

    @property
    def look(self) -> MarkerStyle:
        """How it is drawn: as its rule, or as its place in the ranking."""
        return look_of(self.rule) if self.rule else STATUSES[self.status][0]


def rows(result: StudyResult) -> tuple[Row, ...]:
    """All candidates: those trained the longest by posterior mean, then the eliminated ones, the latest first."""
    kind = result.plan.config.kind
    plan, ranking, away, behind = result.plan, result.ranking, result.intervals, result.eliminated
    places = {arm.key: arm for arm in ranking.arms}
    decision = result.decision
    images = [rung.samples for rung in plan.rungs]

    def row(key: str) -> Row:
        place = places.get(key)
        after = images[behind[key]] if key in behind and images else None
        candidate = plan.by_network[key]
        status = _status(place, key == result.recommended and kind.recommends)
        rule = "" if kind.recommends else candidate.name
        interval = away.get(key) if ranking.error_known else None
        return Row(
            key=key,
            label=label(candidate),
            candidate=candidate,
            status=status,
            place=place,
            behind_95=interval,
            left_after=after,
            expected=decision.mean(key),
            error=decision.error(key),
            probability_best=decision.probability_best(key),
            expected_regret=decision.expected_regret(key),
            rule=rule,
        )

    def order(key: str) -> tuple[bool, int, float, str]:
        # Rounded: linear algebra of another machine may not change the order.
        return key not in places, -behind.get(key, -1), -round(decision.mean(key), 4), key

    return tuple(row(key) for key in sorted(plan.by_network, key=order))


def _status(place: Ranked | None, recommended: bool) -> Status:
    if place is None:
        return "left"
    if recommended:
        return "recommended"
    return "tied" if place.tied else "behind"


def label(candidate: Candidate) -> str:
    """A candidate in a table: its rule's name, or α/β/γ with γ to three places."""
    own = candidate.coefficients
    return candidate.name or f"{plain(own.alpha)}/{plain(own.beta)}/{plain(round(own.gamma, 3))}"


def status_words(status: Status, config: StudyConfig) -> str:
    """What a legend calls it; a search of stages recommends nothing, it has a best reward."""
    return "the best reward" if status == "recommended" and not config.kind.scales else STATUSES[status][1]


def reached(result: StudyResult, place: Ranked) -> tuple[tuple[str, str], ...]:
    """What a ranked network came to, by name: its accuracy, and where a reward ranks the reward first."""
    worth = result.plan.reward_factor(place.key)
    accuracy = (
        metric_words(result.plan.config.metric),
        result.with_error(place.mean / worth, place.standard_error / worth),
    )
    reward = ("reward", result.with_error(place.mean, place.standard_error))
    return (accuracy,) if result.plan.config.kind.scales else (reward, accuracy)


def behind_words(row: Row) -> str:
    """How far a ranked row is behind the best, with the interval of that where an error is known."""
    if row.place is None or row.place.behind <= 0:
        return "the best"
    interval = "" if row.behind_95 is None else " ({:.4f} … {:.4f})".format(*row.behind_95)
    return f"{row.place.behind:.4f}{interval}"
