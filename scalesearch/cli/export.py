"""`scalesearch export`: a network in the formats that people use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scalesearch.cli import options
from scalesearch.errors import InputError


def export(
    network: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="A shipped baseline, a baseline file or a family's member.")
    ],
    to: Annotated[str, typer.Option("--to", help="torch, timm, torchvision, onnx or torch-export.")],
    depth: Annotated[str, typer.Option(help="Multiply the number of layers.")] = "1",
    width: Annotated[str, typer.Option(help="Multiply the number of channels.")] = "1",
    resolution: Annotated[int | None, typer.Option(help="Side of the input, px; default: the file's.")] = None,
    rounding: options.Rounding = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Write the files here.")] = Path("exports"),
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Of the initial weights, where any go along.")
    ] = 0,
) -> None:
    """Write a network as plain torch, timm, torchvision, ONNX or torch.export; checked before it is written.

    Example: scalesearch export tiny --to torch
    """
    from scalesearch.cli.cost import asked_multipliers
    from scalesearch.design.coefficients import Multipliers
    from scalesearch.design.networks import load_network
    from scalesearch.export.exporting import FORMATS
    from scalesearch.study.files import make_folder, write_over

    if to not in FORMATS:
        raise InputError(f"--to {to!r}: must be one of {', '.join(FORMATS)}")
    baseline, rule = load_network(network), options.checked_rule(rounding)
    multipliers = asked_multipliers(baseline.architecture.resolution, depth, width, resolution)
    if multipliers != Multipliers():
        baseline = baseline.scale(multipliers, rule)
    made = FORMATS[to](baseline, seed)
    make_folder(out)
    for name, content in made.files.items():
        write_over(out / name, content)
    print(", ".join(str(out / name) for name in made.files))
    print(made.checked)
