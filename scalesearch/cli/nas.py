"""The `scalesearch nas` command: the search for a baseline's stages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch import choices
from scalesearch.cli import options, search_command
from scalesearch.errors import InputError
from scalesearch.units import MAX_MEGAPIXELS

if TYPE_CHECKING:
    from scalesearch.search.kinds.stages import StageSearch
    from scalesearch.search.rewards import Reward
    from scalesearch.search.study_config import StudyConfig

_Space = Annotated[
    str,
    typer.Option("--space", metavar="NAME|FILE", help="Search space: mnasnet, efficientnet_v2 or a YAML file."),
]
_Reward = Annotated[
    choices.RewardKind,
    typer.Option(
        "--reward",
        help="flops or latency: ACC·(cost/T)^w; step: A·S^w·P^v, a training step and parameters.",
    ),
]
_Target = Annotated[
    str | None,
    typer.Option("--target", metavar="400M|5ms", help="Target T of the reward; default: the baseline's cost."),
]
_Hard = Annotated[bool, typer.Option("--hard", help="Hard target: w = 0 up to T and −1 above, not −0.07.")]


def nas(
    space: _Space = "mnasnet",
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE|timm:NAME", help="Baseline whose stages are searched; default: the space's."
        ),
    ] = None,
    sampler: Annotated[
        choices.StageSampler, typer.Option(help="Sampler that proposes networks; nsga2: for a Pareto front.")
    ] = "evolution",
    reward: _Reward = "flops",
    target: _Target = None,
    hard: _Hard = False,
    trials: Annotated[
        int | None,
        typer.Option(min=2, max=10_000, help="Networks to train; default: the budget's candidates, or 20."),
    ] = None,
    max_flops: Annotated[
        str | None, typer.Option(metavar="400M", help="Maximum multiply-adds of a network.")
    ] = None,
    max_params: Annotated[str | None, typer.Option(metavar="8M", help="Maximum parameters of a network.")] = None,
    max_memory: Annotated[
        str | None, typer.Option(metavar="2GiB", help="Maximum training memory at the budget's batch.")
    ] = None,
    data: options.Data = None,
    budget: options.Budget = "quick",
    seeds: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Seeds per finalist with halving, else per network."),
    ] = None,
    scheduler: Annotated[
        choices.StageSchedulerOption | None,
        typer.Option(help="halving: promote the better half; full: train all to the end (default with nsga2)."),
    ] = None,
    sampler_seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Random seed of the sampler.")] = 0,
    runner: options.Runner = "ray",
    address: options.Address = None,
    insecure_cluster: options.InsecureCluster = False,
    gpus_per_trial: options.GpusPerTrial = None,
    stall_seconds: options.StallSeconds = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the study; default: baseline, nas, space, budget.")
    ] = None,
    results: options.Results = Path("results"),
    metric: options.Metric = None,
    max_megapixels: options.MaxMegapixels = MAX_MEGAPIXELS,
    plan: options.PlanOnly = False,
) -> None:
    """Search a baseline's stages: block, kernel, expansion, squeeze-and-excitation, layers, width of each.

    Writes the winner as a baseline that `grid` takes, and the front. Rerunning the same command resumes it.

    Example: scalesearch nas --space mnasnet --baseline tiny --budget smoke
    """
    from scalesearch.search.kinds.stages import StageSearch
    from scalesearch.search.stage_space_file import load_stage_space

    search = StageSearch(
        space=load_stage_space(space),
        sampler=sampler,
        reward=_make_reward(reward, target, hard),
        max_macs=_parse_count(max_flops, "--max-flops"),
        max_params=_parse_count(max_params, "--max-params"),
        max_memory=_parse_size(max_memory),
        seed=sampler_seed,
    )
    config = _make_config(search, baseline, budget, seeds, trials, scheduler, results)
    default_name = f"{config.baseline.name}-nas-{search.space.name.replace('_', '-')}-{config.budget.name}"
    folder = search_command.study_folder(results, name, default_name)
    trial_runner = search_command.make_runner(runner, address, gpus_per_trial, stall_seconds, insecure_cluster)
    ranking_metric = options.checked_metric(metric)
    data_spec = config.budget.data if data is None else data
    search_command.run_or_plan(
        config,
        data_spec,
        trial_runner,
        folder,
        gpus_per_trial,
        plan,
        metric=ranking_metric,
        max_megapixels=max_megapixels,
    )


def _make_reward(kind: choices.RewardKind, target: str | None, hard: bool) -> Reward:
    """Return the reward that the options set.

    Raises:
        InputError: the target cannot be used, or an option does not belong to this reward.
    """
    from decimal import Decimal

    from scalesearch.design import quantities
    from scalesearch.search.rewards import HARD, SOFT, Reward

    if kind == "step" and (hard or target is not None):
        raise InputError("--reward step: weighs a step against the baseline's; leave --target and --hard out")
    target_cost = None
    if target is not None and kind == "flops":
        if target.endswith("s"):
            raise InputError(f"--target {target!r}: is a time, but the reward is of FLOPs; add --reward latency")
        target_cost = Decimal(quantities.parse_count(target, "--target"))
    elif target is not None:
        target_cost = Decimal(str(quantities.parse_seconds(target, "--target")))
    below, above = (Decimal(0), HARD) if hard else (SOFT, SOFT)
    return Reward(kind, target_cost, below, above)


def _parse_count(text: str | None, option: str) -> int | None:
    from scalesearch.design import quantities

    return None if text is None else quantities.parse_count(text, option)


def _parse_size(text: str | None) -> int | None:
    from scalesearch.design import quantities

    return None if text is None else quantities.parse_size(text, "--max-memory")


def _make_config(
    search: StageSearch,
    baseline: str | None,
    budget_name: str,
    seeds: int | None,
    trials: int | None,
    scheduler: str | None,
    results: Path,
) -> StudyConfig:
    from dataclasses import replace
    from decimal import Decimal

    from scalesearch.cli.definition import load_stage_baseline
    from scalesearch.design.baselines import is_factory
    from scalesearch.search.budget import with_constant_lr_and_decay
    from scalesearch.search.budget_file import load_budget
    from scalesearch.search.schedulers import SCHEDULERS
    from scalesearch.search.study_config import (
        StudyConfig,
        enumerate_candidates,
        fit_budget,
        select_candidates,
        with_overrides,
    )

    baseline_name = baseline or search.space.baseline
    if is_factory(baseline_name):
        raise InputError(
            "--baseline: is for baseline files here, whose stages are searched; a Python function's are not known"
        )
    # Halving keeps the networks of the best reward, but a Pareto front needs others too.
    schedule = options.stored_scheduler(scheduler or ("full" if search.sampler == "nsga2" else "halving"))
    loaded_baseline = load_stage_baseline(baseline_name, results)
    budget = fit_budget(load_budget(budget_name), loaded_baseline, Decimal(1), search)
    budget = with_overrides(budget, None, None, seeds)
    if trials is not None:
        budget = replace(budget, candidates=trials)
    if SCHEDULERS[schedule].resumes_trials:
        budget = with_constant_lr_and_decay(budget)
    config = StudyConfig(
        loaded_baseline, Decimal(1), budget, match="none", kind=search, scheduler=schedule,
        prolongs=SCHEDULERS[schedule].promotes_all_at_chance,
    )  # fmt: skip
    # A space without networks is refused before any image is read.
    select_candidates(config, enumerate_candidates(config))
    return config
