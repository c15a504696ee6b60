"""A network as one file of plain torch: the blocks that it uses, and its stages in literal numbers."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator

from torch import nn

from scalesearch.design.activations import torch_class
from scalesearch.design.architecture import Architecture, Stage
from scalesearch.design.block_kinds import KINDS
from scalesearch.design.cost import cost
from scalesearch.design.exact import plain
from scalesearch.design.features import feature_levels
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError
from scalesearch.export.names import described, file_stem
from scalesearch.nets.blocks import BLOCKS, plain_parts

_Definition = Callable[..., nn.Module]
_ALWAYS: tuple[_Definition, ...] = (plain_parts.stage, plain_parts.Features)
"""Definitions that every file ends with."""


def torch_source(baseline: Baseline) -> str:
    """The file's text; it needs nothing but torch, and prints its parameters when it is run.

    Its `Network().state_dict()` has the tensors of `nets.convnet.ConvNet` in the same order, under shorter names.

    Raises:
        InputError: a block kind is not exported as source.
    """
    net = baseline.architecture
    blocks = [_definition(baseline, stage) for stage in net.stages]
    gated = any(stage.se for stage in net.stages)
    parts = [f"{_header(baseline, gated)}\n\n{_constants(net)}"]
    sources = [inspect.getsource(one).rstrip() for one in _in_order((plain_parts.conv, *blocks, *_ALWAYS))]
    parts += sources if gated else [source.replace("int | Fraction", "int") for source in sources]
    parts.append(_network(baseline, [block.__name__ for block in blocks]))
    parts.append(
        'if __name__ == "__main__":\n'
        "    parameters = sum(weights.numel() for weights in Network().parameters())\n"
        f'    print(f"{baseline.name}: {{parameters:,}} parameters")'
    )
    return "\n\n\n".join(parts) + "\n"


def _definition(baseline: Baseline, stage: Stage) -> _Definition:
    kind = BLOCKS[stage.effective_kind]
    found = kind.plain_gated if stage.se else kind.plain
    if found is None:
        raise InputError(
            f"{baseline.name}: a {stage.kind} block has no plain-torch source; export --to torch-export takes any"
        )
    return found


def _in_order(definitions: Iterable[_Definition]) -> list[_Definition]:
    """The definitions once each, every one behind those that it names; blocks in the order of their kinds."""
    shared = (one for one in vars(plain_parts).values() if getattr(one, "__module__", "") == plain_parts.__name__)
    known = {one.__name__: one for one in (*_every_plain_block(), *shared)}
    found: dict[str, _Definition] = {}

    def add(one: _Definition) -> None:
        if one.__name__ in found:
            return
        tree = ast.parse(inspect.getsource(one))
        for name in (node.id for node in ast.walk(tree) if isinstance(node, ast.Name)):
            if name in known and name != one.__name__:
                add(known[name])
        found[one.__name__] = one

    names = list(known)
    for one in sorted(definitions, key=lambda one: (one in _ALWAYS, names.index(one.__name__))):
        add(one)
    return list(found.values())


def _every_plain_block() -> Iterator[_Definition]:
    for kind in BLOCKS.values():
        yield from (one for one in (kind.plain, kind.plain_gated) if one is not None)


def _header(baseline: Baseline, gated: bool) -> str:
    price, px = cost(baseline.architecture), baseline.architecture.resolution
    stem = file_stem(baseline.name)
    fractions = "from fractions import Fraction\n" if gated else ""
    return (
        f'"""{described(baseline)}\n\n'
        f"{price.params:,} parameters; {price.macs:,} multiply-adds for an image of {px} × {px} px.\n\n"
        f"    from safetensors.torch import load_file\n"
        f"    network = Network()\n"
        f'    network.load_state_dict(load_file("{stem}.safetensors"))\n'
        '"""\n\n'
        "from collections.abc import Callable, Iterable\n"
        f"{fractions}\n"
        "from torch import Tensor, nn"
    )


def _constants(net: Architecture) -> str:
    return (
        f"EPS = {plain(net.batch_norm_eps)}  # of every batch norm\nActivation = nn.{torch_class(net.activation)}"
    )


def _network(baseline: Baseline, blocks: Iterable[str]) -> str:
    net, px = baseline.architecture, baseline.architecture.resolution
    stem = f"conv({net.in_channels}, {net.stem.width}, kernel={net.stem.kernel}, stride={net.stem.stride})"
    if net.stem.pool:
        stem = f"nn.Sequential({stem}, nn.MaxPool2d(3, stride=2, padding=1))"
    width = net.stem.width
    rows = []
    for block, stage in zip(blocks, net.stages, strict=True):
        rows.append(f"            stage({block}, {width}, {stage.width}, {_sizes(stage)}),\n")
        width = stage.width
    head = "" if net.head.width is None else f"        self.head = conv({width}, {net.head.width})\n"
    width = width if net.head.width is None else net.head.width
    trunk = "self.stages(self.stem(images))"
    features = trunk if net.head.width is None else f"self.head({trunk})"
    return (
        "class Network(nn.Module):\n"
        f'    """Images (N, {net.in_channels}, {px}, {px}) to logits (N, {net.head.classes})."""\n\n'
        "    def __init__(self) -> None:\n"
        "        super().__init__()\n"
        f"        self.stem = {stem}\n"
        "        self.stages = nn.Sequential(\n"
        f"{''.join(rows)}"
        "        )\n"
        f"{head}"
        f"        self.classifier = nn.Linear({width}, {net.head.classes})\n\n"
        "    def forward(self, images: Tensor) -> Tensor:\n"
        f"        features = {features}\n"
        "        return self.classifier(features.mean((2, 3)))\n\n"
        f"{_features_only(net)}"
    )


def _features_only(net: Architecture) -> str:
    """The method; a layer is the stem, its pool or a stage: a stage's stride is its first block's."""
    layers = list(dict.fromkeys(_layer(block.name) for block in net.walk()))
    rows = "".join(
        f"            {layers.index(_layer(level.block))}: ({level.stride}, {level.channels}),\n"
        for level in feature_levels(net)
    )
    stem = "*self.stem" if net.stem.pool else "self.stem"
    return (
        "    def features_only(self) -> Features:\n"
        '        """The network as a backbone: layers whose maps are the last of a stride; stride, channels."""\n'
        f"        maps = {{\n{rows}        }}\n"
        f"        return Features([{stem}, *self.stages], maps)"
    )


def _layer(block: str) -> str:
    return block.rpartition(".")[0] or block


def _sizes(stage: Stage) -> str:
    sizes = f"layers={stage.depth}, kernel={stage.kernel}, stride={stage.stride}"
    if KINDS[stage.kind].expands:
        sizes += f", expansion={stage.expansion}"
    if stage.se:
        numerator, denominator = stage.se.as_integer_ratio()
        sizes += f", se=Fraction({numerator}, {denominator})"
    return sizes
