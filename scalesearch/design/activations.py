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
    saves_input: bool = True
    """Whether the backward pass needs the input; False: it needs only the output, which the next layer saves anyway
    as its input."""


ACTIVATIONS: Mapping[str, Activation] = {
    "silu": Activation("SiLU", ("swish",)),
    "relu": Activation("ReLU", saves_input=False),
    "relu6": Activation("ReLU6"),
    "hard_swish": Activation("Hardswish"),
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
