"""Any study's trials as Optuna's, for optuna-dashboard: one for each network and seed, all its rungs in it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scalesearch.search.plan import Plan
from scalesearch.study.kinds import results_of
from scalesearch.study.records import TrialRecord
from scalesearch.study.study import Study

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True, slots=True)
class Training:
    """One network's training with one seed, whatever rungs it is recorded on."""

    network: str
    seed: int
    records: tuple[TrialRecord, ...]
    """By the images at which they end."""
    goes_on: bool
    """Whether others of the study were trained further."""

    @property
    def last(self) -> TrialRecord:
        """The record that it ends with."""
        return self.records[-1]

    def curve(self, rungs: bool) -> dict[int, float]:
        """Accuracy by images seen: at the end of every rung, or after every epoch where there are none."""
        ends = [record.outcome.epochs[-1:] if rungs else record.outcome.epochs for record in self.records]
        return {epoch.samples: epoch.ranked for epochs in ends for epoch in epochs}


def trainings(plan: Plan, records: Mapping[str, TrialRecord]) -> list[Training]:
    """The trainings that the records are of, in the order of the plan."""
    outcomes = {key: record.outcome for key, record in records.items()}
    groups: dict[tuple[str, int], list[TrialRecord]] = {}
    for spec in plan.planned(outcomes):
        if spec.id in records:
            groups.setdefault((spec.network_id, spec.seed), []).append(records[spec.id])
    top = plan.rungs[plan.reached_rung(outcomes)].samples if plan.rungs else None
    found = []
    for (network, seed), own in groups.items():
        ordered = tuple(sorted(own, key=lambda one: one.spec.samples or 0))
        ended = ordered[-1].spec.samples
        found.append(Training(network, seed, ordered, top is not None and ended is not None and ended < top))
    return found


def metric(plan: Plan) -> str:
    """What a trial's value is: the metric that is ranked by, or the reward that it is weighed into."""
    return plan.config.kind.value_name(plan.config)


def frozen(study: Study) -> Iterator[optuna.trial.FrozenTrial]:
    """The trials as Optuna keeps them: pruned where others went on, failed where there is no accuracy.

    Raises:
        CountError: a record is not what was written.
    """
    import optuna

    state, plan = optuna.trial.TrialState, study.plan
    results = results_of(plan.config.kind)
    distributions, every = results.distributions(plan), results.parameters(plan)
    for one in trainings(plan, study.records()):
        accuracy, score, worth = one.last.outcome.accuracy, one.last.outcome.score, plan.reward_factor(one.network)
        curve = one.curve(bool(plan.rungs))
        parameters = every.get(one.network, {})
        ended = state.FAIL if score is None else state.PRUNED if one.goes_on else state.COMPLETE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of features that Optuna may still change
            yield optuna.trial.create_trial(
                state=ended,
                values=None if score is None else [score * worth],
                params=parameters,
                distributions={name: distributions[name] for name in parameters},
                intermediate_values={samples: value * worth for samples, value in curve.items()},
                user_attrs={**_facts(plan, one), "accuracy": accuracy},
            )


def _facts(plan: Plan, one: Training) -> dict[str, object]:
    candidate, record = plan.by_network.get(one.network), one.last
    return {
        "label": plan.config.baseline.name if candidate is None else candidate.label,
        "role": "baseline" if candidate is None else "candidate",
        "network": one.network,
        "seed": one.seed,
        "resolution": record.spec.network.resolution,
        "macs": record.cost.macs,
        "params": record.cost.params,
        "activations": record.cost.activations,
        "flops_ratio": 1.0 if candidate is None else float(candidate.flops_ratio),
        "proxy_macs": record.cost.proxy_macs,
        "seconds": round(sum(part.outcome.seconds for part in one.records), 3),
        "state": record.outcome.state,
        "trials": [part.spec.id for part in one.records],
    }
