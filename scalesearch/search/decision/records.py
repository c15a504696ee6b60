"""Converts a plan and its outcomes so far into the data of the model."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

import numpy as np

from scalesearch.design.architecture import Architecture
from scalesearch.design.cost import cost
from scalesearch.search.decision.data import Channel, Floats, StudyData, Training
from scalesearch.search.plan import Plan
from scalesearch.search.schedulers.base import RungTrial
from scalesearch.search.trial import Outcome

_LOSS_RESPONSE = 1
"""The response of the validation loss; see `Channel.response`."""


def study_data(plan: Plan, outcomes: Mapping[str, Outcome]) -> StudyData:
    """Return every completed trial of the candidates, the eliminated ones too, and of the unscaled network."""
    keys = tuple(plan.by_network)
    logs = np.log([plan.proxies.adjusted_ratio(key) for key in keys])
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


def _trainings(plan: Plan, outcomes: Mapping[str, Outcome]) -> tuple[Training, ...]:
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
        Training(network, values, seed if grown else None) for (network, seed, _), values in by_training.items()
    )


def _shares(plan: Plan) -> Floats | None:
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
