"""The `scalesearch solve` command: the largest member of a family within limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch.cli import options
from scalesearch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.table import Table

    from scalesearch.cli.facts import LimitFacts, SolveFacts
    from scalesearch.design.coefficients import Coefficients
    from scalesearch.design.factory import Network
    from scalesearch.design.scaling import Baseline
    from scalesearch.design.solve import Limit, LimitUsage, Solution
    from scalesearch.nets.factory_definition import FactoryDefinition
    from scalesearch.nets.factory_solve import FactorySolution


def solve(
    network: Annotated[
        str, typer.Argument(metavar="NAME|FILE|timm:NAME|MODULE:FUNCTION", help="Baseline of the family.")
    ],
    max_flops: Annotated[
        str | None, typer.Option(metavar="600M|0.25x", help="Maximum multiply-adds of one image.")
    ] = None,
    max_params: Annotated[str | None, typer.Option(metavar="8M|0.5x", help="Maximum parameters.")] = None,
    max_memory: Annotated[
        str | None, typer.Option(metavar="2GiB|0.5x", help="Maximum memory of weights and activations.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, max=2**20, help="Batch size of the memory; default: 1.")
    ] = None,
    training: Annotated[
        bool, typer.Option("--training", help="Limit the memory of training, not of inference.")
    ] = False,
    max_latency: Annotated[
        str | None, typer.Option(metavar="5ms|0.5x", help="Maximum latency of one image, measured here.")
    ] = None,
    coefficients: Annotated[
        tuple[str, str, str],
        typer.Option(metavar="α β γ", help="Coefficients of the family; see a search's winner.yaml."),
    ] = ("1.2", "1.1", "1.15"),
    rounding: options.Rounding = None,
    resolution: options.Resolution = None,
    resolution_multiple: options.ResolutionMultiple = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write: a baseline file, or a call.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Find the largest member of a family that fits limits; real φ, also below 0.

    A limit such as 0.25x is a multiple of what the baseline has.

    Example: scalesearch solve b0 --max-flops 600M --max-params 8M
    """
    from scalesearch.cli.definition import load_definition, with_multiple, with_size
    from scalesearch.cli.json_output import print_json, reserve_stdout
    from scalesearch.design.family import coefficients_from
    from scalesearch.design.phi_members import phi_members
    from scalesearch.design.scaling import Baseline
    from scalesearch.design.solve import solve as find_largest

    if max_memory is None and (batch is not None or training):
        raise InputError("--batch and --training are about --max-memory; give that too, or leave them out")
    if (max_flops, max_params, max_memory, max_latency) == (None,) * 4:
        raise InputError("solve: give --max-flops, --max-params, --max-memory or --max-latency")
    if out is not None and out.suffix not in (".yaml", ".yml"):
        raise InputError(f"--out {out}: must end in .yaml")
    family_coefficients, size = coefficients_from(coefficients), options.parse_resolution(resolution)
    with reserve_stdout(json):
        baseline = with_size(load_definition(network), size)
    base = baseline.architecture
    limits = _make_limits(base, max_flops, max_params, max_memory, max_latency, batch or 1, training)
    if not isinstance(baseline, Baseline):
        if rounding is not None:
            raise InputError(f"--rounding: {network} is of a function, which rounds by itself; leave it out")
        _solve_function(baseline, family_coefficients, limits, resolution_multiple or 1, out, json)
        return
    baseline = with_multiple(baseline, resolution_multiple)
    base = baseline.architecture
    rule = rounding or "balanced"
    solution = find_largest(base, phi_members(baseline, family_coefficients, rule), limits)
    facts = _facts(baseline, family_coefficients, rule, solution, out)
    with reserve_stdout(json):
        if not json:
            for part in (_format_title(facts, family_coefficients), _table(solution.uses), *_summary(facts)):
                options.console().print(part, highlight=False)
        if out is not None:
            _write_member(out, baseline, family_coefficients, rule, solution)
    if json:
        print_json(facts)


