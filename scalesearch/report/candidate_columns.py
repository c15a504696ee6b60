"""The columns of a study's candidates: report.csv, notebooks, report, dashboard and `scalesearch show`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import Coefficients
from scalesearch.design.images import plain_size
from scalesearch.report.rows import CandidateRow, gap_text
from scalesearch.search.metrics import ACCURACY, metric_words
from scalesearch.search.ranking import Ranked
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.columns import FILE, FILE_AND_PAGE, PAGE, TERMINAL, Column, Value, decimals, of_files
from scalesearch.study.kinds.stages import words_of_network
from scalesearch.study.result import StudyResult
from scalesearch.units import si

CandidateColumn = Column[CandidateRow]


def candidate_columns(result: StudyResult) -> tuple[CandidateColumn, ...]:
    """Return the columns of all media, in the order of a page and of a terminal."""
    return _coefficient_columns(result) if result.plan.config.kind.scales else _stage_columns(result)


def candidate_file_columns(result: StudyResult) -> tuple[CandidateColumn, ...]:
    """Return the columns of report.csv, in their order."""
    config = result.plan.config
    return of_files(candidate_columns(result), (_coefficient_order if config.kind.scales else _stage_order)(config))


def metric_column(metric: str) -> str:
    """Return the key of the column that holds the metric's values in a data file."""
    return "accuracy" if metric == ACCURACY else "score"


def _coefficient_order(config: StudyConfig) -> tuple[str, ...]:
    return (
        "place", "candidate", "status", "alpha", "beta", "gamma", "product", "resolution", "flops_ratio",
        f"{config.cost}_ratio", "macs", "params", "activations", *_DECISION_KEYS, metric_column(config.metric),
        "standard_error", "seeds", "behind", "behind_low_95", "behind_high_95", "left_after_images",
    )  # fmt: skip


def _stage_order(config: StudyConfig) -> tuple[str, ...]:
    return (
        "place", "network", "status", *_DECISION_KEYS, "reward", "standard_error",
        metric_column(config.metric), "seeds", "behind", "behind_low_95", "behind_high_95",
        "macs", "params", "left_after_images", "stages",
    )  # fmt: skip


def _coefficient_columns(result: StudyResult) -> tuple[CandidateColumn, ...]:
    """Return the columns of a search of coefficients, or of a comparison of rules."""
    config = result.plan.config
    metric = metric_words(config.metric)
    return (
        *_name_columns(result, "candidate", "α/β/γ" if config.kind.recommends else "rule", "α/β/γ"),
        *_rule_coefficients_columns(config),
        _coefficient("alpha", "α", lambda coefficients: coefficients.alpha),
        _coefficient("beta", "β", lambda coefficients: coefficients.beta),
        _coefficient("gamma", "γ", lambda coefficients: coefficients.gamma),
        Column("resolution", "px", lambda row: plain_size(row.candidate.architecture.resolution)),
        Column("product", "αβ²γ²", lambda row: float(row.candidate.coefficients.product), decimals(3), media=FILE),
        _FLOPS_RATIO,
        *_matched_columns(config),
        *_decision_columns(result, metric),
        _mean_column(result, metric_column(config.metric), metric),
        *_difference_columns(result),
        replace(_MACS, media=FILE),
        replace(_PARAMS, media=FILE_AND_PAGE),
        Column("activations", "activations", lambda row: row.candidate.cost.activations, si, media=FILE_AND_PAGE),
        _ELIMINATED_AFTER,
    )


def _stage_columns(result: StudyResult) -> tuple[CandidateColumn, ...]:
    """Return the columns of a search of stages, whose networks a reward ranks."""
    metric = result.plan.config.metric
    return (
        *_name_columns(result, "network", "network"),
        Column("layers", "layers", _layers, media=TERMINAL, is_text=True),
        *_decision_columns(result, "reward"),
        _mean_column(result, "reward", "reward"),
        *_difference_columns(result),
        Column(
            metric_column(metric),
            metric_words(metric),
            _of_ranked(lambda place: place.mean / result.plan.reward_factor(place.key)),
            decimals(4),
            media=FILE_AND_PAGE,
        ),
        replace(_FLOPS_RATIO, media=PAGE),
        replace(_MACS, media=("file", "terminal")),
        replace(_PARAMS, media=FILE_AND_PAGE),
        _ELIMINATED_AFTER,
        Column(
            "stages",
            "stages",
            lambda row: words_of_network(row.candidate.architecture),
            media=FILE_AND_PAGE,
            is_text=True,
        ),
    )


_FLOPS_RATIO: CandidateColumn = Column(
    "flops_ratio", "FLOPs", lambda row: row.candidate.flops_ratio, decimals(3), "x", short_title="cost"
)
_MACS: CandidateColumn = Column(
    "macs", "multiply-adds", lambda row: row.candidate.cost.macs, si, short_title="MACs"
)
_PARAMS: CandidateColumn = Column(
    "params", "parameters", lambda row: row.candidate.cost.params, si, short_title="params"
)
_ELIMINATED_AFTER: CandidateColumn = Column(
    "left_after_images", "eliminated after", lambda row: row.eliminated_after, media=FILE, is_nullable_int=True
)


