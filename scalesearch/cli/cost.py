"""`scalesearch cost`: what a network costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch.cli import options
from scalesearch.errors import InputError

if TYPE_CHECKING:
    from decimal import Decimal

    from scalesearch.design.coefficients import Multipliers
    from scalesearch.design.scaling import Baseline


def cost(
    network: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A shipped baseline or a baseline file.")],
    depth: Annotated[str, typer.Option(help="Multiply the number of layers.")] = "1",
    width: Annotated[str, typer.Option(help="Multiply the number of channels.")] = "1",
    resolution: Annotated[int | None, typer.Option(help="Side of the input, px; default: the file's.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Images a training step, for the memory.")] = 32,
    rounding: options.Rounding = None,
    json: options.Json = False,
    receipt: Annotated[bool, typer.Option("--receipt", help="Let fvcore count too, by operator.")] = False,
) -> None:
    """Count multiply-adds, parameters, activations and training memory.

    Example: scalesearch cost b0 --depth 1.4 --width 1.2 --resolution 300
    """
    from scalesearch.design.baselines import load_baseline

    baseline = load_baseline(network)
    multipliers = asked_multipliers(baseline, depth, width, resolution)
    scaled = baseline.scale(multipliers, options.checked_rule(rounding), name=baseline.name)
    facts = _facts(baseline, scaled, multipliers, batch)
    if receipt:
        from scalesearch.nets.flops import fvcore_receipt

        counted = fvcore_receipt(scaled.architecture)
        facts["fvcore"] = {
            "by_operator": counted.by_operator,
            "total": counted.total,
            "uncounted_operators": counted.uncounted,
        }
    if json:
        from json import dumps

        print(dumps(facts, indent=2))
    else:
        _print(facts)


def asked_multipliers(baseline: Baseline, depth: str, width: str, resolution: int | None) -> Multipliers:
    """The multipliers that `--depth`, `--width` and `--resolution` (px) ask for.

    Raises:
        InputError: one is no number, or out of range.
    """
    from decimal import Decimal

    from scalesearch.design.coefficients import Multipliers

    side = baseline.architecture.resolution
    if resolution is not None and not 1 <= resolution <= 16384:
        raise InputError(f"--resolution {resolution}: must be in 1 … 16384 px")
    # Enough digits that rounding to whole pixels gives back what was asked for.
    ratio = Decimal(1) if resolution is None else round(Decimal(resolution) / side, 12)
    return Multipliers(_number(depth, "--depth"), _number(width, "--width"), ratio)


def _number(value: str, name: str) -> Decimal:
    number = options.decimal(value, name)
    if number is None or not 0 < number <= 64:
        raise InputError(f"{name} {value}: must be above 0 and at most 64")
    return number


def _facts(baseline: Baseline, scaled: Baseline, by: Multipliers, batch: int) -> dict[str, object]:
    from scalesearch.design.cost import cost as count

    price, base = count(scaled.architecture), count(baseline.architecture)
    return {
        "name": scaled.name,
        "macs": price.macs,
        "params": price.params,
        "activations": price.activations,
        "memory_bytes": price.memory_bytes(batch),
        "batch": batch,
        "resolution": scaled.architecture.resolution,
        "depth": float(by.depth),
        "width": float(by.width),
        "nominal_flops_ratio": round(float(by.nominal_flops_ratio), 6),
        "flops_ratio": round(price.macs / base.macs, 6),
    }


def _print(facts: dict[str, object]) -> None:
    from rich.table import Table

    from scalesearch.units import mebibytes, si

    table = Table(title=f"{facts['name']} at {facts['resolution']} px", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    for key, words in (("macs", "multiply-adds"), ("params", "parameters"), ("activations", "activations")):
        value = int(str(facts[key]))
        table.add_row(words, f"{value:,} ({si(value)})")
    memory = mebibytes(int(str(facts["memory_bytes"])))
    table.add_row(f"training memory, batch {facts['batch']}", f"about {memory}")
    table.add_row("depth × width", f"{facts['depth']:g} × {facts['width']:g}")
    table.add_row("FLOPs ratio, nominal d·w²·r²", f"{facts['nominal_flops_ratio']:.4f}")
    table.add_row("FLOPs ratio, measured", f"{facts['flops_ratio']:.4f}")
    fvcore = facts.get("fvcore")
    if isinstance(fvcore, dict):
        for name, value in fvcore["by_operator"].items():
            table.add_row(f"fvcore: {name}", f"{value:,}")
        table.add_row("fvcore: total", f"{fvcore['total']:,}")
        skipped = ", ".join(f"{name} ×{n}" for name, n in fvcore["uncounted_operators"].items())
        table.add_row("fvcore does not count", skipped)
        table.add_row("conv + linear", "fvcore = closed form, to the last multiply-add")
    options.console().print(table)
