"""The `scalesearch cost` command: multiply-adds, parameters, activations and memory of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch.cli import options
from scalesearch.errors import InputError

if TYPE_CHECKING:
    from scalesearch.cli.facts import CostFacts
    from scalesearch.design.coefficients import Multipliers
    from scalesearch.design.factory import Network


def cost(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE|timm:NAME|MODULE:FUNCTION",
            help="A shipped baseline, a published member such as b4, a file, or a Python function.",
        ),
    ],
    depth: Annotated[str, typer.Option(help="Multiply the number of layers.")] = "1",
    width: Annotated[str, typer.Option(help="Multiply the number of channels.")] = "1",
    resolution: options.Resolution = None,
    batch: Annotated[int, typer.Option(min=1, max=2**20, help="Batch size of the training memory.")] = 32,
    rounding: options.Rounding = None,
    json: options.Json = False,
    breakdown: Annotated[
        bool, typer.Option("--breakdown", help="Also list every layer, and the counts of fvcore and torch.")
    ] = False,
) -> None:
    """Count multiply-adds, parameters, activations and training memory.

    Example: scalesearch cost b0 --depth 1.4 --width 1.2 --resolution 300
    """
    from scalesearch.cli.definition import load_definition, parse_multipliers, scale_to
    from scalesearch.cli.json_output import print_json, reserve_stdout
    from scalesearch.design.scaling import Baseline

    size = options.parse_resolution(resolution)
    with reserve_stdout(json):
        definition = load_definition(network)
        if breakdown and not isinstance(definition, Baseline):
            raise InputError(f"{network}: is of a Python function; --breakdown is for networks of stages")
        multipliers = parse_multipliers(definition, depth, width, size)
        scaled = scale_to(definition, multipliers, size, rounding, definition.name)
    title = scaled.name if isinstance(scaled, Baseline) else scaled.architecture.factory
    facts = _facts(title, scaled.architecture, definition.architecture, multipliers, batch)
    if not breakdown or not isinstance(scaled, Baseline):
        (print_json if json else _print_table)(facts)
        return
    from scalesearch.cli.cost_breakdown import breakdown_facts, print_breakdown

    with reserve_stdout(json):
        full_facts = breakdown_facts(facts, scaled.architecture)
    if json:
        print_json(full_facts)
    else:
        _print_table(facts)
        print_breakdown(scaled.architecture, full_facts)


def _facts(name: str, scaled: Network, baseline: Network, multipliers: Multipliers, batch: int) -> CostFacts:
    from scalesearch.cli.facts import CostFacts
    from scalesearch.design.architecture import Architecture
    from scalesearch.design.cost import backbone_cost
    from scalesearch.design.cost import cost as count
    from scalesearch.design.images import plain_size

    scaled_cost, base_cost = count(scaled), count(baseline)
    has_deployed_form = isinstance(scaled, Architecture) and scaled.deployed != scaled
    deployed = count(scaled.deployed) if isinstance(scaled, Architecture) and has_deployed_form else None
    backbone = backbone_cost(scaled) if isinstance(scaled, Architecture) else None
    return CostFacts(
        name=name,
        macs=scaled_cost.macs,
        params=scaled_cost.params,
        activations=scaled_cost.activations,
        memory_bytes=scaled_cost.memory_bytes(batch),
        batch=batch,
        resolution=plain_size(scaled.resolution),
        depth=float(multipliers.depth),
        width=float(multipliers.width),
        nominal_flops_ratio=round(float(multipliers.nominal_flops_ratio), 6),
        flops_ratio=round(scaled_cost.macs / base_cost.macs, 6),
        deployed_macs=None if deployed is None else deployed.macs,
        deployed_params=None if deployed is None else deployed.params,
        backbone_macs=None if backbone is None else backbone.macs,
        backbone_params=None if backbone is None else backbone.params,
    )


def _print_table(facts: CostFacts) -> None:
    from rich.table import Table

    from scalesearch.units import mebibytes, si

    table = Table(title=f"{facts.name} at {facts.resolution} px", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    counts = (("multiply-adds", facts.macs), ("parameters", facts.params), ("activations", facts.activations))
    for label, value in counts:
        table.add_row(label, f"{value:,} ({si(value)})")
    parts = (
        ("backbone", facts.backbone_macs, facts.backbone_params),
        ("deployed", facts.deployed_macs, facts.deployed_params),
    )
    for part, macs, params in parts:
        if macs is not None and params is not None:
            table.add_row(f"{part}: multiply-adds", f"{macs:,} ({si(macs)})")
            table.add_row(f"{part}: parameters", f"{params:,} ({si(params)})")
    table.add_row(f"training memory, batch {facts.batch}", f"about {mebibytes(facts.memory_bytes)}")
    table.add_row("depth × width", f"{facts.depth:g} × {facts.width:g}")
    table.add_row("FLOPs ratio, nominal d·w²·r²", f"{facts.nominal_flops_ratio:.4f}")
    table.add_row("FLOPs ratio, measured", f"{facts.flops_ratio:.4f}")
    options.console().print(table)
