"""`scalesearch cost`: what a network costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch.cli import options
from scalesearch.errors import InputError

if TYPE_CHECKING:
    from decimal import Decimal

    from scalesearch.cli.facts import CostFacts
    from scalesearch.design.coefficients import Multipliers
    from scalesearch.design.factory import Network


def cost(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE|MODULE:FUNCTION",
            help="A shipped baseline, a published member such as b4, a file, or a Python function.",
        ),
    ],
    depth: Annotated[str, typer.Option(help="Multiply the number of layers.")] = "1",
    width: Annotated[str, typer.Option(help="Multiply the number of channels.")] = "1",
    resolution: Annotated[int | None, typer.Option(help="Side of the input, px; default: the file's.")] = None,
    batch: Annotated[int, typer.Option(min=1, max=2**20, help="Images a training step, for the memory.")] = 32,
    rounding: options.Rounding = None,
    json: options.Json = False,
    breakdown: Annotated[
        bool, typer.Option("--breakdown", help="Layer by layer, and what fvcore and torch count.")
    ] = False,
) -> None:
    """Count multiply-adds, parameters, activations and training memory.

    Example: scalesearch cost b0 --depth 1.4 --width 1.2 --resolution 300
    """
    from scalesearch.cli.json_output import output_kept, print_json
    from scalesearch.design.baselines import is_factory
    from scalesearch.design.networks import load_network

    if is_factory(network):
        if breakdown or rounding is not None:
            raise InputError(f"{network}: is a Python function; --breakdown and --rounding are for baseline files")
        with output_kept(json):
            facts = _factory_facts(network, depth, width, resolution, batch)
        (print_json if json else _print)(facts)
        return
    baseline = load_network(network)
    multipliers = asked_multipliers(baseline.architecture.resolution, depth, width, resolution)
    scaled = baseline.scale(multipliers, rounding, name=baseline.name)
    facts = _facts(scaled.name, scaled.architecture, baseline.architecture, multipliers, batch)
    if not breakdown:
        (print_json if json else _print)(facts)
        return
    from scalesearch.cli.cost_breakdown import breakdown_facts, print_breakdown

    with output_kept(json):
        whole = breakdown_facts(facts, scaled.architecture)
    if json:
        print_json(whole)
    else:
        _print(facts)
        print_breakdown(scaled.architecture, whole)


def _factory_facts(name: str, depth: str, width: str, resolution: int | None, batch: int) -> CostFacts:
    """What fvcore counts of a user's own network."""
    from decimal import Decimal

    from scalesearch.nets.factory import count_factory, load_factory

    factory = load_factory(name)
    by = asked_multipliers(factory.resolution, depth, width, resolution)
    base = count_factory(factory, Decimal(1), Decimal(1), factory.resolution)
    scaled = count_factory(factory, by.depth, by.width, resolution or factory.resolution)
    return _facts(name, scaled, base, by, batch)


def asked_multipliers(side: int, depth: str, width: str, resolution: int | None) -> Multipliers:
    """The multipliers that `--depth`, `--width` and `--resolution` (px) ask for, of a network of `side` px.

    Raises:
        InputError: one is no number, or out of range.
    """
    from decimal import Decimal

    from scalesearch.design.coefficients import Multipliers
    from scalesearch.design.scaling import px_multiplier

    if resolution is not None and not 1 <= resolution <= 16384:
        raise InputError(f"--resolution {resolution}: must be in 1 … 16384 px")
    ratio = Decimal(1) if resolution is None else px_multiplier(resolution, side)
    return Multipliers(_number(depth, "--depth"), _number(width, "--width"), ratio)


def _number(value: str, name: str) -> Decimal:
    number = options.decimal(value, name)
    if number is None or not 0 < number <= 64:
        raise InputError(f"{name} {value}: must be above 0 and at most 64")
    return number


def _facts(name: str, scaled: Network, baseline: Network, by: Multipliers, batch: int) -> CostFacts:
    from scalesearch.cli.facts import CostFacts
    from scalesearch.design.architecture import Architecture
    from scalesearch.design.cost import cost as count

    price, base = count(scaled), count(baseline)
    has_other = isinstance(scaled, Architecture) and scaled.deployed != scaled
    deployed = count(scaled.deployed) if isinstance(scaled, Architecture) and has_other else None
    return CostFacts(
        name=name,
        macs=price.macs,
        params=price.params,
        activations=price.activations,
        memory_bytes=price.memory_bytes(batch),
        batch=batch,
        resolution=scaled.resolution,
        depth=float(by.depth),
        width=float(by.width),
        nominal_flops_ratio=round(float(by.nominal_flops_ratio), 6),
        flops_ratio=round(price.macs / base.macs, 6),
        deployed_macs=None if deployed is None else deployed.macs,
        deployed_params=None if deployed is None else deployed.params,
    )


def _print(facts: CostFacts) -> None:
    from rich.table import Table

    from scalesearch.units import mebibytes, si

    table = Table(title=f"{facts.name} at {facts.resolution} px", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    counts = (("multiply-adds", facts.macs), ("parameters", facts.params), ("activations", facts.activations))
    for words, value in counts:
        table.add_row(words, f"{value:,} ({si(value)})")
    for noun, deployed in (("multiply-adds", facts.deployed_macs), ("parameters", facts.deployed_params)):
        if deployed is not None:
            table.add_row(f"deployed: {noun}", f"{deployed:,} ({si(deployed)})")
    table.add_row(f"training memory, batch {facts.batch}", f"about {mebibytes(facts.memory_bytes)}")
    table.add_row("depth × width", f"{facts.depth:g} × {facts.width:g}")
    table.add_row("FLOPs ratio, nominal d·w²·r²", f"{facts.nominal_flops_ratio:.4f}")
    table.add_row("FLOPs ratio, measured", f"{facts.flops_ratio:.4f}")
    options.console().print(table)
