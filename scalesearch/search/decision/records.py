"""Converts a plan and its outcomes so far into the data of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log
from statistics import fmean

import numpy as np

from scalesearch.design.architecture import Architecture
from scalesearch.design.cost import cost
from scalesearch.search.decision.data import Channel, Floats, ProxyCosts, StudyData, Training
from scalesearch.search.schedulers.base import RungTrial
from scalesearch.search.study_trials import StudyTrials
from scalesearch.search.trial import Outcome

_LOSS_RESPONSE = 1
"""The response of the validation loss; see `Channel.response`."""


@dataclass(frozen=True)
class FurtherBudget:
    """Holds the trials of some candidates of a study at a further budget."""

    plan: StudyTrials
    outcomes: Mapping[str, Outcome]


@dataclass(frozen=True)
class FurtherBudgets:
    """Holds a study's further budgets: `longer` on twice the images, `larger` at 1.4 times the side."""

    longer: FurtherBudget
    """Its first rung is the study's own training, from scratch; its second sees twice the images."""
    larger: FurtherBudget


def study_data(
    plan: StudyTrials, outcomes: Mapping[str, Outcome], further: FurtherBudgets | None = None
) -> StudyData:
    """Return every completed trial of the candidates, the eliminated ones too, and of the unscaled network.

    Args:
        plan: the study.
        outcomes: by trial id.
        further: the study's further budgets. The candidates are then judged on the last rung of `longer`.
    """
    keys = tuple(plan.by_network)
    logs = np.log([plan.proxies.adjusted_ratio(key) for key in keys])
    if further is not None:
        return _with_further(study_data(plan, outcomes), plan, further)
    return StudyData(
        candidates=keys,
        shares=_shares(plan),
        # Relative to the candidates' average, so that values are those of a network of the proxies' average cost.
        log_costs=logs - logs.mean(),
        trainings=_trainings(plan, outcomes),
        baseline=plan.base_id,
        baseline_log_cost=log(plan.proxies.adjusted_ratio(plan.base_id)) - float(logs.mean()),
        smallest_noise=plan.images_error.half_image if plan.images_error else 0.0,
    )


def _with_further(data: StudyData, plan: StudyTrials, further: FurtherBudgets) -> StudyData:
    """Return the data with the trainings of further budgets, whose rungs follow those of the study."""
    own_rungs = max(1, len(plan.rungs))
    longer, larger = further.longer, further.larger
    # Where the study's recipe can be prolonged, the trainings of `longer` are those of the study, prolonged.
    prolonged = plan.config.budget.recipe.trunk_epochs == 0 and plan.config.budget.recipe.decay > 0
    first_longer = own_rungs - 1 if prolonged else own_rungs
    branch = first_longer + 2
    trainings = [_on_later_rungs(training, first_longer) for training in _trainings(longer.plan, longer.outcomes)]
    values = {(training.network, training.seed): training.values for training in trainings}
    own = [
        replace(training, values={**training.values, **values.pop((training.network, training.seed), {})})
        if prolonged
        else training
        for training in data.trainings
    ]
    others = [training for training in trainings if (training.network, training.seed) in values]
    at_larger = [_on_later_rungs(training, branch) for training in _trainings(larger.plan, larger.outcomes)]
    return replace(
        data,
        trainings=(*own, *others, *at_larger),
        first_further=own_rungs,
        branches={branch: _costs_of_larger(data, larger.plan)},
    )


def _on_later_rungs(training: Training, first_rung: int) -> Training:
    values = {channel._replace(rung=first_rung + channel.rung): value for channel, value in training.values.items()}
    return replace(training, values=values)


def _costs_of_larger(data: StudyData, plan: StudyTrials) -> ProxyCosts:
    """Return what the proxies cost at the larger side; the average, for candidates that are not trained there."""
    logs = {key: log(plan.proxies.adjusted_ratio(key)) for key in (*plan.by_network, plan.base_id)}
    average = fmean(logs[key] for key in plan.by_network)
    own = np.array([logs.get(key, average) - average for key in data.candidates])
    return ProxyCosts(own, logs[plan.base_id] - average)


def _trainings(plan: StudyTrials, outcomes: Mapping[str, Outcome]) -> tuple[Training, ...]:
    """Return one training for each network, seed and rung on which the training began."""
    rungs = range(max(1, len(plan.rungs)))
    by_training: dict[tuple[str, int, int], dict[Channel, float]] = {}
    trials = list(plan.candidate_trials)
    if plan.base_id not in plan.by_network:
        trials += [RungTrial(plan.base_id, seed, rung) for seed in range(plan.scheduler.baseline_seeds)
                   for rung in rungs]  # fmt: skip
    has_loss = plan.config.has_loss_response
    channels = [(Channel(rung), Channel(rung, _LOSS_RESPONSE)) for rung in rungs]
    for trial in trials:
        outcome = outcomes.get(plan.trial_id(trial))
        score = outcome.score if outcome is not None else None
        if outcome is None or score is None:
            continue
        values = by_training.setdefault((trial.network, trial.seed, trial.start_rung), {})
        metric, loss = channels[trial.rung]
        values[metric] = score * plan.reward_factor(trial.network)
        if has_loss and (log_loss := outcome.log_loss) is not None:
            values[loss] = log_loss
    grown = plan.config.budget.recipe.trunk_epochs > 0
    return tuple(
        Training(network, values, seed if grown else None, seed)
        for (network, seed, _), values in by_training.items()
    )


def _shares(plan: StudyTrials) -> Floats | None:
    """Return the shares of each candidate's log-cost that go to depth, width and resolution, after rounding.

    The part of a dimension is the logarithm of the factor by which the baseline's multiply-adds grow (at φ < 0,
    shrink) if it alone is scaled. None for networks of Python functions, whose dimensions cannot be set one by one,
    and where nothing is scaled.
    """
    baseline = plan.config.baseline.architecture
    if not plan.config.kind.scales or not isinstance(baseline, Architecture):
        return None
    widths, depths, resolution = baseline.widths, baseline.depths, baseline.resolution
    rows = []
    for candidate in plan.by_network.values():
        network = candidate.architecture
        assert isinstance(network, Architecture), "a scaled baseline file is one"
        single_axis = (
            baseline.resized(widths, network.depths, resolution),
            baseline.resized(network.widths, depths, resolution),
            baseline.resized(widths, depths, network.resolution),
        )
        rows.append([log(cost(resized).macs / cost(baseline).macs) for resized in single_axis])
    log_ratios = -np.array(rows) if plan.config.shrinks else np.array(rows)
    totals = log_ratios.sum(axis=1, keepdims=True)
    return None if np.any(totals <= 0) else np.asarray(log_ratios / totals)
