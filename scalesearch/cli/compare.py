"""The `scalesearch compare` command: single-dimension and compound scaling rules at equal measured cost."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch import choices
from scalesearch.cli import options, search_command
from scalesearch.errors import InputError, SpaceError, TrialsFailedError
from scalesearch.units import MAX_MEGAPIXELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal

    from scalesearch.design.images import ImageSize
    from scalesearch.runners.execution import Runner
    from scalesearch.search.budget import Budget
    from scalesearch.search.kinds.rules import ScalingRule
    from scalesearch.search.study_config import StudyConfig

_DEFAULT_TIMES = "4"


def compare(
    baseline: Annotated[
        str, typer.Option(metavar="NAME|FILE|timm:NAME|MODULE:FUNCTION", help="Baseline to scale.")
    ] = "b0",
    times: Annotated[
        list[str] | None,
        typer.Option(
            help="Cost of the networks over the baseline's, such as 4 or 0.25; may be repeated.",
            show_default=_DEFAULT_TIMES,
        ),
    ] = None,
    winner: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also compare the coefficients of a study's winner.yaml.")
    ] = None,
    data: options.Data = None,
    cost: Annotated[choices.MatchedCost, options.matched_cost("What is equal")] = "flops",
    budget: options.Budget = "quick",
    seeds: Annotated[
        int, typer.Option(min=1, max=1000, help="Seeds per rule; more seeds extend an existing study.")
    ] = 3,
    rounding: options.Rounding = None,
    resolution: options.Resolution = None,
    resolution_multiple: options.ResolutionMultiple = None,
    runner: options.Runner = "ray",
    address: options.Address = None,
    insecure_cluster: options.InsecureCluster = False,
    gpus_per_trial: options.GpusPerTrial = None,
    stall_seconds: options.StallSeconds = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the study (of several: NAME-2x, NAME-4x …); default: baseline, times, budget."),
    ] = None,
    results: options.Results = Path("results"),
    metric: options.Metric = None,
    max_megapixels: options.MaxMegapixels = MAX_MEGAPIXELS,
    plan: options.PlanOnly = False,
) -> None:
    """Compare scaling rules at equal measured cost: the paper's Tables 3 and 7, for any baseline and data.

    Depth, width and resolution alone, the paper's compound rule, fast scaling (Dollár et al. 2021), LACS for GPUs
    and TPUs (Li et al. 2021) and, with --winner, the coefficients that a search found. The folder of the largest
    cost also gets curves.html and curves.csv, accuracy over FLOPs. Rerunning the same command resumes it.

    Example: scalesearch compare --baseline mobilenet_v1 --times 2 --times 4
    """
    from dataclasses import replace

    from scalesearch.cli.search_baseline import check_function_options
    from scalesearch.design.decimals import format_decimal
    from scalesearch.search.budget_file import load_budget

    cost_kind = options.stored_cost(cost)
    check_function_options(baseline, cost_kind, rounding)
    ratios = _parse_ratios(times or [_DEFAULT_TIMES])
    budget_config = replace(load_budget(budget), seeds=seeds, finalists=0, final_seeds=0)
    rule = rounding or "balanced"
    size = options.parse_resolution(resolution)
    configs = _make_configs(
        baseline, ratios, budget_config, rule, winner, cost_kind, results, resolution_multiple, size
    )
    folders = {}
    for ratio, config in configs.items():
        study_name = name if name is None or len(ratios) == 1 else f"{name}-{format_decimal(ratio)}x"
        default_name = f"{config.baseline.name}-compare-{format_decimal(ratio)}x-{budget_config.name}"
        default_name += "" if cost_kind == "macs" else f"-{cost_kind}"
        folders[ratio] = search_command.study_folder(results, study_name, default_name)
    if cost_kind == "latency":
        from scalesearch.cli.latency_matching import with_latency

        for ratio, config in configs.items():
            with _as_times_error(ratio):
                configs[ratio] = with_latency(config, folders[ratio])
    trial_runner = search_command.make_runner(runner, address, gpus_per_trial, stall_seconds, insecure_cluster)
    data_spec = budget_config.data if data is None else data
    _run_comparisons(
        configs,
        folders,
        data_spec,
        trial_runner,
        gpus_per_trial,
        plan,
        options.checked_metric(metric),
        max_megapixels,
    )


def _parse_ratios(times: Sequence[str]) -> list[Decimal]:
    """Return the target costs over the baseline's, ascending.

    Raises:
        InputError: a value is not a number, is out of range, or is given twice.
    """
    ratios: list[Decimal] = []
    for value in times:
        ratio = options.parse_times(value, "--times")
        if ratio in ratios:
            raise InputError(f"--times {value}: is given twice; give each cost once")
        ratios.append(ratio)
    return sorted(ratios)


def _make_configs(
    baseline: str,
    ratios: Sequence[Decimal],
    budget: Budget,
    rule: str,
    winner: Path | None,
    cost: str,
    results: Path,
    resolution_multiple: int | None,
    size: ImageSize | None,
) -> dict[Decimal, StudyConfig]:
    """Return one configuration per cost.

    A cost that fewer than two rules reach is refused here, before any image is read. Latency is measured later:
    until then those configurations match multiply-adds.
    """
    from scalesearch.cli.search_baseline import load_search_baseline
    from scalesearch.design.coefficients import phi_of
    from scalesearch.search.kinds.rules import NAMED, RuleComparison
    from scalesearch.search.study_config import StudyConfig, enumerate_candidates, fit_budget, select_candidates

    rules = RuleComparison(NAMED if winner is None else (*NAMED, _load_winner_rule(winner)))
    initial_cost = "macs" if cost == "latency" else cost
    configs: dict[Decimal, StudyConfig] = {}
    for ratio in ratios:
        phi = phi_of(ratio)
        with _as_times_error(ratio):
            base = load_search_baseline(
                baseline, rules, phi, budget, "flops", initial_cost, results, resolution_multiple, size
            )
        fitted = fit_budget(budget, base, phi, rules)
        configs[ratio] = StudyConfig(base, phi, fitted, rule, "flops", kind=rules, cost=initial_cost)
        if cost != "latency":  # which rules reach a latency is known only after timing
            with _as_times_error(ratio):
                select_candidates(configs[ratio], enumerate_candidates(configs[ratio]))
    return configs


@contextmanager
def _as_times_error(ratio: Decimal) -> Iterator[None]:
    """Report a `SpaceError` as an error of the `--times` value that caused it."""
    from scalesearch.design.decimals import format_decimal

    try:
        yield
    except SpaceError as error:
        raise InputError(f"--times {format_decimal(ratio)}: {error}") from error


def _run_comparisons(
    configs: Mapping[Decimal, StudyConfig],
    folders: Mapping[Decimal, Path],
    data: str,
    runner: Runner,
    gpus_per_trial: float | None,
    plan: bool,
    metric: str | None = None,
    max_megapixels: int = MAX_MEGAPIXELS,
) -> None:
    """Run one study per cost, then print and write their joint result.

    All costs use the same images, so that the baseline is one network with one set of trials. Trials that fail at
    one cost do not keep the next cost from being run.

    Raises:
        ScalesearchError: anything that ends the command with an exit code other than 0.
    """
    from scalesearch.search.proxies import image_px

    resolution = max(map(image_px, configs.values()))
    is_timed = any(config.timings is not None for config in configs.values())
    if is_timed and not plan:  # else a rerun would time later costs again and match other networks
        runner.check()
        search_command.start_or_resume(
            {folders[ratio]: config for ratio, config in configs.items()}, data, resolution, metric, max_megapixels
        )
    failures: list[str] = []
    for ratio, config in configs.items():
        folder = folders[ratio]
        others = [other for other in folders.values() if other != folder and (other / "study.json").exists()]
        try:
            search_command.run_or_plan(
                config,
                data,
                runner,
                folder,
                gpus_per_trial,
                plan,
                resolution,
                others,
                metric=metric,
                max_megapixels=max_megapixels,
            )
        except TrialsFailedError as error:
            failures.append(str(error))
    if not plan:
        from scalesearch.cli.curves import show_curves

        show_curves(folders)
    if failures:
        raise TrialsFailedError("\n".join(failures))


def _load_winner_rule(path: Path) -> ScalingRule:
    """Return the scaling rule of the coefficients in a winner.yaml.

    Raises:
        InputError: there is no such file, or it holds no coefficients.
    """
    from decimal import Decimal

    import yaml

    from scalesearch.design.coefficients import Coefficients
    from scalesearch.design.strict_yaml import read_text
    from scalesearch.search.kinds.rules import ScalingRule

    text = read_text(path)
    try:
        tree = yaml.safe_load(text)
        values = [Decimal(str(tree[key])) for key in ("alpha", "beta", "gamma")]
    except (yaml.YAMLError, RecursionError, KeyError, TypeError, ArithmeticError) as error:
        raise InputError(f"--winner {path}: has no alpha, beta and gamma; give a study's winner.yaml") from error
    return ScalingRule("found", Coefficients(*values))
