"""All trials of a study as one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scalesearch.design.cost import cost
from scalesearch.design.exact import plain
from scalesearch.design.factory import FactoryNetwork, Network
from scalesearch.search.candidates import Candidate
from scalesearch.search.canonical import digest
from scalesearch.search.metrics import ACCURACY
from scalesearch.search.plan import Plan
from scalesearch.search.trial import Outcome, TrialSpec
from scalesearch.study.stages_found import words_of_network

if TYPE_CHECKING:
    import pandas as pd


def trials_table(plan: Plan, outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """One row a trial, baseline included, in the order of the plan."""
    import pandas as pd

    rows = [_row(plan, spec, outcomes[spec.id]) for spec in plan.planned(outcomes) if spec.id in outcomes]
    return pd.DataFrame(rows)


def _row(plan: Plan, spec: TrialSpec, outcome: Outcome) -> dict[str, object]:
    candidate = plan.by_network.get(spec.network_id)
    network = candidate.architecture if candidate else plan.question.baseline.architecture
    proxy, price = spec.proxy, cost(network)
    last = outcome.epochs[-1] if outcome.epochs else None
    ratio = float(candidate.matched_ratio) if candidate else 1.0
    return {
        "trial": spec.id,
        "network": spec.network_id,
        "role": "candidate" if candidate else "baseline",
        "seed": spec.seed,
        "since": spec.since,
        "state": outcome.state,
        "accuracy": outcome.accuracy,
        **({} if plan.question.metric == ACCURACY else {"score": outcome.score}),
        **(_stage_facts(plan, spec, outcome) if plan.question.stages else _coefficient_facts(candidate)),
        "flops_ratio": float(candidate.flops_ratio) if candidate else 1.0,
        **({} if plan.question.cost == "macs" else {f"{plan.question.cost}_ratio": ratio}),
        "macs": price.macs,
        "params": price.params,
        "activations": price.activations,
        "resolution": network.resolution,
        "depths": _sizes(network, "depth"),
        "widths": _sizes(network, "width"),
        "proxy_resolution": proxy.resolution,
        "proxy_macs": cost(proxy).macs,
        "proxy_macs_ratio": plan.proxies.ratio(spec.network_id) if candidate else None,
        "epochs": len(outcome.epochs),
        "samples": last.samples if last else 0,
        "train_loss": last.train_loss if last else None,
        "val_loss": last.val_loss if last else None,
        "seconds": outcome.seconds,
        "training_seconds": outcome.training_seconds,
        "message": outcome.message,
        **({} if plan.question.stages else {"aliases": _aliases(candidate)}),
    }


def _coefficient_facts(candidate: Candidate | None) -> dict[str, object]:
    own = candidate.coefficients if candidate else None
    return {
        "alpha": float(own.alpha) if own else 1.0,
        "beta": float(own.beta) if own else 1.0,
        "gamma": float(own.gamma) if own else 1.0,
        "product": float(own.product) if own else 1.0,
    }


def _stage_facts(plan: Plan, spec: TrialSpec, outcome: Outcome) -> dict[str, object]:
    reached = outcome.score
    return {
        "label": plan.by_network[spec.network_id].label if spec.network_id in plan.by_network else "base",
        "reward": None if reached is None else reached * plan.worth(spec.network_id),
        "stages": words_of_network(spec.network),
    }


def _aliases(candidate: Candidate | None) -> str:
    return " ".join(str(alias).replace(" ", "") for alias in candidate.aliases) if candidate else ""


def _sizes(network: Network, axis: str) -> str:
    """Layers or channels one by one; for a user's own function the multiplier."""
    if isinstance(network, FactoryNetwork):
        return plain(network.depth if axis == "depth" else network.width)
    return " ".join(map(str, network.depths if axis == "depth" else network.widths))


def network_ids(plan: Plan) -> dict[str, str]:
    """A short name for every network of the plan: `base`, or the coefficients."""
    names = {digest(one.architecture): one.label for one in plan.chosen}
    return {plan.base_id: "base", **names}
