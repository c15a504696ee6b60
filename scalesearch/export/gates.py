"""Reading of timm's `attn_layer`: the gates that are gates of a stage here."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from scalesearch.design.architecture import Architecture
from scalesearch.design.gates import GateName
from scalesearch.export.arguments import Arguments
from scalesearch.export.library_rules import make_divisible, squeeze_width, stage_blocks
from scalesearch.export.values import Call, Literal, Value

GETTER = "get_attn"
"""timm's function that returns the class of a gate by its name."""
_NAMES: dict[object, GateName] = {"se": "senet", "eca": "eca"}
_RATIO, _DIVISOR = "0.0625", 8
"""The defaults of timm's `SEModule`."""


class GateArguments(NamedTuple):
    """A gate as a stage states it, or none."""

    gate: GateName | None = None
    se: Decimal = Decimal(0)


def read_gate(arguments: Arguments, layer: Value | None, keywords: Value | None) -> GateArguments:
    """Return the gate of `attn_layer`, a name or a `partial` of `get_attn(…)`, with `attn_kwargs`.

    Raises:
        InputError: it is no gate here; one line with file and line.
    """
    if isinstance(layer, Call) and layer.name == "partial" and len(layer.arguments) == 1:
        (function,) = layer.arguments
        keywords = Call(layer.line, "dict", (), layer.keywords)
        layer = function
    line = layer.line if layer is not None else arguments.call.line
    if isinstance(layer, Call) and layer.name == GETTER and len(layer.arguments) == 1 and not layer.keywords:
        (layer,) = layer.arguments
    if layer is None:
        return GateArguments()
    name = layer.value if isinstance(layer, Literal) else None
    if name not in _NAMES:
        raise arguments.unfit(layer, "attn_layer", f"{' or '.join(map(repr, _NAMES))}: no other gate is one here")
    gate = _NAMES[name]
    if keywords is not None and not (isinstance(keywords, Call) and keywords.name == "dict"):
        raise arguments.refused(keywords.line, "attn_kwargs must be a dict, written out")
    empty = Call(line, "attn_kwargs", (), {})
    inner = Arguments(arguments.definition, keywords if isinstance(keywords, Call) else empty, "")
    ratio = inner.number("rd_ratio", _RATIO) if gate == "senet" else Decimal(0)
    if gate == "senet":
        inner.only("rd_divisor", (_DIVISOR,), "the squeeze width is a multiple of 8 here")
    inner.finish()
    return GateArguments(gate, ratio)


def check_squeezes(arguments: Arguments, network: Architecture) -> None:
    """Refuse a squeeze width that timm's `SEModule` would round to another one."""
    for number, stage, block in stage_blocks(network):
        if stage.gate not in ("senet", "senet_inner"):
            continue
        gated = next(layer.in_width for layer in block.layers if layer.role == "squeeze")
        squeezed = make_divisible(gated * float(stage.se), _DIVISOR, limit=0.0)
        if squeezed != squeeze_width(block):
            raise arguments.refused(
                arguments.call.line,
                f"timm squeezes to {squeezed} channels in stage {number}, but {squeeze_width(block)} here",
            )
