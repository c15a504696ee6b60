"""The columns of a study's trials: of trials.csv and .parquet, of a notebook's data frame, and of the dashboard."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from scalesearch.design.coefficients import Coefficients
from scalesearch.design.decimals import format_decimal
from scalesearch.design.factory import FactoryNetwork, Network
from scalesearch.search.candidates import Candidate
from scalesearch.search.metrics import ACCURACY, metric_words
from scalesearch.search.plan import Plan
from scalesearch.search.task import Epoch
from scalesearch.study.columns import FILE, FILE_AND_PAGE, PAGE, Column, Value, decimals, grouped, of_files
from scalesearch.study.kinds.stages import words_of_network
from scalesearch.study.trial_summary import TrialSummary
from scalesearch.units import duration, si

TrialColumn = Column[TrialSummary]


def trial_columns(label: Callable[[str], str], plan: Plan | None) -> tuple[TrialColumn, ...]:
    """Return the columns of all media, in the order of a page.

    Args:
        label: returns the name of a network by its id.
        plan: the plan of the study; None if it is not known: then there are only the columns that records alone
            fill.
    """
    return (*_record_columns(label, plan), *(() if plan is None else _plan_columns(plan)))


def trial_file_columns(plan: Plan) -> tuple[TrialColumn, ...]:
    """Return the columns of trials.csv, in their order."""
    return of_files(trial_columns(lambda network: _label(plan, network), plan), _FILE_ORDER)


_FILE_ORDER = (
    "trial", "network", "role", "seed", "since", "state", "accuracy", "score", "label", "reward", "stages",
    "alpha", "beta", "gamma", "product", "flops_ratio", "activations_ratio", "latency_ratio", "macs", "params",
    "activations", "resolution", "depths", "widths", "proxy_resolution", "proxy_macs", "proxy_macs_ratio",
    "epochs", "samples", "train_loss", "val_loss", "seconds", "training_seconds", "message", "aliases",
)  # fmt: skip
"""The order of columns in files; see `columns.of_files`."""


def _record_columns(label: Callable[[str], str], plan: Plan | None) -> tuple[TrialColumn, ...]:
    """Return the columns that a record fills by itself."""
    is_nas = plan is not None and not plan.config.kind.scales
    return (
        Column(
            "label",
            "network",
            lambda trial: label(trial.network),
            media=FILE_AND_PAGE if is_nas else PAGE,
            is_text=True,
        ),
        Column("seed", "seed", lambda trial: trial.seed),
        Column("images", "images", lambda trial: trial.images, grouped, media=PAGE),
        Column("state", "state", lambda trial: trial.outcome.state, is_text=True),
        Column("accuracy", "accuracy", lambda trial: trial.accuracy, decimals(4)),
        Column("train_loss", "train loss", _of_last_epoch(lambda epoch: epoch.train_loss), decimals(4)),
        Column("val_loss", "val. loss", _of_last_epoch(lambda epoch: epoch.val_loss), decimals(4), media=FILE),
        Column("macs", "multiply-adds", lambda trial: trial.macs, si),
        Column("params", "parameters", lambda trial: trial.params, si),
        Column("activations", "activations", lambda trial: trial.activations, si),
        Column("resolution", "px", lambda trial: trial.px),
        Column("seconds", "time", lambda trial: trial.outcome.seconds, duration),
        Column("training_seconds", "training", lambda trial: trial.outcome.training_seconds, duration, media=FILE),
        Column("trial", "trial", lambda trial: trial.id, is_text=True),
        Column("network", "network id", lambda trial: trial.network, media=FILE, is_text=True),
        Column("since", "images before", lambda trial: trial.since, grouped, media=FILE),
        Column("samples", "images", lambda trial: trial.last.samples if trial.last else 0, grouped, media=FILE),
        Column("epochs", "epochs", lambda trial: len(trial.outcome.epochs), media=FILE),
        Column("proxy_resolution", "proxy's px", lambda trial: trial.proxy_px, media=FILE),
        Column("proxy_macs", "proxy's multiply-adds", lambda trial: trial.proxy_macs, si, media=FILE),
        Column("message", "message", lambda trial: trial.outcome.message, media=FILE, is_text=True),
    )


def _plan_columns(plan: Plan) -> tuple[TrialColumn, ...]:
    """Return the columns that need the study's plan."""
    return (
        Column("role", "role", lambda trial: _role(plan, trial), media=FILE, is_text=True),
        *_score_columns(plan),
        *(_coefficient_columns(plan) if plan.config.kind.scales else _stage_columns(plan)),
        _ratio_column(
            "flops_ratio", "FLOPs", _of_candidate(plan, lambda candidate: float(candidate.flops_ratio), 1.0)
        ),
        *_matched_columns(plan),
        Column(
            "depths", "layers", lambda trial: _stage_sizes(_network(plan, trial), "depth"), media=FILE, is_text=True
        ),
        Column(
            "widths",
            "channels",
            lambda trial: _stage_sizes(_network(plan, trial), "width"),
            media=FILE,
            is_text=True,
        ),
        _ratio_column("proxy_macs_ratio", "proxy's FLOPs", lambda trial: _proxy_ratio(plan, trial)),
    )


