"""`scalesearch solve`: the best member of a family under limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch.cli import options
from scalesearch.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from scalesearch.design.coefficients import Coefficients
    from scalesearch.design.scaling import Baseline
    from scalesearch.design.solve import Limit, Solution


def solve(
    network: Annotated[str, typer.Argument(metavar="NAME|FILE", help="The baseline of the family.")],
    max_flops: Annotated[str | None, typer.Option(metavar="600M", help="Multiply-adds of one image.")] = None,
    max_params: Annotated[str | None, typer.Option(metavar="8M", help="Parameters.")] = None,
    max_memory: Annotated[str | None, typer.Option(metavar="2GiB", help="Weights and activations.")] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, max=2**20, help="Images at a time, for the memory; default: 1.")
    ] = None,
    training: Annotated[bool, typer.Option("--training", help="The memory of training, not inference.")] = False,
    max_latency: Annotated[str | None, typer.Option(metavar="5ms", help="One image, measured here.")] = None,
    coefficients: Annotated[
        tuple[str, str, str], typer.Option(metavar="α β γ", help="The family's; see winner.yaml of a search.")
    ] = ("1.2", "1.1", "1.15"),
    rounding: options.Rounding = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the member as a baseline file.")] = None,
) -> None:
    """Find the largest member of a family that fits limits; real φ, also below 0.

    Example: scalesearch solve b0 --max-flops 600M --max-params 8M
    """
    from scalesearch.design.family import coefficients_from
    from scalesearch.design.networks import load_network
    from scalesearch.design.phi_members import phi_members
    from scalesearch.design.solve import solve as find

    if max_memory is None and (batch is not None or training):
        raise InputError("--batch and --training are about --max-memory; give that too, or leave them out")
    limits = _limits(max_flops, max_params, max_memory, max_latency, batch or 1, training)
    if not limits:
        raise InputError("solve: give --max-flops, --max-params, --max-memory or --max-latency")
    if out is not None and out.suffix not in (".yaml", ".yml"):
        raise InputError(f"--out {out}: must end in .yaml")
    baseline, chosen = load_network(network), coefficients_from(coefficients)
    rule = rounding or "balanced"
    found = find(baseline.architecture, phi_members(baseline, chosen, rule), limits)
    for part in (_title(baseline, chosen, found), _table(found), *_words(baseline, found)):
        options.console().print(part, highlight=False)
    if out is not None:
        _write(out, baseline, chosen, rule, found)


def _limits(
    flops: str | None, params: str | None, memory: str | None, latency: str | None, batch: int, training: bool
) -> list[Limit]:
    """The limits that were given, each with how a network is measured by it."""
    from scalesearch.design import quantities
    from scalesearch.design.cost import cost
    from scalesearch.design.memory import inference_bytes
    from scalesearch.design.solve import Limit
    from scalesearch.units import mebibytes

    def whole(value: float) -> str:
        return f"{value:,.0f}"

    found = []
    if flops is not None:
        most = quantities.count(flops, "--max-flops")
        found.append(Limit("multiply-adds", "--max-flops", most, lambda one: cost(one).macs, whole))
    if params is not None:
        most = quantities.count(params, "--max-params")
        found.append(Limit("parameters", "--max-params", most, lambda one: cost(one).params, whole))
    if memory is not None:
        most = quantities.size(memory, "--max-memory")
        name = f"{'training' if training else 'inference'} memory, batch {batch}"
        found.append(
            Limit(
                name,
                "--max-memory",
                most,
                lambda one: cost(one).memory_bytes(batch) if training else inference_bytes(one, batch),
                lambda value: mebibytes(int(value)),
            )
        )
    if latency is not None:
        found.append(_latency(quantities.seconds(latency, "--max-latency")))
    return found


def _latency(at_most: float) -> Limit:
    from functools import cache

    from scalesearch.design.architecture import Architecture
    from scalesearch.design.solve import Limit
    from scalesearch.nets.latency import device_words, latency

    @cache  # a figure that is shown is the one that was decided by
    def measured(network: Architecture) -> float:
        return latency(network)

    name = f"latency, batch 1, {device_words()}"
    return Limit(name, "--max-latency", at_most, measured, lambda value: f"{value * 1e3:,.3g} ms", timed=True)


def _title(baseline: Baseline, chosen: Coefficients, solution: Solution) -> str:
    from scalesearch.design.exact import plain

    by, phi = chosen.at(solution.member.phi), plain(solution.member.phi)
    scale = f"depth {plain(round(by.depth, 3))}, width {plain(round(by.width, 3))}"
    return f"{baseline.name} by {chosen} at φ = {phi}: {scale}, {solution.network.resolution} px"


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


def _words(baseline: Baseline, solution: Solution) -> tuple[str, str]:
    from scalesearch.design.cost import cost
    from scalesearch.design.exact import plain

    own, price, net, larger = (
        cost(baseline.architecture),
        cost(solution.network),
        solution.network,
        solution.following,
    )
    size = (
        f"{price.macs:,} multiply-adds, {price.macs / own.macs:.4f}x {baseline.name}, {price.params:,} parameters, "
        f"blocks {' '.join(map(str, net.depths))}; channels {' '.join(map(str, net.widths))}"
    )
    if larger is None:
        return size, f"Nothing binds: φ = {plain(solution.member.phi)} is the largest that is looked at."
    binding = " and ".join(use.limit.flag for use in solution.uses if use.binds)
    following = f"φ = {plain(larger.phi)}, {larger.macs:,} multiply-adds, {larger.params:,} parameters"
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
