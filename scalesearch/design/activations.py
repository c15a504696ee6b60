"""The activations that a network may have, and what torch and other libraries call them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ActivationName = Literal["silu", "relu", "relu6", "hard_swish", "gelu"]
"""As baseline files call them."""


@dataclass(frozen=True, slots=True)
class Activation:
    """One elementwise function."""

    torch_class: str
    """Its class in `torch.nn`."""
    aliases: tuple[str, ...] = ()
    """Further names in the definitions of other libraries."""
    timm: str | None = None
    """The flag of timm's architecture strings (`_efficientnet_builder.py`, `_decode_block_str`), such as the `nre`
    of `ir_r1_k3_s2_e4_c24_nre`; None: there is none."""
    saves_input: bool = True
    """Whether the backward pass needs the input; False: it needs only the output, which the next layer saves anyway
    as its input."""


ACTIVATIONS: Mapping[str, Activation] = {
    "silu": Activation("SiLU", ("swish",), timm="nsw"),
    "relu": Activation("ReLU", timm="nre", saves_input=False),
    "relu6": Activation("ReLU6", timm="nr6"),
    "hard_swish": Activation("Hardswish", timm="nhs"),
    "gelu": Activation("GELU"),
}
_NAMES: Mapping[str, str] = {
    alias: name for name, one in ACTIVATIONS.items() for alias in (name, one.torch_class, *one.aliases)
}


def torch_class(name: str) -> str:
    """The class of `torch.nn`, such as `SiLU`, of the activation that baseline files call `name`."""
    return ACTIVATIONS[name].torch_class


def activation_named(text: str) -> str | None:
    """The activation that torch, timm or torchvision calls so; None where it is none of ours."""
    return _NAMES.get(text)
