"""Export of a network as one file of plain torch: the blocks that it uses, and its stages in literal numbers."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator
from decimal import Decimal
from functools import partial

from torch import nn

from scalesearch.design.activations import ACTIVATIONS, torch_class, torch_text
from scalesearch.design.architecture import Architecture, Stage
from scalesearch.design.block_kinds import KINDS
from scalesearch.design.cost import cost
from scalesearch.design.decimals import format_decimal
from scalesearch.design.features import feature_levels
from scalesearch.design.norms import DEFAULT_LAYER_NORM_EPS, NORMS
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError, with_article
from scalesearch.export.names import describe_baseline, file_stem
from scalesearch.nets.blocks import BLOCKS, plain_parts

_POOLS = {
    "max_pool": "nn.MaxPool2d(3, stride=2, padding=1)",
    "avg_pool": "nn.AvgPool2d(2, ceil_mode=True)",
    "conv": "conv({width}, {width}, 3, 2)",
    "max_blur_pool": 'nn.Sequential(nn.MaxPool2d(3, 1, 1), BlurPool({width}, 2, "reflect"))',
}
"""The sources of the layers behind the stem, by block kind."""
_Definition = Callable[..., nn.Module | None]
"""A class or function of `nets.blocks` whose source is copied."""
_GATES: dict[str, tuple[str, _Definition]] = {
    "senet": ("gate=lambda channels: SENetGate(channels, {se})", plain_parts.SENetGate),
    "senet_inner": ("inner_gate=lambda channels: SENetGate(channels, {se})", plain_parts.SENetGate),
    "eca": ("gate=eca_gate", plain_parts.eca_gate),
    "eca_inner": ("inner_gate=eca_gate", plain_parts.eca_gate),
}
"""The arguments of blocks with a gate that is a part of its own, and the part, by gate."""
_SHORTCUTS: dict[str, tuple[str, _Definition]] = {
    "avg_pool": ("shortcut=pooled_shortcut", plain_parts.pooled_shortcut),
    "none": ("shortcut=no_shortcut", plain_parts.no_shortcut),
}
"""The arguments of blocks with a shortcut that is not the kind's own, and the part, by shortcut."""
_ALWAYS: tuple[_Definition, ...] = (plain_parts.stage, plain_parts.Features)
"""The definitions at the end of every file."""


def torch_source(baseline: Baseline) -> str:
    """Return the text of the file; it needs only torch, and prints its number of parameters when it is run.

    Its `Network().state_dict()` has the tensors of `nets.convnet.ConvNet` in the same order, under shorter names.

    Raises:
        InputError: the source of a block kind cannot be exported.
    """
    net = baseline.architecture
    stem = _definition(baseline, net.stem.kind)
    blocks = [_definition(baseline, stage.effective_kind, stage) for stage in net.stages]
    convolves = net.head.width is not None or net.head.hidden_norm is not None
    convolves = convolves or (net.stem.pool and net.stem.pool_kind == "conv")
    head: tuple[_Definition, ...] = (plain_parts.conv,) if convolves else ()
    if any(map(partial(_has_other_activation, net), net.stages)):
        head = (*head, plain_parts.with_activation)
    if any(stage.antialias is not None and stage.stride > 1 for stage in net.stages):
        head = (*head, plain_parts.with_smoothing)
    if not all(stage.residual for stage in net.stages):
        head = (*head, plain_parts.without_residual)
    if net.stem.pool_kind == "max_blur_pool":
        head = (*head, plain_parts.BlurPool)
    if net.padding == "same":
        head = (*head, plain_parts.pad_same)
    if _has_other_eps(net):
        head = (*head, plain_parts.set_layer_norm_eps)
    parts_of_stages = [part for stage in net.stages for part in _parts_of(stage)]
    definitions = _with_dependencies((stem, *blocks, *parts_of_stages, *head, *_ALWAYS))
    if not net.rounds:
        definitions = [
            definition for definition in definitions if definition.__name__ != plain_parts.divisible.__name__
        ]
    sources = [inspect.getsource(definition).rstrip() for definition in definitions]
    if not net.rounds:
        sources = [source.replace("divisible(inputs * expansion)", "inputs * expansion") for source in sources]
        sources = [source.replace("expansion: int | Fraction", "expansion: int") for source in sources]
    if not net.rounds and not any(stage.se for stage in net.stages):
        sources = [source.replace("int | Fraction", "int") for source in sources]
    names = {name for source in sources for name in _names(source)}
    if net.head.hidden is not None:
        names.add("Activation")
    parts = [f"{_header(baseline, names)}\n\n{_constants(net, names)}", *sources]
    parts.append(_network(baseline, stem.__name__, [block.__name__ for block in blocks]))
    parts.append(
        'if __name__ == "__main__":\n'
        "    parameters = sum(weights.numel() for weights in Network().parameters())\n"
        f'    print(f"{baseline.name}: {{parameters:,}} parameters")'
    )
    return "\n\n\n".join(parts) + "\n"


