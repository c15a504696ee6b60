"""`scalesearch compare`: depth, width, resolution alone against compound rules, at equal measured cost."""

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

    from scalesearch.runners.execution import Runner
    from scalesearch.search.budget import Budget
    from scalesearch.search.kinds.rules import ScalingRule
    from scalesearch.search.study_config import StudyConfig

_DEFAULT_TIMES = "4"


def compare(
    baseline: Annotated[str, typer.Option(metavar="NAME|FILE", help="What is scaled.")] = "b0",
    times: Annotated[
        list[str] | None,
        typer.Option(
            help="The cost at which the rules meet, over the baseline's, such as 4 or 0.25; several, each with "
            "--times, give curves.",
            show_default=_DEFAULT_TIMES,
        ),
    ] = None,
    winner: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A study's winner.yaml: its coefficients compete too.")
    ] = None,
    data: options.Data = None,
    cost: Annotated[choices.MatchedCost, options.matched_cost("What is equal")] = "flops",
    budget: options.Budget = "quick",
    seeds: Annotated[
        int, typer.Option(min=1, max=1000, help="Seeds for every rule; more than an existing study has extend it.")
    ] = 3,
    rounding: options.Rounding = None,
    runner: options.Runner = "ray",
    address: options.Address = None,
    insecure_cluster: options.InsecureCluster = False,
    gpus_per_trial: options.GpusPerTrial = None,
    stall_seconds: options.StallSeconds = None,
    name: Annotated[
        str | None,
        typer.Option(help="Of the study (of several: NAME-2x, NAME-4x …); default: baseline, times, budget."),
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

    from scalesearch.design.baselines import is_factory
    from scalesearch.design.exact import plain
    from scalesearch.search.budget_file import load_budget

    if is_factory(baseline):
        raise InputError(
            f"--baseline {baseline}: is a Python function, but rules are compared on baseline files only"
        )
    matched = options.stored_cost(cost)
    ratios = _ratios(times or [_DEFAULT_TIMES])
    spent = replace(load_budget(budget), seeds=seeds, finalists=0, final_seeds=0)
    configs = _questions(baseline, ratios, spent, rounding or "balanced", winner, matched)
    folders = {}
    for ratio, config in configs.items():
        given = name if name is None or len(ratios) == 1 else f"{name}-{plain(ratio)}x"
        default = f"{config.baseline.name}-compare-{plain(ratio)}x-{spent.name}"
        default += "" if matched == "macs" else f"-{matched}"
        folders[ratio] = search_command.study_folder(results, given, default)
    if matched == "latency":
        from scalesearch.cli.latency_matching import with_latency

        for ratio, config in configs.items():
            with _named(ratio):
                configs[ratio] = with_latency(config, folders[ratio])
    chosen = search_command.make_runner(runner, address, gpus_per_trial, stall_seconds, insecure_cluster)
    images = spent.data if data is None else data
    _run(configs, folders, images, chosen, gpus_per_trial, plan, options.checked_metric(metric), max_megapixels)


def _ratios(times: Sequence[str]) -> list[Decimal]:
    """The wanted costs over the baseline's, rising.

    Raises:
        InputError: one is no number, out of range, or given twice.
    """
    found: list[Decimal] = []
    for one in times:
        ratio = options.wanted_times(one, "--times")
        if ratio in found:
            raise InputError(f"--times {one}: is given twice; give each cost once")
        found.append(ratio)
    return sorted(found)


def _questions(
    baseline: str, ratios: Sequence[Decimal], spent: Budget, rule: str, winner: Path | None, cost: str
) -> dict[Decimal, StudyConfig]:
    """One comparison a cost; one without two rules that meet it is refused before any image is read.

    Latency is still to be measured: those configurations are by multiply-adds.
    """
    from scalesearch.design.baselines import load_baseline
    from scalesearch.design.coefficients import phi_of
    from scalesearch.search.kinds.rules import NAMED, RuleComparison
    from scalesearch.search.study_config import StudyConfig, enumerate_candidates, select_candidates

    base = load_baseline(baseline)
    rules = RuleComparison(NAMED if winner is None else (*NAMED, _found(winner)))
    counted = "macs" if cost == "latency" else cost
    found = {
        ratio: StudyConfig(base, phi_of(ratio), spent, rule, "flops", kind=rules, cost=counted) for ratio in ratios
    }
    if cost == "latency":
        return found  # who meets it is known once they are timed
    for ratio, config in found.items():
        with _named(ratio):
            select_candidates(config, enumerate_candidates(config))
    return found


@contextmanager
def _named(ratio: Decimal) -> Iterator[None]:
    """What is wrong with a cost is said of the option that asked for it."""
    from scalesearch.design.exact import plain

    try:
        yield
    except SpaceError as error:
        raise InputError(f"--times {plain(ratio)}: {error}") from error


def _run(
    configs: Mapping[Decimal, StudyConfig],
    folders: Mapping[Decimal, Path],
    data: str,
    runner: Runner,
    gpus_per_trial: float | None,
    plan: bool,
    metric: str | None = None,
    max_megapixels: int = MAX_MEGAPIXELS,
) -> None:
    """One study after the other, then what they say together.

    All costs see the same images, so that the baseline is one network with one set of trials. Trials that failed at
    one cost do not keep the next from being run.

    Raises:
        ScalesearchError: whatever ends the command with another code than 0.
    """
    from scalesearch.search.proxies import image_px

    px = max(map(image_px, configs.values()))
    timed = any(config.timings is not None for config in configs.values())
    if timed and not plan:  # or a rerun would time the later ones anew, and find other networks
        runner.check()
        search_command.start_or_resume(
            {folders[ratio]: config for ratio, config in configs.items()}, data, px, metric, max_megapixels
        )
    failed: list[str] = []
    for ratio, config in configs.items():
        where = folders[ratio]
        others = [folder for folder in folders.values() if folder != where and (folder / "study.json").exists()]
        try:
            search_command.run_or_plan(
                config,
                data,
                runner,
                where,
                gpus_per_trial,
                plan,
                px,
                others,
                metric=metric,
                max_megapixels=max_megapixels,
            )
        except TrialsFailedError as error:
            failed.append(str(error))
    if not plan:
        from scalesearch.cli.curves import show_curves

        show_curves(folders)
    if failed:
        raise TrialsFailedError("\n".join(failed))


def _found(path: Path) -> ScalingRule:
    """The coefficients in a winner.yaml.

    Raises:
        InputError: there is no such file, or it is none.
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