def _matched_columns(plan: Plan) -> tuple[TrialColumn, ...]:
    """Return the column of the matched cost's ratio, if it is not multiply-adds."""
    cost = plan.config.cost
    if cost == "macs":
        return ()
    return (
        _ratio_column(
            f"{cost}_ratio", cost, _of_candidate(plan, lambda candidate: float(candidate.matched_ratio), 1.0)
        ),
    )


def _score_columns(plan: Plan) -> tuple[TrialColumn, ...]:
    """Return the column of the ranking's metric, if it is not accuracy."""
    metric = plan.config.metric
    if metric == ACCURACY:
        return ()
    return (Column("score", metric_words(metric), lambda trial: trial.outcome.score, decimals(4), media=FILE),)


def _coefficient_columns(plan: Plan) -> tuple[TrialColumn, ...]:
    """Return the columns of a search of coefficients, or of a comparison of rules."""

    def number(key: str, title: str, value: Callable[[Coefficients], Decimal]) -> TrialColumn:
        column_value = _of_candidate(plan, lambda candidate: float(value(candidate.coefficients)), 1.0)
        return Column(key, title, column_value, decimals(3), media=FILE)

    return (
        number("alpha", "α", lambda coefficients: coefficients.alpha),
        number("beta", "β", lambda coefficients: coefficients.beta),
        number("gamma", "γ", lambda coefficients: coefficients.gamma),
        number("product", "αβ²γ²", lambda coefficients: coefficients.product),
        Column("aliases", "aliases", _of_candidate(plan, _aliases, ""), media=FILE, is_text=True),
    )


def _stage_columns(plan: Plan) -> tuple[TrialColumn, ...]:
    """Return the columns of a search of stages."""
    return (
        Column("reward", "reward", lambda trial: _reward(plan, trial), decimals(4), media=FILE),
        Column("stages", "stages", lambda trial: words_of_network(_network(plan, trial)), media=FILE, is_text=True),
    )


def _ratio_column(key: str, title: str, value: Callable[[TrialSummary], Value]) -> TrialColumn:
    """Return the column of a cost over the baseline's."""
    return Column(key, title, value, decimals(3), "x", media=FILE)


def _of_last_epoch(value: Callable[[Epoch], Value]) -> Callable[[TrialSummary], Value]:
    """Return a column's value that is read from a trial's last epoch."""
    return lambda trial: None if trial.last is None else value(trial.last)


def _of_candidate(
    plan: Plan, value: Callable[[Candidate], Value], baseline: Value
) -> Callable[[TrialSummary], Value]:
    """Return a column's value that is read from the trial's candidate; `baseline` for the unscaled network."""
    return lambda trial: value(candidate) if (candidate := plan.by_network.get(trial.network)) else baseline


def _network(plan: Plan, trial: TrialSummary) -> Network:
    candidate = plan.by_network.get(trial.network)
    return candidate.architecture if candidate else plan.config.baseline.architecture


def _role(plan: Plan, trial: TrialSummary) -> str:
    return "candidate" if trial.network in plan.by_network else "baseline"


def _proxy_ratio(plan: Plan, trial: TrialSummary) -> float | None:
    return plan.proxies.ratio(trial.network) if trial.network in plan.by_network else None


def _reward(plan: Plan, trial: TrialSummary) -> float | None:
    score = trial.outcome.score
    return None if score is None else score * plan.reward_factor(trial.network)


def _label(plan: Plan, network: str) -> str:
    return plan.by_network[network].label if network in plan.by_network else "base"


def _aliases(candidate: Candidate) -> str:
    return " ".join(str(alias).replace(" ", "") for alias in candidate.aliases)


def _stage_sizes(network: Network, axis: str) -> str:
    """Return the layers or channels of each stage; for a user's own function the multiplier."""
    if isinstance(network, FactoryNetwork):
        return format_decimal(network.depth if axis == "depth" else network.width)
    return " ".join(map(str, network.depths if axis == "depth" else network.widths))