def _has_other_eps(net: Architecture) -> bool:
    """Return whether the network has layer norms with another epsilon than that of the definitions."""
    return "layer_norm" in net.norms and net.layer_norm_eps != DEFAULT_LAYER_NORM_EPS


def _has_other_activation(net: Architecture, stage: Stage) -> bool:
    """Return whether a stage has another activation than the network."""
    return stage.activation not in (None, net.activation)


def _definition(baseline: Baseline, kind: str, stage: Stage | None = None) -> _Definition:
    """Return the definition of a block of the stem's kind, or of a stage's."""
    block = BLOCKS[kind]
    definition = block.plain
    if stage is not None and any(_parts_of(stage)):
        definition = block.plain_full
    elif stage is not None and stage.se:
        definition = block.plain_gated if stage.gate is None else block.plain_gates.get(stage.gate)
    if definition is None:
        raise InputError(
            f"{baseline.name}: {with_article(kind)} block has no plain-torch source; export "
            "--to torch-export takes any"
        )
    return definition


def _parts_of(stage: Stage) -> Iterator[_Definition]:
    """Yield the parts that a stage's blocks take as arguments: its gate and its shortcut."""
    if stage.gate in _GATES:
        yield _GATES[stage.gate][1]
    if stage.shortcut is not None:
        yield _SHORTCUTS[stage.shortcut][1]


def _names(source: str) -> set[str]:
    """Return the names that a definition uses."""
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


def _with_dependencies(definitions: Iterable[_Definition]) -> list[_Definition]:
    """Return the definitions and their dependencies, each once and after those that it uses, by block kind."""
    shared = (
        member for member in vars(plain_parts).values() if getattr(member, "__module__", "") == plain_parts.__name__
    )
    known = {definition.__name__: definition for definition in (*_plain_blocks(), *shared)}
    names, ordered = list(known), dict[str, _Definition]()

    def add(definition: _Definition) -> None:
        if definition.__name__ in ordered:
            return
        for name in names:
            if name in _names(inspect.getsource(definition)) - {definition.__name__}:
                add(known[name])
        ordered[definition.__name__] = definition

    for definition in sorted(
        definitions, key=lambda definition: (definition in _ALWAYS, names.index(definition.__name__))
    ):
        add(definition)
    return list(ordered.values())


def _plain_blocks() -> Iterator[_Definition]:
    for kind in BLOCKS.values():
        yield from (
            definition
            for definition in (kind.plain, kind.plain_gated, *kind.plain_gates.values(), kind.plain_full)
            if definition is not None
        )


def _header(baseline: Baseline, names: Collection[str]) -> str:
    """Return the docstring, and the imports of those of `names` that the file does not define."""
    costs, (_, height, width) = cost(baseline.architecture), baseline.architecture.image_shape
    stem = file_stem(baseline.name)
    fraction_import = "from fractions import Fraction\n" if "Fraction" in names else ""
    gcd_import = "from math import gcd\n" if "gcd" in names else ""
    torch_import = "import torch\n" if "torch" in names else ""
    return (
        f'"""{describe_baseline(baseline)}\n\n'
        f"{costs.params:,} parameters; {costs.macs:,} multiply-adds for an image of {height} × {width} px.\n\n"
        f"    from safetensors.torch import load_file\n"
        f"    network = Network()\n"
        f'    network.load_state_dict(load_file("{stem}.safetensors"))\n'
        '"""\n\n'
        "from collections.abc import Callable, Iterable\n"
        f"{fraction_import}{gcd_import}\n"
        f"{torch_import}from torch import Tensor, nn"
    )


def _constants(net: Architecture, names: Collection[str]) -> str:
    """Return the constants, behind the activations that torch lacks."""
    constants = {
        "EPS": f"EPS = {format_decimal(net.batch_norm_eps)}  # of every batch norm",
        "Activation": f"Activation = {torch_text(net.activation)}",
        "INNER_DIVISOR": f"INNER_DIVISOR = {net.inner_divisor}",
    }
    used = {net.activation, *(stage.activation or net.activation for stage in net.stages)}
    own = [getattr(plain_parts, torch_class(name)) for name in sorted(used) if not ACTIVATIONS[name].in_torch]
    lines = "\n".join(line for name, line in constants.items() if name in names)
    return "\n\n\n".join([*(inspect.getsource(one).rstrip() for one in own), lines])


