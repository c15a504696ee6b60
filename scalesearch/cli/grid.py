"""`scalesearch grid`: the search."""

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

    from scalesearch.design.scaling import Baseline
    from scalesearch.runners.execution import Runner
    from scalesearch.search.budget import Budget
    from scalesearch.search.candidates import Candidate
    from scalesearch.search.factory_grid import FactoryBaseline
    from scalesearch.search.kinds import StudyKind
    from scalesearch.search.study_config import StudyConfig


def grid(
    baseline: Annotated[str, typer.Option(metavar="NAME|FILE|MODULE:FUNCTION", help="What is scaled.")] = "b0",
    phi: Annotated[
        str, typer.Option(help="The wanted cost is 2^φ × the baseline's; below 0 networks are smaller.")
    ] = "1",
    data: options.Data = None,
    budget: options.Budget = "quick",
    seeds: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Seeds: by halving for the finalists, else for every candidate."),
    ] = None,
    step: Annotated[str | None, typer.Option(help="Spacing of the grid; the budget's by default.")] = None,
    tolerance: Annotated[
        str | None, typer.Option(help="How far αβ²γ² may be from 2; the budget's by default.")
    ] = None,
    rounding: options.Rounding = None,
    match: Annotated[
        choices.Match, typer.Option(help="flops: equal measured cost by resolution; none: γ^φ literally.")
    ] = "flops",
    cost: Annotated[choices.MatchedCost, options.matched_cost("What is matched")] = "flops",
    scheduler: Annotated[
        choices.SchedulerOption,
        typer.Option(
            help="halving: promote the better half; full: train all to the end; curves: also record every rung."
        ),
    ] = "halving",
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
    name: Annotated[str | None, typer.Option(help="Of the study; default: baseline, φ, budget, cost.")] = None,
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
    matched = options.stored_cost(cost)
    _check_cost(matched, match, baseline)
    of_a_grid = {"--step": step is not None, "--tolerance": tolerance is not None, "--cost": matched != "macs"}
    of_a_grid[f"--scheduler {scheduler}"] = scheduler == "curves"
    kind = sampler_options.study_kind(sampler, objectives, max_params, max_memory, of_a_grid)
    export = sampler_options.optuna_exporter(storage, kind)
    counted = "macs" if matched == "latency" else matched
    schedule = options.stored_scheduler(scheduler)
    config = _make_config(baseline, phi, budget, seeds, step, tolerance, rounding, match, schedule, counted, kind)
    where = search_command.study_folder(results, name, _default_name(config, matched))
    chosen = search_command.make_runner(runner, address, gpus_per_trial, stall_seconds, insecure_cluster)
    ranked_by = options.checked_metric(metric)
    transfer = _check_transfer_phi(transfer_phi, config)
    if matched == "latency":
        from scalesearch.cli.latency_matching import with_latency

        config = with_latency(config, where)
    images = config.budget.data if data is None else data
    search_command.run_or_plan(
        config,
        images,
        chosen,
        where,
        gpus_per_trial,
        plan,
        export=export,
        metric=ranked_by,
        max_megapixels=max_megapixels,
    )
    if transfer is not None and not plan:
        _check(config, transfer, images, chosen, where, gpus_per_trial, max_megapixels)


def _default_name(config: StudyConfig, cost: str) -> str:
    from scalesearch.design.exact import plain

    own = f"{config.baseline.name}-phi{plain(config.phi)}-{config.budget.name}"
    own += "" if cost == "macs" else f"-{cost}"
    suffix = config.kind.name_suffix
    return f"{own}-{suffix}" if suffix else own


def _check_cost(cost: str, match: str, baseline: str) -> None:
    """Refuse a cost that is none, or that nothing is matched by.

    Raises:
        InputError: in a line, why.
    """
    from scalesearch.design.baselines import is_factory

    if cost != "macs" and match == "none":
        raise InputError(f"--cost {cost}: says what is matched, but --match none matches nothing; leave one out")
    if cost == "latency" and is_factory(baseline):
        raise InputError(
            "--cost latency: is for baseline files, not for a Python function; take --cost activations"
        )


