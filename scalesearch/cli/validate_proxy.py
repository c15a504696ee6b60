"""The `scalesearch validate-proxy` command: whether the proxy of a study ranks networks as longer trainings do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch.cli import options, search_command
from scalesearch.errors import InputError
from scalesearch.units import MAX_MEGAPIXELS

if TYPE_CHECKING:
    from scalesearch.search.study_config import StudyConfig


def validate_proxy(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Folder of a finished search.")],
    data: Annotated[
        str | None, typer.Option(metavar="SPEC", help="Images of the study; not needed for embedded data.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Seeds per network at each further budget.")] = 2,
    runner: options.Runner = "ray",
    address: options.Address = None,
    insecure_cluster: options.InsecureCluster = False,
    gpus_per_trial: options.GpusPerTrial = None,
    stall_seconds: options.StallSeconds = None,
    max_megapixels: options.MaxMegapixels = MAX_MEGAPIXELS,
    plan: options.PlanOnly = False,
) -> None:
    """Rerun finalists and others at two further budgets, and say whether the proxy ranks as they do.

    `longer` sees twice the images, `larger` is trained at 1.4 times the side. Kendall's τ between budgets stands
    beside the τ of one seed with another, which nothing can exceed. The trials enter the model of the study, whose
    recommendation is then the best network after the longer training. Rerunning the same command resumes it; with
    more --seeds, it trains those that are missing.

    Example: scalesearch validate-proxy results/b0-phi1-quick
    """
    from scalesearch.report.files import write_report
    from scalesearch.search.scenes import embedded_spec
    from scalesearch.study.proxy_validation import (
        LONGER,
        further_configs,
        read_proxy_validation,
        validation_folder,
        with_more_seeds,
    )
    from scalesearch.study.result import analyze
    from scalesearch.study.result_files import write_result_files
    from scalesearch.study.study import open_study
    from scalesearch.study.summary import summary_lines

    study = open_study(options.existing_study(results))
    if results.resolve().parent.name == search_command.REFERENCE:
        raise InputError(f"{results}: is a committed reference study, which is never changed; copy it first")
    outcomes = study.outcomes()
    result = analyze(study.plan, outcomes)
    if result is None or study.plan.pending(outcomes):
        raise InputError(f"{results}: is not finished; resume it first: {study.command}")
    data_spec = embedded_spec(study.plan.data.name) if data is None else data
    if data_spec is None:
        raise InputError(f"{results}: give --data, the images of {study.plan.data.name}")
    trial_runner = search_command.make_runner(runner, address, gpus_per_trial, stall_seconds, insecure_cluster)
    for name, further_config in further_configs(study, result.ranking, seeds).items():
        config = _with_counted_proxies(further_config)
        folder = validation_folder(results, name)
        search_command.run_or_plan(
            config if plan else with_more_seeds(folder, config),
            data_spec,
            trial_runner,
            folder,
            gpus_per_trial,
            plan,
            expected=study.plan.data,
            same_resolution=name == LONGER,
            report=False,
            metric=config.metric,
            max_megapixels=max_megapixels,
        )
    if plan:
        return
    validation = read_proxy_validation(results)
    if validation is None:
        raise InputError(f"{results}: too few networks have trials at both budgets to compare rankings")
    validated = analyze(study.plan, outcomes, validation) or result
    write_result_files(results, validated)
    console = options.console()
    for line in summary_lines(validated, results):
        console.print(line, highlight=False, soft_wrap=True)
    console.print(f"Report: {write_report(study)}", highlight=False, soft_wrap=True)


def _with_counted_proxies(config: StudyConfig) -> StudyConfig:
    """Return the configuration with a Python function's proxies built and counted for its budget.

    Raises:
        InputError: the function fails at the budget's side, or its source has changed since the search.
    """
    from dataclasses import replace

    from scalesearch.cli.search_baseline import recount

    budget, match, cost = config.budget, config.match, config.cost
    return replace(config, baseline=recount(config.baseline, config.kind, config.phi, budget, match, cost))
