"""Export of a study's trials as Optuna trials, for optuna-dashboard: one per network and seed, with all rungs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scalesearch.design.images import plain_size
from scalesearch.search.plan import Plan
from scalesearch.study.kinds import results_of
from scalesearch.study.records import TrialRecord
from scalesearch.study.study import Study

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True, slots=True)
class NetworkRun:
    """The training of one network with one seed, on all the rungs that it is recorded on."""

    network: str
    seed: int
    records: tuple[TrialRecord, ...]
    """The records of its rungs, by the number of images at which they end."""
    goes_on: bool
    """Whether it was eliminated: other networks of the study were trained further."""

    @property
    def last(self) -> TrialRecord:
        """The record of its last rung."""
        return self.records[-1]

    def curve(self, rungs: bool) -> dict[int, float]:
        """Return the metric by images seen: at the end of every rung, or without rungs after every epoch."""
        ends = [record.outcome.epochs[-1:] if rungs else record.outcome.epochs for record in self.records]
        return {epoch.samples: epoch.metric_value for epochs in ends for epoch in epochs}


def network_runs(plan: Plan, records: Mapping[str, TrialRecord]) -> list[NetworkRun]:
    """Group the records by network and seed, in the order of the plan."""
    outcomes = {key: record.outcome for key, record in records.items()}
    groups: dict[tuple[str, int], list[TrialRecord]] = {}
    for spec in plan.planned(outcomes):
        if spec.id in records:
            groups.setdefault((spec.network_id, spec.seed), []).append(records[spec.id])
    top_samples = plan.rungs[plan.reached_rung(outcomes)].samples if plan.rungs else None
    runs = []
    for (network, seed), group in groups.items():
        ordered = tuple(sorted(group, key=lambda record: record.spec.samples or 0))
        last_samples = ordered[-1].spec.samples
        runs.append(
            NetworkRun(
                network,
                seed,
                ordered,
                top_samples is not None and last_samples is not None and last_samples < top_samples,
            )
        )
    return runs


def metric(plan: Plan) -> str:
    """Return the name of a trial's value: the metric of the ranking, or the reward that weighs it."""
    return plan.config.kind.value_name(plan.config)


def frozen_trials(study: Study) -> Iterator[optuna.trial.FrozenTrial]:
    """Yield the trials as Optuna stores them.

    A trial is pruned if the network was eliminated, and failed if it has no accuracy.

    Raises:
        CountError: a record is not what was written.
    """
    import optuna

    state, plan = optuna.trial.TrialState, study.plan
    results = results_of(plan.config.kind)
    distributions, parameters_by_network = results.distributions(plan), results.parameters(plan)
    for training in network_runs(plan, study.records()):
        accuracy, score, factor = (
            training.last.outcome.accuracy,
            training.last.outcome.score,
            plan.reward_factor(training.network),
        )
        curve = training.curve(bool(plan.rungs))
        parameters = parameters_by_network.get(training.network, {})
        trial_state = state.FAIL if score is None else state.PRUNED if training.goes_on else state.COMPLETE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about experimental features of Optuna
            yield optuna.trial.create_trial(
                state=trial_state,
                values=None if score is None else [score * factor],
                params=parameters,
                distributions={name: distributions[name] for name in parameters},
                intermediate_values={samples: value * factor for samples, value in curve.items()},
                user_attrs={**_facts(plan, training), "accuracy": accuracy},
            )


def _facts(plan: Plan, training: NetworkRun) -> dict[str, object]:
    candidate, record = plan.by_network.get(training.network), training.last
    return {
        "label": plan.config.baseline.name if candidate is None else candidate.label,
        "role": "baseline" if candidate is None else "candidate",
        "network": training.network,
        "seed": training.seed,
        "resolution": plain_size(record.spec.network.resolution),
        "macs": record.cost.macs,
        "params": record.cost.params,
        "activations": record.cost.activations,
        "flops_ratio": 1.0 if candidate is None else float(candidate.flops_ratio),
        "proxy_macs": record.cost.proxy_macs,
        "seconds": round(sum(trial_record.outcome.seconds for trial_record in training.records), 3),
        "state": record.outcome.state,
        "trials": [trial_record.spec.id for trial_record in training.records],
    }
