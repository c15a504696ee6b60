"""Comparisons of the same scaling rules at several costs: each rule's accuracy over its measured FLOPs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from scalesearch.design.cost import cost
from scalesearch.design.factory import Network
from scalesearch.search.kinds.rules import SINGLE
from scalesearch.search.metrics import ACCURACY
from scalesearch.search.ranking import Arm, Difference, difference, rank
from scalesearch.study.kinds.rules import papers_gains
from scalesearch.study.result import StudyResult

BASELINE = "baseline"
"""The name of the unscaled network among the rules."""
COMPOUND = "compound"
"""The name of compound scaling among the rules."""


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """A rule's network at one cost, or the unscaled baseline, and the results of its trials."""

    rule: str
    """The rule of the comparison; `baseline` for the unscaled network."""
    times: Decimal
    """The target cost over the baseline's; 1 for the baseline."""
    macs: int
    """Multiply-adds of the network for one image."""
    ratio: Decimal
    """The matched cost over the baseline's."""
    proxy_macs: int
    """Multiply-adds of the small network that was trained."""
    accuracy: float
    """Mean over the seeds (share of the validation images)."""
    standard_error: float
    seeds: int
    gain: Difference | None
    """Difference to the baseline's trials of the same study; None for the baseline, or if none of its trials
    completed."""
    papers_gain: Decimal | None
    """The gain that Tan & Le 2019 print (Tables 3 and 7: ImageNet top-1, points over the baseline); None: none
    is printed."""


@dataclass(frozen=True, slots=True)
class CompoundLead:
    """How far compound scaling is ahead of scaling a single dimension, at one cost."""

    over: str
    """The single dimension."""
    times: Decimal
    """The target cost over the baseline's."""
    ours: Difference
    """The measured lead."""
    papers: Decimal | None
    """The lead in points, from the same tables; None: not printed."""


@dataclass(frozen=True, slots=True)
class CostSweep:
    """Comparisons of one baseline at increasing costs."""

    baseline: str
    cost: str
    """The cost that the rules match; one of `choices.Cost`."""
    adjusts: bool
    """Whether the leads are adjusted for the costs of the proxies."""
    base_macs: int
    """Multiply-adds of the baseline for one image."""
    data: str
    """The name of the data set."""
    validation_images: int
    budget: str
    """The title of the budget."""
    base: SweepPoint | None
    """The unscaled baseline; None if none of its trials completed."""
    points: tuple[SweepPoint, ...]
    """The rules' networks by cost, in the order of the rules."""
    leads: tuple[CompoundLead, ...]
    """The leads of compound scaling by cost, in the order of the single dimensions."""
    metric: str = ACCURACY
    """The metric that the fields called accuracy hold."""

    @property
    def costs(self) -> tuple[Decimal, ...]:
        """The target costs over the baseline's, in increasing order."""
        return tuple(dict.fromkeys(point.times for point in self.points))

    def curves(self) -> dict[str, tuple[SweepPoint, ...]]:
        """Return the points of each rule in the order of their costs, the baseline's point among them.

        The rule that is best at its largest cost comes first.
        """
        by_rule: dict[str, tuple[SweepPoint, ...]] = {}
        for point in self.points:
            by_rule[point.rule] = (*by_rule.get(point.rule, ()), point)
        ranked = sorted(by_rule.items(), key=lambda item: (-item[1][-1].accuracy, item[0]))
        base = () if self.base is None else (self.base,)
        return {rule: tuple(sorted((*base, *points), key=lambda point: point.times)) for rule, points in ranked}


def combine_comparisons(answers: Sequence[tuple[Decimal, StudyResult]]) -> CostSweep:
    """Combine comparisons at several costs into one sweep.

    Args:
        answers: the results, each with its cost over the baseline's, in increasing order. All have the same
            baseline, data set and budget.
    """
    plan = answers[-1][1].plan
    config = plan.config
    return CostSweep(
        baseline=config.baseline.name,
        cost=config.cost,
        adjusts=config.adjusts,
        base_macs=cost(config.baseline.architecture).macs,
        data=plan.data.name,
        validation_images=plan.data.val,
        metric=config.metric,
        budget=config.budget.title,
        base=_base(answers[-1][1]),
        points=tuple(point for times, result in answers for point in _points(times, result)),
        leads=tuple(lead for times, result in answers for lead in _leads(times, result)),
    )


def _base(result: StudyResult) -> SweepPoint | None:
    accuracies = result.base.accuracies
    if not accuracies:
        return None
    network, seeds = result.plan.config.baseline.architecture, len(accuracies)
    return SweepPoint(
        rule=BASELINE,
        times=Decimal(1),
        macs=cost(network).macs,
        ratio=Decimal(1),
        proxy_macs=_proxy_macs(result, network),
        accuracy=sum(accuracies.values()) / seeds,
        standard_error=result.ranking.noise / seeds**0.5,
        seeds=seeds,
        gain=None,
        papers_gain=None,
    )


def _points(times: Decimal, result: StudyResult) -> list[SweepPoint]:
    ranked = {arm.key: arm for arm in result.ranking.arms}
    gains, papers = _gains(result), papers_gains(result.plan.config)
    return [
        SweepPoint(
            rule=rule,
            times=times,
            macs=candidate.cost.macs,
            ratio=candidate.matched_ratio,
            proxy_macs=_proxy_macs(result, candidate.architecture),
            accuracy=ranked[key].mean,
            standard_error=ranked[key].standard_error,
            seeds=ranked[key].seeds,
            gain=gains.get(key),
            papers_gain=papers.get(rule),
        )
        for key, candidate in result.plan.by_network.items()
        for rule in candidate.rules
        if key in ranked
    ]


def _gains(result: StudyResult) -> dict[str, Difference]:
    """Return each rule's measured gain over the baseline: paired by seed, and not adjusted for cost."""
    base = result.base
    if not base.accuracies:
        return {}
    arms: list[Arm] = [*result.plan.arms(result.outcomes), base]
    ranking = rank(arms, result.plan.images_error)  # no baseline is given, so scores are not adjusted for MACs
    return {arm.key: difference(arms, ranking, arm.key, base.key) for arm in arms[:-1]}


def _leads(times: Decimal, result: StudyResult) -> list[CompoundLead]:
    keys = {rule: key for key, candidate in result.plan.by_network.items() for rule in candidate.rules}
    arms, papers = result.plan.arms(result.outcomes), papers_gains(result.plan.config)
    ranked = {arm.key for arm in arms}
    compound_key = keys.get(COMPOUND)
    if compound_key not in ranked:
        return []
    return [
        CompoundLead(
            over=single.name,
            times=times,
            ours=difference(arms, result.ranking, compound_key, keys[single.name]),
            papers=papers[COMPOUND] - papers[single.name] if single.name in papers else None,
        )
        for single in SINGLE
        if keys.get(single.name) in ranked and keys[single.name] != compound_key
    ]


def _proxy_macs(result: StudyResult, network: Network) -> int:
    return cost(result.plan.spec(network, 0).proxy).macs
