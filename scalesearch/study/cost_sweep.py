"""What comparisons of the same rules at several costs say together: curves over measured FLOPs."""

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
COMPOUND = "compound"


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """A rule's network at one cost, or the baseline, and what its trials came to."""

    rule: str
    """Of the comparison; `baseline` for the unscaled network."""
    times: Decimal
    """The cost that was wanted, over the baseline's; 1 for the baseline."""
    macs: int
    """Multiply-adds that the network has, for one image."""
    ratio: Decimal
    """The cost that was matched, over the baseline's."""
    proxy_macs: int
    """Those of the small network that was trained."""
    accuracy: float
    """Mean over its seeds (share of the validation images)."""
    standard_error: float
    seeds: int
    gain: Difference | None
    """Over the baseline's trials of the same study; None for the baseline, or where none completed."""
    papers_gain: Decimal | None
    """What Tan & Le 2019 print (Tables 3 and 7: ImageNet top-1, points over the baseline); None: nothing."""


@dataclass(frozen=True, slots=True)
class CompoundLead:
    """How far the compound rule is ahead of a single dimension at one cost."""

    over: str
    times: Decimal
    ours: Difference
    papers: Decimal | None
    """In points, from the same tables; None: not printed."""


@dataclass(frozen=True, slots=True)
class CostSweep:
    """Comparisons of one baseline at rising costs."""

    baseline: str
    cost: str
    """What the rules have the same of; one of `COSTS`."""
    adjusts: bool
    """Whether the leads are adjusted for what proxies cost."""
    base_macs: int
    data: str
    validation_images: int
    budget: str
    base: SweepPoint | None
    """None where no trial of the baseline completed."""
    points: tuple[SweepPoint, ...]
    """By cost, in the order of the rules."""
    leads: tuple[CompoundLead, ...]
    metric: str = ACCURACY
    """What is called accuracy here."""

    @property
    def costs(self) -> tuple[Decimal, ...]:
        """The wanted costs, rising."""
        return tuple(dict.fromkeys(point.times for point in self.points))

    def curves(self) -> dict[str, tuple[SweepPoint, ...]]:
        """Each rule's points by rising cost, the baseline's among them; the best rule at its largest cost first."""
        found: dict[str, tuple[SweepPoint, ...]] = {}
        for one in self.points:
            found[one.rule] = (*found.get(one.rule, ()), one)
        first = sorted(found.items(), key=lambda item: (-item[1][-1].accuracy, item[0]))
        base = () if self.base is None else (self.base,)
        return {rule: tuple(sorted((*base, *own), key=lambda one: one.times)) for rule, own in first}


def joint(answers: Sequence[tuple[Decimal, StudyResult]]) -> CostSweep:
    """Put comparisons side by side.

    Args:
        answers: each with its cost over the baseline's, rising; of one baseline, one data set, one budget.
    """
    plan = answers[-1][1].plan
    asked = plan.config
    return CostSweep(
        baseline=asked.baseline.name,
        cost=asked.cost,
        adjusts=asked.adjusts,
        base_macs=cost(asked.baseline.architecture).macs,
        data=plan.data.name,
        validation_images=plan.data.val,
        metric=asked.metric,
        budget=asked.budget.title,
        base=_base(answers[-1][1]),
        points=tuple(point for times, found in answers for point in _points(times, found)),
        leads=tuple(lead for times, found in answers for lead in _leads(times, found)),
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
    places = {arm.key: arm for arm in result.ranking.arms}
    gains, papers = _gains(result), papers_gains(result.plan.config)
    return [
        SweepPoint(
            rule=rule,
            times=times,
            macs=one.cost.macs,
            ratio=one.matched_ratio,
            proxy_macs=_proxy_macs(result, one.architecture),
            accuracy=places[key].mean,
            standard_error=places[key].standard_error,
            seeds=places[key].seeds,
            gain=gains.get(key),
            papers_gain=papers.get(rule),
        )
        for key, one in result.plan.by_network.items()
        for rule in one.rules
        if key in places
    ]


def _gains(result: StudyResult) -> dict[str, Difference]:
    """Each rule's gain over the baseline as it was measured: seeds in pairs, nothing adjusted for cost."""
    base = result.base
    if not base.accuracies:
        return {}
    arms: list[Arm] = [*result.plan.arms(result.outcomes), base]
    ranking = rank(arms, result.plan.images_error)  # without a baseline to rise from, MACs are worth nothing
    return {arm.key: difference(arms, ranking, arm.key, base.key) for arm in arms[:-1]}


def _leads(times: Decimal, result: StudyResult) -> list[CompoundLead]:
    keys = {rule: key for key, one in result.plan.by_network.items() for rule in one.rules}
    arms, papers = result.plan.arms(result.outcomes), papers_gains(result.plan.config)
    ranked = {arm.key for arm in arms}
    own = keys.get(COMPOUND)
    if own not in ranked:
        return []
    return [
        CompoundLead(
            over=one.name,
            times=times,
            ours=difference(arms, result.ranking, own, keys[one.name]),
            papers=papers[COMPOUND] - papers[one.name] if one.name in papers else None,
        )
        for one in SINGLE
        if keys.get(one.name) in ranked and keys[one.name] != own
    ]


def _proxy_macs(result: StudyResult, network: Network) -> int:
    return cost(result.plan.spec(network, 0).proxy).macs