def _name_columns(
    result: StudyResult, key: str, title: str, short_title: str | None = None
) -> tuple[CandidateColumn, ...]:
    """Return the columns of a candidate's mark, place, name and status."""
    places = {arm.key: number for number, arm in enumerate(result.ranking.arms, start=1)}
    is_nas = not result.plan.config.kind.scales

    def mark(row: CandidateRow) -> str:
        recommended = row.status == "recommended" and not is_nas
        return "▸" * recommended + "=" * _is_tied(row)

    def short_mark(row: CandidateRow) -> str:
        recommended = " ▸"[row.key == result.recommended]
        return ("" if is_nas else recommended) + " ="[_is_tied(row)]

    return (
        Column("mark", "", mark, short_text=short_mark, media=("page", "terminal"), is_text=True),
        Column("place", "place", lambda row: places.get(row.key), media=FILE, is_nullable_int=True),
        Column(key, title, lambda row: row.label, short_title=short_title, is_text=True),
        Column("status", "status", lambda row: row.status, media=FILE, is_text=True),
    )


def _rule_coefficients_columns(config: StudyConfig) -> tuple[CandidateColumn, ...]:
    """Return the column of coefficients that stands beside a rule's name."""
    if config.kind.recommends:
        return ()

    def triple(row: CandidateRow) -> str:
        return str(row.candidate.coefficients).strip("()").replace(", ", "/")

    return (Column("coefficients", "α/β/γ", triple, media=PAGE, is_text=True),)


def _coefficient(key: str, title: str, value: Callable[[Coefficients], Decimal]) -> CandidateColumn:
    return Column(key, title, lambda row: value(row.candidate.coefficients), decimals(3), media=FILE)


def _matched_columns(config: StudyConfig) -> tuple[CandidateColumn, ...]:
    """Return the column of the matched cost, where it is not multiply-adds."""
    cost = config.cost
    if cost == "macs":
        return ()
    short_title = "activ. ratio" if cost == "activations" else cost
    return (
        Column(
            f"{cost}_ratio",
            cost,
            lambda row: row.candidate.matched_ratio,
            decimals(3),
            "x",
            short_title=short_title,
        ),
    )


_DECISION_KEYS = ("expected", "standard_deviation", "probability_best", "expected_regret")


def _decision_columns(result: StudyResult, title: str) -> tuple[CandidateColumn, ...]:
    """Return each candidate's posterior at the end of training, by all that was measured."""

    def text(row: CandidateRow) -> str:
        return result.with_error(row.expected, row.error)

    def short_text(row: CandidateRow) -> str:
        return result.with_error(row.expected, row.error, 3)

    return (
        Column(
            "expected",
            f"expected {title}",
            lambda row: row.expected,
            text=text,
            short_title="expected",
            short_text=short_text,
        ),
        Column("standard_deviation", "standard deviation", lambda row: row.error, decimals(4), media=FILE),
        Column(
            "probability_best",
            "best",
            lambda row: row.probability_best,
            text=lambda row: f"{100 * row.probability_best:.0f} %",
        ),
        Column("expected_regret", "expected regret", lambda row: row.expected_regret, decimals(4), media=FILE),
    )


def _mean_column(result: StudyResult, key: str, title: str) -> CandidateColumn:
    """Return the mean that ranks, with its standard error; an unranked candidate's cell says why it has none."""

    def text(row: CandidateRow) -> str:
        if row.place is not None:
            return result.with_error(row.place.mean, row.place.standard_error)
        if row.status == "untrained":
            return "not trained"
        return (
            "not complete" if row.eliminated_after is None else f"eliminated after {row.eliminated_after:,} images"
        )

    return Column(key, title, _of_ranked(lambda place: place.mean), text=text)


def _difference_columns(result: StudyResult) -> tuple[CandidateColumn, ...]:
    """Return the standard error, the seeds, and the gap to the best; errors only where they are known."""
    error_known = result.ranking.error_known

    def bound(row: CandidateRow, index: int) -> float | None:
        return None if row.place is None or not error_known else (row.behind_95 or (0.0, 0.0))[index]

    def short_gap(row: CandidateRow) -> str:
        return "" if row.place is None else result.with_error(row.place.behind, row.place.behind_error)

    return (
        Column(
            "standard_error",
            "standard error",
            _of_ranked(lambda place: place.standard_error if error_known else None),
            decimals(4),
            media=FILE,
        ),
        Column("seeds", "seeds", _of_ranked(lambda place: place.seeds), short_title="n", is_nullable_int=True),
        Column(
            "behind",
            "gap to the best (95 %)",
            _of_ranked(lambda place: place.behind),
            text=lambda row: "" if row.place is None else gap_text(row),
            short_title="gap",
            short_text=short_gap,
        ),
        Column("behind_low_95", "gap, from", lambda row: bound(row, 0), decimals(4), media=FILE),
        Column("behind_high_95", "gap, to", lambda row: bound(row, 1), decimals(4), media=FILE),
    )


def _of_ranked(value: Callable[[Ranked], Value]) -> Callable[[CandidateRow], Value]:
    """Return a column's value function that reads a candidate's row in the ranking; None where it has none."""
    return lambda row: None if row.place is None else value(row.place)


def _is_tied(row: CandidateRow) -> bool:
    return row.place is not None and row.place.tied


def _layers(row: CandidateRow) -> str:
    network = row.candidate.architecture
    assert isinstance(network, Architecture), "stages are searched on baseline files only"
    return " ".join(map(str, network.depths))
