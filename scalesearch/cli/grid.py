"""The `scalesearch grid` command: the search for scaling coefficients (α, β, γ)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch import choices
from scalesearch.cli import options, sampler_options, search_command
from scalesearch.errors import InputError, SpaceError
from scalesearch.units import MAX_MEGAPIXELS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from scalesearch.design.images import ImageSize
    from scalesearch.runners.execution import Runner
    from scalesearch.search.candidates import Candidate
    from scalesearch.search.kinds import RuleComparison, StudyKind
    from scalesearch.search.study_config import StudyConfig


def grid(
    baseline: Annotated[
        str, typer.Option(metavar="NAME|FILE|timm:NAME|MODULE:FUNCTION", help="Baseline to scale.")
    ] = "b0",
    phi: Annotated[
        str | None,
        typer.Option(help="Target cost, 2^φ × the baseline's; below 0: smaller networks; default: 1."),
    ] = None,
    times: Annotated[
        str | None,
        typer.Option(metavar="X", help="Target cost over the baseline's, in place of --phi: 0.25 is φ = -2."),
    ] = None,
    data: options.Data = None,
    budget: options.Budget = "quick",
    seeds: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Seeds per finalist, or per candidate with full and curves."),
    ] = None,
    step: Annotated[str | None, typer.Option(help="Spacing of the grid; default: the budget's.")] = None,
    tolerance: Annotated[
        str | None, typer.Option(help="Largest distance of αβ²γ² from 2; default: the budget's.")
    ] = None,
    rounding: options.Rounding = None,
    match: Annotated[
        choices.Match, typer.Option(help="flops: equal measured cost by resolution; none: γ^φ literally.")
    ] = "flops",
    cost: Annotated[choices.MatchedCost, options.matched_cost("What is matched")] = "flops",
    resolution: options.Resolution = None,
    resolution_multiple: options.ResolutionMultiple = None,
    scheduler: Annotated[
        choices.SchedulerOption | None,
        typer.Option(
            help="adaptive: more seeds for the probably best; sequential: for the better half; halving: longer "
            "training for it (default of budgets with rungs); full: train all to the end; curves: also record "
            "every rung."
        ),
    ] = None,
    until_regret: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Add seeds until the expected regret is at most this, such as 0.005."),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Add seeds while they fit in this time, such as 10m."),
    ] = None,
    sampler: sampler_options.Sampler = "grid",
    objectives: sampler_options.Objectives = "accuracy",
    max_params: sampler_options.MaxParams = None,
    max_memory: sampler_options.MaxMemory = None,
    storage: sampler_options.Storage = None,
    runner: options.Runner = "ray",
    address: options.Address = None,
    insecure_cluster: options.InsecureCluster = False,
    gpus_per_trial: options.GpusPerTrial = None,
    stall_seconds: options.StallSeconds = None,
    name: Annotated[str | None, typer.Option(help="Name of the study; default: baseline, φ, budget, cost.")] = None,
    results: options.Results = Path("results"),
    transfer_phi: Annotated[
        str | None, typer.Option(metavar="PHI", help="Then test whether the recommendation holds at this φ.")
    ] = None,
    metric: options.Metric = None,
    max_megapixels: options.MaxMegapixels = MAX_MEGAPIXELS,
    plan: options.PlanOnly = False,
) -> None:
    """Search (α, β, γ): enumerate, merge by network, match the cost, train proxies, rank with error bars.

    Rerunning the same command resumes it.

    Example: scalesearch grid --baseline b0 --phi 1 --budget smoke
    """
    from scalesearch.cli.search_baseline import check_function_options
    from scalesearch.study.stop_rule import StopRule

    cost_kind = options.stored_cost(cost)
    _check_cost(cost_kind, match)
    check_function_options(baseline, cost_kind, rounding)
    grid_only = {"--step": step is not None, "--tolerance": tolerance is not None, "--cost": cost_kind != "macs"}
    grid_only[f"--scheduler {scheduler}"] = scheduler not in (None, "full")  # samplers train all to the end
    grid_only |= {"--until-regret": until_regret is not None, "--time": time is not None}
    kind = sampler_options.study_kind(sampler, objectives, max_params, max_memory, grid_only)
    exporter = sampler_options.optuna_exporter(storage, kind)
    # Latency is matched later, once the networks are timed.
    initial_cost = "macs" if cost_kind == "latency" else cost_kind
    if time is not None and seeds is None:
        seeds = 1  # the first of those that fit
    target_phi, size = _target_phi(phi, times), options.parse_resolution(resolution)
    config = _make_config(
        *(baseline, target_phi, budget, seeds, step, tolerance, rounding, match, scheduler, initial_cost, kind),
        *(results, resolution_multiple, size),
    )
    folder = search_command.study_folder(results, name, _default_name(config, cost_kind))
    trial_runner = search_command.make_runner(runner, address, gpus_per_trial, stall_seconds, insecure_cluster)
    ranking_metric = options.checked_metric(metric)
    checked_phi = _parse_transfer_phi(transfer_phi, config)
    if cost_kind == "latency":
        from scalesearch.cli.latency_matching import with_latency

        config = with_latency(config, folder)
    data_spec = config.budget.data if data is None else data
    search_command.run_or_plan(
        config,
        data_spec,
        trial_runner,
        folder,
        gpus_per_trial,
        plan,
        export=exporter,
        metric=ranking_metric,
        max_megapixels=max_megapixels,
        stop_rule=StopRule(until_regret, options.parse_duration(time, "--time")),
    )
    if checked_phi is not None and not plan:
        _run_transfer(config, checked_phi, data_spec, trial_runner, folder, gpus_per_trial, max_megapixels)


def _target_phi(phi: str | None, times: str | None) -> Decimal:
    """Return the φ of `--phi` or of `--times`; 1 where neither is given.

    Raises:
        InputError: both are given, or the value is out of range.
    """
    from scalesearch.design.coefficients import phi_of

    if times is None:
        return options.parse_phi("1" if phi is None else phi, "--phi")
    if phi is not None:
        raise InputError(f"--times {times}: --phi {phi} gives the target cost too; leave one out")
    return phi_of(options.parse_times(times, "--times"))


def _default_name(config: StudyConfig, cost: str) -> str:
    from scalesearch.design.decimals import format_decimal

    study_name = f"{config.baseline.name}-phi{format_decimal(config.phi)}-{config.budget.name}"
    study_name += "" if cost == "macs" else f"-{cost}"
    suffix = config.kind.name_suffix
    return f"{study_name}-{suffix}" if suffix else study_name


def _check_cost(cost: str, match: str) -> None:
    """Refuse a cost that is matched where nothing is.

    Raises:
        InputError: that is so.
    """
    if cost != "macs" and match == "none":
        raise InputError(f"--cost {cost}: says what is matched, but --match none matches nothing; leave one out")


def _parse_transfer_phi(value: str | None, config: StudyConfig) -> Decimal | None:
    """Return the φ of `--transfer-phi`; None: it was not given.

    Raises:
        InputError: it is not another φ, or no rules can be compared at it.
    """
    from scalesearch.search.kinds.rules import SINGLE, RuleComparison
    from scalesearch.search.study_config import enumerate_candidates

    if value is None:
        return None
    phi = options.parse_phi(value, "--transfer-phi")
    if phi == config.phi:
        raise InputError(f"--transfer-phi {value}: is the φ of the search; give another than --phi")
    try:  # refused before anything is trained
        enumerate_candidates(_config_at_phi(config, phi, RuleComparison(SINGLE)))
    except SpaceError as error:
        raise InputError(f"--transfer-phi {value}: {error}") from error
    return phi


def _run_transfer(
    config: StudyConfig,
    phi: Decimal,
    data: str,
    runner: Runner,
    folder: Path,
    gpus_per_trial: float | None,
    max_megapixels: int,
) -> None:
    """Train the tied set and the single dimensions at another φ, and print whether the recommendation holds."""
    from scalesearch.report.files import write_report
    from scalesearch.study.phi_transfer import phi_transfer_lines, transfer_folder_of
    from scalesearch.study.result import analyze
    from scalesearch.study.study import open_study

    study = open_study(folder)
    result = analyze(study.plan, study.outcomes())
    assert result is not None, "a search without an answer has ended with an error"
    tied = [study.plan.by_network[key] for key in result.ranking.tied]
    transfer_folder = transfer_folder_of(folder, phi)
    transfer = _transfer_config(config, phi, tied)
    if config.cost == "latency":
        from scalesearch.cli.latency_matching import with_latency

        transfer = with_latency(transfer, transfer_folder)
    metric = study.plan.config.metric
    search_command.run_or_plan(
        transfer, data, runner, transfer_folder, gpus_per_trial, False, metric=metric, max_megapixels=max_megapixels
    )
    write_report(study)  # the report states it too
    print(*phi_transfer_lines(result, folder), sep="\n")


def _transfer_config(config: StudyConfig, phi: Decimal, tied: Sequence[Candidate]) -> StudyConfig:
    """Return the comparison of the tied set and the single dimensions at another φ; latency is measured later."""
    from scalesearch.search.kinds.rules import RuleComparison, transfer_rules

    return _config_at_phi(config, phi, RuleComparison(transfer_rules(tied)))


def _config_at_phi(config: StudyConfig, phi: Decimal, rules: RuleComparison) -> StudyConfig:
    """Return a comparison of rules at another φ; the networks that a Python function makes for them are counted.

    Raises:
        InputError: the function fails.
        SpaceError: a multiplier is out of range.
    """
    from dataclasses import replace

    from scalesearch.cli.search_baseline import recount
    from scalesearch.search.schedulers import FULL_TRAINING

    initial_cost = "macs" if config.cost == "latency" else config.cost
    baseline = recount(config.baseline, rules, phi, config.budget, "flops", initial_cost)
    # The networks that the grid timed are not those of the rules.
    return replace(
        config, baseline=baseline, phi=phi, match="flops", kind=rules, scheduler=FULL_TRAINING, cost=initial_cost,
        timings=None,
    )  # fmt: skip


def _make_config(
    baseline_name: str,
    phi: Decimal,
    budget_name: str,
    seeds: int | None,
    step: str | None,
    tolerance: str | None,
    rounding: str | None,
    match: str,
    scheduler: str | None,
    cost: str,
    kind: StudyKind,
    results: Path,
    resolution_multiple: int | None,
    size: ImageSize | None,
) -> StudyConfig:
    from scalesearch.cli.search_baseline import load_search_baseline
    from scalesearch.search.budget import with_constant_lr_and_decay
    from scalesearch.search.budget_file import load_budget
    from scalesearch.search.schedulers import FULL_TRAINING, SCHEDULERS
    from scalesearch.search.study_config import (
        StudyConfig,
        enumerate_candidates,
        fit_budget,
        is_scaled_by_dimension,
        select_candidates,
        with_overrides,
    )

    spacing, max_deviation = options.parse_decimal(step, "--step"), options.parse_decimal(tolerance, "--tolerance")
    named_budget = load_budget(budget_name)
    budget = with_overrides(named_budget, spacing, max_deviation, seeds)
    if "macs" in kind.objectives:
        match = "none"  # what is an objective is not held equal
    baseline = load_search_baseline(
        baseline_name, kind, phi, budget, match, cost, results, resolution_multiple, size
    )
    budget = with_overrides(fit_budget(named_budget, baseline, phi, kind), spacing, max_deviation, seeds)
    # The model needs fewer networks where it knows how each was scaled.
    without_rungs = "adaptive" if is_scaled_by_dimension(baseline, kind) else "sequential"
    schedule = options.stored_scheduler(scheduler or ("halving" if budget.rungs > 1 else without_rungs))
    if kind.proposes:
        schedule = FULL_TRAINING  # sampled points are trained to the end
    if SCHEDULERS[schedule].resumes_trials:
        # Rungs resume from the constant phase; a cosine fits one length only.
        budget = with_constant_lr_and_decay(budget)
    config = StudyConfig(
        baseline, phi, budget, rounding or "balanced", match, kind=kind, scheduler=schedule, cost=cost,
        prolongs=SCHEDULERS[schedule].promotes_all_at_chance,
    )  # fmt: skip
    # A grid without candidates is refused before any image is read.
    select_candidates(config, enumerate_candidates(config))
    return config
