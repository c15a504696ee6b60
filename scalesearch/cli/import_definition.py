"""The `scalesearch import` command: a timm or torchvision definition as a baseline file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scalesearch.errors import InputError, printable


def import_(
    definition: Annotated[
        Path, typer.Argument(metavar="FILE", help="Python text with arch_def, rows or a call of a network's class.")
    ],
    out: Annotated[Path, typer.Option(metavar="NAME.yaml", help="Write the baseline file here.")],
) -> None:
    """Read a network from timm's strings and constructors or torchvision's rows; the file is parsed, never run.

    Example: scalesearch import b0_timm.py --out mine.yaml
    """
    from scalesearch.design.baseline_file import baseline_text
    from scalesearch.design.cost import cost
    from scalesearch.design.rounding import Rounding
    from scalesearch.design.scaling import Baseline
    from scalesearch.design.strict_yaml import read_text
    from scalesearch.export.import_definition import read_network
    from scalesearch.study.files import make_folder, replace_atomically

    if out.suffix not in (".yaml", ".yml"):
        raise InputError(f"--out {printable(str(out))}: must end in .yaml, since it becomes a baseline file")
    origin = printable(str(definition))
    network = read_network(read_text(definition, "a Python file"), origin)
    source = f"imported from {printable(definition.name)}"
    baseline = Baseline(out.stem, source, network, Rounding("paper"))
    make_folder(out.parent)
    replace_atomically(out, baseline_text(baseline))
    network_cost = cost(network)
    print(
        f"{out}: {network_cost.params:,} parameters, {network_cost.macs:,} multiply-adds at {network.resolution} px"
    )
