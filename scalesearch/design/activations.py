"""List the activations that a network may have, with their names in torch and other libraries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ActivationName = Literal["silu", "relu", "relu6", "hard_swish", "gelu", "gelu_tanh"]
"""The names of the activations in baseline files."""


@dataclass(frozen=True, slots=True)
class Activation:
    """An activation is an elementwise function that follows a layer."""

    torch_class: str
    """The name of the class in `torch.nn` or, where `in_torch` is False, in `nets.blocks.plain_parts`."""
    aliases: tuple[str, ...] = ()
    """Further names in definitions of other libraries."""
    timm: str | None = None
    """The flag in timm's architecture strings, such as the `nre` of `ir_r1_k3_s2_e4_c24_nre`; None: there is none.

    timm reads it in `_efficientnet_builder.py`, `_decode_block_str`.
    """
    in_torch: bool = True
    """Whether torch has a class for it that takes no arguments."""
    is_idempotent: bool = False
    """Whether applying it twice is the same as applying it once."""
    saves_input: bool = True
    """Whether the backward pass needs the input; False: it needs only the output.

    The output takes no further memory, since the next layer saves it as its input.
    """


ACTIVATIONS: Mapping[str, Activation] = {
    "silu": Activation("SiLU", ("swish",), timm="nsw"),
    "relu": Activation("ReLU", timm="nre", is_idempotent=True, saves_input=False),
    "relu6": Activation("ReLU6", timm="nr6", is_idempotent=True),
    "hard_swish": Activation("Hardswish", timm="nhs"),
    "gelu": Activation("GELU"),
    # Hendrycks & Gimpel 2016, section 2: the tanh form in place of the error function.
    "gelu_tanh": Activation("GELUTanh", in_torch=False),
}
_NAMES: Mapping[str, str] = {
    alias: name
    for name, activation in ACTIVATIONS.items()
    for alias in (name, activation.torch_class, *activation.aliases)
}


def torch_class(name: str) -> str:
    """Return the name of the class, such as `SiLU`, of the activation `name` of baseline files."""
    return ACTIVATIONS[name].torch_class


def torch_text(name: str) -> str:
    """Return the class of an activation as source code: `nn.SiLU`, or `GELUTanh` where torch has none."""
    activation = ACTIVATIONS[name]
    return f"nn.{activation.torch_class}" if activation.in_torch else activation.torch_class


def activation_named(text: str) -> str | None:
    """Return the activation that torch, timm or torchvision calls `text`; None where it is not supported."""
    return _NAMES.get(text)