def _network(baseline: Baseline, stem_name: str, blocks: Iterable[str]) -> str:
    net = baseline.architecture
    shape = ", ".join(map(str, net.image_shape))
    sizes = f"{net.in_channels}, {net.stem.width}, kernel={net.stem.kernel}, stride={net.stem.stride}"
    if net.stem.shares:
        stem_widths = next(net.walk()).stem_widths
        sizes += f", inner=({', '.join(map(str, stem_widths))},)"
    stem = f"{stem_name}({sizes})"
    if net.stem.pool:
        stem = f"nn.Sequential({stem}, {_POOLS[net.stem.pool_kind].format(width=net.stem.width)})"
    width = net.stem.width
    stage_lines = []
    for block, stage in zip(blocks, net.stages, strict=True):
        stage_text = f"stage({block}, {width}, {stage.width}, {_stage_arguments(stage)})"
        if stage.activation is not None and _has_other_activation(net, stage):
            stage_text = f"with_activation({stage_text}, {torch_text(stage.activation)})"
        if not stage.residual:
            stage_text = f"without_residual({stage_text})"
        if stage.antialias is not None and stage.stride > 1:
            stage_text = f'with_smoothing({stage_text}, "{stage.antialias}")'
        stage_lines.append(f"            {stage_text},\n")
        width = stage.width
    head = "" if net.head.width is None else f"        self.head = conv({width}, {net.head.width})\n"
    width = width if net.head.width is None else net.head.width
    norm_line, vector = "", "features.mean((2, 3))"
    if net.head.norm is not None:
        eps = NORMS[net.head.norm].eps
        assert eps is not None
        norm_line = (
            f"        self.norm = nn.{NORMS[net.head.norm].torch_class}({width}, eps={format_decimal(eps)})\n"
        )
        vector = f"self.norm({vector})"
    hidden_line = ""
    if net.head.hidden is not None:
        bias = "" if net.head.hidden_bias else ", bias=False"
        layers = f"nn.Linear({width}, {net.head.hidden}{bias}), Activation()"
        if net.head.hidden_norm is not None:
            layers = f"nn.Unflatten(1, ({width}, 1, 1)), conv({width}, {net.head.hidden}), nn.Flatten()"
        hidden_line = f"        self.hidden = nn.Sequential({layers})\n"
        width, vector = net.head.hidden, f"self.hidden({vector})"
    padding_line = "        pad_same(self)\n" if net.padding == "same" else ""
    eps_line = (
        f"        set_layer_norm_eps(self, {format_decimal(net.layer_norm_eps)})\n" if _has_other_eps(net) else ""
    )
    stages_text = "self.stages(self.stem(images))"
    features = stages_text if net.head.width is None else f"self.head({stages_text})"
    return (
        "class Network(nn.Module):\n"
        f'    """Images (N, {shape}) to logits (N, {net.head.classes})."""\n\n'
        "    def __init__(self) -> None:\n"
        "        super().__init__()\n"
        f"        self.stem = {stem}\n"
        "        self.stages = nn.Sequential(\n"
        f"{''.join(stage_lines)}"
        "        )\n"
        f"{head}"
        f"{norm_line}"
        f"{hidden_line}"
        f"        self.classifier = nn.Linear({width}, {net.head.classes})\n"
        f"{eps_line}{padding_line}\n"
        "    def forward(self, images: Tensor) -> Tensor:\n"
        f"        features = {features}\n"
        f"        return self.classifier({vector})\n\n"
        f"{_features_only(net)}"
    )


def _features_only(net: Architecture) -> str:
    """Return the source of the method `features_only`.

    A layer is the stem, its pool or a stage. The stride of a stage is that of its first block.
    """
    layers = list(dict.fromkeys(_layer_name(block.name) for block in net.walk()))
    rows = "".join(
        f"            {layers.index(_layer_name(level.block))}: ({level.stride}, {level.channels}),\n"
        for level in feature_levels(net)
    )
    stem = "*self.stem" if net.stem.pool else "self.stem"
    return (
        "    def features_only(self) -> Features:\n"
        '        """The network as a backbone: layers whose maps are the last of a stride; stride, channels."""\n'
        f"        maps = {{\n{rows}        }}\n"
        f"        return Features([{stem}, *self.stages], maps)"
    )


def _layer_name(block: str) -> str:
    return block.rpartition(".")[0] or block


def _stage_arguments(stage: Stage) -> str:
    sizes = f"layers={stage.depth}, kernel={stage.kernel}, stride={stage.stride}"
    if KINDS[stage.kind].expands:
        sizes += f", expansion={_number_text(stage.expansion)}"
    if stage.group_width is not None and KINDS[stage.kind].fits_groups:
        sizes += f", group_width={stage.group_width}"
    elif stage.groups > 1:
        sizes += f", groups={stage.groups}"
    if stage.start_kernel > 1:
        sizes += f", start_kernel={stage.start_kernel}"
    for name in ("kernel_count", "expand_groups", "project_groups"):
        if getattr(stage, name) > 1:
            sizes += f", {name}={getattr(stage, name)}"
    if stage.gate in _GATES:
        sizes += f", {_GATES[stage.gate][0].format(se=_number_text(stage.se))}"
    elif stage.se:
        sizes += f", se={_number_text(stage.se)}"
    if stage.shortcut is not None:
        sizes += f", {_SHORTCUTS[stage.shortcut][0]}"
    return sizes


def _number_text(value: int | Decimal) -> str:
    if isinstance(value, int):
        return str(value)
    numerator, denominator = value.as_integer_ratio()
    return f"Fraction({numerator}, {denominator})"