def _make_limits(
    base: Network,
    flops: str | None,
    params: str | None,
    memory: str | None,
    latency: str | None,
    batch: int,
    training: bool,
) -> list[Limit]:
    """Return the given limits, each with a function that measures a network; `0.25x` multiplies the baseline's."""
    from scalesearch.design.cost import cost
    from scalesearch.design.quantities import parse_count, parse_multiple, parse_size
    from scalesearch.design.solve import Limit
    from scalesearch.units import mebibytes

    def parse_limit(
        text: str, flag: str, parse: Callable[[str, str], int], measure: Callable[[Network], int]
    ) -> int:
        ratio = parse_multiple(text, flag)
        return parse(text, flag) if ratio is None else max(1, int(ratio * measure(base)))

    def macs(network: Network) -> int:
        return cost(network).macs

    def parameters(network: Network) -> int:
        return cost(network).params

    def memory_bytes(network: Network) -> int:
        return cost(network).memory_bytes(batch) if training else _inference_bytes(network, batch)

    def format_count(value: float) -> str:
        return f"{value:,.0f}"

    def format_bytes(value: float) -> str:
        return mebibytes(int(value))

    memory_name = f"{'training' if training else 'inference'} memory, batch {batch}"
    limits = []
    if flops is not None:
        at_most = parse_limit(flops, "--max-flops", parse_count, macs)
        limits.append(Limit("multiply-adds", "--max-flops", at_most, macs, format_count, "macs"))
    if params is not None:
        at_most = parse_limit(params, "--max-params", parse_count, parameters)
        limits.append(Limit("parameters", "--max-params", at_most, parameters, format_count, "params"))
    if memory is not None:
        at_most = parse_limit(memory, "--max-memory", parse_size, memory_bytes)
        limits.append(Limit(memory_name, "--max-memory", at_most, memory_bytes, format_bytes, "memory_bytes"))
    if latency is not None:
        limits.append(_latency_limit(base, latency))
    return limits


def _inference_bytes(network: Network, batch: int) -> int:
    from scalesearch.design.architecture import Architecture
    from scalesearch.design.memory import inference_bytes

    if not isinstance(network, Architecture):
        raise InputError(
            "--max-memory: the memory of inference is not known for a function's network; give --training too, "
            "whose memory is estimated, or leave it out"
        )
    return inference_bytes(network, batch)


def _latency_limit(base: Network, text: str) -> Limit:
    from functools import cache

    from scalesearch.design.quantities import parse_multiple, parse_seconds
    from scalesearch.design.solve import Limit
    from scalesearch.nets.latency import describe_device, latency

    @cache  # the printed latency is the one that was compared with the limit
    def measure(network: Network) -> float:
        return latency(network)

    def format_ms(value: float) -> str:
        return f"{value * 1e3:,.3g} ms"

    name, flag = f"latency, batch 1, {describe_device()}", "--max-latency"
    ratio = parse_multiple(text, flag)
    at_most = parse_seconds(text, flag) if ratio is None else float(ratio) * measure(base)
    return Limit(name, flag, at_most, measure, format_ms, "seconds", timed=True)


def _facts(
    baseline: Baseline, coefficients: Coefficients, rule: str, solution: Solution, out: Path | None
) -> SolveFacts:
    from scalesearch.cli.facts import CoefficientFacts, LargerFacts, SolveFacts
    from scalesearch.design.cost import cost
    from scalesearch.design.images import plain_size
    from scalesearch.errors import printable

    architecture, multipliers, larger = solution.network, coefficients.at(solution.member.phi), solution.following
    member_cost = cost(architecture)
    return SolveFacts(
        baseline=baseline.name,
        coefficients=CoefficientFacts.of(coefficients),
        rounding=rule,
        phi=float(solution.member.phi),
        depth=float(multipliers.depth),
        width=float(multipliers.width),
        px=plain_size(architecture.resolution),
        flops_ratio=member_cost.macs / cost(baseline.architecture).macs,
        macs=member_cost.macs,
        params=member_cost.params,
        activations=member_cost.activations,
        depths=architecture.depths,
        widths=architecture.widths,
        limits=_limit_facts(solution.uses),
        next_larger=None if larger is None else LargerFacts(float(larger.phi), larger.macs, larger.params),
        file=None if out is None else printable(str(out)),
    )


def _limit_facts(uses: Sequence[LimitUsage]) -> tuple[LimitFacts, ...]:
    from scalesearch.cli.facts import LimitFacts

    return tuple(
        LimitFacts(use.limit.flag, use.limit.quantity, use.limit.name, use.limit.at_most, use.amount, use.binds)
        for use in uses
    )


