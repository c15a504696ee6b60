"""The `scalesearch export` command: a network as plain torch, timm, torchvision, ONNX or torch.export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch import choices
from scalesearch.cli import options
from scalesearch.errors import InputError

if TYPE_CHECKING:
    from scalesearch.export.onnx_file import OnnxTarget


def export(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE|timm:NAME|MODULE:FUNCTION",
            help="A shipped baseline, a file, a Python function, or trained weights (.safetensors).",
        ),
    ],
    to: Annotated[choices.ExportFormat, typer.Option("--to", help="Format to write.")],
    depth: Annotated[str, typer.Option(help="Multiply the number of layers.")] = "1",
    width: Annotated[str, typer.Option(help="Multiply the number of channels.")] = "1",
    resolution: options.Resolution = None,
    rounding: options.Rounding = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Output folder.")] = Path("exports"),
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the initial weights.")] = 0,
    opset: Annotated[
        int | None, typer.Option(help="ONNX operators, 13 … 23, for older or newer runtimes; default: 18.")
    ] = None,
    dynamic_side: Annotated[
        bool, typer.Option("--dynamic-side", help="ONNX: accept any height and width.")
    ] = False,
    deployed: Annotated[
        bool, typer.Option("--deployed", help="Write the form for inference: RepVGG's branches folded.")
    ] = False,
) -> None:
    """Write a network as plain torch, timm, torchvision, ONNX or torch.export; checked before it is written.

    Example: scalesearch export tiny --to torch
    """
    from scalesearch.cli.definition import load_scaled
    from scalesearch.export.formats import as_deployed, export_network
    from scalesearch.export.verify import seeded
    from scalesearch.nets.weights import read_weights
    from scalesearch.study.files import make_folder, replace_atomically

    if to != "onnx" and (opset is not None or dynamic_side):
        raise InputError(f"--to {to}: --opset and --dynamic-side are for --to onnx; leave them out")
    target = _onnx_target(opset, dynamic_side)
    if network.endswith(".safetensors"):
        if (depth, width, resolution, rounding) != ("1", "1", None, None):
            raise InputError(f"{network}: trained weights are of one size; leave out what scales it")
        weights = read_weights(Path(network))
        definition, model = weights.definition, weights.network()
    else:
        definition = load_scaled(network, depth, width, resolution, rounding)
        model = seeded(definition.architecture, seed)
    if deployed:
        definition, model = as_deployed(definition, model)
    exported = export_network(to, definition, model, target)
    make_folder(out)
    for name, content in exported.files.items():
        _check_overwrite(out / name, content)
    for name, content in exported.files.items():
        replace_atomically(out / name, content)
    print(", ".join(str(out / name) for name in exported.files))
    print(exported.checked)


def _onnx_target(opset: int | None, dynamic_side: bool) -> OnnxTarget:
    from scalesearch.export.onnx_file import OnnxTarget

    return OnnxTarget(dynamic_side=dynamic_side) if opset is None else OnnxTarget(opset, dynamic_side)


def _check_overwrite(path: Path, content: bytes) -> None:
    """Refuse to overwrite the source of another network of the same name."""
    if path.suffix == ".py" and path.is_file() and path.read_bytes() != content:
        raise InputError(f"{path}: holds another network; give another --out, or delete it")
