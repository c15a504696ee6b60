"""`scalesearch solve`: the best member of a family under limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch.cli import options
from scalesearch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from scalesearch.cli.facts import SolveFacts
    from scalesearch.design.architecture import Architecture
    from scalesearch.design.coefficients import Coefficients
    from scalesearch.design.scaling import Baseline
    from scalesearch.design.solve import Limit, Solution


def solve(
    network: Annotated[str, typer.Argument(metavar="NAME|FILE", help="The baseline of the family.")],
    max_flops: Annotated[str | None, typer.Option(metavar="600M|0.25x", help="Multiply-adds of one image.")] = None,
    max_params: Annotated[str | None, typer.Option(metavar="8M|0.5x", help="Parameters.")] = None,
    max_memory: Annotated[str | None, typer.Option(metavar="2GiB|0.5x", help="Weights and activations.")] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, max=2**20, help="Images at a time, for the memory; default: 1.")
    ] = None,
    training: Annotated[bool, typer.Option("--training", help="The memory of training, not inference.")] = False,
    max_latency: Annotated[str | None, typer.Option(metavar="5ms|0.5x", help="One image, measured here.")] = None,
    coefficients: Annotated[
        tuple[str, str, str], typer.Option(metavar="α β γ", help="The family's; see winner.yaml of a search.")
    ] = ("1.2", "1.1", "1.15"),
    rounding: options.Rounding = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the member as a baseline file.")] = None,
    json: options.Json = False,
) -> None:
    """Find the largest member of a family that fits limits; real φ, also below 0.

    A limit such as 0.25x is a multiple of what the baseline has.

    Example: scalesearch solve b0 --max-flops 600M --max-params 8M
    """
    from scalesearch.cli.json_output import output_kept, print_json
    from scalesearch.design.family import coefficients_from
    from scalesearch.design.networks import load_network
    from scalesearch.design.phi_members import phi_members
    from scalesearch.design.solve import solve as find

    if max_memory is None and (batch is not None or training):
        raise InputError("--batch and --training are about --max-memory; give that too, or leave them out")
    if (max_flops, max_params, max_memory, max_latency) == (None,) * 4:
        raise InputError("solve: give --max-flops, --max-params, --max-memory or --max-latency")
    if out is not None and out.suffix not in (".yaml", ".yml"):
        raise InputError(f"--out {out}: must end in .yaml")
    baseline, chosen = load_network(network), coefficients_from(coefficients)
    base = baseline.architecture
    limits = _limits(base, max_flops, max_params, max_memory, max_latency, batch or 1, training)
    rule = rounding or "balanced"
    found = find(base, phi_members(baseline, chosen, rule), limits)
    facts = _facts(baseline, chosen, rule, found, out)
    with output_kept(json):
        if not json:
            for part in (_title(facts, chosen), _table(found), *_words(facts)):
                options.console().print(part, highlight=False)
        if out is not None:
            _write(out, baseline, chosen, rule, found)
    if json:
        print_json(facts)


def _limits(
    base: Architecture,
    flops: str | None,
    params: str | None,
    memory: str | None,
    latency: str | None,
    batch: int,
    training: bool,
) -> list[Limit]:
    """The limits that were given, each with how a network is measured by it; `0.25x` is of the baseline's."""
    from scalesearch.design.cost import cost
    from scalesearch.design.memory import inference_bytes
    from scalesearch.design.quantities import parse_count, parse_multiple, parse_size
    from scalesearch.design.solve import Limit
    from scalesearch.units import mebibytes

    def at_most(
        text: str, flag: str, parsed: Callable[[str, str], int], measure: Callable[[Architecture], int]
    ) -> int:
        share = parse_multiple(text, flag)
        return parsed(text, flag) if share is None else max(1, int(share * measure(base)))

    def macs(one: Architecture) -> int:
        return cost(one).macs

    def parameters(one: Architecture) -> int:
        return cost(one).params

    def stored(one: Architecture) -> int:
        return cost(one).memory_bytes(batch) if training else inference_bytes(one, batch)

    def whole(value: float) -> str:
        return f"{value:,.0f}"

    def mebi(value: float) -> str:
        return mebibytes(int(value))

    kind = f"{'training' if training else 'inference'} memory, batch {batch}"
    found = []
    if flops is not None:
        most = at_most(flops, "--max-flops", parse_count, macs)
        found.append(Limit("multiply-adds", "--max-flops", most, macs, whole, "macs"))
    if params is not None:
        most = at_most(params, "--max-params", parse_count, parameters)
        found.append(Limit("parameters", "--max-params", most, parameters, whole, "params"))
    if memory is not None:
        most = at_most(memory, "--max-memory", parse_size, stored)
        found.append(Limit(kind, "--max-memory", most, stored, mebi, "memory_bytes"))
    if latency is not None:
        found.append(_latency(base, latency))
    return found


