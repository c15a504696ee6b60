"""`scalesearch compare`: depth, width, resolution alone against compound rules, at equal measured cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch.cli import options, searching
from scalesearch.errors import InputError

if TYPE_CHECKING:
    from decimal import Decimal

    from scalesearch.search.rivals import Rival


def compare(
    baseline: Annotated[str, typer.Option(metavar="NAME|FILE", help="What is scaled.")] = "b0",
    times: Annotated[str, typer.Option(help="The cost at which the rules meet, over the baseline's.")] = "4",
    winner: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A study's winner.yaml: its coefficients compete too.")
    ] = None,
    data: Annotated[
        str, typer.Option(metavar="SPEC", help="fractal, digits, an image folder, parquet, or hf:NAME.")
    ] = "fractal",
    budget: Annotated[str, typer.Option(metavar="NAME|FILE", help="How much to spend on each network.")] = "quick",
    seeds: Annotated[int, typer.Option(min=1, help="Seeds for every rule.")] = 3,
    rounding: options.Rounding = None,
    runner: Annotated[str, typer.Option(help="ray: trials side by side; inline: here, in order.")] = "ray",
    address: Annotated[str | None, typer.Option(help="Of a running Ray cluster, such as auto.")] = None,
    gpus_per_trial: Annotated[float | None, typer.Option(min=0, help="Share of a GPU for each trial.")] = None,
    name: Annotated[str | None, typer.Option(help="Of the study; default: baseline, times and budget.")] = None,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where studies are kept.")] = Path("results"),
    plan: Annotated[bool, typer.Option("--plan", help="Say what it will cost, and train nothing.")] = False,
) -> None:
    """Compare scaling rules at equal measured cost: the paper's Tables 3 and 7, for any baseline and data.

    Depth, width and resolution alone, the paper's compound rule, fast scaling (Dollár et al. 2021) and, with
    --winner, the coefficients that a search found. Rerunning the same command resumes it.

    Example: scalesearch compare --baseline mobilenet_v1 --times 4
    """
    from dataclasses import replace

    from scalesearch.design.baselines import is_factory, load_baseline
    from scalesearch.design.exact import plain
    from scalesearch.search.budget_file import load_budget
    from scalesearch.search.question import Question, choose, find
    from scalesearch.search.rivals import NAMED

    if is_factory(baseline):
        raise InputError(
            f"--baseline {baseline}: is a Python function, but rules are compared on baseline files only"
        )
    ratio = options.decimal(times, "--times")
    if ratio is None or not 1 < ratio <= 1024:
        raise InputError(f"--times {times}: must be above 1 and at most 1024")
    spent = replace(load_budget(budget), seeds=seeds, finalists=0, final_seeds=0)
    rivals = NAMED if winner is None else (*NAMED, _found(winner))
    rule = options.checked_rule(rounding) or "balanced"
    question = Question(load_baseline(baseline), _log2(ratio), spent, rule, "flops", rivals)
    choose(question, find(question))
    default = f"{question.baseline.name}-compare-{plain(ratio)}x-{spent.name}"
    where = searching.study_folder(results, name, default)
    chosen = searching.make_runner(runner, address, gpus_per_trial)
    searching.search_or_plan(question, data, chosen, where, gpus_per_trial, plan)


def _log2(ratio: Decimal) -> Decimal:
    """φ of a cost ratio: exact for powers of two, else to nine places."""
    from decimal import Decimal
    from math import log2

    return round(Decimal(log2(ratio)), 9).normalize()


def _found(path: Path) -> Rival:
    """The coefficients in a winner.yaml.

    Raises:
        InputError: there is no such file, or it is none.
    """
    from decimal import Decimal

    import yaml

    from scalesearch.design.coefficients import Coefficients
    from scalesearch.design.strict_yaml import read_text
    from scalesearch.search.rivals import Rival

    text = read_text(path)
    try:
        tree = yaml.safe_load(text)
        values = [Decimal(str(tree[key])) for key in ("alpha", "beta", "gamma")]
    except (yaml.YAMLError, RecursionError, KeyError, TypeError, ArithmeticError) as error:
        raise InputError(f"--winner {path}: has no alpha, beta and gamma; give a study's winner.yaml") from error
    return Rival("found", Coefficients(*values))