def _check_transfer_phi(value: str | None, config: StudyConfig) -> Decimal | None:
    """The φ of `--transfer-phi`; None: it was not given.

    Raises:
        InputError: it is no other φ, or the baseline is a Python function.
    """
    from scalesearch.design.scaling import Baseline
    from scalesearch.search.kinds.rules import SINGLE, rule_candidates

    if value is None:
        return None
    power = options.wanted_phi(value, "--transfer-phi")
    if power == config.phi:
        raise InputError(f"--transfer-phi {value}: is the φ of the search; give another than --phi")
    if not isinstance(config.baseline, Baseline):
        raise InputError("--transfer-phi: is for baseline files, not for a Python function")
    try:  # before anything is trained
        rule_candidates(config.baseline, SINGLE, power, config.rounding, config.cost)
    except SpaceError as error:
        raise InputError(f"--transfer-phi {value}: {error}") from error
    return power


def _check(
    config: StudyConfig,
    phi: Decimal,
    data: str,
    runner: Runner,
    folder: Path,
    gpus_per_trial: float | None,
    max_megapixels: int,
) -> None:
    """Train the tied set and the single dimensions at another φ, and say whether the recommendation holds there."""
    from scalesearch.report.files import write_report
    from scalesearch.study.phi_transfer import check_folder, phi_transfer_lines
    from scalesearch.study.result import analyze
    from scalesearch.study.study import open_study

    first = open_study(folder)
    found = analyze(first.plan, first.outcomes())
    assert found is not None, "a search without an answer has ended with an error"
    tied = [first.plan.by_network[key] for key in found.ranking.tied]
    there = check_folder(folder, phi)
    asked = _transfer_config(config, phi, tied)
    if config.cost == "latency":
        from scalesearch.cli.latency_matching import with_latency

        asked = with_latency(asked, there)
    same = first.plan.config.metric
    search_command.run_or_plan(
        asked, data, runner, there, gpus_per_trial, False, metric=same, max_megapixels=max_megapixels
    )
    write_report(first)  # it says so too
    print(*phi_transfer_lines(found, folder), sep="\n")


def _transfer_config(config: StudyConfig, phi: Decimal, tied: Sequence[Candidate]) -> StudyConfig:
    """The rules of the tied set and the single dimensions at another φ; latency is still to be measured there."""
    from dataclasses import replace

    from scalesearch.search.kinds.rules import RuleComparison, transfer_rules

    counted = "macs" if config.cost == "latency" else config.cost
    rules = RuleComparison(transfer_rules(tied))
    # What the grid has timed are none of the rules' networks.
    return replace(config, phi=phi, match="flops", kind=rules, scheduler="grid", cost=counted, timings=None)


def _make_config(
    baseline: str,
    phi: str,
    budget: str,
    seeds: int | None,
    step: str | None,
    tolerance: str | None,
    rounding: str | None,
    match: str,
    scheduler: str,
    cost: str,
    kind: StudyKind,
) -> StudyConfig:
    from scalesearch.search.budget import as_constant_lr
    from scalesearch.search.budget_file import load_budget
    from scalesearch.search.schedulers import SCHEDULERS
    from scalesearch.search.study_config import StudyConfig, enumerate_candidates, select_candidates, with_overrides

    power = options.wanted_phi(phi, "--phi")
    spacing, slack = options.decimal(step, "--step"), options.decimal(tolerance, "--tolerance")
    spent = with_overrides(load_budget(budget), spacing, slack, seeds)
    if kind.proposes:
        scheduler = "grid"  # what is suggested is trained to the end
    if "macs" in kind.objectives:
        match = "none"
    if SCHEDULERS[scheduler].resumes_trials:
        spent = as_constant_lr(spent)
    rule = rounding or "balanced"
    base = _baseline(baseline, power, spent, match, cost)
    config = StudyConfig(
        base, power, spent, rule, match, kind=kind, scheduler=scheduler, cost=cost,
        prolongs=SCHEDULERS[scheduler].prolongs_at_chance,
    )  # fmt: skip
    # A grid without candidates is refused before any image is read.
    select_candidates(config, enumerate_candidates(config))
    return config


def _baseline(name: str, phi: Decimal, budget: Budget, match: str, cost: str) -> Baseline | FactoryBaseline:
    from scalesearch.design.baselines import is_factory, load_baseline

    if not is_factory(name):
        return load_baseline(name)
    if phi < 0:
        raise InputError(f"--phi {phi}: a Python function is scaled at φ above 0 only; write it as a baseline file")
    from scalesearch.nets.catalogue import catalogue
    from scalesearch.nets.factory import load_factory
    from scalesearch.search.grid import triples

    return catalogue(load_factory(name), triples(budget.step, budget.tolerance), phi, budget, match, cost)