def _latency(base: Architecture, text: str) -> Limit:
    from functools import cache

    from scalesearch.design.quantities import parse_multiple, parse_seconds
    from scalesearch.design.solve import Limit
    from scalesearch.nets.latency import device_words, latency

    @cache  # a figure that is shown is the one that was decided by
    def measured(network: Architecture) -> float:
        return latency(network)

    def shown(value: float) -> str:
        return f"{value * 1e3:,.3g} ms"

    name, flag = f"latency, batch 1, {device_words()}", "--max-latency"
    share = parse_multiple(text, flag)
    at_most = parse_seconds(text, flag) if share is None else float(share) * measured(base)
    return Limit(name, flag, at_most, measured, shown, "seconds", timed=True)


def _facts(baseline: Baseline, chosen: Coefficients, rule: str, solution: Solution, out: Path | None) -> SolveFacts:
    from scalesearch.cli.facts import CoefficientFacts, LargerFacts, LimitFacts, SolveFacts
    from scalesearch.design.cost import cost
    from scalesearch.errors import printable

    net, by, larger = solution.network, chosen.at(solution.member.phi), solution.following
    price = cost(net)
    return SolveFacts(
        baseline=baseline.name,
        coefficients=CoefficientFacts.of(chosen),
        rounding=rule,
        phi=float(solution.member.phi),
        depth=float(by.depth),
        width=float(by.width),
        px=net.resolution,
        flops_ratio=price.macs / cost(baseline.architecture).macs,
        macs=price.macs,
        params=price.params,
        activations=price.activations,
        depths=net.depths,
        widths=net.widths,
        limits=tuple(
            LimitFacts(use.limit.flag, use.limit.quantity, use.limit.name, use.limit.at_most, use.amount, use.binds)
            for use in solution.uses
        ),
        next_larger=None if larger is None else LargerFacts(float(larger.phi), larger.macs, larger.params),
        file=None if out is None else printable(str(out)),
    )


def _title(facts: SolveFacts, chosen: Coefficients) -> str:
    scale = f"depth {_plain(facts.depth)}, width {_plain(facts.width)}"
    return f"{facts.baseline} by {chosen} at φ = {_plain(facts.phi)}: {scale}, {facts.px} px"


def _plain(value: float) -> str:
    """To three places, without zeros at the end."""
    from decimal import Decimal

    from scalesearch.design.exact import plain

    return plain(round(Decimal(repr(value)), 3))


def _table(solution: Solution) -> Table:
    from rich.table import Table

    table = Table()
    table.add_column("limit")
    for name in ("at most", "has", "free", ""):
        table.add_column(name, justify="right")
    for use in solution.uses:
        limit = use.limit
        shown = (limit.shown(limit.at_most), limit.shown(use.amount), f"{use.free:.1%}")
        table.add_row(limit.name, *shown, "binds" if use.binds else "")
    return table


def _words(facts: SolveFacts) -> tuple[str, str]:
    larger = facts.next_larger
    size = (
        f"{facts.macs:,} multiply-adds, {facts.flops_ratio:.4f}x {facts.baseline}, {facts.params:,} parameters, "
        f"blocks {' '.join(map(str, facts.depths))}; channels {' '.join(map(str, facts.widths))}"
    )
    if larger is None:
        return size, f"Nothing binds: φ = {_plain(facts.phi)} is the largest that is looked at."
    binding = " and ".join(limit.option for limit in facts.limits if limit.binds)
    following = f"φ = {_plain(larger.phi)}, {larger.macs:,} multiply-adds, {larger.params:,} parameters"
    return size, f"Bound by {binding}: the next larger one in multiply-adds ({following}) is beyond."


def _write(out: Path, baseline: Baseline, chosen: Coefficients, rule: str, solution: Solution) -> None:
    from dataclasses import replace

    from scalesearch.design.baseline_file import baseline_text
    from scalesearch.nets.flops import fvcore_receipt
    from scalesearch.study.files import replace_atomically

    fvcore_receipt(solution.network)  # what leaves is counted twice
    rounding = replace(baseline.rounding, rule=rule)
    member = baseline.member(solution.network, chosen.at(solution.member.phi), rounding)
    replace_atomically(out, baseline_text(member))
    print(f"written to {out}")