def _solve_function(
    base: FactoryDefinition,
    coefficients: Coefficients,
    limits: Sequence[Limit],
    resolution_multiple: int,
    out: Path | None,
    json: bool,
) -> None:
    """Find, print and write the largest network of a function's family."""
    from scalesearch.cli.json_output import print_json, reserve_stdout
    from scalesearch.design.factory_call import call_text
    from scalesearch.nets.factory_solve import solve_factory
    from scalesearch.study.files import replace_atomically

    with reserve_stdout(json):
        solution = solve_factory(base, coefficients, limits, resolution_multiple)
        facts = _function_facts(base, coefficients, solution, out)
        if not json:
            for part in (_format_title(facts, coefficients), _table(solution.uses), *_summary(facts)):
                options.console().print(part, highlight=False)
        if out is not None:
            nominal = round(coefficients.at(solution.phi).nominal_flops_ratio, 5)
            replace_atomically(out, call_text(solution.member.call, nominal))
            print(f"written to {out}")
    if json:
        print_json(facts)


def _function_facts(
    base: FactoryDefinition, coefficients: Coefficients, solution: FactorySolution, out: Path | None
) -> SolveFacts:
    from scalesearch.cli.facts import CoefficientFacts, LargerFacts, SolveFacts
    from scalesearch.cli.family import FUNCTION_ROUNDING
    from scalesearch.errors import printable

    network, multipliers = solution.member.architecture, coefficients.at(solution.phi)
    larger = None
    if solution.following is not None:
        phi, following = solution.following
        larger = LargerFacts(float(phi), following.architecture.macs, following.architecture.params)
    return SolveFacts(
        baseline=base.name,
        coefficients=CoefficientFacts.of(coefficients),
        rounding=FUNCTION_ROUNDING,
        phi=float(solution.phi),
        depth=float(multipliers.depth),
        width=float(multipliers.width),
        px=network.resolution,
        flops_ratio=network.macs / base.architecture.macs,
        macs=network.macs,
        params=network.params,
        activations=network.activations,
        depths=(),
        widths=(),
        limits=_limit_facts(solution.uses),
        next_larger=larger,
        file=None if out is None else printable(str(out)),
    )


def _format_title(facts: SolveFacts, coefficients: Coefficients) -> str:
    multipliers = f"depth {_format_number(facts.depth)}, width {_format_number(facts.width)}"
    return f"{facts.baseline} by {coefficients} at φ = {_format_number(facts.phi)}: {multipliers}, {facts.px} px"


def _format_number(value: float) -> str:
    """Format a number to three decimals, without trailing zeros."""
    from decimal import Decimal

    from scalesearch.design.decimals import format_decimal

    return format_decimal(round(Decimal(repr(value)), 3))


def _table(uses: Sequence[LimitUsage]) -> Table:
    from rich.table import Table

    table = Table()
    table.add_column("limit")
    for name in ("at most", "has", "free", ""):
        table.add_column(name, justify="right")
    for use in uses:
        limit = use.limit
        amounts = (limit.shown(limit.at_most), limit.shown(use.amount), f"{use.free:.1%}")
        table.add_row(limit.name, *amounts, "binds" if use.binds else "")
    return table


def _summary(facts: SolveFacts) -> tuple[str, str]:
    larger = facts.next_larger
    size_text = (
        f"{facts.macs:,} multiply-adds, {facts.flops_ratio:.4f}x {facts.baseline}, {facts.params:,} parameters"
    )
    if facts.depths:
        blocks, channels = (" ".join(map(str, sizes)) for sizes in (facts.depths, facts.widths))
        size_text += f", blocks {blocks}; channels {channels}"
    if larger is None:
        return size_text, f"Nothing binds: φ = {_format_number(facts.phi)} is the largest that is looked at."
    binding = " and ".join(limit.option for limit in facts.limits if limit.binds)
    next_text = f"φ = {_format_number(larger.phi)}, {larger.macs:,} multiply-adds, {larger.params:,} parameters"
    return size_text, f"Bound by {binding}: the next larger one in multiply-adds ({next_text}) is beyond."


def _write_member(out: Path, baseline: Baseline, coefficients: Coefficients, rule: str, solution: Solution) -> None:
    from dataclasses import replace

    from scalesearch.design.baseline_file import baseline_text
    from scalesearch.nets.flops import fvcore_breakdown
    from scalesearch.study.files import replace_atomically

    fvcore_breakdown(solution.network)  # fvcore counts every exported network too
    rounding = replace(baseline.rounding, rule=rule)
    member = baseline.member(solution.network, coefficients.at(solution.member.phi), rounding)
    replace_atomically(out, baseline_text(member))
    print(f"written to {out}")
